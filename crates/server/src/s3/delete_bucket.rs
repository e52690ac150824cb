//! `DeleteBucket`: only an empty one.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, OBJECT, ObjectRecord, object_key};
use keywatch_store::Scan;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

pub(super) async fn delete_bucket(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:DeleteBucket").await?;
    let prefix = object_key(&bucket.name, "");
    let scan = Scan { prefix: &prefix, after: None, limit: 1 };
    if !call.tx.scan::<ObjectRecord>(OBJECT, scan).await?.is_empty() {
        return Err(S3Error::BucketNotEmpty);
    }
    call.tx.delete(BUCKET, &bucket.name);
    Ok(Answer::no_content())
}
