//! The event IDs seen so far, to count a record once that was delivered twice.
//!
//! **Invariant:** of the sources that hold the same event ID the first one, in the order of their numbers,
//! owns it and every other occurrence is a **duplicate** of its own source, whichever thread came first.
//! **Not here:** deciding by content; CloudTrail keeps an event's ID when it delivers it again.

use super::counts::HashMap;
use std::collections::BTreeMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Threads rarely meet in one of so many parts.
const PARTS: usize = 64;

/// A number for a source: its place in the sorted list.
pub(super) type SourceNumber = u32;

/// An event's identity in words of 32 bits, so that an entry takes no more than its twenty bytes.
type Identified = [u32; 4];

/// Of one source: how many duplicates, and the least of their event IDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Duplicates {
    pub(super) count: u64,
    pub(super) example: String,
}

/// Shared by all threads.
pub(super) struct Seen {
    owners: Vec<Mutex<HashMap<Identified, SourceNumber>>>,
    duplicates: Mutex<BTreeMap<SourceNumber, Duplicates>>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { owners: (0..PARTS).map(|_| Mutex::default()).collect(), duplicates: Mutex::default() }
    }

    /// Whether the event is new; if not, the occurrence is noted as a duplicate.
    pub(super) fn is_new(&self, event_id: &[u8], source: SourceNumber) -> bool {
        let id = identify(event_id);
        let mut owners = lock(&self.owners[(id[0] ^ id[3]) as usize % PARTS]);
        let duplicate_of = match owners.entry(id) {
            Entry::Vacant(vacant) => {
                vacant.insert(source);
                return true;
            }
            Entry::Occupied(mut owner) => {
                let later = source.max(*owner.get());
                owner.insert(source.min(*owner.get()));
                later
            }
        };
        drop(owners);
        lock(&self.duplicates)
            .entry(duplicate_of)
            .and_modify(|duplicates| {
                duplicates.count += 1;
                if event_id < duplicates.example.as_bytes() {
                    duplicates.example = String::from_utf8_lossy(event_id).into_owned();
                }
            })
            .or_insert_with(|| Duplicates {
                count: 1,
                example: String::from_utf8_lossy(event_id).into_owned(),
            });
        false
    }

    /// The duplicates of each source that has some.
    pub(super) fn into_duplicates(self) -> BTreeMap<SourceNumber, Duplicates> {
        self.duplicates.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that panics ends the process before a half-made entry could be read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 128 bits: a UUID as it is, which event IDs are, anything else hashed.
fn identify(event_id: &[u8]) -> Identified {
    if let Ok(uuid) = Uuid::try_parse_ascii(event_id) {
        return words(uuid.as_u128());
    }
    let [high, low] = [0_u8, 1].map(|half| {
        let mut hasher = DefaultHasher::new();
        (half, event_id).hash(&mut hasher);
        u128::from(hasher.finish())
    });
    words(high << 64 | low)
}

fn words(identity: u128) -> Identified {
    [96, 64, 32, 0].map(|shift| (identity >> shift) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as they come, by source; then the duplicates of each source.
    #[track_caller]
    fn check(events: &[(&str, SourceNumber)], want: &[(SourceNumber, u64, &str)]) {
        let seen = Seen::new();
        let new = events.iter().filter(|(id, source)| seen.is_new(id.as_bytes(), *source)).count();
        let duplicates = seen.into_duplicates();
        let found: Vec<_> = duplicates
            .iter()
            .map(|(source, duplicates)| (*source, duplicates.count, duplicates.example.as_str()))
            .collect();
        assert_eq!(found, want);
        let counted: u64 = want.iter().map(|(_, count, _)| count).sum();
        assert_eq!(new as u64 + counted, events.len() as u64);
    }

    #[test]
    fn the_first_source_owns_whatever_the_order() {
        check(&[("a", 0), ("a", 1), ("a", 2)], &[(1, 1, "a"), (2, 1, "a")]);
        check(&[("a", 2), ("a", 0), ("a", 1)], &[(1, 1, "a"), (2, 1, "a")]);
    }

    #[test]
    fn twice_in_one_source() {
        check(&[("b", 3), ("a", 3), ("b", 3), ("a", 3)], &[(3, 2, "a")]);
    }

    #[test]
    fn uuids_by_value() {
        let id = "1fb0962b-8d29-4ea5-b0f3-b12665a99c40";
        check(&[(id, 0), (&id.to_uppercase(), 1)], &[(1, 1, &id.to_uppercase())]);
        check(&[(id, 0), ("1fb0962b-8d29-4ea5-b0f3-b12665a99c41", 1)], &[]);
    }
}
