//! `UploadPart`: a part replaces one of its number.

use http::header::ETAG;
use keywatch_iam::Call;
use keywatch_monitor::buckets::{Bodies, LOOSE, PART, PartRecord, UPLOAD, part_key};

use super::access::Bucket;
use super::answer::Answer;
use super::call::Payload;
use super::checksum;
use super::error::S3Error;
use super::object_headers::quoted;
use super::put_object::{set_checksum, write_piece};
use super::request::S3Request;
use super::uploads::{PARTS_MAX, Upload, release_part};

pub(super) async fn upload_part(
    call: &mut Call<'_>,
    bodies: &Bodies,
    request: &S3Request<'_>,
    payload: &Payload,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:PutObject").await?;
    bucket.authorize_object(call, "s3:PutObject", request.key)?;
    if request.headers.contains_key("x-amz-copy-source") {
        return Err(S3Error::NotImplemented);
    }
    let number = request.parameters.get("partNumber").and_then(|text| text.parse().ok());
    let number = number.filter(|number| (1..=PARTS_MAX).contains(number)).ok_or_else(|| {
        S3Error::InvalidArgument("Part number must be an integer between 1 and 10000, inclusive".into())
    })?;
    let upload = Upload::find(call, request).await?;
    let row = part_key(&upload.id, number);
    let replaced = call.tx.get::<PartRecord>(PART, &row).await?;
    let piece = write_piece(call, bodies, &bucket.name, payload).await?;
    call.tx.delete(LOOSE, &piece.name);
    let part = PartRecord { etag: checksum::etag(&payload.body), piece };
    let mut answer = Answer::default();
    answer.set(ETAG, &quoted(&part.etag));
    set_checksum(&mut answer, payload.checksum.as_ref());
    call.tx.put(PART, &row, &part)?;
    call.tx.require_unchanged(UPLOAD, &upload.row);
    if let Some(replaced) = replaced {
        release_part(call, replaced, &mut answer);
    }
    Ok(answer)
}
