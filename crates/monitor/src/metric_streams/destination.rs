//! Where delivery streams lead: `NAME=s3://bucket/prefix` or `NAME=https://host/path`, as the configuration says.

use std::sync::Arc;

use keywatch_api::SecretText;
use percent_encoding::percent_decode_str;
use reqwest::Url;

const NAME_LENGTH_MAX: usize = 64;

/// A delivery stream of an account, in any Region.
#[derive(Clone, Debug)]
pub struct Destination {
    pub account: String,
    pub name: String,
    pub(super) target: Target,
}

#[derive(Clone)]
pub(super) enum Target {
    /// A bucket of ours.
    Bucket { bucket: String, prefix: String },
    /// An HTTP endpoint, with the access key that it asks for.
    Endpoint { url: Url, access_key: Option<Arc<SecretText>> },
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Endpoint { .. } => f.write_str("Endpoint(..)"),
        }
    }
}

impl Destination {
    /// Reads `[ACCOUNT/]NAME=TARGET`; without an account the delivery stream is of `account`. The target is `s3://bucket/prefix` or
    /// `http(s)://[ACCESS-KEY@]host/path`.
    ///
    /// # Errors
    /// What is wrong, without the target, which may hold an access key.
    pub fn parse(text: &str, account: &str) -> Result<Self, &'static str> {
        let (name, target) =
            text.split_once('=').ok_or("expected NAME=s3://bucket/prefix or NAME=https://host/path")?;
        let (account, name) = name.split_once('/').unwrap_or((account, name));
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = (1..=NAME_LENGTH_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if !is_account || !is_name {
            return Err(
                "a delivery stream's name has 1 to 64 letters, digits, dots, hyphens and underscores",
            );
        }
        let target = match target.strip_prefix("s3://") {
            Some(rest) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err("expected s3://bucket/prefix");
                }
                Target::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
            }
            None => endpoint(target)?,
        };
        Ok(Self { account: account.to_owned(), name: name.to_owned(), target })
    }

    /// `000000000000/name/`: how the keys of its batches begin.
    pub(super) fn prefix(&self) -> String {
        format!("{}/{}/", self.account, self.name)
    }
}

fn endpoint(text: &str) -> Result<Target, &'static str> {
    const EXPECTED: &str = "expected s3://bucket/prefix or https://host/path";
    let mut url = Url::parse(text).map_err(|_| EXPECTED)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EXPECTED);
    }
    let access_key = match url.username() {
        "" => None,
        key => Some(percent_decode_str(key).decode_utf8().map_err(|_| EXPECTED)?.into_owned()),
    };
    // An URL with a host has a place for these.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return Err(EXPECTED);
    }
    Ok(Target::Endpoint { url, access_key: access_key.map(|key| Arc::new(SecretText::new(key))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        let shown = |text: &str| {
            Destination::parse(text, "000000000000").map(|destination| {
                let target = match &destination.target {
                    Target::Bucket { .. } => format!("{:?}", destination.target),
                    Target::Endpoint { url, access_key } => {
                        format!("{url} {}", access_key.as_ref().map_or("-", |key| key.expose()))
                    }
                };
                format!("{}{target}", destination.prefix())
            })
        };
        for (text, expected) in [
            ("a=s3://b", Ok("000000000000/a/s3://b/")),
            ("111122223333/a=s3://b/p/", Ok("111122223333/a/s3://b/p/")),
            ("a=https://h/x", Ok("000000000000/a/https://h/x -")),
            ("a=https://k%2F1@h/x", Ok("000000000000/a/https://h/x k/1")),
            ("a", Err("expected NAME=s3://bucket/prefix or NAME=https://host/path")),
            ("a=s3://", Err("expected s3://bucket/prefix")),
            ("a=ftp://h", Err("expected s3://bucket/prefix or https://host/path")),
            (
                "=s3://b",
                Err("a delivery stream's name has 1 to 64 letters, digits, dots, hyphens and underscores"),
            ),
        ] {
            assert_eq!(shown(text), expected.map(str::to_owned), "{text}");
        }
    }
}
