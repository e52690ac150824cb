//! `DeleteBucketPolicy`: a bucket without one stays so.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, BucketRecord};

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

pub(super) async fn delete_bucket_policy(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:DeleteBucketPolicy").await?;
    call.tx.put(BUCKET, &bucket.name, &BucketRecord { policy: None, ..bucket.record })?;
    Ok(Answer::no_content())
}
