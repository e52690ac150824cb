//! `PutBucketPolicy`: who besides the account's own identities may use the bucket.

use keywatch_iam::Call;
use keywatch_iam::policy::{PolicyDocument, PolicyKind};
use keywatch_monitor::buckets::{BUCKET, BucketRecord};
use serde_json::Value;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

const POLICY_BYTES_MAX: usize = 20 * 1024;

pub(super) async fn put_bucket_policy(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:PutBucketPolicy").await?;
    let text = std::str::from_utf8(request.body)
        .map_err(|_| S3Error::MalformedPolicy("This policy contains invalid Json".into()))?;
    if text.len() > POLICY_BYTES_MAX {
        return Err(S3Error::MalformedPolicy("Policies must be at most 20 kilobytes.".into()));
    }
    PolicyDocument::parse(PolicyKind::Resource, text)
        .map_err(|error| S3Error::MalformedPolicy(error.to_string()))?;
    note_policy(call, text);
    let record = BucketRecord { policy: Some(text.to_owned()), ..bucket.record };
    call.tx.put(BUCKET, &bucket.name, &record)?;
    Ok(Answer::no_content())
}

/// The record shows the policy itself.
fn note_policy(call: &mut Call<'_>, policy: &str) {
    let shown = call.notes.request_parameters.take().and_then(|text| serde_json::from_str(&text).ok());
    let mut shown: serde_json::Map<String, Value> = shown.unwrap_or_default();
    shown.insert("bucketPolicy".into(), serde_json::from_str(policy).unwrap_or_default());
    call.notes.request_parameters = Some(Value::Object(shown).to_string());
}
