//! `PutObject`: the body first, under a name of its own; then the row that points to it, with the commit of the call.

use http::{HeaderName, header};
use keywatch_iam::Call;
use keywatch_monitor::buckets::{
    BUCKET, Bodies, Checksum, LOOSE, OBJECT, ObjectRecord, Piece, loose_marker, object_key,
};
use keywatch_store::{Batch, CommitError};

use super::access::Bucket;
use super::answer::Answer;
use super::call::Payload;
use super::checksum;
use super::error::S3Error;
use super::object_headers;
use super::request::S3Request;

pub(super) async fn put_object(
    call: &mut Call<'_>,
    bodies: &Bodies,
    request: &S3Request<'_>,
    payload: &Payload,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:PutObject").await?;
    bucket.authorize_object(call, "s3:PutObject", request.key)?;
    let row = object_key(&bucket.name, request.key);
    let present: Option<ObjectRecord> = call.tx.get(OBJECT, &row).await?;
    object_headers::check_write(request.headers, present.as_ref())?;
    let piece = write_piece(call, bodies, &bucket.name, payload).await?;
    let object = ObjectRecord {
        size: piece.size,
        etag: checksum::etag(&payload.body),
        modified: call.now,
        body: vec![piece],
        checksum: payload.checksum.clone(),
        ..object_headers::kept(request)?
    };
    let mut answer = Answer::default();
    answer.set(header::ETAG, &object_headers::quoted(&object.etag));
    set_checksum(&mut answer, object.checksum.as_ref());
    replace(call, &bucket, &row, present, object, &mut answer)?;
    Ok(answer)
}

/// Names the checksum that held.
pub(super) fn set_checksum(answer: &mut Answer, checksum: Option<&Checksum>) {
    if let Some(checksum) = checksum
        && let Ok(name) = HeaderName::try_from(format!("x-amz-checksum-{}", checksum.algorithm))
    {
        answer.set(name, &checksum.value);
    }
}

/// Writes the body under a name that no object has; until the call is committed the body is loose.
pub(super) async fn write_piece(
    call: &Call<'_>,
    bodies: &Bodies,
    bucket: &str,
    payload: &Payload,
) -> Result<Piece, S3Error> {
    // A call that runs again writes the same body again.
    let name = Bodies::name(bucket, call.origin.request_id);
    let loose = Batch { puts: vec![(LOOSE, name.clone(), loose_marker())], ..Batch::default() };
    call.tx.store.commit(loose).await.map_err(|error| match error {
        CommitError::Store(error) => error.into(),
        conflict => S3Error::Internal(conflict.to_string()),
    })?;
    bodies.write(&name, payload.body.clone()).await?;
    Ok(Piece { name, size: payload.body.len() as u64 })
}

/// Lets a key's row point to the new object; what the old one pointed to becomes loose.
pub(super) fn replace(
    call: &mut Call<'_>,
    bucket: &Bucket,
    row: &str,
    present: Option<ObjectRecord>,
    object: ObjectRecord,
    answer: &mut Answer,
) -> Result<(), S3Error> {
    for piece in &object.body {
        call.tx.delete(LOOSE, &piece.name);
    }
    call.tx.put(OBJECT, row, &object)?;
    call.tx.require_unchanged(BUCKET, &bucket.name);
    release(call, present, answer);
    Ok(())
}

/// The pieces of an object that is no more.
pub(super) fn release(call: &mut Call<'_>, gone: Option<ObjectRecord>, answer: &mut Answer) {
    for piece in gone.into_iter().flat_map(|object| object.body) {
        call.tx.put_bytes(LOOSE, &piece.name, loose_marker());
        answer.loose.push(piece.name);
    }
}
