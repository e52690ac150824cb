//! `PublishBatch`: up to ten messages; each succeeds or fails by itself.

use std::collections::HashSet;

use keywatch_api::WireError;
use keywatch_api::sns::{
    BatchFailure, PublishBatchEntry, PublishBatchRequest, PublishBatchResponse, PublishBatchResult,
};
use keywatch_iam::Call;
use serde_json::json;

use super::accept::accept;
use super::message::{Draft, MESSAGE_BYTES_MAX, message};
use super::{SnsError, topic};
use crate::notify::Notify;

const ENTRIES_MAX: usize = 10;
const ID_CHARS_MAX: usize = 80;

pub(super) async fn publish_batch(
    call: &mut Call<'_>,
    _: &Notify,
    request: PublishBatchRequest,
) -> Result<PublishBatchResponse, SnsError> {
    call.notes.request_parameters = Some(
        json!({"topicArn": request.topic_arn, "publishBatchRequestEntries": "HIDDEN_DUE_TO_SECURITY_REASONS"})
            .to_string(),
    );
    let (name, record) = topic(call, &request.topic_arn, "sns:Publish").await?;
    let entries = request.publish_batch_request_entries;
    check(&entries)?;
    let mut answer = PublishBatchResponse { successful: Vec::new(), failed: Vec::new() };
    for entry in entries {
        let draft = Draft {
            text: entry.message,
            subject: entry.subject,
            structure: entry.message_structure,
            attributes: entry.message_attributes,
            deduplication_id: entry.message_deduplication_id,
            group: entry.message_group_id,
        };
        match message(&name, &record, draft) {
            Ok(message) => {
                let accepted = accept(call, &name, &record, message).await?;
                answer.successful.push(PublishBatchResult {
                    id: entry.id,
                    message_id: accepted.id,
                    sequence_number: accepted.sequence,
                });
            }
            Err(error) => answer.failed.push(BatchFailure {
                id: entry.id,
                code: error.query_code().unwrap_or_else(|| error.code()).into_owned(),
                message: error.message(),
                sender_fault: true,
            }),
        }
    }
    Ok(answer)
}

/// What the whole batch must keep.
fn check(entries: &[PublishBatchEntry]) -> Result<(), SnsError> {
    if entries.is_empty() {
        return Err(SnsError::EmptyBatch);
    }
    if entries.len() > ENTRIES_MAX {
        return Err(SnsError::TooManyEntries);
    }
    let mut seen = HashSet::new();
    for PublishBatchEntry { id, .. } in entries {
        if id.len() > ID_CHARS_MAX {
            return Err(SnsError::InvalidEntryId(format!("is too long: {id}")));
        }
        if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') || id.is_empty() {
            return Err(SnsError::InvalidEntryId(format!("contains an impermissible character: {id}")));
        }
        if !seen.insert(id) {
            return Err(SnsError::IdsNotDistinct);
        }
    }
    if entries.iter().map(size).sum::<usize>() > MESSAGE_BYTES_MAX {
        return Err(SnsError::BatchTooLong);
    }
    Ok(())
}

fn size(entry: &PublishBatchEntry) -> usize {
    let attributes = entry.message_attributes.iter().flatten().map(|(name, value)| {
        let text = value.string_value.as_ref().map_or(0, String::len);
        let bytes = value.binary_value.as_ref().map_or(0, |bytes| bytes.0.len());
        name.len() + value.data_type.len() + text + bytes
    });
    entry.message.len() + attributes.sum::<usize>()
}
