//! How far the polls under way have come. In memory only: a poll ends with its process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a poll has read, digests included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Meter {
    pub(in super::super) files: u64,
    /// As they lie there.
    pub(in super::super) bytes: u64,
    /// Files and bytes of the whole poll, once they are known.
    pub(in super::super) total: Option<(u64, u64)>,
}

/// The meters of polls, by the ids of their sources.
#[derive(Debug, Default)]
pub(in super::super) struct Meters(Mutex<HashMap<String, Meter>>);

/// Ends the meter of a poll, however that ends.
#[derive(Debug)]
pub(super) struct Metering<'m> {
    meters: &'m Meters,
    id: &'m str,
}

impl Drop for Metering<'_> {
    fn drop(&mut self) {
        self.meters.all().remove(self.id);
    }
}

impl Meters {
    pub(super) fn begin<'m>(&'m self, id: &'m str) -> Metering<'m> {
        self.all().insert(id.to_owned(), Meter::default());
        Metering { meters: self, id }
    }

    /// Says how much there is.
    pub(super) fn expect(&self, id: &str, files: u64, bytes: u64) {
        if let Some(meter) = self.all().get_mut(id) {
            meter.total = Some((files, bytes));
        }
    }

    /// Counts files that were read.
    pub(super) fn pass(&self, id: &str, files: u64, bytes: u64) {
        if let Some(meter) = self.all().get_mut(id) {
            meter.files += files;
            meter.bytes += bytes;
        }
    }

    /// The meter of the poll under way.
    pub(in super::super) fn of(&self, id: &str) -> Option<Meter> {
        self.all().get(id).copied()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Meter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_lasts_as_long_as_its_poll() {
        let meters = Meters::default();
        let metering = meters.begin("a");
        meters.pass("a", 2, 30);
        meters.expect("a", 7, 100);
        meters.pass("b", 1, 1);
        assert_eq!(meters.of("a"), Some(Meter { files: 2, bytes: 30, total: Some((7, 100)) }));
        assert_eq!(meters.of("b"), None);
        drop(metering);
        assert_eq!(meters.of("a"), None);
    }
}
