//! # Notifications: topics, queues and the ways out
//! A **topic** has **subscriptions**; a **message** published to it, by a caller, an alarm or a rule, is an entry of the log. The
//! **follower** turns each entry into **deliveries** (or into messages of a **queue**) in one commit with its position: exactly one for
//! each message and subscription. **Deliverers** are tasks of their own: they attempt what is due, at least once, and come back to
//! what failed; what is given up is kept as a **dead** row. Without an SMTP server mails are kept in the **outbox**.
//!
//! **Invariants:** an endpoint that has not confirmed gets nothing but the question; a slow endpoint does not delay others; a token
//! is never stored in the clear. **Not here:** who may publish (`keywatch_iam`), what alarms and rules say (`alarms`, `events`).

mod attempt;
mod deliverer;
mod delivery;
mod delivery_policy;
mod document;
mod figures;
mod follower;
pub mod illustration;
pub mod links;
pub mod list_outbox;
mod mail;
mod queue;
pub(crate) mod receiver;
mod retry;
mod signer;
pub mod sns;
pub mod sqs;
#[cfg(test)]
mod tests;
mod token;
mod topic;
mod webhook;

use std::sync::Arc;

use keywatch_api::Clock;
use keywatch_crypto::RootKeyring;
use keywatch_store::{Store, StoreError};
use tokio::sync::{OnceCell, watch};

pub(crate) use delivery::{due_of, moment};
pub use figures::DeliveryFigures;
pub use follower::NotifyFollower;
use illustration::{Illustrate, Illustrations};
use mail::Mailer;
pub use mail::SmtpUrlError;
use signer::Signer;
use webhook::Poster;

/// How notifications leave this installation.
#[derive(Clone, Debug)]
pub struct Options {
    /// Our own base URL (`http://127.0.0.1:4599`), for links and certificates.
    pub endpoint: String,
    /// `smtp://host:port`; without it mails are kept in the outbox.
    pub smtp: Option<String>,
    /// Web hooks may reach loopback and private addresses.
    pub allow_private_targets: bool,
    /// Draws what mails about alarms show; without it they have their text only.
    pub illustrator: Option<Arc<dyn Illustrate>>,
}

/// Why notifications cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error(transparent)]
    Smtp(#[from] SmtpUrlError),
    #[error("the HTTP client for web hooks cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// Topics, queues and deliveries; cheap to clone.
#[derive(Clone, Debug)]
pub struct Notify {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    keyring: Arc<RootKeyring>,
    endpoint: String,
    mailer: Option<Mailer>,
    poster: Poster,
    illustrations: Illustrations,
    signer: OnceCell<Signer>,
    /// Grows when the follower or the clock may have made something due.
    wake: watch::Sender<u64>,
    /// Grows when a delivery has been dealt with.
    progress: watch::Sender<u64>,
    /// Grows when a message may have come into a queue by other ways than a call.
    arrivals: watch::Sender<u64>,
    waiters: queue::waiters::Waiters,
    stop: watch::Sender<bool>,
    /// True once nobody may wait for messages any more.
    closing: watch::Sender<bool>,
    counters: figures::Counters,
}

impl Notify {
    /// Checks the options; opens no connection yet.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        keyring: Arc<RootKeyring>,
        options: Options,
    ) -> Result<Self, OptionsError> {
        // The TLS of mails and web hooks takes the process's provider; another one that is set already is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mailer = options.smtp.as_deref().map(Mailer::new).transpose()?;
        let poster = Poster::new(options.allow_private_targets).map_err(OptionsError::Client)?;
        let inner = Inner {
            store,
            clock,
            keyring,
            endpoint: options.endpoint.trim_end_matches('/').to_owned(),
            mailer,
            poster,
            illustrations: Illustrations::new(options.illustrator),
            signer: OnceCell::new(),
            wake: watch::Sender::new(0),
            progress: watch::Sender::new(0),
            arrivals: watch::Sender::new(0),
            waiters: queue::waiters::Waiters::default(),
            stop: watch::Sender::new(false),
            closing: watch::Sender::new(false),
            counters: figures::Counters::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The follower that expands messages into deliveries.
    pub async fn follower(&self) -> Result<NotifyFollower, StoreError> {
        NotifyFollower::new(self.clone()).await
    }

    /// Attempts what is due until [`stop`](Self::stop); then waits shortly for what is on its way. What is left is in the store.
    pub async fn run(&self) {
        deliverer::run(&self.inner).await;
    }

    /// What is told of deliveries.
    pub async fn figures(&self) -> Result<DeliveryFigures, StoreError> {
        self.inner.counters.read(&self.inner.store).await
    }

    /// Answers those who wait for messages of queues, now and from now on.
    pub fn end_waiting(&self) {
        self.inner.closing.send_replace(true);
    }

    /// Makes [`run`](Self::run) return.
    pub fn stop(&self) {
        self.inner.stop.send_replace(true);
    }
}

impl Inner {
    /// The key that signs, made on first use.
    async fn signer(&self) -> Result<&Signer, StoreError> {
        self.signer.get_or_try_init(|| Signer::load(&self.store, &self.keyring, self.clock.now())).await
    }

    fn wake(&self) {
        self.wake.send_modify(|count| *count += 1);
    }
}
