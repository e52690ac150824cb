//! Which rows of a kind commits touched, for who keeps something made of all of them and reads again only what changed.
//!
//! **Invariant:** a key is noted after its row can be read and before its commit is answered, so who takes keys and then reads rows
//! misses nothing. **Not here:** what the rows became; that is read.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use crate::Kind;

/// From so many keys on reading all rows is less work than remembering which.
const KEYS_MAX: usize = 200_000;

/// The keys of one kind that commits touched. Each follower has its own.
#[derive(Debug)]
pub struct TouchedKeys {
    keys: Arc<Mutex<Touched>>,
}

/// What commits touched since it was last asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These rows were put or deleted.
    Keys(BTreeSet<String>),
    /// Any row may have been.
    Any,
}

impl TouchedKeys {
    /// What was touched since the last call; at the first call any row may have been.
    pub fn take(&self) -> Touched {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *keys, Touched::Keys(BTreeSet::new()))
    }
}

/// Everybody who follows the rows of some kind.
#[derive(Default)]
pub(crate) struct Followed {
    followers: RwLock<HashMap<Kind, Vec<Weak<Mutex<Touched>>>>>,
}

impl Followed {
    pub(crate) fn follow(&self, kind: Kind) -> TouchedKeys {
        let keys = Arc::new(Mutex::new(Touched::Any));
        let mut followers = self.followers.write().unwrap_or_else(PoisonError::into_inner);
        let of_kind = followers.entry(kind).or_default();
        of_kind.retain(|follower| follower.strong_count() > 0);
        of_kind.push(Arc::downgrade(&keys));
        TouchedKeys { keys }
    }

    /// Whether anybody follows a kind.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.followers.read().unwrap_or_else(PoisonError::into_inner).contains_key(&kind)
    }

    pub(crate) fn note(&self, kind: Kind, key: &str) {
        let followers = self.followers.read().unwrap_or_else(PoisonError::into_inner);
        for follower in followers.get(&kind).into_iter().flatten().filter_map(Weak::upgrade) {
            let mut touched = follower.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *touched {
                Touched::Keys(keys) if keys.len() < KEYS_MAX => {
                    keys.insert(key.to_owned());
                }
                any => *any = Touched::Any,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind("t");

    fn keys(keys: &[&str]) -> Touched {
        Touched::Keys(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn each_follower_takes_what_was_touched() {
        let followed = Followed::default();
        followed.note(KIND, "before");
        let first = followed.follow(KIND);
        followed.note(KIND, "a");
        assert_eq!(first.take(), Touched::Any);
        let second = followed.follow(KIND);
        followed.note(KIND, "b");
        followed.note(KIND, "b");
        followed.note(Kind("other"), "c");
        assert_eq!((first.take(), second.take()), (keys(&["b"]), Touched::Any));
        assert_eq!((first.take(), second.take()), (keys(&[]), keys(&[])));
    }

    #[test]
    fn too_many_keys_are_any() {
        let followed = Followed::default();
        let follower = followed.follow(KIND);
        follower.take();
        for number in 0..=KEYS_MAX {
            followed.note(KIND, &number.to_string());
        }
        assert_eq!(follower.take(), Touched::Any);
        assert_eq!(follower.take(), keys(&[]));
    }
}
