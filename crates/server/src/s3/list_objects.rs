//! `ListObjects`: the first version of the list, which goes on after a marker.

use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::listing::{self, Encoding, Wish, write_page};
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn list_objects(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let parameters = request.parameters;
    let (prefix, delimiter) = (parameters.get("prefix"), parameters.get("delimiter"));
    let limited = [
        ("s3:prefix", Some(prefix.unwrap_or_default())),
        ("s3:delimiter", delimiter),
        ("s3:max-keys", parameters.get("max-keys")),
    ];
    let bucket = Bucket::find(call, request.bucket, "s3:ListBucket").await?;
    bucket.authorize_list(call, "s3:ListBucket", &limited)?;
    let encoding = Encoding::of(request)?;
    let limit = listing::limit(request)?;
    let marker = parameters.get("marker").unwrap_or_default();
    let wish =
        Wish { bucket: &bucket.name, prefix: prefix.unwrap_or_default(), delimiter, after: marker, limit };
    let page = listing::list(call, &wish).await?;
    Ok(Answer::xml(Xml::document("ListBucketResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", &encoding.text(wish.prefix));
        xml.text("Marker", &encoding.text(marker));
        xml.text("MaxKeys", &limit.to_string());
        if let Some(delimiter) = delimiter {
            xml.text("Delimiter", &encoding.text(delimiter));
        }
        if matches!(encoding, Encoding::Url) {
            xml.text("EncodingType", "url");
        }
        xml.text("IsTruncated", if page.next.is_some() { "true" } else { "false" });
        // Without a delimiter callers go on after the last key.
        if let Some(next) = page.next.as_deref().filter(|_| delimiter.is_some()) {
            xml.text("NextMarker", &encoding.text(next));
        }
        write_page(xml, &page, encoding, Some(&bucket.record.owner));
    })))
}
