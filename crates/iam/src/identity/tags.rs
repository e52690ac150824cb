//! Tags of users and roles. Keys are unique without regard to case; the order is that of adding.

use keywatch_api::iam::Tag;
use serde::{Deserialize, Serialize};

/// "Tags per user/role: 50"
pub(crate) const TAGS_MAX: usize = 50;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tags {
    list: Vec<Stored>,
    /// The number of the next tag: what lists page by, as keys may be too long for a marker.
    next: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    number: u64,
    key: String,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagError {
    /// Two keys of one request differ at most in case.
    Duplicate,
    /// A key begins with `aws:`.
    Reserved,
    TooMany,
}

impl Tags {
    pub(crate) fn new(tags: &[Tag]) -> Result<Self, TagError> {
        let mut new = Self::default();
        new.set(tags)?;
        Ok(new)
    }

    /// Adds tags; those with known keys get the new value and spelling. All or nothing.
    pub(crate) fn set(&mut self, tags: &[Tag]) -> Result<(), TagError> {
        check_keys(tags)?;
        let mut changed = self.clone();
        for Tag { key, value } in tags {
            match changed.list.iter_mut().find(|known| same(&known.key, key)) {
                Some(known) => (known.key, known.value) = (key.clone(), value.clone()),
                None => {
                    changed.list.push(Stored {
                        number: changed.next,
                        key: key.clone(),
                        value: value.clone(),
                    });
                    changed.next += 1;
                }
            }
        }
        if changed.list.len() > TAGS_MAX {
            return Err(TagError::TooMany);
        }
        *self = changed;
        Ok(())
    }

    /// Keys that are not there are passed over.
    pub(crate) fn remove(&mut self, keys: &[String]) {
        self.list.retain(|known| !keys.iter().any(|key| same(&known.key, key)));
    }

    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.list.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
    }

    /// `None` when there are none, as answers leave them out.
    pub(crate) fn shown(&self) -> Option<Vec<Tag>> {
        (!self.list.is_empty()).then(|| self.numbered().map(|(_, tag)| tag).collect())
    }

    /// Each tag with a text that orders it among the others for good.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (String, Tag)> {
        self.list.iter().map(|Stored { number, key, value }| {
            (format!("{number:020}"), Tag { key: key.clone(), value: value.clone() })
        })
    }
}

/// What AWS demands of the keys of one request.
pub(crate) fn check_keys(tags: &[Tag]) -> Result<(), TagError> {
    for (index, tag) in tags.iter().enumerate() {
        if tag.key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:")) {
            return Err(TagError::Reserved);
        }
        if tags[..index].iter().any(|other| same(&other.key, &tag.key)) {
            return Err(TagError::Duplicate);
        }
    }
    Ok(())
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(keys: &[&str]) -> Vec<Tag> {
        keys.iter().map(|key| Tag { key: (*key).into(), value: format!("v-{key}") }).collect()
    }

    fn keys(tags: &Tags) -> Vec<String> {
        tags.pairs().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn keys_are_unique_without_regard_to_case() {
        let mut known = Tags::new(&tags(&["a", "B"])).unwrap();
        known.set(&tags(&["A", "c"])).unwrap();
        assert_eq!(keys(&known), ["A", "B", "c"]);
        known.remove(&["b".into(), "none".into()]);
        assert_eq!(keys(&known), ["A", "c"]);
        assert_eq!(known.set(&tags(&["x", "X"])), Err(TagError::Duplicate));
        assert_eq!(known.set(&tags(&["AWS:x"])), Err(TagError::Reserved));
        assert_eq!(keys(&known), ["A", "c"]);
    }

    #[test]
    fn there_are_at_most_fifty() {
        let names: Vec<String> = (0..TAGS_MAX).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut full = Tags::new(&tags(&names)).unwrap();
        assert_eq!(full.set(&tags(&["more"])), Err(TagError::TooMany));
        assert_eq!(full.set(&tags(&["7"])), Ok(()));
    }

    #[test]
    fn numbers_do_not_return() {
        let mut known = Tags::new(&tags(&["a", "b"])).unwrap();
        let last = known.numbered().last().unwrap().0;
        known.remove(&["b".into()]);
        known.set(&tags(&["b"])).unwrap();
        assert!(known.numbered().last().unwrap().0 > last);
    }
}
