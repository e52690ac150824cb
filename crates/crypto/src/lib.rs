//! # Cryptography: bytes in, bytes out
//!
//! The nouns, in the order they lean on each other:
//! - [`SecretBytes`], [`SecretText`]: what must not be printed, cloned or left behind in memory.
//! - [`Random`] and [`SystemRandom`]: chance as a parameter.
//! - [`digest`]: SHA-256, HMAC-SHA-256 and comparison without a timing signal.
//! - [`KeyName`], [`MaterialId`], [`KeyMaterial`]: a KMS key's id, the id of one of its materials, and that material.
//! - [`EncryptionContext`] and [`envelope`]: the ciphertext blobs that users hold.
//! - [`RootKey`], [`RootKeyring`], [`Binding`]: how secrets are sealed before they are stored.
//! - [`import`]: wrapping key pairs and the unwrapping of imported material.
//! - [`pair`]: the key pairs of asymmetric KMS keys, and what each kind does; [`mac`]: HMAC keys.
//! - [`signing`]: RSA signatures of digests and notifications.
//!
//! **Invariants:** one-time AES-256-GCM keys only, so no (key, nonce) pair is ever used twice by chance; every
//! reader is strict and total: any input gives a value or an error, never a panic; one failure to open looks like
//! any other.
//!
//! **Not here:** files, sockets, clocks, serialisation frameworks, who may use a key (`keywatch-iam`) and when
//! (`keywatch-kms`).

pub mod attestation;
pub mod cms;
pub mod context;
pub mod digest;
pub mod envelope;
pub mod import;
mod key_name;
pub mod mac;
mod material;
mod material_id;
mod one_time;
pub mod pair;
pub mod random;
pub mod root_key;
mod secret;
pub mod signing;

pub use context::EncryptionContext;
pub use key_name::{KeyName, MalformedKeyName};
pub use material::{KeyMaterial, WrongMaterialLength};
pub use material_id::{MalformedMaterialId, MaterialId};
pub use random::{Random, SystemRandom};
pub use root_key::{Binding, RootKey, RootKeyId, RootKeyring};
pub use secret::{SecretBytes, SecretText};
