//! `ListObjectVersions`: in a bucket without versions each object is one, named `null`.

use keywatch_iam::Call;

use super::answer::Answer;
use super::error::S3Error;
use super::listing::{self, Asked, write_common_prefixes, write_object};
use super::request::S3Request;
use super::xml::Xml;

/// The version of an object that was put while its bucket had none.
pub(super) const NULL_VERSION: &str = "null";

pub(super) async fn list_object_versions(
    call: &mut Call<'_>,
    request: &S3Request<'_>,
) -> Result<Answer, S3Error> {
    let asked = Asked::of(call, request, "s3:ListBucketVersions").await?;
    let parameters = request.parameters;
    let marker = parameters.get("key-marker").unwrap_or_default();
    let page = listing::list(call, &asked.after(marker)).await?;
    let encoding = asked.encoding;
    Ok(Answer::xml(Xml::document("ListVersionsResult", |xml| {
        asked.write(xml, |xml| {
            xml.text("KeyMarker", &encoding.text(marker));
            xml.text("VersionIdMarker", parameters.get("version-id-marker").unwrap_or_default());
        });
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
                write_object(xml, object, Some(&asked.bucket.record.owner));
            });
        }
        write_common_prefixes(xml, &page, encoding);
    })))
}
