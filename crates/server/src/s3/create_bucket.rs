//! `CreateBucket`: names are unique in the whole server.

use std::collections::BTreeMap;

use http::header::LOCATION;
use keywatch_iam::{Call, RecordResource};
use keywatch_monitor::buckets::{BUCKET, BucketRecord};

use super::access::bucket_arn;
use super::answer::Answer;
use super::error::S3Error;
use super::request::S3Request;
use super::xml;

const DEFAULT_REGION: &str = "us-east-1";
const LEAVES_MAX: usize = 32;

pub(super) async fn create_bucket(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    call.authorize_own("s3:CreateBucket", &bucket_arn(request.bucket))?;
    if !is_name(request.bucket) {
        return Err(S3Error::InvalidBucketName);
    }
    let region = region(request.body)?.unwrap_or_else(|| call.region.as_str().to_owned());
    if !crate::config::is_region(&region) {
        return Err(S3Error::IllegalLocationConstraint(
            "The specified location-constraint is not valid".into(),
        ));
    }
    let owner = call.account().to_string();
    match call.tx.get::<BucketRecord>(BUCKET, request.bucket).await? {
        // In the oldest Region a repetition succeeds and changes nothing.
        Some(bucket)
            if bucket.owner == owner && bucket.region == DEFAULT_REGION && region == DEFAULT_REGION => {}
        Some(bucket) if bucket.owner == owner => return Err(S3Error::BucketAlreadyOwnedByYou),
        Some(_) => return Err(S3Error::BucketAlreadyExists),
        None => {
            let (owner, created) = (owner.clone(), call.now);
            let bucket = BucketRecord { owner, region, created, policy: None, tags: BTreeMap::new() };
            call.tx.insert(BUCKET, request.bucket, &bucket)?;
        }
    }
    let resource =
        RecordResource { arn: bucket_arn(request.bucket), account: owner, kind: "AWS::S3::Bucket" };
    call.notes.resources.push(resource);
    let mut answer = Answer::default();
    answer.set(LOCATION, &format!("/{}", request.bucket));
    Ok(answer)
}

/// `CreateBucketConfiguration`
fn region(body: &[u8]) -> Result<Option<String>, S3Error> {
    if body.is_empty() {
        return Ok(None);
    }
    let leaves = xml::leaves(body, LEAVES_MAX)?;
    let region = leaves.into_iter().find(|(name, _)| name == "LocationConstraint");
    // The name of the oldest European Region from before there were names.
    Ok(region
        .map(|(_, text)| if text == "EU" { "eu-west-1".to_owned() } else { text })
        .filter(|text| !text.is_empty()))
}

/// S3 user guide, "General purpose bucket naming rules".
fn is_name(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !name.starts_with("xn--")
        && !name.ends_with("-s3alias")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets() {
        for name in ["abc", "my.bucket-1", "0ab", &"a".repeat(63)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "ab",
            "Abc",
            "-abc",
            "abc-",
            "a..b",
            "192.168.1.1",
            "xn--abc",
            "a_b",
            "a/b",
            &"a".repeat(64),
            "x-s3alias",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn regions_of_configurations() {
        let body = |text: &str| {
            format!(
                "<CreateBucketConfiguration><LocationConstraint>{text}</LocationConstraint></CreateBucketConfiguration>"
            )
        };
        assert_eq!(region(b""), Ok(None));
        assert_eq!(region(body("eu-central-1").as_bytes()), Ok(Some("eu-central-1".into())));
        assert_eq!(region(body("EU").as_bytes()), Ok(Some("eu-west-1".into())));
        assert_eq!(region(b"<a"), Err(S3Error::MalformedXml));
    }
}
