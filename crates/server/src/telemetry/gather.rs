//! Everything there is to tell, from where it is known.

use keywatch_monitor::notify::DeliveryFigures;
use keywatch_store::{CommitFigures, GROUP_SIZES};
use keywatch_telemetry::{Family, Histogram, Kind, Value};
use tracing::warn;

use super::process;
use crate::app::App;

/// Group sizes as bounds.
const GROUP_BOUNDS: [f64; GROUP_SIZES.len()] = {
    let mut bounds = [0.0; GROUP_SIZES.len()];
    let mut at = 0;
    while at < GROUP_SIZES.len() {
        bounds[at] = GROUP_SIZES[at] as f64;
        at += 1;
    }
    bounds
};

/// The server's families, those of KMS keys last.
pub async fn families(app: &App) -> Vec<Family> {
    let build = Family::new("keywatch_build", Kind::Info, "What is running.");
    let mut families = vec![build.with(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)];
    families.extend(app.telemetry.calls.families());
    families.extend(of_commits(&app.store.figures()));
    let head = Family::new("keywatch_log_entries", Kind::Counter, "Entries of the trail since it began.");
    families.push(head.with(&[], app.store.head() as f64));
    let mut lags = Family::new(
        "keywatch_follower_lag_entries",
        Kind::Gauge,
        "Entries that a follower has still to take in.",
    )
    .in_unit("entries");
    for (follower, lag) in app.engine.lags() {
        lags.push(&[("follower", follower)], Value::Number(lag as f64));
    }
    families.push(lags);
    let series = Family::new("keywatch_metric_series", Kind::Gauge, "Metrics of all accounts and Regions.");
    families.push(series.with(&[], app.cloudwatch.series_count() as f64));
    match app.notify.figures().await {
        Ok(figures) => families.extend(of_deliveries(&figures)),
        Err(error) => warn!(%error, "Deliveries could not be counted"),
    }
    families.extend(app.telemetry.push.families());
    families.extend(process::families(app.telemetry.started));
    families.push(app.telemetry.keys.family(&app.telemetry.calls));
    families
}

fn of_commits(figures: &CommitFigures) -> [Family; 4] {
    let counter = |name, help, value: u64| Family::new(name, Kind::Counter, help).with(&[], value as f64);
    let mut sizes = Family::new(
        "keywatch_store_group_size",
        Kind::Histogram,
        "How many commits one sync of the database made durable.",
    );
    // The database syncs whole groups, so the sum of their sizes is the number of commits.
    let mut counts = figures.groups.to_vec();
    counts.push(0);
    let histogram = Histogram { bounds: &GROUP_BOUNDS, counts, sum: figures.batches as f64 };
    sizes.push(&[], Value::Histogram(histogram));
    [
        counter("keywatch_store_commits", "Commits that were made durable.", figures.batches),
        counter(
            "keywatch_store_conflicts",
            "Commits that met changes by others and were tried again.",
            figures.conflicts,
        ),
        counter(
            "keywatch_store_failures",
            "Groups of commits that the database refused.",
            figures.failed_groups,
        ),
        sizes,
    ]
}

fn of_deliveries(figures: &DeliveryFigures) -> [Family; 3] {
    let attempts = Family::new(
        "keywatch_notification_attempts",
        Kind::Counter,
        "Attempts to deliver a message, by what they came to.",
    );
    let gauge = |name, help, value: u64| Family::new(name, Kind::Gauge, help).with(&[], value as f64);
    [
        attempts
            .with(&[("outcome", "delivered")], figures.delivered as f64)
            .with(&[("outcome", "retried")], figures.retried as f64)
            .with(&[("outcome", "given_up")], figures.given_up as f64)
            .with(&[("outcome", "dropped")], figures.dropped as f64),
        gauge(
            "keywatch_notification_queue",
            "Deliveries that wait for an attempt; counting stops at 10000.",
            figures.waiting,
        ),
        gauge(
            "keywatch_notification_dead_letters",
            "Deliveries that were given up and are kept; counting stops at 10000.",
            figures.dead,
        ),
    ]
}
