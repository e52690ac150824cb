//! `keywatch import s3://bucket/prefix`: lets the server read a bucket once, as a source that is polled once.
//!
//! The source is named after what it reads and is removed when it is done; one that was broken off stays and is gone on with by the same
//! command, behind the files it has read.

use std::path::{Path, PathBuf};

use keywatch_crypto::digest::sha256;
use serde_json::{Value, json};

use super::source::{Ask, BucketOptions, Source, read_keys, wait};
use super::tally::Tally;
use super::{ClientError, print, request};
use crate::exit;

/// What is to be read.
pub(super) struct Once<'a> {
    pub(super) location: String,
    pub(super) bucket: BucketOptions,
    pub(super) public_keys: &'a [PathBuf],
    pub(super) validate_digests: bool,
}

/// Imports, and says what came of it; whether there were problems.
pub(super) fn import(directory: &Path, once: Once<'_>) -> Result<bool, ClientError> {
    let name = name_of(&once.location, once.bucket.endpoint.as_deref());
    let public_keys = key_list(once.public_keys)?;
    let ask = Ask {
        validate_digests: once.validate_digests,
        public_keys,
        once: true,
        ..Ask::new(&name, once.location, once.bucket)
    };
    let _: Value = request::call(directory, "CreateImportSource", &ask)?;
    let source = wait(directory, &name)?;
    let tally = tally_of(&source);
    print(&tally.to_string())?;
    for finding in source.findings.iter().rev() {
        exit::complain(&format!("{}: {}", finding.place, finding.reason));
    }
    if once.validate_digests {
        tell_of_digests(&source)?;
    }
    // What it has read until it failed need not be read again.
    let stays = source.last_error.is_some() && (source.files > 0 || source.digests.valid > 0);
    if !stays {
        let _: Value = request::call(directory, "DeleteImportSource", &json!({ "Name": name }))?;
    }
    if let Some(error) = &source.last_error {
        let hint = if stays { "; the same command goes on where it stands" } else { "" };
        exit::complain(&format!("{}: {error}{hint}", source.location));
    }
    Ok(tally.has_problems)
}

/// The same for the same bucket, so that an import is found again.
fn name_of(location: &str, endpoint: Option<&str>) -> String {
    let place = format!("{}\n{}", location.trim_end_matches('/'), endpoint.unwrap_or_default());
    format!("import-{}", &hex::encode(sha256(place.as_bytes()))[..16])
}

/// The keys of several answers of `list-public-keys` in one.
fn key_list(paths: &[PathBuf]) -> Result<Option<String>, ClientError> {
    let mut keys = Vec::new();
    for path in paths {
        let list: Option<Value> = serde_json::from_slice(&read_keys(path)?).ok();
        let list = list.and_then(|mut list| list.get_mut("PublicKeyList").map(Value::take));
        let Some(Value::Array(list)) = list else {
            let path = path.display();
            return Err(ClientError::Usage(format!("{path}: not an answer of ListPublicKeys")));
        };
        keys.extend(list);
    }
    Ok((!paths.is_empty()).then(|| json!({ "PublicKeyList": keys }).to_string()))
}

fn tally_of(source: &Source) -> Tally {
    let mut tally = Tally {
        files: source.files,
        imported: source.imported,
        duplicates: source.duplicates,
        skipped: source.skipped,
        has_problems: source.last_error.is_some() || !source.findings.is_empty(),
        ..Tally::default()
    };
    for place in &source.places {
        tally.see_time(place.first_event.0);
        tally.see_time(place.last_event.0);
        tally.see_place(format!("{}/{}", place.account_id, place.region));
    }
    tally
}

fn tell_of_digests(source: &Source) -> Result<(), ClientError> {
    let digests = &source.digests;
    let count = digests.valid + digests.invalid + digests.unproven;
    if count == 0 {
        return Ok(());
    }
    let refused = source.files_refused + digests.files_changed;
    let (unproven, matching, missing) = (digests.unproven, digests.files_matching, digests.files_missing);
    print(&format!(
        "{count} digests, {unproven} of them unproven: {matching} log files as they say, {refused} refused, {missing} missing"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_named_after_its_bucket() {
        let name = name_of("s3://audit/logs", None);
        assert_eq!(name, name_of("s3://audit/logs/", None));
        assert_ne!(name, name_of("s3://audit/logs", Some("http://127.0.0.1:4599")));
        assert!(name.starts_with("import-") && name.len() == 23, "{name}");
    }
}
