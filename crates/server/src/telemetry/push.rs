//! Pushing figures to an OpenTelemetry collector: OTLP over HTTP in protobuf.
//!
//! One task gathers at each interval and puts the message into a short queue; another sends what is in the queue, and tries again what
//! failed for now, later each time. What finds the queue full is dropped: the next message has the same counts and more.
//!
//! Source: OpenTelemetry protocol, "OTLP/HTTP": which answers are tried again, `Retry-After`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use keywatch_telemetry::otlp::{self, ExportMetricsServiceResponse, Span};
use keywatch_telemetry::{Family, Kind};
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::gather;
use super::push_options::PushOptions;
use crate::app::App;
use crate::clock::world_now;

/// Messages that wait to be sent.
const QUEUE_MAX: usize = 8;
/// Attempts of one message.
const ATTEMPTS_MAX: u32 = 6;
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long the last message may take when the server stops.
const LAST_MAX: Duration = Duration::from_secs(2);
/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What became of messages since the start.
#[derive(Debug, Default)]
pub struct PushFigures {
    on: AtomicU64,
    sent: AtomicU64,
    retried: AtomicU64,
    dropped: AtomicU64,
}

impl PushFigures {
    /// Nothing where nothing is pushed.
    pub(super) fn families(&self) -> Option<Family> {
        if self.on.load(Relaxed) == 0 {
            return None;
        }
        let family =
            Family::new("keywatch_otlp_pushes", Kind::Counter, "Messages for the OpenTelemetry collector.");
        Some(
            family
                .with(&[("outcome", "sent")], self.sent.load(Relaxed) as f64)
                .with(&[("outcome", "retried")], self.retried.load(Relaxed) as f64)
                .with(&[("outcome", "dropped")], self.dropped.load(Relaxed) as f64),
        )
    }
}

/// The running tasks.
#[derive(Debug)]
pub struct Push {
    stop: watch::Sender<bool>,
    sender: JoinHandle<()>,
}

impl Push {
    /// Starts pushing.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn start(app: Arc<App>, options: PushOptions) -> Result<Self, reqwest::Error> {
        let redirect = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().redirect(redirect).timeout(options.timeout).build()?;
        app.telemetry.push.on.store(1, Relaxed);
        let (stop, stopped) = watch::channel(false);
        let (queue, messages) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(gather(app.clone(), options.clone(), queue, stopped.clone()));
        let sender = tokio::spawn(send(Sender { app, options, client, stopped }, messages));
        Ok(Self { stop, sender })
    }

    /// Sends what was counted last, if that is quick, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(LAST_MAX, self.sender).await.is_err() {
            debug!("The last figures were not pushed");
        }
    }
}

/// Gathers at each interval and once more at the end.
async fn gather(
    app: Arc<App>,
    options: PushOptions,
    queue: mpsc::Sender<Bytes>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(options.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let is_last = tokio::select! {
            _ = ticks.tick() => false,
            _ = stopped.wait_for(|stopped| *stopped) => true,
        };
        let families = gather::families(&app).await;
        let span = Span { start: nanoseconds(app.telemetry.started), now: nanoseconds(world_now()) };
        let scope = ("keywatch", env!("CARGO_PKG_VERSION"));
        let message = otlp::request(&options.resource, scope, &families, span).encode_to_vec();
        let message = if options.gzip { zipped(&message) } else { message };
        if queue.try_send(message.into()).is_err() {
            app.telemetry.push.dropped.fetch_add(1, Relaxed);
        }
        if is_last {
            return;
        }
    }
}

fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or(0)
}

fn zipped(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(message);
    encoder.finish().unwrap_or_default()
}

struct Sender {
    app: Arc<App>,
    options: PushOptions,
    client: reqwest::Client,
    stopped: watch::Receiver<bool>,
}

/// What an attempt came to.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Sent,
    /// It may work later; the collector may have said when.
    Later(String, Option<Duration>),
    Never(String),
}

/// Sends until the queue is closed, which is when the gathering has ended.
async fn send(mut sender: Sender, mut messages: mpsc::Receiver<Bytes>) {
    while let Some(message) = messages.recv().await {
        sender.deliver(message).await;
    }
}

impl Sender {
    async fn deliver(&mut self, message: Bytes) {
        for attempt in 1..=ATTEMPTS_MAX {
            let (reason, wait) = match self.attempt(message.clone()).await {
                Attempt::Sent => {
                    self.app.telemetry.push.sent.fetch_add(1, Relaxed);
                    return;
                }
                Attempt::Never(reason) => {
                    warn!(reason, "The OpenTelemetry collector refused figures");
                    break;
                }
                Attempt::Later(reason, wait) => (reason, wait),
            };
            if attempt == ATTEMPTS_MAX || *self.stopped.borrow() {
                warn!(reason, "Figures could not be pushed to the OpenTelemetry collector");
                break;
            }
            debug!(reason, "Figures will be pushed again");
            self.app.telemetry.push.retried.fetch_add(1, Relaxed);
            tokio::select! {
                () = tokio::time::sleep(wait.unwrap_or_else(|| pause(attempt)).min(PAUSE_MAX)) => {}
                _ = self.stopped.wait_for(|stopped| *stopped) => {}
            }
        }
        self.app.telemetry.push.dropped.fetch_add(1, Relaxed);
    }

    async fn attempt(&self, message: Bytes) -> Attempt {
        let mut headers: HeaderMap = self.options.headers.iter().cloned().collect();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-protobuf"));
        if self.options.gzip {
            headers.insert(CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
        }
        let request = self.client.post(&self.options.url).headers(headers).body(message);
        let answer = match request.send().await {
            Ok(answer) => answer,
            // The URL may hold credentials.
            Err(error) => return Attempt::Later(crate::exit::chain(&error.without_url()), None),
        };
        let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let judged = judge(answer.status(), wait.map(Duration::from_secs));
        if judged == Attempt::Sent
            && answer.content_length().is_some_and(|length| length <= ANSWER_BYTES_MAX as u64)
        {
            let body = answer.bytes().await.unwrap_or_default();
            let partial =
                ExportMetricsServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
            if let Some(partial) = partial.filter(|partial| partial.rejected_data_points > 0) {
                warn!(
                    rejected = partial.rejected_data_points,
                    reason = partial.error_message,
                    "The OpenTelemetry collector took only a part of the figures"
                );
            }
        }
        judged
    }
}

fn judge(status: StatusCode, wait: Option<Duration>) -> Attempt {
    let reason = || format!("the collector answered {status}");
    match status.as_u16() {
        200..300 => Attempt::Sent,
        429 | 502..=504 => Attempt::Later(reason(), wait),
        _ => Attempt::Never(reason()),
    }
}

/// Twice as long after each attempt.
fn pause(attempt: u32) -> Duration {
    PAUSE_FIRST.saturating_mul(1 << (attempt - 1).min(16)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        let later = |code: u16| match judge(StatusCode::from_u16(code).unwrap(), None) {
            Attempt::Sent => 0,
            Attempt::Later(..) => 1,
            Attempt::Never(_) => 2,
        };
        for (code, expected) in
            [(200, 0), (204, 0), (400, 2), (404, 2), (429, 1), (500, 2), (502, 1), (503, 1), (504, 1)]
        {
            assert_eq!(later(code), expected, "{code}");
        }
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<u64> = (1..=8).map(|attempt| pause(attempt).as_millis() as u64).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    }
}
