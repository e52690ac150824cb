//! What records of KMS calls show besides the general form. Source: KMS developer guide, "CloudTrail log entries".

use keywatch_iam::Call;

use crate::key::Key;

/// `{"keyId":"<ARN>"}`, for operations that answer nothing and whose records name the key nevertheless.
pub(crate) fn note_key_id(call: &mut Call<'_>, key: &Key) {
    call.notes.set_response(Some(format!("{{\"keyId\":\"{}\"}}", key.arn())));
}
