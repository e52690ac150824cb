//! # The wire's nouns
//! Everything a request or an answer is made of, for every service and every protocol: the tables of operations
//! ([`operation`]), request shapes with AWS's constraint texts ([`shape`], [`elements`]) that describe themselves ([`describe`]), closed sets ([`wire_enum`]), blobs and times
//! ([`scalar`]), names ([`arn`], [`names`]), faults ([`fault`]) and the three protocols that carry them ([`codec`]).
//!
//! **Invariants:** a request that was decoded satisfies every modelled constraint; nothing here is async, reads a clock
//! or does I/O. **Not here:** what an operation does.

pub mod arn;
pub mod clock;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod codec;
pub mod describe;
pub mod elements;
pub mod events;
pub mod fault;
pub mod iam;
pub mod keywatch;
pub mod kms;
pub mod logs;
pub mod names;
pub mod object;
pub mod operation;
pub mod outbox;
pub mod page;
pub mod record_form;
pub mod s3;
pub mod scalar;
pub mod shape;
pub mod sns;
pub mod sqs;
pub mod sts;
pub mod wire_enum;

pub use arn::Arn;
pub use clock::Clock;
pub use codec::Empty;
pub use fault::{Fault, WireError};
pub use names::{AccountId, Region};
pub use object::Object;
pub use operation::{Access, OperationInfo, Service};
pub use scalar::{Blob, Number, SecretBlob, SecretText, WireTime};
pub use shape::{At, Violations, WireField};
