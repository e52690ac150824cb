//! `keywatch guard remove`: takes everything down that the pack put up.

use std::path::Path;

use super::super::{ClientError, print};
use super::there;

pub(super) fn run(directory: &Path) -> Result<(), ClientError> {
    let there = there::read(directory)?;
    let mut removed = 0;
    for found in there.values() {
        if found.is_ours() {
            there::remove(directory, found)?;
            removed += 1;
        } else {
            print(&format!("kept {} {}, which the pack did not put up", found.kind.as_str(), found.name))?;
        }
    }
    print(&format!("{removed} parts removed"))
}
