//! `ListObjects`: the first version of the list, which goes on after a marker.

use keywatch_iam::Call;

use super::answer::Answer;
use super::error::S3Error;
use super::listing::{self, Asked, write_page};
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn list_objects(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let asked = Asked::of(call, request, "s3:ListBucket").await?;
    let marker = request.parameters.get("marker").unwrap_or_default();
    let page = listing::list(call, &asked.after(marker)).await?;
    let encoding = asked.encoding;
    Ok(Answer::xml(Xml::document("ListBucketResult", |xml| {
        asked.write(xml, |xml| xml.text("Marker", &encoding.text(marker)));
        xml.text("IsTruncated", if page.next.is_some() { "true" } else { "false" });
        // Without a delimiter callers go on after the last key.
        if let Some(next) = page.next.as_deref().filter(|_| asked.delimiter.is_some()) {
            xml.text("NextMarker", &encoding.text(next));
        }
        write_page(xml, &page, encoding, Some(&asked.bucket.record.owner));
    })))
}
