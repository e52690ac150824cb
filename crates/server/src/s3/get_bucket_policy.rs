//! `GetBucketPolicy`: the text as it was put.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::{Answer, AnswerBody};
use super::error::S3Error;
use super::request::S3Request;

pub(super) async fn get_bucket_policy(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:GetBucketPolicy").await?;
    let policy = bucket.record.policy.ok_or(S3Error::NoSuchBucketPolicy)?;
    Ok(Answer { body: AnswerBody::Json(policy), ..Answer::default() })
}
