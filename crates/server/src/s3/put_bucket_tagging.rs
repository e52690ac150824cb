//! `PutBucketTagging`: the tags of a bucket, all at once.
//!
//! Source: S3 API Reference, `PutBucketTagging`.

use std::collections::BTreeMap;

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, BucketRecord};

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::xml;

const TAGS_MAX: usize = 50;
const KEY_LENGTH_MAX: usize = 128;
const VALUE_LENGTH_MAX: usize = 256;
/// Read beyond the limit, so that one tag too many is told from a document that is no set of tags.
const LEAVES_MAX: usize = 1_000;

pub(super) async fn put_bucket_tagging(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let tags = read(request.body)?;
    let bucket = Bucket::authorized(call, request.bucket, "s3:PutBucketTagging").await?;
    call.tx.put(BUCKET, &bucket.name, &BucketRecord { tags, ..bucket.record })?;
    Ok(Answer::no_content())
}

/// The tags of a `Tagging` document.
fn read(body: &[u8]) -> Result<BTreeMap<String, String>, S3Error> {
    let mut tags = BTreeMap::new();
    let leaves = xml::leaves(body, LEAVES_MAX)?;
    for pair in leaves.chunks(2) {
        let [(first, one), (second, other)] = pair else { return no_tags(pair).map(|()| tags) };
        let (key, value) = match (first.as_str(), second.as_str()) {
            ("TagSet/Tag/Key", "TagSet/Tag/Value") => (one, other),
            ("TagSet/Tag/Value", "TagSet/Tag/Key") => (other, one),
            _ => return Err(S3Error::MalformedXml),
        };
        check(key, value)?;
        if tags.insert(key.clone(), value.clone()).is_some() {
            return Err(S3Error::InvalidTag("Cannot provide multiple Tags with the same key"));
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(S3Error::BadRequest(format!("Bucket tag count cannot be greater than {TAGS_MAX}")));
    }
    Ok(tags)
}

/// An empty set is a leaf itself.
fn no_tags(leaves: &[(String, String)]) -> Result<(), S3Error> {
    match leaves {
        [(name, text)] if name == "TagSet" && text.trim().is_empty() => Ok(()),
        _ => Err(S3Error::MalformedXml),
    }
}

fn check(key: &str, value: &str) -> Result<(), S3Error> {
    let is_text =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c));
    if key.is_empty() || key.chars().count() > KEY_LENGTH_MAX || !is_text(key) {
        return Err(S3Error::InvalidTag("The TagKey you have provided is invalid"));
    }
    if value.chars().count() > VALUE_LENGTH_MAX || !is_text(value) {
        return Err(S3Error::InvalidTag("The TagValue you have provided is invalid"));
    }
    if key.starts_with("aws:") {
        return Err(S3Error::InvalidTag("System tags cannot be added/updated by requester"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use keywatch_api::WireError as _;

    use super::*;

    #[test]
    fn tags_of_documents() {
        let tag = |key: &str, value: &str| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
        let many: String = (0..51).map(|number| tag(&format!("k{number}"), "v")).collect();
        let cases: [(String, Result<usize, &str>); 11] = [
            (tag("team", "audit") + &tag("cost centre", ""), Ok(2)),
            ("<Tag><Value>b</Value><Key>a</Key></Tag>".into(), Ok(1)),
            (String::new(), Ok(0)),
            (tag("", "v"), Err("InvalidTag")),
            (tag(&"k".repeat(129), "v"), Err("InvalidTag")),
            (tag("k", &"v".repeat(257)), Err("InvalidTag")),
            (tag("aws:k", "v"), Err("InvalidTag")),
            (tag("k", "1") + &tag("k", "2"), Err("InvalidTag")),
            (many, Err("BadRequest")),
            ("<Tag><Key>a</Key></Tag>".into(), Err("MalformedXML")),
            ("<Tag><Key>a</Key><Key>b</Key></Tag>".into(), Err("MalformedXML")),
        ];
        for (tags, expected) in cases {
            let found = read(format!("<Tagging><TagSet>{tags}</TagSet></Tagging>").as_bytes());
            let found = found.map(|tags| tags.len()).map_err(|error| error.code());
            assert_eq!(found, expected.map_err(Into::into), "{tags}");
        }
    }
}
