//! `GetObject`: an object, or a range of its bytes.

use std::ops::Range;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{StatusCode, header};
use keywatch_iam::Call;
use keywatch_monitor::buckets::{Bodies, BodyError, BodyStream, ObjectRecord, Piece};

use super::access::Bucket;
use super::answer::{Answer, AnswerBody};
use super::error::S3Error;
use super::object_headers;
use super::put_object::set_checksum;
use super::request::S3Request;

/// Reads that may find their body replaced meanwhile, before that is somebody's mistake.
const READS_MAX: u32 = 3;

pub(super) async fn get_object(
    call: &mut Call<'_>,
    bodies: &Bodies,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    for _ in 0..READS_MAX {
        let (object, mut answer, range) = head(call, request).await?;
        let length = range.end - range.start;
        match open(bodies, &object.body, range).await {
            Ok(stream) => {
                answer.body = AnswerBody::Object { length, stream };
                return Ok(answer);
            }
            Err(BodyError::Gone) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(S3Error::Internal(format!("the body of {}/{} is missing", request.bucket, request.key)))
}

/// The object, the answer without its body, and the bytes it is about.
pub(super) async fn head(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<(ObjectRecord, Answer, Range<u64>), S3Error> {
    let bucket = Bucket::find(call, request.bucket, "s3:GetObject").await?;
    bucket.authorize_object(call, "s3:GetObject", request.key)?;
    let object = bucket.object(call, request.key).await?;
    object_headers::check_read(request.headers, &object)?;
    let range = object_headers::range(request.headers, object.size)?;
    let headers = object_headers::answered(&object, request.parameters);
    let mut answer = Answer { headers, ..Answer::default() };
    match &range {
        Some(range) => {
            answer.status = StatusCode::PARTIAL_CONTENT;
            let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
            answer.set(header::CONTENT_RANGE, &shown);
        }
        None if request
            .header("x-amz-checksum-mode")
            .is_some_and(|mode| mode.eq_ignore_ascii_case("enabled")) =>
        {
            set_checksum(&mut answer, object.checksum.as_ref());
        }
        None => {}
    }
    let range = range.unwrap_or(0..object.size);
    Ok((object, answer, range))
}

/// Opens the pieces that hold the range. The first is opened at once, so that a body that is gone is noticed.
async fn open(bodies: &Bodies, pieces: &[Piece], range: Range<u64>) -> Result<BodyStream, BodyError> {
    let mut wanted = within(pieces, range).into_iter();
    let Some((name, part)) = wanted.next() else { return Ok(stream::empty().boxed()) };
    let first = bodies.read(&name, part).await?;
    let bodies = bodies.clone();
    let others = stream::iter(wanted)
        .then(move |(name, part)| {
            let bodies = bodies.clone();
            async move { bodies.read(&name, part).await }
        })
        .try_flatten();
    Ok(first.chain(others).boxed())
}

/// The pieces that hold a range, each with the bytes of it that do; `None` for a whole piece.
fn within(pieces: &[Piece], range: Range<u64>) -> Vec<(String, Option<Range<u64>>)> {
    let mut start = 0;
    let mut found = Vec::new();
    for piece in pieces {
        let part = range.start.max(start).saturating_sub(start)
            ..range.end.min(start + piece.size).saturating_sub(start);
        if part.start < part.end {
            let whole = part == (0..piece.size);
            found.push((piece.name.clone(), (!whole).then_some(part)));
        }
        start += piece.size;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_over_pieces() {
        check(0..10, &[("a", None), ("b", None), ("c", None)]);
        check(0..4, &[("a", None)]);
        check(1..3, &[("a", Some(1..3))]);
        check(3..7, &[("a", Some(3..4)), ("b", Some(0..3))]);
        check(4..8, &[("b", None)]);
        check(9..10, &[("c", Some(1..2))]);
        check(5..5, &[]);

        fn check(range: Range<u64>, want: &[(&str, Option<Range<u64>>)]) {
            let piece = |name: &str, size| Piece { name: name.into(), size };
            let pieces = [piece("a", 4), piece("b", 4), piece("c", 2)];
            let want: Vec<_> = want.iter().map(|(name, part)| ((*name).to_owned(), part.clone())).collect();
            assert_eq!(within(&pieces, range.clone()), want, "{range:?}");
        }
    }
}
