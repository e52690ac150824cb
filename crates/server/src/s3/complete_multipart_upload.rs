//! `CompleteMultipartUpload`: the named parts become the object, without being copied.

use std::collections::BTreeMap;

use keywatch_iam::Call;
use keywatch_monitor::buckets::{OBJECT, ObjectRecord, PART, PartRecord, UPLOAD, object_key, part_key};
use md5::{Digest as _, Md5};

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::object_headers::{self, quoted};
use super::put_object::replace;
use super::request::S3Request;
use super::uploads::{PARTS_MAX, Upload, release_part};
use super::xml::{self, Xml};

/// Of every part but the last.
const PART_BYTES_MIN: u64 = 5 << 20;
/// Each part has a number, an entity tag and perhaps checksums.
const LEAVES_MAX: usize = PARTS_MAX as usize * 8;

pub(super) async fn complete_multipart_upload(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:PutObject").await?;
    bucket.authorize_object(call, "s3:PutObject", request.key)?;
    let upload = Upload::find(call, request).await?;
    let wanted = read(request.body)?;
    let mut parts: BTreeMap<String, PartRecord> = upload.parts(call).await?.into_iter().collect();
    for row in parts.keys() {
        call.tx.delete(PART, row);
    }
    call.tx.delete(UPLOAD, &upload.row);
    let chosen = choose(&mut parts, &upload.id, &wanted)?;
    let row = object_key(&bucket.name, request.key);
    let present: Option<ObjectRecord> = call.tx.get(OBJECT, &row).await?;
    object_headers::check_write(request.headers, present.as_ref())?;
    let object = ObjectRecord {
        size: chosen.iter().map(|part| part.piece.size).sum(),
        etag: etag(&chosen)?,
        modified: call.now,
        body: chosen.into_iter().map(|part| part.piece).collect(),
        ..upload.record.object
    };
    let mut answer = Answer::xml(Xml::document("CompleteMultipartUploadResult", |xml| {
        xml.text("Location", &format!("{}/{}/{}", call.origin.endpoint, bucket.name, request.key));
        xml.text("Bucket", &bucket.name);
        xml.text("Key", request.key);
        xml.text("ETag", &quoted(&object.etag));
    }));
    for unused in parts.into_values() {
        release_part(call, unused, &mut answer);
    }
    replace(call, &bucket, &row, present, object, &mut answer)?;
    Ok(answer)
}

/// Numbers and entity tags of a `CompleteMultipartUpload` document.
fn read(body: &[u8]) -> Result<Vec<(u16, String)>, S3Error> {
    let (mut numbers, mut tags) = (Vec::new(), Vec::new());
    for (name, text) in xml::leaves(body, LEAVES_MAX)? {
        match name.as_str() {
            "Part/PartNumber" => numbers.push(text.parse::<u16>().map_err(|_| S3Error::MalformedXml)?),
            "Part/ETag" => tags.push(text.trim_matches('"').to_owned()),
            _ => {}
        }
    }
    if numbers.is_empty() || numbers.len() != tags.len() || numbers.len() > usize::from(PARTS_MAX) {
        return Err(S3Error::MalformedXml);
    }
    if !numbers.is_sorted_by(|before, after| before < after) {
        return Err(S3Error::InvalidPartOrder);
    }
    Ok(numbers.into_iter().zip(tags).collect())
}

/// Takes the wanted parts out of those there are.
fn choose(
    parts: &mut BTreeMap<String, PartRecord>,
    id: &str,
    wanted: &[(u16, String)],
) -> Result<Vec<PartRecord>, S3Error> {
    let chosen: Vec<PartRecord> = wanted
        .iter()
        .map(|(number, tag)| {
            parts.remove(&part_key(id, *number)).filter(|part| part.etag == *tag).ok_or(S3Error::InvalidPart)
        })
        .collect::<Result<_, _>>()?;
    let all_but_last = &chosen[..chosen.len().saturating_sub(1)];
    if all_but_last.iter().any(|part| part.piece.size < PART_BYTES_MIN) {
        return Err(S3Error::EntityTooSmall);
    }
    Ok(chosen)
}

/// The MD5 of the parts' MD5s, and how many there were.
fn etag(parts: &[PartRecord]) -> Result<String, S3Error> {
    let mut whole = Md5::new();
    for part in parts {
        whole.update(hex::decode(&part.etag).map_err(|_| S3Error::Internal("a part's entity tag".into()))?);
    }
    Ok(format!("{}-{}", hex::encode(whole.finalize()), parts.len()))
}

#[cfg(test)]
mod tests {
    use keywatch_monitor::buckets::Piece;

    use super::*;

    fn part(size: u64) -> PartRecord {
        let etag = super::super::checksum::etag(&size.to_be_bytes());
        PartRecord { etag, piece: Piece { name: size.to_string(), size } }
    }

    #[test]
    fn parts_are_chosen_in_order() {
        const BIG: u64 = PART_BYTES_MIN;
        check(&[(1, BIG), (2, 3)], &[1, 2], Ok(BIG + 3));
        check(&[(1, BIG), (2, BIG), (3, 3)], &[1, 3], Ok(BIG + 3));
        check(&[(1, 3)], &[1], Ok(3));
        check(&[(1, 3), (2, 3)], &[1, 2], Err(S3Error::EntityTooSmall));
        check(&[(1, BIG)], &[1, 2], Err(S3Error::InvalidPart));

        fn check(there: &[(u16, u64)], wanted: &[u16], want: Result<u64, S3Error>) {
            let mut parts =
                there.iter().map(|(number, size)| (part_key("u", *number), part(*size))).collect();
            let tag =
                |number: &u16| there.iter().find(|(n, _)| n == number).map(|(_, size)| part(*size).etag);
            let wanted: Vec<_> =
                wanted.iter().map(|number| (*number, tag(number).unwrap_or_default())).collect();
            let chosen = choose(&mut parts, "u", &wanted);
            assert_eq!(chosen.map(|all| all.iter().map(|part| part.piece.size).sum()), want);
        }
    }

    #[test]
    fn documents_name_parts() {
        let part = |number: &str| format!("<Part><ETag>\"e\"</ETag><PartNumber>{number}</PartNumber></Part>");
        let document = |parts: &str| format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let read = |parts: &str| read(document(parts).as_bytes());
        assert_eq!(read(&(part("1") + &part("3"))), Ok(vec![(1, "e".into()), (3, "e".into())]));
        assert_eq!(read(&(part("3") + &part("1"))), Err(S3Error::InvalidPartOrder));
        assert_eq!(read(&(part("1") + &part("1"))), Err(S3Error::InvalidPartOrder));
        assert_eq!(read(&part("x")), Err(S3Error::MalformedXml));
        assert_eq!(read(""), Err(S3Error::MalformedXml));
    }
}
