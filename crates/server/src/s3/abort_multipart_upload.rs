//! `AbortMultipartUpload`: its parts are no more.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::uploads::{self, Upload};

pub(super) async fn abort_multipart_upload(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:AbortMultipartUpload").await?;
    bucket.authorize_object(call, "s3:AbortMultipartUpload", request.key)?;
    let upload = Upload::find(call, request).await?;
    let mut answer = Answer::no_content();
    uploads::abort(call, &upload.row, &upload.id, &mut answer).await?;
    Ok(answer)
}
