//! Listing keys: in byte order, under a prefix, rolled up at a delimiter, a page at a time.

use keywatch_iam::Call;
use keywatch_monitor::buckets::{OBJECT, ObjectRecord, object_key};
use keywatch_store::Scan;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::access::Bucket;
use super::error::S3Error;
use super::object_headers::quoted;
use super::request::S3Request;
use super::xml::Xml;

pub const PAGE_MAX: usize = 1_000;
/// What `encoding-type=url` leaves as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Which keys to list.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    pub delimiter: Option<&'a str>,
    /// Only keys and common prefixes after this one.
    pub after: &'a str,
    pub limit: usize,
}

/// What every kind of list is asked with, once its caller may have it.
#[derive(Debug)]
pub struct Asked<'r> {
    pub bucket: Bucket,
    pub prefix: &'r str,
    pub delimiter: Option<&'r str>,
    pub encoding: Encoding,
    pub limit: usize,
}

impl<'r> Asked<'r> {
    pub async fn of(call: &mut Call<'_>, request: &S3Request<'r>, action: &str) -> Result<Self, S3Error> {
        let parameters = request.parameters;
        let (prefix, delimiter) = (parameters.get("prefix").unwrap_or_default(), parameters.get("delimiter"));
        let limited = [
            ("s3:prefix", Some(prefix)),
            ("s3:delimiter", delimiter),
            ("s3:max-keys", parameters.get("max-keys")),
        ];
        let bucket = Bucket::find(call, request.bucket, action).await?;
        bucket.authorize_list(call, action, &limited)?;
        Ok(Self { bucket, prefix, delimiter, encoding: Encoding::of(request)?, limit: limit(request)? })
    }

    /// The keys after one of them.
    pub fn after<'s>(&'s self, after: &'s str) -> Wish<'s> {
        Wish {
            bucket: &self.bucket.name,
            prefix: self.prefix,
            delimiter: self.delimiter,
            after,
            limit: self.limit,
        }
    }

    /// What was asked, as every kind of list repeats it; `write` puts what stands before the limit.
    pub fn write(&self, xml: &mut Xml, write: impl FnOnce(&mut Xml)) {
        xml.text("Name", &self.bucket.name);
        xml.text("Prefix", &self.encoding.text(self.prefix));
        write(xml);
        xml.text("MaxKeys", &self.limit.to_string());
        if let Some(delimiter) = self.delimiter {
            xml.text("Delimiter", &self.encoding.text(delimiter));
        }
        if matches!(self.encoding, Encoding::Url) {
            xml.text("EncodingType", "url");
        }
    }
}

/// A page of keys.
#[derive(Debug, Default)]
pub struct Page {
    pub contents: Vec<(String, ObjectRecord)>,
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of a page that is not the last.
    pub next: Option<String>,
}

/// Lists a page.
pub async fn list(call: &mut Call<'_>, wish: &Wish<'_>) -> Result<Page, S3Error> {
    let mut page = Page::default();
    if wish.limit == 0 {
        return Ok(page);
    }
    let mut last: Option<String> = None;
    let mut folder: Option<String> = None;
    let start = object_key(wish.bucket, "");
    let prefix = object_key(wish.bucket, wish.prefix);
    let mut after = object_key(wish.bucket, wish.after);
    // Every scan gives at least one entry of the page or ends the list.
    loop {
        let scan = Scan { prefix: &prefix, after: Some(&after), limit: PAGE_MAX };
        let rows = call.tx.scan::<ObjectRecord>(OBJECT, scan).await?;
        let complete = rows.len() < PAGE_MAX;
        let Some(end) = rows.last().map(|(row, _)| row.clone()) else { return Ok(page) };
        for (row, object) in rows {
            let key = &row[start.len()..];
            let common = rolled_up(key, wish.prefix, wish.delimiter);
            let entry = common.unwrap_or(key);
            folder = common.map(str::to_owned);
            // A list that goes on after a common prefix does not name it again.
            if entry == wish.after || last.as_deref() == Some(entry) {
                continue;
            }
            if page.contents.len() + page.common_prefixes.len() == wish.limit {
                page.next = last;
                return Ok(page);
            }
            last = Some(entry.to_owned());
            match common {
                Some(common) => page.common_prefixes.push(common.to_owned()),
                None => page.contents.push((key.to_owned(), object)),
            }
        }
        if complete {
            return Ok(page);
        }
        // Keys under a common prefix that is listed need not be read.
        after = match &folder {
            Some(folder) => object_key(wish.bucket, &format!("{folder}\u{10ffff}")),
            None => end,
        };
    }
}

/// The common prefix of a key: up to the first delimiter after the prefix, delimiter included. A key that ends there is
/// rolled up as well, as S3 does it.
fn rolled_up<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|text| !text.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

/// How keys are written in the answer.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    fn of(request: &S3Request<'_>) -> Result<Self, S3Error> {
        match request.parameters.get("encoding-type") {
            None => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(_) => Err(S3Error::InvalidArgument("Invalid Encoding Method specified in Request".into())),
        }
    }

    pub fn text(self, key: &str) -> String {
        match self {
            Self::Plain => key.to_owned(),
            Self::Url => utf8_percent_encode(key, URL).to_string(),
        }
    }
}

/// `max-keys`: at most 1000 whatever is asked for.
fn limit(request: &S3Request<'_>) -> Result<usize, S3Error> {
    let Some(text) = request.parameters.get("max-keys").filter(|text| !text.is_empty()) else {
        return Ok(PAGE_MAX);
    };
    let given: i32 = text.parse().map_err(|_| {
        S3Error::InvalidArgument("Provided max-keys not an integer or within integer range".into())
    })?;
    let given = usize::try_from(given).map_err(|_| {
        S3Error::InvalidArgument("Argument maxKeys must be an integer between 0 and 2147483647".into())
    })?;
    Ok(given.min(PAGE_MAX))
}

/// `Contents` and `CommonPrefixes`; `owner` is named where the version of the list does so.
pub fn write_page(xml: &mut Xml, page: &Page, encoding: Encoding, owner: Option<&str>) {
    for (key, object) in &page.contents {
        xml.element("Contents", |xml| {
            xml.text("Key", &encoding.text(key));
            write_object(xml, object, owner);
        });
    }
    write_common_prefixes(xml, page, encoding);
}

/// What every list says of an object.
pub fn write_object(xml: &mut Xml, object: &ObjectRecord, owner: Option<&str>) {
    xml.text("LastModified", &wire_time(object.modified));
    xml.text("ETag", &quoted(&object.etag));
    if let Some(checksum) = &object.checksum {
        xml.text("ChecksumAlgorithm", &checksum.algorithm.to_ascii_uppercase());
    }
    xml.text("Size", &object.size.to_string());
    if let Some(owner) = owner {
        xml.element("Owner", |xml| xml.text("ID", owner));
    }
    xml.text("StorageClass", "STANDARD");
}

pub fn write_common_prefixes(xml: &mut Xml, page: &Page, encoding: Encoding) {
    for prefix in &page.common_prefixes {
        xml.element("CommonPrefixes", |xml| xml.text("Prefix", &encoding.text(prefix)));
    }
}

/// `2026-09-14T11:00:00.000Z`
pub fn wire_time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_roll_up_at_the_delimiter() {
        check("a/b/c", "", Some("/"), Some("a/"));
        check("a/b/c", "a/", Some("/"), Some("a/b/"));
        check("a/b", "a/", Some("/"), None);
        check("a/", "", Some("/"), Some("a/"));
        check("a/b", "", None, None);
        check("a/b", "", Some(""), None);
        check("aXXb", "", Some("XX"), Some("aXX"));
        check("/a", "", Some("/"), Some("/"));

        fn check(key: &str, prefix: &str, delimiter: Option<&str>, want: Option<&str>) {
            assert_eq!(rolled_up(key, prefix, delimiter), want, "{key} {prefix}");
        }
    }
}
