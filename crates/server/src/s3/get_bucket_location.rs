//! `GetBucketLocation`: the oldest Region has no name here.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn get_bucket_location(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:GetBucketLocation").await?;
    let region = Some(bucket.record.region.as_str()).filter(|region| *region != "us-east-1");
    Ok(Answer::xml(Xml::document("LocationConstraint", |xml| xml.content(region.unwrap_or_default()))))
}
