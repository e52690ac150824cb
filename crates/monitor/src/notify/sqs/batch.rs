//! What all batch operations keep: one to ten entries, ids that tell them apart, and failures that stay with their entry.

use std::collections::HashSet;

use keywatch_api::WireError;
use keywatch_api::sqs::{BatchFailure, BatchResponse};
use serde::Serialize;

use super::SqsError;

const ENTRIES_MAX: usize = 10;
const ID_CHARS_MAX: usize = 80;

/// Checks the ids of a batch; `kind` names an entry, as AWS does.
pub(super) fn check_ids<'a>(
    ids: impl ExactSizeIterator<Item = &'a str>,
    kind: &'static str,
) -> Result<(), SqsError> {
    let count = ids.len();
    if count == 0 {
        return Err(SqsError::EmptyBatch(kind));
    }
    if count > ENTRIES_MAX {
        return Err(SqsError::TooManyEntries(count));
    }
    let mut seen = HashSet::new();
    for id in ids {
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if id.is_empty() || id.len() > ID_CHARS_MAX || !plain {
            return Err(SqsError::InvalidEntryId);
        }
        if !seen.insert(id) {
            return Err(SqsError::IdsNotDistinct(id.to_owned()));
        }
    }
    Ok(())
}

/// What became of the entries.
#[derive(Debug)]
pub(super) struct Results<T> {
    successful: Vec<T>,
    failed: Vec<BatchFailure>,
}

impl<T: Serialize> Results<T> {
    pub(super) fn new() -> Self {
        Self { successful: Vec::new(), failed: Vec::new() }
    }

    /// Our own trouble ends the whole batch.
    pub(super) fn add(&mut self, id: String, result: Result<T, SqsError>) -> Result<(), SqsError> {
        match result {
            Ok(success) => self.successful.push(success),
            Err(SqsError::Internal(detail)) => return Err(SqsError::Internal(detail)),
            Err(error) => self.failed.push(BatchFailure {
                id,
                sender_fault: true,
                code: error.query_code().unwrap_or_else(|| error.code()).into_owned(),
                message: error.message(),
            }),
        }
        Ok(())
    }

    pub(super) fn into_response(self) -> BatchResponse<T> {
        let some = |list: Vec<T>| (!list.is_empty()).then_some(list);
        BatchResponse {
            successful: some(self.successful),
            failed: (!self.failed.is_empty()).then_some(self.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_batch() {
        let check = |ids: &[&str], want: Option<&str>| {
            let got = check_ids(ids.iter().copied(), "E").err().and_then(|error| error.message());
            assert_eq!(got.as_deref(), want, "{ids:?}");
        };
        check(&["a", "b-1_X"], None);
        check(&[], Some("There should be at least one E in the request."));
        check(&["a"; 20], Some("Maximum number of entries per request are 10. You have sent 20."));
        check(&["a", "a"], Some("Id a repeated."));
        let odd = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
        check(&["a.b"], Some(odd));
        check(&[&"a".repeat(81)], Some(odd));
    }
}
