//! `GetObjectLockConfiguration`: objects here are not locked, and buckets for locked ones cannot be made.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

pub(super) async fn get_object_lock_configuration(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    Bucket::authorized(call, request.bucket, "s3:GetBucketObjectLockConfiguration").await?;
    Err(S3Error::ObjectLockConfigurationNotFound)
}
