//! Where a source is: `s3://bucket/prefix`, or a directory. Pure.

use std::fmt;
use std::path::PathBuf;

use object_store::path::Path;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Where log files lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum Location {
    /// `prefix` has no slash at its ends and may be empty.
    Bucket {
        bucket: String,
        prefix: String,
    },
    Directory(PathBuf),
}

impl Location {
    /// Reads what a caller wrote; the error says what is expected.
    pub(in super::super) fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected s3://bucket/prefix or the absolute path of a directory";
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            if !is_bucket(bucket) || Path::parse(prefix).is_err() {
                return Err(EXPECTED);
            }
            return Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        }
        let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
        let is_plain = path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..");
        if is_plain { Ok(Self::Directory(path)) } else { Err(EXPECTED) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => write!(f, "{}", path.display()),
        }
    }
}

/// S3 user guide, "General purpose buckets naming rules".
fn is_bucket(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    (3..=63).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(['-', '.'])
}

/// An `http` or `https` URL without credentials in it; `None` for any other.
pub(in super::super) fn checked_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_web && is_bare && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        assert_eq!(
            Location::parse(text).ok().map(|location| location.to_string()).as_deref(),
            want,
            "{text}"
        );
    }

    #[test]
    fn locations() {
        check("s3://audit", Some("s3://audit"));
        check("s3://audit/", Some("s3://audit"));
        check("s3://audit/org/AWSLogs/", Some("s3://audit/org/AWSLogs"));
        check("/var/log/trail", Some("/var/log/trail"));
        check("file:///var/log/trail", Some("/var/log/trail"));
        check("s3://", None);
        check("s3://A_B", None);
        check("s3://audit/a//b", None);
        check("s3://audit/../b", None);
        check("logs", None);
        check("/var/../etc", None);
        check("https://audit.s3.amazonaws.com", None);
    }

    #[test]
    fn urls() {
        assert!(checked_url("http://127.0.0.1:4599").is_some());
        assert!(checked_url("https://sqs.us-east-1.amazonaws.com/111122223333/notices").is_some());
        for text in ["ftp://a", "http://user:secret@a", "http://a/?x=1", "http://a/#b", "a", "file:///a"] {
            assert!(checked_url(text).is_none(), "{text}");
        }
    }
}
