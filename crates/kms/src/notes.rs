//! What records of KMS calls show besides the general form. Source: KMS developer guide, "CloudTrail log entries".

use keywatch_iam::Call;

use crate::key::Key;

/// `{"keyId":"<ARN>"}`, for operations that answer nothing and whose records name the key nevertheless.
pub(crate) fn note_key_id(call: &mut Call<'_>, key: &Key) {
    call.notes.set_response(Some(format!("{{\"keyId\":\"{}\"}}", key.arn())));
}

/// A grant that was made, without its token.
pub(crate) fn note_grant(call: &mut Call<'_>, key_arn: &str, grant_id: &str) {
    call.notes.set_response(Some(format!("{{\"grantId\":\"{grant_id}\",\"keyId\":\"{key_arn}\"}}")));
}

/// The grant that an operation is about whose record shows no request.
pub(crate) fn note_grant_id(call: &mut Call<'_>, grant_id: &str) {
    call.notes.additional_event_data = Some(format!("{{\"grantId\":\"{grant_id}\"}}"));
}
