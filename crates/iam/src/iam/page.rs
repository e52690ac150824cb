//! Pages of IAM's lists: `Marker`, `MaxItems`, `IsTruncated`.

use keywatch_api::page;
use keywatch_store::{Kind, Scan, Versioned};

use super::IamError;
use crate::Call;
use crate::identity::account_prefix;

const ITEMS_DEFAULT: usize = 100;
const ITEMS_MAX: usize = 1000;
const _: () = assert!(ITEMS_DEFAULT <= ITEMS_MAX);

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(super) struct PageRequest {
    question: String,
    after: Option<String>,
    items_max: usize,
}

/// A part of a list, and the marker of the next part when there is one.
#[derive(Debug, PartialEq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) marker: Option<String>,
}

impl PageRequest {
    /// `question` is the operation with its filters: a marker continues only the list it came from.
    pub(super) fn new(
        question: String,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Self, IamError> {
        let after = marker.map(|marker| page::decode(&question, marker)).transpose();
        let after = after.map_err(|_| IamError::Validation("Invalid Marker."))?;
        let items_max = max_items.and_then(|max| usize::try_from(max).ok()).unwrap_or(ITEMS_DEFAULT);
        Ok(Self { question, after, items_max: items_max.min(ITEMS_MAX) })
    }

    /// The page of a list that is at hand, from items with the texts they are ordered by.
    pub(super) fn of<T>(&self, items: impl IntoIterator<Item = (String, T)>) -> Page<T> {
        let mut page = Page { items: Vec::new(), marker: None };
        let mut last = None;
        let rest = items.into_iter().filter(|(key, _)| self.after.as_ref().is_none_or(|after| key > after));
        for (key, item) in rest {
            if page.items.len() == self.items_max {
                page.marker = last.map(|last: String| page::encode(&self.question, &last));
                break;
            }
            page.items.push(item);
            last = Some(key);
        }
        page
    }

    /// The page of the caller's account's rows of a kind that `keep` keeps.
    pub(super) async fn scan<T: Versioned>(
        &self,
        call: &mut Call<'_>,
        kind: Kind,
        keep: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, IamError> {
        let prefix = account_prefix(call.account());
        let mut after = self.after.clone();
        let mut kept: Vec<(String, T)> = Vec::new();
        while kept.len() <= self.items_max {
            let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ITEMS_MAX };
            let rows = call.tx.scan::<T>(kind, scan).await?;
            let complete = rows.len() < ITEMS_MAX;
            after = rows.last().map(|(key, _)| key.clone());
            kept.extend(rows.into_iter().filter(|(_, record)| keep(record)));
            if complete {
                break;
            }
        }
        Ok(self.of(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|name| ((*name).to_owned(), name.to_uppercase())).collect()
    }

    #[test]
    fn pages_follow_each_other() {
        let request = |marker: Option<&str>| PageRequest::new("List".into(), marker, Some(2)).unwrap();
        let first = request(None).of(items(&["a", "b", "c"]));
        assert_eq!(first.items, ["A", "B"]);
        // What was added behind the marker shows, what was removed is not missed.
        let second = request(first.marker.as_deref()).of(items(&["a", "bb", "c"]));
        assert_eq!((second.items, second.marker), (vec!["BB".into(), "C".into()], None));
        let whole = PageRequest::new("List".into(), None, None).unwrap().of(items(&["a", "b", "c"]));
        assert_eq!((whole.items.len(), whole.marker), (3, None));
    }

    #[test]
    fn markers_belong_to_their_list() {
        let marker = page::encode("ListUsers /a/", "x");
        assert!(PageRequest::new("ListUsers /a/".into(), Some(&marker), None).is_ok());
        assert!(PageRequest::new("ListUsers /b/".into(), Some(&marker), None).is_err());
    }
}
