//! # Verification: do the files say what was delivered?
//! **Evidence** is what was found: digests, and the hash of each log file they list. The **judge** holds digests against each other,
//! against public keys and against **anchors**, which are heads of chains that somebody kept; what does not agree is a **finding**.
//!
//! It finds what AWS's tool finds, and beyond that, by our links: how many digests are missing wherever they are, records and files
//! without numbers between them, and, with an anchor, a missing end. Digests of AWS itself have no links and are judged by AWS's
//! rules alone.
//!
//! **Invariant:** pure, but for `stored`, which reads a store. **Not here:** directories, threads, tables (`server`).

mod anchor;
mod finding;
mod inflate;
mod judge;
mod names;
mod stored;

#[cfg(test)]
mod tests;

pub use anchor::{Anchor, ChainAnchor};
pub use finding::{Fault, Finding};
pub use inflate::{Inflater, NotGzip};
pub use judge::{ChainSummary, DigestFile, PublicKeys, Verdict, judge};
pub use names::{Coverage, file_name, is_digest_name, is_log_name, is_same_place};
pub use stored::{Stored, StoredObject};
