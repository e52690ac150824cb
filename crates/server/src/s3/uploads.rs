//! Uploads in parts: what their operations share.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{LOOSE, PART, PartRecord, UPLOAD, UploadRecord, loose_marker, upload_key};
use keywatch_store::Scan;

use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;

pub const PARTS_MAX: u16 = 10_000;

/// An upload under way, which the request names by its id and its key.
#[derive(Debug)]
pub struct Upload {
    pub id: String,
    /// Its row.
    pub row: String,
    pub record: UploadRecord,
}

impl Upload {
    pub async fn find(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Self, S3Error> {
        let id = request.parameters.get("uploadId").unwrap_or_default().to_owned();
        let row = upload_key(request.bucket, &id);
        let record = call.tx.get::<UploadRecord>(UPLOAD, &row).await?;
        let record = record.filter(|upload| upload.key == request.key).ok_or(S3Error::NoSuchUpload)?;
        Ok(Self { id, row, record })
    }

    /// All its parts by their row keys, in the order of their numbers.
    pub async fn parts(&self, call: &mut Call<'_>) -> Result<Vec<(String, PartRecord)>, S3Error> {
        parts(call, &self.id).await
    }
}

/// The parts of an upload, in the order of their numbers.
async fn parts(call: &mut Call<'_>, id: &str) -> Result<Vec<(String, PartRecord)>, S3Error> {
    let prefix = format!("{id}/");
    let scan = Scan { prefix: &prefix, after: None, limit: usize::from(PARTS_MAX) };
    Ok(call.tx.scan::<PartRecord>(PART, scan).await?)
}

/// Ends an upload without an object.
pub async fn abort(call: &mut Call<'_>, row: &str, id: &str, answer: &mut Answer) -> Result<(), S3Error> {
    for (part, record) in parts(call, id).await? {
        call.tx.delete(PART, &part);
        release_part(call, record, answer);
    }
    call.tx.delete(UPLOAD, row);
    Ok(())
}

/// The body of a part that is no more becomes loose.
pub fn release_part(call: &mut Call<'_>, part: PartRecord, answer: &mut Answer) {
    call.tx.put_bytes(LOOSE, &part.piece.name, loose_marker());
    answer.loose.push(part.piece.name);
}
