//! `ListObjectsV2`: the list that goes on with a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keywatch_iam::Call;

use super::answer::Answer;
use super::error::S3Error;
use super::listing::{self, Asked, write_page};
use super::request::S3Request;
use super::xml::Xml;

pub(super) async fn list_objects_v2(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let asked = Asked::of(call, request, "s3:ListBucket").await?;
    let parameters = request.parameters;
    let start_after = parameters.get("start-after").unwrap_or_default();
    let token = parameters.get("continuation-token");
    let after = token.map(read_token).transpose()?.unwrap_or_else(|| start_after.to_owned());
    let page = listing::list(call, &asked.after(&after)).await?;
    let encoding = asked.encoding;
    let owner = (parameters.get("fetch-owner") == Some("true")).then_some(asked.bucket.record.owner.as_str());
    Ok(Answer::xml(Xml::document("ListBucketResult", |xml| {
        asked.write(xml, |_| {});
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
