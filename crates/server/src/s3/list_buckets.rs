//! `ListBuckets`: the caller's account's, in the order of their names.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{BUCKET, BucketRecord};
use keywatch_store::Scan;

use super::answer::Answer;
use super::error::S3Error;
use super::listing::wire_time;
use super::request::S3Request;
use super::xml::Xml;

const ANSWERED_MAX: usize = 10_000;
const ROWS_AT_ONCE: usize = 1_000;

pub(super) async fn list_buckets(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    call.authorize_own("s3:ListAllMyBuckets", "arn:aws:s3:::*")?;
    let limit = match request.parameters.get("max-buckets").map(str::parse::<usize>) {
        None => ANSWERED_MAX,
        Some(Ok(limit)) if (1..=ANSWERED_MAX).contains(&limit) => limit,
        Some(_) => return Err(S3Error::InvalidArgument("max-buckets must be between 1 and 10000".into())),
    };
    let prefix = request.parameters.get("prefix").unwrap_or_default();
    let owner = call.account().to_string();
    let mut after = request.parameters.get("continuation-token").map(str::to_owned);
    let mut listed: Vec<(String, BucketRecord)> = Vec::new();
    let complete = loop {
        let scan = Scan { prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = call.tx.scan::<BucketRecord>(BUCKET, scan).await?;
        let last_page = rows.len() < ROWS_AT_ONCE;
        after = rows.last().map(|(name, _)| name.clone());
        listed.extend(rows.into_iter().filter(|(_, bucket)| bucket.owner == owner));
        if last_page || listed.len() > limit {
            break listed.len() <= limit;
        }
    };
    listed.truncate(limit);
    let next = listed.last().map(|(name, _)| name.clone()).filter(|_| !complete);
    Ok(Answer::xml(Xml::document("ListAllMyBucketsResult", |xml| {
        xml.element("Owner", |xml| xml.text("ID", &owner));
        xml.element("Buckets", |xml| {
            for (name, bucket) in &listed {
                xml.element("Bucket", |xml| {
                    xml.text("Name", name);
                    xml.text("CreationDate", &wire_time(bucket.created));
                    xml.text("BucketRegion", &bucket.region);
                });
            }
        });
        if let Some(next) = &next {
            xml.text("ContinuationToken", next);
        }
        if !prefix.is_empty() {
            xml.text("Prefix", prefix);
        }
    })))
}
