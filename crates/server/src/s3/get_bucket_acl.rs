//! `GetBucketAcl`: the only list there is, full control for the owner.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn get_bucket_acl(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:GetBucketAcl").await?;
    Ok(Answer::xml(Xml::document("AccessControlPolicy", |xml| {
        xml.element("Owner", |xml| xml.text("ID", &bucket.record.owner));
        xml.element("AccessControlList", |xml| {
            xml.element("Grant", |xml| {
                let grantee = "Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"";
                xml.element(grantee, |xml| xml.text("ID", &bucket.record.owner));
                xml.text("Permission", "FULL_CONTROL");
            });
        });
    })))
}
