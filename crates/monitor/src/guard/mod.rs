//! # What guards need that single records do not tell
//! A **follower** remembers of each key when it was last used, by whom, what its policy was and when its material was rotated, and appends
//! events of source `keywatch.guard` where a record differs from that: a principal that is new to a key, a key that is used after a long
//! silence, re-encryption to a key that nothing was re-encrypted to before, who gained and lost rights by a policy, grants that bind their
//! holder to nothing or leave the account, and keys that nobody rotated in time. Event rules decide which of them matter.
//!
//! **Invariants:** what is remembered is a pure function of the records in the log's order ([`memory`]); times of use are remembered by the
//! hour, so that a busy key costs one row an hour. What is remembered of one key is bounded. Imported records teach at any age, and
//! speak only while event rules still hear them.
//! Which part of a key's use is decrypting is compared each hour from the metrics; after a restart only keys that are used again are.
//! The guards themselves are ordinary rules, alarms and metric filters, whose definitions are in [`pack`].

pub mod finding;
pub mod follower;
pub mod memory;
pub mod pack;
pub mod policy_change;
pub mod share;
pub mod sight;

pub use follower::GuardFollower;
