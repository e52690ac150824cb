//! `ListObjectsV2`: the list that goes on with a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keywatch_iam::Call;

use super::access::Bucket;
use super::answer::Answer;
use super::error::S3Error;
use super::listing::{self, Encoding, Wish, write_page};
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn list_objects_v2(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
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
    let start_after = parameters.get("start-after").unwrap_or_default();
    let token = parameters.get("continuation-token");
    let after = token.map(read_token).transpose()?.unwrap_or_else(|| start_after.to_owned());
    let wish =
        Wish { bucket: &bucket.name, prefix: prefix.unwrap_or_default(), delimiter, after: &after, limit };
    let page = listing::list(call, &wish).await?;
    let owner = (parameters.get("fetch-owner") == Some("true")).then_some(bucket.record.owner.as_str());
    Ok(Answer::xml(Xml::document("ListBucketResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", &encoding.text(wish.prefix));
        xml.text("MaxKeys", &limit.to_string());
        if let Some(delimiter) = delimiter {
            xml.text("Delimiter", &encoding.text(delimiter));
        }
        if matches!(encoding, Encoding::Url) {
            xml.text("EncodingType", "url");
        }
        if !start_after.is_empty() {
            xml.text("StartAfter", &encoding.text(start_after));
        }
        if let Some(token) = token {
            xml.text("ContinuationToken", token);
        }
        xml.text("KeyCount", &(page.contents.len() + page.common_prefixes.len()).to_string());
        xml.text("IsTruncated", if page.next.is_some() { "true" } else { "false" });
        if let Some(next) = &page.next {
            xml.text("NextContinuationToken", &URL_SAFE_NO_PAD.encode(next));
        }
        write_page(xml, &page, encoding, owner);
    })))
}

/// The key or common prefix a token stands for.
fn read_token(token: &str) -> Result<String, S3Error> {
    let wrong = || S3Error::InvalidArgument("The continuation token provided is incorrect".into());
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?).map_err(|_| wrong())
}
