//! The event IDs seen so far, to count a record once that was delivered twice.
//!
//! **Invariant:** of the sources that hold the same event ID the first one, in the order of their numbers,
//! owns it and every other occurrence is a **duplicate** of its own source, whichever thread came first.
//! **Not here:** deciding by content; CloudTrail keeps an event's ID when it delivers it again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Threads rarely meet in one of so many parts.
const PARTS: usize = 64;
/// A part with fewer places has none.
const PLACES_MIN: usize = 64;
const UUID_BYTES: usize = 36;

/// How many places hold events at most, that free ones are found soon.
const fn taken_max(places: usize) -> usize {
    places / 16 * 13
}

/// A number for a source: its place in the sorted list.
pub(super) type SourceNumber = u32;

/// The number of no source.
const NO_SOURCE: SourceNumber = SourceNumber::MAX;

/// An event's identity in words of 32 bits, so that a place takes no more than its twenty bytes.
type Identified = [u32; 4];

/// An event ID that is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventId {
    identity: Identified,
    hash: u64,
}

impl EventId {
    #[inline]
    fn part(self) -> usize {
        (self.hash >> 58) as usize
    }

    fn text(self) -> String {
        Uuid::from_u128(u128_of(self.identity)).to_string()
    }
}

/// Of one source: how many duplicates, and the least of their event IDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Duplicates {
    pub(super) count: u64,
    pub(super) example: String,
}

/// Where one event is kept, or none.
#[derive(Debug, Clone, Copy)]
struct Place {
    identity: Identified,
    owner: SourceNumber,
}

const EMPTY: Place = Place { identity: [0; 4], owner: NO_SOURCE };

/// Some of the events, each at the first free place from the one that its hash tells, so that one wait for
/// memory finds it.
#[derive(Debug, Default)]
struct Part {
    /// A power of two of them, or none yet.
    places: Vec<Place>,
    taken: usize,
}

impl Part {
    #[inline]
    fn first_place(&self, hash: u64) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    /// Makes room for so many more.
    fn reserve(&mut self, more: usize, hasher: &impl BuildHasher) {
        if self.taken + more <= taken_max(self.places.len()) {
            return;
        }
        let mut places = self.places.len().max(PLACES_MIN);
        while self.taken + more > taken_max(places) {
            places *= 2;
        }
        self.grow(places, hasher);
    }

    #[cold]
    fn grow(&mut self, places: usize, hasher: &impl BuildHasher) {
        let old = std::mem::replace(&mut self.places, vec![EMPTY; places]);
        for place in old.into_iter().filter(|place| place.owner != NO_SOURCE) {
            let free = self.find(place.identity, hash_of(place.identity, hasher));
            self.places[free] = place;
        }
    }

    /// Its place, or the free one that is for it.
    #[inline]
    fn find(&self, identity: Identified, hash: u64) -> usize {
        let mut at = self.first_place(hash);
        while self.places[at].owner != NO_SOURCE && self.places[at].identity != identity {
            at = (at + 1) & (self.places.len() - 1);
        }
        at
    }

    /// Whose duplicate the event is, if it is one. There is room for it.
    #[inline]
    fn insert(&mut self, id: EventId, source: SourceNumber) -> Option<SourceNumber> {
        let at = self.find(id.identity, id.hash);
        let place = &mut self.places[at];
        if place.owner == NO_SOURCE {
            *place = Place { identity: id.identity, owner: source };
            self.taken += 1;
            return None;
        }
        let later = source.max(place.owner);
        place.owner = source.min(place.owner);
        Some(later)
    }
}

/// Shared by all threads.
pub(super) struct Seen {
    parts: Vec<Mutex<Part>>,
    hasher: foldhash::fast::RandomState,
    duplicates: Mutex<BTreeMap<SourceNumber, Duplicates>>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            hasher: foldhash::fast::RandomState::default(),
            duplicates: Mutex::default(),
        }
    }

    /// Whether the event is new; if not, the occurrence is noted as a duplicate.
    pub(super) fn is_new(&self, event_id: &[u8], source: SourceNumber) -> bool {
        let id = self.hashed(identify(event_id));
        let mut part = lock(&self.parts[id.part()]);
        part.reserve(1, &self.hasher);
        let duplicate_of = part.insert(id, source);
        drop(part);
        if let Some(later) = duplicate_of {
            self.note(later, String::from_utf8_lossy(event_id).into_owned());
        }
        duplicate_of.is_none()
    }

    /// An event ID as CloudTrail writes them, a UUID in small letters; `None` for any other.
    #[inline]
    pub(super) fn plain_id(&self, event_id: &[u8]) -> Option<EventId> {
        // Of hyphens, digits and letters only capital letters lack this bit.
        let is_plain = event_id.len() == UUID_BYTES && event_id.iter().all(|byte| byte & 0x20 != 0);
        let uuid = is_plain.then(|| Uuid::try_parse_ascii(event_id).ok())??;
        Some(self.hashed(words(uuid.as_u128())))
    }

    #[inline]
    fn hashed(&self, identity: Identified) -> EventId {
        EventId { identity, hash: hash_of(identity, &self.hasher) }
    }

    /// As [`Seen::is_new`], for events of one source in their order; many at a time wait for memory together.
    pub(super) fn are_new(&self, ids: &[EventId], source: SourceNumber, are_new: &mut Vec<bool>) {
        are_new.clear();
        are_new.resize(ids.len(), false);
        let numbers = by_part(ids);
        for numbers in numbers.chunk_by(|one, other| ids[*one as usize].part() == ids[*other as usize].part())
        {
            let of = |number: &u32| ids[*number as usize];
            let mut part = lock(&self.parts[of(&numbers[0]).part()]);
            part.reserve(numbers.len(), &self.hasher);
            // None of these waits for another; after them all that is needed is near.
            let near = |number: &u32| part.places[part.first_place(of(number).hash)].owner;
            black_box(numbers.iter().fold(0, |sum, number| sum ^ near(number)));
            for number in numbers {
                match part.insert(of(number), source) {
                    None => are_new[*number as usize] = true,
                    Some(later) => self.note(later, of(number).text()),
                }
            }
        }
    }

    fn note(&self, duplicate_of: SourceNumber, event_id: String) {
        let mut duplicates = lock(&self.duplicates);
        match duplicates.entry(duplicate_of) {
            Entry::Vacant(vacant) => {
                vacant.insert(Duplicates { count: 1, example: event_id });
            }
            Entry::Occupied(mut occupied) => {
                let duplicates = occupied.get_mut();
                duplicates.count += 1;
                if event_id < duplicates.example {
                    duplicates.example = event_id;
                }
            }
        }
    }

    /// The duplicates of each source that has some.
    pub(super) fn into_duplicates(self) -> BTreeMap<SourceNumber, Duplicates> {
        self.duplicates.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers of all events, sorted by part and else in their order.
fn by_part(ids: &[EventId]) -> Vec<u32> {
    let mut places = [0; PARTS];
    for id in ids {
        places[id.part()] += 1;
    }
    let mut before = 0;
    for place in &mut places {
        before += std::mem::replace(place, before);
    }
    let mut numbers = vec![0; ids.len()];
    for (number, id) in (0..).zip(ids) {
        let place = &mut places[id.part()];
        numbers[*place] = number;
        *place += 1;
    }
    numbers
}

/// A thread that panics ends the process before a half-made entry could be read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[inline]
fn hash_of(identity: Identified, hasher: &impl BuildHasher) -> u64 {
    hasher.hash_one(u128_of(identity))
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

#[inline]
fn u128_of(identity: Identified) -> u128 {
    identity.iter().fold(0, |sum, word| sum << 32 | u128::from(*word))
}

#[inline]
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

    /// As `check`, many at a time.
    #[test]
    fn many_at_a_time() {
        let id = |number: u32| format!("1fb0962b-8d29-4ea5-b0f3-{number:012x}");
        let seen = Seen::new();
        let plain =
            |text: &str| seen.plain_id(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a plain ID"));
        let mut are_new = Vec::new();
        let ids: Vec<EventId> = (0..20_000).map(|number| plain(&id(number % 15_000))).collect();
        seen.are_new(&ids, 7, &mut are_new);
        assert!(are_new[..15_000].iter().all(|is_new| *is_new), "the first of each");
        assert!(are_new[15_000..].iter().all(|is_new| !is_new));
        seen.are_new(&ids[3..4], 5, &mut are_new);
        assert_eq!(are_new, [false]);
        assert!(!seen.is_new(id(2).to_uppercase().as_bytes(), 9), "looked up one by one or together");
        seen.are_new(&[], 1, &mut are_new);
        assert!(are_new.is_empty());
        let duplicates: Vec<_> = seen.into_duplicates().into_iter().collect();
        let found = |count, example: &str| Duplicates { count, example: example.to_owned() };
        assert_eq!(duplicates, [(7, found(5_001, &id(0))), (9, found(1, &id(2).to_uppercase()))]);
    }

    #[test]
    fn plain_ids() {
        let seen = Seen::new();
        let id = "1fb0962b-8d29-4ea5-b0f3-b12665a99c40";
        assert_eq!(seen.plain_id(id.as_bytes()).map(EventId::text).as_deref(), Some(id));
        for other in [&id.to_uppercase(), &id.replace('-', "0"), "a", "", &format!("{{{id}}}"), &id[1..]] {
            assert!(seen.plain_id(other.as_bytes()).is_none(), "{other}");
        }
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
