//! What a request to a bucket says: its bucket, its key, its parameters.

use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::error::S3Error;

const PARAMETERS_MAX: usize = 64;
const KEY_BYTES_MAX: usize = 1_024;

/// The bucket and the object a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Empty: the list of buckets.
    pub bucket: String,
    /// Empty: the bucket itself.
    pub key: String,
}

impl Target {
    /// Takes `/bucket/key` apart; keys may hold anything, slashes at the end and doubled ones included.
    pub fn of(path: &str) -> Result<Self, S3Error> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let plain = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| S3Error::InvalidUri)
        };
        let target = Self { bucket: plain(bucket)?, key: plain(key)? };
        if target.key.len() > KEY_BYTES_MAX {
            return Err(S3Error::KeyTooLong);
        }
        // Rows of objects begin with the bucket's name and a slash.
        if target.bucket.contains('/') { Err(S3Error::InvalidBucketName) } else { Ok(target) }
    }
}

/// The parameters of the URL, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn of(query: &str) -> Result<Self, S3Error> {
        let list: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .take(PARAMETERS_MAX + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if list.len() > PARAMETERS_MAX {
            return Err(S3Error::InvalidArgument("Too many parameters".into()));
        }
        Ok(Self(list))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// A request whose body is what the caller meant: without transfer coding, checksums held.
#[derive(Debug, Clone, Copy)]
pub struct S3Request<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub parameters: &'a Parameters,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

impl<'a> S3Request<'a> {
    /// A header as text; one that is not text counts as absent.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_buckets_and_keys() {
        check("/", Ok(("", "")));
        check("/b", Ok(("b", "")));
        check("/b/", Ok(("b", "")));
        check("/b/a/b.txt", Ok(("b", "a/b.txt")));
        check("/b//a/", Ok(("b", "/a/")));
        check("/b/a%20%2B+c", Ok(("b", "a ++c")));
        check("/b/..%2F..%2Fetc", Ok(("b", "../../etc")));
        check("/a%2Fb/c", Err("InvalidBucketName"));
        check("/b/%FF", Err("InvalidURI"));
        check(&format!("/b/{}", "k".repeat(1_025)), Err("KeyTooLongError"));

        fn check(path: &str, want: Result<(&str, &str), &str>) {
            use keywatch_api::WireError as _;
            let target = Target::of(path);
            match (&target, want) {
                (Ok(target), Ok(want)) => assert_eq!((target.bucket.as_str(), target.key.as_str()), want),
                (Err(error), Err(code)) => assert_eq!(error.code(), code, "{path}"),
                _ => panic!("{path}: {target:?}"),
            }
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let parameters = Parameters::of("list-type=2&prefix=a%2Fb+c&policy").expect("parameters");
        assert_eq!(parameters.get("prefix"), Some("a/b c"));
        assert!(parameters.has("policy"));
        assert!(!parameters.has("acl"));
        assert!(Parameters::of(&"a&".repeat(65)).is_err());
    }
}
