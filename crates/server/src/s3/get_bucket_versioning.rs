//! `GetBucketVersioning`: no bucket here ever had versions, which S3 says by saying nothing.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn get_bucket_versioning(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    Bucket::authorized(call, request.bucket, "s3:GetBucketVersioning").await?;
    Ok(Answer::xml(Xml::document("VersioningConfiguration", |_| {})))
}
