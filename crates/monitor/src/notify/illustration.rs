//! What mails about alarms show besides their text: the metric drawn, and who uses the key it is about.
//!
//! An **illustration** is made once for a message, however many get it by mail, and kept for as long as others are likely to ask
//! for it. **Invariant:** a mail never waits long for its illustration; it goes without one instead.
//! **Not here:** how it is made (`crate::widget_image`), how it is shown (`mail/html.rs`).

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::entry::AlarmNotice;

/// A mail waits at most this long.
const WITHIN: Duration = Duration::from_secs(5);
/// Messages whose illustrations are kept.
const KEPT_MAX: usize = 32;

/// Makes illustrations.
pub trait Illustrate: fmt::Debug + Send + Sync {
    fn illustrate<'a>(&'a self, notice: &'a AlarmNotice) -> BoxFuture<'a, Illustration>;
}

/// What there is to show; whatever could not be found out is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Illustration {
    /// A PNG.
    pub picture: Option<Vec<u8>>,
    /// Names of the key, without their `alias/`.
    pub aliases: Vec<String>,
    /// Who used the key most on the last day, with the number of calls.
    pub users: Vec<(String, u64)>,
}

type Made = Arc<OnceCell<Arc<Illustration>>>;

/// The illustrations of the last messages.
#[derive(Debug, Default)]
pub(super) struct Illustrations {
    source: Option<Arc<dyn Illustrate>>,
    /// By the messages' ids, oldest first.
    recent: Mutex<VecDeque<(String, Made)>>,
}

impl Illustrations {
    pub(super) fn new(source: Option<Arc<dyn Illustrate>>) -> Self {
        Self { source, recent: Mutex::default() }
    }

    /// The illustration of a message, made by whoever asks first.
    pub(super) async fn of(&self, message_id: &str, notice: &AlarmNotice) -> Arc<Illustration> {
        let Some(source) = &self.source else { return Arc::default() };
        let made = self.place(message_id);
        let make = || async { Arc::new(source.illustrate(notice).await) };
        if let Ok(illustration) = tokio::time::timeout(WITHIN, made.get_or_init(make)).await {
            return illustration.clone();
        }
        tracing::warn!(alarm = %notice.name, "A mail goes without its picture, which took too long");
        Arc::default()
    }

    fn place(&self, message_id: &str) -> Made {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = recent.iter().find(|(id, _)| id == message_id) {
            return made.clone();
        }
        if recent.len() == KEPT_MAX {
            recent.pop_front();
        }
        let made = Made::default();
        recent.push_back((message_id.to_owned(), made.clone()));
        made
    }
}
