//! `DeleteObjects`: up to a thousand keys, each with an outcome of its own.

use keywatch_api::WireError as _;
use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::{Answer, AnswerBody};
use super::delete_object::delete;
use super::error::S3Error;
use super::list_object_versions::NULL_VERSION;
use super::request::S3Request;
use super::xml::{self, Xml};

const KEYS_MAX: usize = 1_000;
/// Each object has a key and may have a version, an entity tag, a size and a time.
const LEAVES_MAX: usize = KEYS_MAX * 5 + 1;

pub(super) async fn delete_objects(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let (wanted, quiet) = read(request.body)?;
    let bucket = Bucket::find(call, request.bucket, "s3:DeleteObject").await?;
    let mut answer = Answer::default();
    let mut outcomes = Vec::with_capacity(wanted.len());
    for Wanted { key, names_version } in wanted {
        let outcome = bucket.authorize_object(call, "s3:DeleteObject", &key);
        if outcome.is_ok() {
            delete(call, &bucket.name, &key, &mut answer).await?;
        }
        outcomes.push((key, names_version, outcome));
    }
    answer.body = AnswerBody::Xml(Xml::document("DeleteResult", |xml| {
        for (key, names_version, outcome) in &outcomes {
            let name = |xml: &mut Xml| {
                xml.text("Key", key);
                if *names_version {
                    xml.text("VersionId", NULL_VERSION);
                }
            };
            match outcome {
                Ok(()) if quiet => {}
                Ok(()) => xml.element("Deleted", name),
                Err(error) => xml.element("Error", |xml| {
                    name(xml);
                    xml.text("Code", &error.code());
                    xml.text("Message", &error.message().unwrap_or_default());
                }),
            }
        }
    }));
    Ok(answer)
}

/// An object to delete.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    key: String,
    /// By its version, which can only be the one of buckets without versions.
    names_version: bool,
}

/// The objects of a `Delete` document, and whether only failures are to be named.
fn read(body: &[u8]) -> Result<(Vec<Wanted>, bool), S3Error> {
    let mut quiet = false;
    let mut wanted: Vec<Wanted> = Vec::new();
    for (name, text) in xml::leaves(body, LEAVES_MAX)? {
        match name.as_str() {
            "Quiet" => quiet = text == "true",
            "Object/Key" => wanted.push(Wanted { key: text, names_version: false }),
            "Object/VersionId" if text == NULL_VERSION => {
                wanted.last_mut().ok_or(S3Error::MalformedXml)?.names_version = true;
            }
            "Object/VersionId" => return Err(S3Error::NotImplemented),
            _ => {}
        }
    }
    if wanted.is_empty() || wanted.len() > KEYS_MAX || wanted.iter().any(|object| object.key.is_empty()) {
        return Err(S3Error::MalformedXml);
    }
    Ok((wanted, quiet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_documents() {
        let body = b"<Delete><Object><Key>a/b</Key><VersionId>null</VersionId></Object><Object><Key> c&amp;</Key></Object><Quiet>true</Quiet></Delete>";
        let wanted = |key: &str, names_version| Wanted { key: key.into(), names_version };
        assert_eq!(read(body), Ok((vec![wanted("a/b", true), wanted(" c&", false)], true)));
        assert_eq!(read(b"<Delete></Delete>"), Err(S3Error::MalformedXml));
        let many = format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(KEYS_MAX + 1));
        assert_eq!(read(many.as_bytes()), Err(S3Error::MalformedXml));
        let version = b"<Delete><Object><Key>k</Key><VersionId>v</VersionId></Object></Delete>";
        assert_eq!(read(version), Err(S3Error::NotImplemented));
    }
}
