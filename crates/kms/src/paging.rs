//! Pages of lists: a limit, a marker bound to its list, and whether there is more.

use keywatch_api::page;
use keywatch_iam::Call;

use crate::error::KmsError;

/// What a request says about its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    question: String,
    pub(crate) limit: usize,
    /// Items after this one.
    pub(crate) after: Option<String>,
}

/// The items of a page and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paged<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_marker: Option<String>,
}

impl Page {
    /// `list` names the operation and what it lists; a marker of another list, account or Region is refused.
    pub(crate) fn read(
        call: &Call<'_>,
        list: &str,
        limit: Option<i32>,
        limit_default: usize,
        marker: Option<&str>,
    ) -> Result<Self, KmsError> {
        let question = format!("{list} {}", call.partition());
        let after = match marker {
            Some(marker) => Some(page::decode(&question, marker).map_err(|_| KmsError::InvalidMarker)?),
            None => None,
        };
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(limit_default);
        Ok(Page { question, limit, after })
    }

    /// How many items to fetch to know whether there are more.
    pub(crate) fn fetch(&self) -> usize {
        self.limit + 1
    }

    /// Cuts `items`, of which [`Page::fetch`] were asked for, to the page; `name` is what the list is ordered by.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, name: impl Fn(&T) -> String) -> Paged<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| more);
        let next_marker = last.map(|last| page::encode(&self.question, &name(last)));
        Paged { items, next_marker }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(items: &[&str], limit: usize, want: &[&str], more: bool) {
        let page = Page { question: "q".into(), limit, after: None };
        let paged = page.cut(items.to_vec(), |item| (*item).to_owned());
        assert_eq!((paged.items.as_slice(), paged.next_marker.is_some()), (want, more));
        if let Some(marker) = paged.next_marker {
            assert_eq!(page::decode("q", &marker).unwrap(), *want.last().unwrap());
        }
    }

    #[test]
    fn pages_are_cut() {
        check(&[], 2, &[], false);
        check(&["a", "b"], 2, &["a", "b"], false);
        check(&["a", "b", "c"], 2, &["a", "b"], true);
    }
}
