//! `DeleteBucket`: only an empty one. Uploads under way end with it.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, OBJECT, ObjectRecord, UPLOAD, UploadRecord, object_key, upload_key};
use keywatch_store::Scan;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::uploads;

/// A bucket with more uploads under way counts as not empty.
const UPLOADS_MAX: usize = 100;

pub(super) async fn delete_bucket(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let bucket = Bucket::authorized(call, request.bucket, "s3:DeleteBucket").await?;
    let prefix = object_key(&bucket.name, "");
    let scan = Scan { prefix: &prefix, after: None, limit: 1 };
    if !call.tx.scan::<ObjectRecord>(OBJECT, scan).await?.is_empty() {
        return Err(S3Error::BucketNotEmpty);
    }
    let mut answer = Answer::no_content();
    let prefix = upload_key(&bucket.name, "");
    let scan = Scan { prefix: &prefix, after: None, limit: UPLOADS_MAX + 1 };
    let under_way = call.tx.scan::<UploadRecord>(UPLOAD, scan).await?;
    if under_way.len() > UPLOADS_MAX {
        return Err(S3Error::BucketNotEmpty);
    }
    for (row, _) in under_way {
        uploads::abort(call, &row, &row[prefix.len()..], &mut answer).await?;
    }
    call.tx.delete(BUCKET, &bucket.name);
    Ok(answer)
}
