//! # History: records that left the log, in files that others can open
//! The log holds the newest records. What is older lies in **segments**: Parquet files, each with the records of one run of
//! sequence numbers, ordered by time. The **catalogue** is the rows that say which segments there are. [`History`] answers
//! from both alike; a [`Keeper`] moves records from the log into segments, merges small segments into larger ones, and
//! removes segments that retention no longer grants. The columns are documented in `docs/history.md`.
//!
//! **Invariants:** a record is either in the log or in one segment, never in both or in neither: one commit adds the
//! segment to the catalogue and takes its entries from the log. Nothing leaves the log that a follower has still to take
//! in. A file that no row of the catalogue names is **loose** and is removed at the next start.
//! **Not here:** what an operation shows of a record (`monitor`), keys.

mod catalogue;
mod columns;
mod error;
mod facts;
mod gather;
mod keeper;
mod place;
mod query;
mod search;
mod segment;
#[cfg(test)]
mod testing;
mod text;

pub use crate::{
    columns::Column,
    error::HistoryError,
    facts::{Facts, Resource, UserIdentity},
    gather::{Gather, Use},
    keeper::{FollowedTo, Keeper, KeeperOptions},
    place::{OpenError, Place, open_s3},
    query::{Condition, Judge, Mark, Query, Test},
    search::{Found, History},
    text::Text,
};
