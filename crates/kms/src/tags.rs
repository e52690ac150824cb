//! Tags of keys and their limits. Source: KMS developer guide, "Tags in AWS KMS".

use std::collections::{BTreeMap, BTreeSet};

use keywatch_api::kms::tags::Tag;

use crate::error::KmsError;

/// Tags of one key.
pub(crate) const TAGS_PER_KEY_MAX: usize = 50;

/// `existing` with `added` over it.
pub(crate) fn merged(
    existing: BTreeMap<String, String>,
    added: &[Tag],
) -> Result<BTreeMap<String, String>, KmsError> {
    let mut seen = BTreeSet::new();
    for tag in added {
        check_key(&tag.tag_key)?;
        if !seen.insert(tag.tag_key.as_str()) {
            return Err(KmsError::Tag("Duplicate tag keys"));
        }
    }
    let mut tags = existing;
    tags.extend(added.iter().map(|tag| (tag.tag_key.clone(), tag.tag_value.clone())));
    if tags.len() > TAGS_PER_KEY_MAX { Err(KmsError::Tag("Too many tags")) } else { Ok(tags) }
}

/// Keys that begin with `aws:` in any case are AWS's.
pub(crate) fn check_key(key: &str) -> Result<(), KmsError> {
    let reserved = key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:"));
    if reserved { Err(KmsError::Tag("Tags beginning with aws: are reserved")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { tag_key: key.to_owned(), tag_value: value.to_owned() }
    }

    #[track_caller]
    fn check(added: &[Tag], want: Result<usize, &'static str>) {
        let existing = BTreeMap::from([("kept".to_owned(), "1".to_owned())]);
        let got = merged(existing, added).map(|tags| tags.len()).map_err(|error| match error {
            KmsError::Tag(text) => text,
            other => panic!("{other:?}"),
        });
        assert_eq!(got, want);
    }

    #[test]
    fn tags_are_merged_within_their_limits() {
        check(&[], Ok(1));
        check(&[tag("kept", "2")], Ok(1));
        check(&[tag("Kept", ""), tag("x", "")], Ok(3));
        check(&[tag("x", "1"), tag("x", "2")], Err("Duplicate tag keys"));
        check(&[tag("aws:x", "1")], Err("Tags beginning with aws: are reserved"));
        check(&[tag("AWS:x", "1")], Err("Tags beginning with aws: are reserved"));
        let many: Vec<Tag> = (0..50).map(|n| tag(&format!("t{n}"), "")).collect();
        check(&many[..49], Ok(50));
        check(&many, Err("Too many tags"));
    }
}
