//! Where history lies, and who keeps it: between the configuration and the crate that does it.

use std::sync::Arc;

use keywatch_api::Clock;
use keywatch_history::{History, Keeper, KeeperOptions, OpenError, Place};
use keywatch_monitor::engine::{Follower, stored_position};
use keywatch_store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;

/// Opens the history of a configuration: beside the objects, or in the data directory.
pub fn open(config: &Config, store: &Store) -> Result<History, OpenError> {
    let place = Place::open(config.object_store.as_deref(), &config.data_dir.join("history"))?;
    Ok(History::new(store.clone(), place).with_retention(config.history_age_max))
}

/// The keeper of a history, which takes nothing from the log that one of `followers` has still to take in.
pub fn keeper(config: &Config, history: &History, followers: &[Box<dyn Follower>]) -> Keeper {
    let storing = followers.iter().filter(|follower| follower.stores_position());
    let names: Arc<[&str]> = storing.map(|follower| follower.name()).collect();
    let followed_to = move |store: Store| {
        let names = names.clone();
        Box::pin(async move {
            let mut followed = store.head();
            for name in names.iter() {
                followed = followed.min(stored_position(&store, name).await?);
            }
            Ok(followed)
        }) as _
    };
    let recent = config.history_recent;
    let options = KeeperOptions { keep_entries: recent, close_entries: recent, ..KeeperOptions::default() };
    Keeper::new(history.clone(), options, Arc::new(followed_to))
}

/// Keeps history beside the serving, until it is stopped.
#[derive(Debug)]
pub struct Keeping {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Keeping {
    pub fn start(keeper: Keeper, clock: Arc<dyn Clock>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(keeper.run(move || clock.now(), stopped));
        Self { stop, task }
    }

    /// Waits until the step that is under way is done.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "The history's keeper did not end in order");
        }
    }
}
