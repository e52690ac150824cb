//! # Digests: what was delivered, signed and chained
//! Once an hour a **digest** lists the log files that a trail delivered into one Region's folder since the digest before, with the
//! hash of each, and is signed with the **signing key** of its account and Region. Each names the one before and its signature, as
//! AWS's do; `aws cloudtrail validate-logs` reads them. A **chain** is all digests of a trail and a Region.
//!
//! Beyond AWS every digest carries a **link**: running numbers of digests, files and records, and a **head**, a hash over the head
//! before and over all that the digest lists. Numbers and heads go on when a trail stops and starts again, so that whatever is
//! taken out of the middle shows, and whoever knows a later head sees that the end is missing.
//!
//! **Invariants:** a log file is in exactly one digest, of which it becomes part in the commit that makes it visible; a digest's
//! object, the list it was made of and the chain change in one commit. **Not here:** when digests are made (`files_delivery`), who
//! holds them against the files (`verify`).

mod chain;
pub mod document;
mod keys;

pub(crate) use chain::{
    CHAIN, ChainRecord, DIGEST_FILE, FileRecord, Previous, chain_key, file_key, period_end, whole_second,
};
pub(crate) use keys::{SIGNING_KEY, SigningKey, SigningKeyRecord, SigningKeys};
