//! `ListObjectVersions`: in a bucket without versions each object is one, named `null`.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::listing::{self, Encoding, Wish, write_common_prefixes, write_object};
use super::request::S3Request;
use super::xml::Xml;

/// The version of an object that was put while its bucket had none.
pub(super) const NULL_VERSION: &str = "null";

pub(super) async fn list_object_versions(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let parameters = request.parameters;
    let (prefix, delimiter) = (parameters.get("prefix"), parameters.get("delimiter"));
    let limited = [
        ("s3:prefix", Some(prefix.unwrap_or_default())),
        ("s3:delimiter", delimiter),
        ("s3:max-keys", parameters.get("max-keys")),
    ];
    let bucket = Bucket::find(call, request.bucket, "s3:ListBucketVersions").await?;
    bucket.authorize_list(call, "s3:ListBucketVersions", &limited)?;
    let encoding = Encoding::of(request)?;
    let limit = listing::limit(request)?;
    let marker = parameters.get("key-marker").unwrap_or_default();
    let wish =
        Wish { bucket: &bucket.name, prefix: prefix.unwrap_or_default(), delimiter, after: marker, limit };
    let page = listing::list(call, &wish).await?;
    Ok(Answer::xml(Xml::document("ListVersionsResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", &encoding.text(wish.prefix));
        xml.text("KeyMarker", &encoding.text(marker));
        xml.text("VersionIdMarker", parameters.get("version-id-marker").unwrap_or_default());
        xml.text("MaxKeys", &limit.to_string());
        if let Some(delimiter) = delimiter {
            xml.text("Delimiter", &encoding.text(delimiter));
        }
        if matches!(encoding, Encoding::Url) {
            xml.text("EncodingType", "url");
        }
        xml.text("IsTruncated", if page.next.is_some() { "true" } else { "false" });
        if let Some(next) = &page.next {
            xml.text("NextKeyMarker", &encoding.text(next));
            xml.text("NextVersionIdMarker", NULL_VERSION);
        }
        for (key, object) in &page.contents {
            xml.element("Version", |xml| {
                xml.text("Key", &encoding.text(key));
                xml.text("VersionId", NULL_VERSION);
                xml.text("IsLatest", "true");
                write_object(xml, object, Some(&bucket.record.owner));
            });
        }
        write_common_prefixes(xml, &page, encoding);
    })))
}
