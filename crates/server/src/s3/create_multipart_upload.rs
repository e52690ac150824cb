//! `CreateMultipartUpload`: the object's headers are kept until its parts are there.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, UPLOAD, UploadRecord, upload_key};

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::object_headers;
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn create_multipart_upload(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:PutObject").await?;
    bucket.authorize_object(call, "s3:PutObject", request.key)?;
    // A UUID of the call's own, so that it cannot be guessed.
    let id = call.origin.request_id.replace('-', "");
    let record = UploadRecord {
        key: request.key.to_owned(),
        initiated: call.now,
        object: object_headers::kept(request)?,
    };
    call.tx.insert(UPLOAD, &upload_key(&bucket.name, &id), &record)?;
    call.tx.require_unchanged(BUCKET, &bucket.name);
    Ok(Answer::xml(Xml::document("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("Key", request.key);
        xml.text("UploadId", &id);
    })))
}
