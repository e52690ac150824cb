//! `DeleteBucketTagging`: a bucket without tags stays so.

use std::collections::BTreeMap;

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, BucketRecord};

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

pub(super) async fn delete_bucket_tagging(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    // S3 has no action of its own for it.
    let bucket = Bucket::authorized(call, request.bucket, "s3:PutBucketTagging").await?;
    call.tx.put(BUCKET, &bucket.name, &BucketRecord { tags: BTreeMap::new(), ..bucket.record })?;
    Ok(Answer::no_content())
}
