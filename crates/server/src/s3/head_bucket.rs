//! `HeadBucket`: whether a bucket is there and may be listed, and where it is.

use http::HeaderName;
use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

pub(super) async fn head_bucket(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:ListBucket").await?;
    let mut answer = Answer::default();
    answer.set(BUCKET_REGION, &bucket.record.region);
    Ok(answer)
}
