//! `GetBucketTagging`: a bucket without tags has no set of them.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn get_bucket_tagging(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:GetBucketTagging").await?;
    if bucket.record.tags.is_empty() {
        return Err(S3Error::NoSuchTagSet);
    }
    Ok(Answer::xml(Xml::document("Tagging", |xml| {
        xml.element("TagSet", |set| {
            for (key, value) in &bucket.record.tags {
                set.element("Tag", |tag| {
                    tag.text("Key", key);
                    tag.text("Value", value);
                });
            }
        });
    })))
}
