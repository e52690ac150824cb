//! # A key, as it is kept
//! A **key** is a row: who and where it is, its **state**, its **materials** (sealed; one is current, former ones still decrypt,
//! one may wait for its rotation), its policy, tags and the names of its aliases.
//!
//! **Invariants:** a key with `AWS_KMS` origin has all its materials; at most one material is current and at most one pends
//! rotation; `aliases` names exactly the alias rows that point here, changed in the same transaction as they are.
//! **Not here:** who may do what (`access`), which change is allowed when (`lifecycle`), material in the clear (`open_key`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use keywatch_api::kms::keys::KeyMetadata;
use keywatch_api::kms::sets::{
    ExpirationModel, KeyManager, KeySpec, KeyState, KeyUsage, Origin, RotationType,
};
use keywatch_api::{AccountId, Arn, Region};
use keywatch_store::{Kind, Partition, StoreError, Stored, Versioned};
use serde::{Deserialize, Serialize};

use crate::family::Family;
use crate::spec;

mod v1;

/// Keys: `account/region/id`.
pub(crate) const KEYS: Kind = Kind("kms.key");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) created: Timestamp,
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    pub(crate) manager: KeyManager,
    pub(crate) origin: Origin,
    pub(crate) description: String,
    pub(crate) state: State,
    /// In the order in which they came.
    pub(crate) materials: Vec<Material>,
    /// Of asymmetric keys, from their first material on; it stays when imported material is gone.
    pub(crate) public_key: Option<PublicKey>,
    /// `None` while automatic rotation is off.
    pub(crate) rotation: Option<AutomaticRotation>,
    /// JSON text, as it was put.
    pub(crate) policy: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// Names with their prefix `alias/`.
    pub(crate) aliases: BTreeSet<String>,
    /// `None` for a key of one Region.
    #[serde(default)]
    pub(crate) family: Option<Family>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Enabled,
    Disabled,
    PendingDeletion {
        due: Timestamp,
    },
    /// Some material that the key needs was never imported, was deleted or has expired.
    PendingImport,
    /// A primary whose replicas go first; then its own waiting period begins.
    PendingReplicaDeletion {
        window_days: i32,
    },
    /// A replica on its way.
    Creating {
        until: Timestamp,
    },
    /// A member of a family whose primary is changing.
    Updating {
        until: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Material {
    /// 64 hexadecimal digits.
    pub(crate) id: String,
    /// `None` after imported material was deleted or has expired.
    pub(crate) sealed: Option<Sealed>,
    pub(crate) standing: Standing,
    /// The rotation that made it the current one; `None` for a key's first material.
    pub(crate) rotated: Option<Rotated>,
    /// `None` for material that was generated here.
    pub(crate) imported: Option<Imported>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Encrypts and decrypts.
    Current,
    /// Was current and still decrypts.
    NonCurrent,
    /// Becomes current by the next rotation on demand.
    PendingRotation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotated {
    pub(crate) at: Timestamp,
    pub(crate) kind: RotationType,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Imported {
    /// `None`: does not expire.
    pub(crate) valid_to: Option<Timestamp>,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AutomaticRotation {
    pub(crate) period_days: i32,
    pub(crate) next: Timestamp,
}

/// `SubjectPublicKeyInfo` in DER, in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicKey(String);

impl PublicKey {
    pub(crate) fn new(der: &[u8]) -> Self {
        PublicKey(BASE64.encode(der))
    }

    /// `None` when the stored text is damaged.
    pub(crate) fn der(&self) -> Option<Vec<u8>> {
        BASE64.decode(&self.0).ok()
    }
}

/// Material sealed under a root key, in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed(String);

impl Sealed {
    pub(crate) fn new(sealed: &[u8]) -> Self {
        Sealed(BASE64.encode(sealed))
    }

    /// `None` when the stored text is damaged.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        BASE64.decode(&self.0).ok()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl Versioned for Key {
    const MARKER: &'static str = "kms.key/2";

    fn upgrade(older: Stored<'_>) -> Result<Self, StoreError> {
        older.decode::<v1::Key>().map(Key::from)
    }
}

impl Key {
    pub(crate) fn arn(&self) -> Arn {
        Arn::kms_key(&self.region, &self.account, &self.id)
    }

    pub(crate) fn partition(&self) -> Partition {
        Partition::new(self.account.as_str(), self.region.as_str())
    }

    /// The key of its row.
    pub(crate) fn row(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.id)
    }

    pub(crate) fn current(&self) -> Option<&Material> {
        self.materials.iter().find(|material| material.standing == Standing::Current)
    }

    pub(crate) fn material(&self, id: &str) -> Option<&Material> {
        self.materials.iter().find(|material| material.id == id)
    }

    /// Whether any material the key needs for decrypting is not there.
    pub(crate) fn lacks_material(&self) -> bool {
        let mut needed = self.permanent().peekable();
        needed.peek().is_none() || needed.any(|material| material.sealed.is_none())
    }

    /// The materials that belong to the key for good: all but one that pends its rotation.
    fn permanent(&self) -> impl Iterator<Item = &Material> {
        self.materials.iter().filter(|material| material.standing != Standing::PendingRotation)
    }

    /// Whether it is a symmetric encryption key: the only kind with several materials, and whose materials' ids are shown.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.spec == KeySpec::SymmetricDefault
    }

    /// As `CreateKey` and `DescribeKey` answer.
    pub(crate) fn metadata(&self) -> KeyMetadata {
        let valid_to = self.permanent().filter_map(Material::expiry).min();
        let imported =
            self.permanent().any(|material| material.imported.is_some() && material.sealed.is_some());
        let model = match valid_to {
            Some(_) => ExpirationModel::Expires,
            None => ExpirationModel::DoesNotExpire,
        };
        let creating = matches!(self.state, State::Creating { .. });
        // Until it was imported for the first time, the key of another Region has only its name.
        let shown = self.current().filter(|_| self.is_symmetric() && !creating);
        KeyMetadata {
            aws_account_id: self.account.to_string(),
            key_id: self.id.clone(),
            arn: self.arn().to_string(),
            creation_date: self.created.into(),
            enabled: self.state == State::Enabled,
            description: self.description.clone(),
            key_usage: self.usage,
            key_state: self.state.wire(),
            deletion_date: match self.state {
                State::PendingDeletion { due } => Some(due.into()),
                _ => None,
            },
            valid_to: valid_to.map(Into::into),
            origin: self.origin,
            expiration_model: imported.then_some(model),
            key_manager: self.manager,
            customer_master_key_spec: self.spec,
            key_spec: self.spec,
            encryption_algorithms: spec::encryption_algorithms(self.spec, self.usage),
            signing_algorithms: spec::signing_algorithms(self.spec, self.usage),
            key_agreement_algorithms: spec::key_agreement_algorithms(self.usage),
            encapsulation_algorithms: spec::encapsulation_algorithms(self.usage),
            multi_region: self.family.is_some(),
            multi_region_configuration: self.multi_region_configuration(),
            pending_deletion_window_in_days: match self.state {
                State::PendingReplicaDeletion { window_days } => Some(window_days),
                _ => None,
            },
            mac_algorithms: spec::mac_algorithms(self.spec),
            current_key_material_id: shown.map(|material| material.id.clone()),
        }
    }
}

impl Material {
    /// When it expires; `None` when it does not, or is gone.
    pub(crate) fn expiry(&self) -> Option<Timestamp> {
        self.sealed.as_ref()?;
        self.imported.as_ref()?.valid_to
    }
}

impl State {
    pub(crate) fn wire(&self) -> KeyState {
        match self {
            State::Enabled => KeyState::Enabled,
            State::Disabled => KeyState::Disabled,
            State::PendingDeletion { .. } => KeyState::PendingDeletion,
            State::PendingImport => KeyState::PendingImport,
            State::PendingReplicaDeletion { .. } => KeyState::PendingReplicaDeletion,
            State::Creating { .. } => KeyState::Creating,
            State::Updating { .. } => KeyState::Updating,
        }
    }
}
