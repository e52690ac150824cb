//! A replica that was `Creating`, or a key that was `Updating` because its primary moved, becomes usable as it is.

use jiff::Timestamp;
use keywatch_store::Transaction;

use crate::error::KmsError;
use crate::family_record::append_synchronization;
use crate::key::{Key, State};
use crate::rows;

pub(super) fn settle(tx: &mut Transaction<'_>, key: Key, now: Timestamp) -> Result<(), KmsError> {
    let created = matches!(key.state, State::Creating { .. });
    let key = rows::change(tx, key, |key| Ok(key.settled()))?;
    if created {
        append_synchronization(tx, &key, now);
    }
    Ok(())
}
