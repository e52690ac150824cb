//! Who waits for a message of which queue (long polling), and how much is in flight.
//!
//! A call that sends **stirs** its queue before it is committed; whoever waits there looks again at the commits that follow. So a
//! commit wakes those it may concern, and a thousand callers that wait at other queues read nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Callers that wait at once; more are answered at once. The server answers twice as many requests at a time: those who wait leave
/// room for those who send.
const WAITERS_MAX: usize = 2_048;
/// How long after a send its commit may take. Whoever waits looks now and then anyway.
const LINGER: Duration = Duration::from_secs(1);
/// Queues whose room in flight is remembered.
const ROOMS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Waiters {
    places: Mutex<Places>,
    /// Messages that may still be received before those in flight are to be counted again, by incarnation.
    rooms: Mutex<HashMap<String, u64>>,
}

#[derive(Debug, Default)]
struct Places {
    waiting: usize,
    by_queue: HashMap<String, Place>,
}

#[derive(Debug, Default)]
struct Place {
    waiting: usize,
    stirred: Option<Instant>,
}

/// A place in the queue's waiting room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    waiters: &'a Waiters,
    incarnation: String,
}

impl Waiters {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits from now on; `None` when too many do.
    pub(crate) fn enter(&self, incarnation: &str) -> Option<Waiting<'_>> {
        let mut places = self.places();
        if places.waiting >= WAITERS_MAX {
            return None;
        }
        places.waiting += 1;
        places.by_queue.entry(incarnation.to_owned()).or_default().waiting += 1;
        Some(Waiting { waiters: self, incarnation: incarnation.to_owned() })
    }

    /// Something may be about to arrive.
    pub(crate) fn stir(&self, incarnation: &str) {
        if let Some(place) = self.places().by_queue.get_mut(incarnation) {
            place.stirred = Some(Instant::now());
        }
    }

    /// Takes room for `wanted` messages to be received, if it is known that there is some.
    pub(crate) fn take_room(&self, incarnation: &str, wanted: u64) -> bool {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        match rooms.get_mut(incarnation) {
            Some(room) if *room >= wanted => {
                *room -= wanted;
                true
            }
            _ => false,
        }
    }

    /// Remembers how much room there is.
    pub(crate) fn set_room(&self, incarnation: &str, room: u64) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= ROOMS_MAX {
            rooms.clear();
        }
        rooms.insert(incarnation.to_owned(), room);
    }
}

impl Waiting<'_> {
    /// Whether something was sent a moment ago.
    pub(crate) fn is_stirred(&self) -> bool {
        let places = self.waiters.places();
        let stirred = places.by_queue.get(&self.incarnation).and_then(|place| place.stirred);
        stirred.is_some_and(|at| at.elapsed() < LINGER)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut places = self.waiters.places();
        places.waiting -= 1;
        if let Some(place) = places.by_queue.get_mut(&self.incarnation) {
            place.waiting -= 1;
            if place.waiting == 0 {
                places.by_queue.remove(&self.incarnation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_given_up_and_stirred_by_queue() {
        let waiters = Waiters::default();
        let (one, other) = (waiters.enter("a").unwrap(), waiters.enter("b").unwrap());
        waiters.stir("a");
        waiters.stir("nobody");
        assert!(one.is_stirred() && !other.is_stirred());
        drop((one, other));
        assert_eq!(waiters.places().waiting, 0);
        assert!(waiters.places().by_queue.is_empty());
        let all: Vec<_> = (0..WAITERS_MAX).map(|_| waiters.enter("a").unwrap()).collect();
        assert!(waiters.enter("b").is_none());
        drop(all);
        assert!(waiters.enter("b").is_some());
    }

    #[test]
    fn room_is_used_up() {
        let waiters = Waiters::default();
        assert!(!waiters.take_room("a", 1));
        waiters.set_room("a", 15);
        assert!(waiters.take_room("a", 10));
        assert!(!waiters.take_room("a", 10));
        assert!(waiters.take_room("a", 5));
    }
}
