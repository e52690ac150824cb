//! # KMS: keys, who may use them, and their life
//! One file per operation, named after it. Below them: a `key` as it is kept, its states (`lifecycle`) and materials
//! (`materials`), who may do what (`access`), keys opened for use (`open_key`), and what falls `due` by the clock.
//!
//! Beside the keys: `grants` on them, the `family` of Regions that share one, their `last_usage`, and how many calls `quotas` let pass.
//!
//! **Invariants:** an operation changes the world only through its call's transaction; a key is written only through `rows`;
//! material leaves its seal only inside `open_key` and the import.
//! **Not here:** the wire and records' common part (`server`), the trail and what follows it (`monitor`), ciphers (`crypto`).

mod access;
mod aliases;
mod attestation;
mod ciphers;
mod conditions;
mod count;
mod data_key_pair;
mod dispatch;
mod due;
mod error;
pub mod evidence;
mod family;
mod family_record;
mod grant_token;
mod grants;
mod import_token;
mod key;
mod key_count;
mod key_policy;
mod key_ref;
mod last_usage;
mod lifecycle;
mod managed;
mod materials;
mod notes;
mod open_key;
mod opened;
mod paging;
mod quotas;
mod rows;
mod seeds;
mod signatures;
mod spec;
mod tags;
mod tags_of_keys;
#[cfg(test)]
mod testing;

mod cancel_key_deletion;
mod create_alias;
mod create_grant;
mod create_key;
mod decapsulate;
mod decrypt;
mod delete_alias;
mod delete_imported_key_material;
mod derive_shared_secret;
mod describe_key;
mod disable_key;
mod disable_key_rotation;
mod enable_key;
mod enable_key_rotation;
mod encapsulate;
mod encrypt;
mod generate_data_key;
mod generate_data_key_pair;
mod generate_data_key_pair_without_plaintext;
mod generate_data_key_without_plaintext;
mod generate_mac;
mod generate_random;
mod get_key_last_usage;
mod get_key_policy;
mod get_key_rotation_status;
mod get_parameters_for_import;
mod get_public_key;
mod import_key_material;
mod list_aliases;
mod list_grants;
mod list_key_policies;
mod list_key_rotations;
mod list_keys;
mod list_resource_tags;
mod list_retirable_grants;
mod put_key_policy;
mod re_encrypt;
mod replicate_key;
mod retire_grant;
mod revoke_grant;
mod rotate_key_on_demand;
mod schedule_key_deletion;
mod sign;
mod tag_resource;
mod untag_resource;
mod update_alias;
mod update_key_description;
mod update_primary_region;
mod verify;
mod verify_mac;

use std::sync::Arc;

use keywatch_crypto::RootKeyring;
use keywatch_crypto::attestation::AttestationRoot;
use keywatch_iam::slow::Pool;

pub use dispatch::{dispatch, request_shape};
pub use due::DueKeys;
pub use last_usage::KeyUsageFollower;
pub use seeds::{SeedError, Seeds};
pub use tags_of_keys::tags_of_keys;

/// The service: what its operations share besides the store. One for a process.
#[derive(Debug)]
pub struct Kms {
    keyring: Arc<RootKeyring>,
    open: open_key::OpenKeys,
    usages: last_usage::LastUsages,
    quotas: quotas::Quotas,
    attestation_root: Option<AttestationRoot>,
    primitives: Pool,
    generation: Pool,
}

impl Kms {
    /// `keyring` opens every sealed material in the store.
    pub fn new(keyring: Arc<RootKeyring>) -> Self {
        Kms {
            keyring,
            open: open_key::OpenKeys::new(),
            usages: last_usage::LastUsages::default(),
            quotas: quotas::Quotas::default(),
            attestation_root: None,
            primitives: Pool::for_primitives(),
            generation: Pool::for_generation(),
        }
    }

    /// Refuses calls beyond the request rates that AWS publishes.
    #[must_use]
    pub fn with_request_quotas(self) -> Self {
        Kms { quotas: quotas::Quotas::switched_on(), ..self }
    }

    pub(crate) fn keyring(&self) -> &RootKeyring {
        &self.keyring
    }

    /// Answers enclaves whose attestation documents lead to `root`.
    #[must_use]
    pub fn with_attestation_root(self, root: AttestationRoot) -> Self {
        Kms { attestation_root: Some(root), ..self }
    }

    pub(crate) fn attestation_root(&self) -> Option<&AttestationRoot> {
        self.attestation_root.as_ref()
    }

    /// Where primitives are computed that take milliseconds.
    pub(crate) fn primitives(&self) -> &Pool {
        &self.primitives
    }

    /// Where key pairs are made that take longer still.
    pub(crate) fn generation(&self) -> &Pool {
        &self.generation
    }

    pub(crate) fn usages(&self) -> &last_usage::LastUsages {
        &self.usages
    }

    pub(crate) fn quotas(&self) -> &quotas::Quotas {
        &self.quotas
    }

    pub(crate) fn open(&self) -> &open_key::OpenKeys {
        &self.open
    }
}
