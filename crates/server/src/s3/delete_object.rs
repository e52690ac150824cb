//! `DeleteObject`: one that is not there is no error.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{OBJECT, ObjectRecord, object_key};

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::put_object::release;
use super::request::S3Request;

pub(super) async fn delete_object(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:DeleteObject").await?;
    bucket.authorize_object(call, "s3:DeleteObject", request.key)?;
    let mut answer = Answer::no_content();
    delete(call, &bucket.name, request.key, &mut answer).await?;
    Ok(answer)
}

/// Removes an object's row; its body becomes loose.
pub(super) async fn delete(
    call: &mut Call<'_>,
    bucket: &str,
    key: &str,
    answer: &mut Answer,
) -> Result<(), S3Error> {
    let row = object_key(bucket, key);
    if let Some(object) = call.tx.get::<ObjectRecord>(OBJECT, &row).await? {
        call.tx.delete(OBJECT, &row);
        release(call, Some(object), answer);
    }
    Ok(())
}
