//! `DeleteObjects`: up to a thousand keys, each with an outcome of its own.

use keywatch_api::WireError as _;
use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::{Answer, AnswerBody};
use super::delete_object::delete;
use super::error::S3Error;
use super::request::S3Request;
use super::xml::{self, Xml};

const KEYS_MAX: usize = 1_000;
/// Each object has a key and may have a version, an entity tag, a size and a time.
const LEAVES_MAX: usize = KEYS_MAX * 5 + 1;

pub(super) async fn delete_objects(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let (keys, quiet) = read(request.body)?;
    let bucket = Bucket::find(call, request.bucket, "s3:DeleteObject").await?;
    let mut answer = Answer::default();
    let mut outcomes = Vec::with_capacity(keys.len());
    for key in keys {
        let outcome = bucket.authorize_object(call, "s3:DeleteObject", &key);
        if outcome.is_ok() {
            delete(call, &bucket.name, &key, &mut answer).await?;
        }
        outcomes.push((key, outcome));
    }
    answer.body = AnswerBody::Xml(Xml::document("DeleteResult", |xml| {
        for (key, outcome) in &outcomes {
            match outcome {
                Ok(()) if quiet => {}
                Ok(()) => xml.element("Deleted", |xml| xml.text("Key", key)),
                Err(error) => xml.element("Error", |xml| {
                    xml.text("Key", key);
                    xml.text("Code", &error.code());
                    xml.text("Message", &error.message().unwrap_or_default());
                }),
            }
        }
    }));
    Ok(answer)
}

/// The keys of a `Delete` document, and whether only failures are to be named.
fn read(body: &[u8]) -> Result<(Vec<String>, bool), S3Error> {
    let leaves = xml::leaves(body, LEAVES_MAX)?;
    if leaves.iter().any(|(name, _)| name == "Object/VersionId") {
        return Err(S3Error::NotImplemented);
    }
    let quiet = leaves.iter().any(|(name, text)| name == "Quiet" && text == "true");
    let keys: Vec<String> =
        leaves.into_iter().filter(|(name, _)| name == "Object/Key").map(|(_, key)| key).collect();
    if keys.is_empty() || keys.len() > KEYS_MAX || keys.iter().any(String::is_empty) {
        return Err(S3Error::MalformedXml);
    }
    Ok((keys, quiet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_documents() {
        let body = b"<Delete><Object><Key>a/b</Key></Object><Object><Key> c&amp;</Key></Object><Quiet>true</Quiet></Delete>";
        assert_eq!(read(body), Ok((vec!["a/b".into(), " c&".into()], true)));
        assert_eq!(read(b"<Delete></Delete>"), Err(S3Error::MalformedXml));
        let many = format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(KEYS_MAX + 1));
        assert_eq!(read(many.as_bytes()), Err(S3Error::MalformedXml));
        let version = b"<Delete><Object><Key>k</Key><VersionId>v</VersionId></Object></Delete>";
        assert_eq!(read(version), Err(S3Error::NotImplemented));
    }
}
