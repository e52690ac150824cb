//! # Grants
//! A **grant** lets one **grantee** use one key for some operations, within its constraints, until somebody **retires** or
//! revokes it. It only ever allows, and it never changes. Grants count from the moment they are made, so a **token** proves
//! nothing here that the store does not know already.
//!
//! | kind | key | value |
//! |---|---|---|
//! | `kms.grant` | `account/region/key\|grant` | [`Grant`] |
//! | `kms.grant_to` | `account/region/key\|grantee\|grant` | the same: who may do it |
//! | `kms.grant_retirable` | `region\|retiring principal\|account/region/key\|grant` | the same: who may end it |
//! | `kms.grant_name` | `account/region/key\|digest of name and terms` | the grant's id: the same wish again gives the same grant |
//! | `kms.grant_count` | `account/region/key/digit` | how many (`count`) |
//!
//! **Invariant:** the five kinds are written together, by [`insert`] and [`remove`] only.
//! Sources: KMS developer guide, "Grants in AWS KMS"; API reference, `CreateGrant`.

mod permission;

use std::collections::BTreeSet;

use jiff::Timestamp;
use keywatch_api::kms::grants::{GrantConstraints, GrantListEntry};
use keywatch_api::kms::sets::GrantOperation;
use keywatch_api::{AccountId, Arn};
use keywatch_crypto::{digest, random};
use keywatch_store::{Kind, Scan, Store, StoreError, Transaction, Versioned, decode};
use serde::{Deserialize, Serialize};

use crate::count::Counted;
use crate::error::KmsError;
use crate::key::Key;

pub(crate) use permission::{Bond, Wish, permitting};

pub(crate) const GRANTS: Kind = Kind("kms.grant");
pub(crate) const GRANTS_TO: Kind = Kind("kms.grant_to");
pub(crate) const GRANTS_RETIRABLE: Kind = Kind("kms.grant_retirable");
const GRANT_NAMES: Kind = Kind("kms.grant_name");
const GRANT_COUNTS: Kind = Kind("kms.grant_count");

/// "Grants per KMS key"
const GRANTS_PER_KEY_MAX: u32 = 50_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// 64 hexadecimal digits.
    pub(crate) id: String,
    /// `account/region/id` of its key.
    pub(crate) key_row: String,
    pub(crate) key_arn: String,
    pub(crate) created: Timestamp,
    /// The account of whoever made it.
    pub(crate) issuer: AccountId,
    pub(crate) terms: Terms,
}

/// What was asked for, and by what a grant is known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) name: Option<String>,
    pub(crate) grantee: Party,
    pub(crate) retiring: Option<Party>,
    pub(crate) operations: BTreeSet<GrantOperation>,
    pub(crate) constraints: GrantConstraints,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Party {
    /// The ARN of an account, a user, a role or a session.
    Principal(String),
    /// `rds.amazonaws.com`
    Service(String),
}

impl Party {
    /// ARNs and names of services never look alike.
    pub(crate) fn name(&self) -> &str {
        match self {
            Party::Principal(name) | Party::Service(name) => name,
        }
    }

    pub(crate) fn principal(&self) -> Option<&str> {
        match self {
            Party::Principal(arn) => Some(arn),
            Party::Service(_) => None,
        }
    }

    pub(crate) fn service(&self) -> Option<&str> {
        match self {
            Party::Principal(_) => None,
            Party::Service(name) => Some(name),
        }
    }
}

impl Versioned for Grant {
    const MARKER: &'static str = "kms.grant/1";
}

#[derive(Serialize, Deserialize)]
struct NamedGrant {
    id: String,
}

impl Versioned for NamedGrant {
    const MARKER: &'static str = "kms.grant_name/1";
}

impl Grant {
    /// A new grant on `key`.
    pub(crate) fn new(key: &Key, issuer: AccountId, terms: Terms, now: Timestamp) -> Self {
        let id: [u8; 32] = random::array();
        Grant {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            key_row: key.row(),
            key_arn: key.arn().to_string(),
            created: now,
            issuer,
            terms,
        }
    }

    /// As lists show it.
    pub(crate) fn entry(self) -> GrantListEntry {
        let Terms { name, grantee, retiring, operations, constraints } = self.terms;
        let retiring = retiring.as_ref();
        GrantListEntry {
            key_id: self.key_arn,
            grant_id: self.id,
            name: name.unwrap_or_default(),
            creation_date: self.created.into(),
            grantee_principal: grantee.principal().map(str::to_owned),
            grantee_service_principal: grantee.service().map(str::to_owned),
            retiring_principal: retiring.and_then(Party::principal).map(str::to_owned),
            retiring_service_principal: retiring.and_then(Party::service).map(str::to_owned),
            issuing_account: Arn::root(&self.issuer).to_string(),
            operations: operations.into_iter().collect(),
            constraints: (constraints != GrantConstraints::default()).then_some(constraints),
        }
    }

    /// The key of its row in [`GRANTS`].
    pub(crate) fn row(&self) -> String {
        row(&self.key_row, &self.id)
    }

    fn grantee_row(&self) -> String {
        format!("{}{}", grantee_prefix(&self.key_row, self.terms.grantee.name()), self.id)
    }

    fn retirable_row(&self) -> Option<String> {
        let region = self.key_row.split('/').nth(1).unwrap_or_default();
        let retiring = self.terms.retiring.as_ref()?;
        Some(format!("{}{}", retiring_prefix(region, retiring.name()), self.row()))
    }

    fn name_row(&self) -> Result<Option<String>, StoreError> {
        name_row(&self.key_row, &self.issuer, &self.terms)
    }
}

pub(crate) fn row(key_row: &str, id: &str) -> String {
    format!("{key_row}|{id}")
}

/// All rows of a key in [`GRANTS`].
pub(crate) fn key_prefix(key_row: &str) -> String {
    format!("{key_row}|")
}

/// All rows of a grantee of a key in [`GRANTS_TO`].
pub(crate) fn grantee_prefix(key_row: &str, grantee: &str) -> String {
    format!("{key_row}|{grantee}|")
}

/// All rows of a retiring principal in [`GRANTS_RETIRABLE`].
pub(crate) fn retiring_prefix(region: &str, retiring: &str) -> String {
    format!("{region}|{retiring}|")
}

/// `None` for a grant without a name, which is never made twice.
fn name_row(key_row: &str, issuer: &AccountId, terms: &Terms) -> Result<Option<String>, StoreError> {
    if terms.name.is_none() {
        return Ok(None);
    }
    let text = serde_json::to_string(&(issuer, terms))
        .map_err(|_| StoreError::corrupt("the terms of a grant".to_owned()))?;
    let digest = digest::sha256(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(format!("{key_row}|{hex}")))
}

/// The grant of the same name and terms, if there is one.
pub(crate) async fn same_again(
    tx: &mut Transaction<'_>,
    key_row: &str,
    issuer: &AccountId,
    terms: &Terms,
) -> Result<Option<String>, KmsError> {
    let Some(name) = name_row(key_row, issuer, terms)? else { return Ok(None) };
    Ok(tx.get::<NamedGrant>(GRANT_NAMES, &name).await?.map(|named| named.id))
}

fn count(key_row: &str) -> Counted<'_> {
    Counted { kind: GRANT_COUNTS, owner: key_row, max: GRANTS_PER_KEY_MAX }
}

/// Keeps a new grant, unless its key has too many.
pub(crate) async fn insert(tx: &mut Transaction<'_>, grant: &Grant) -> Result<(), KmsError> {
    if !count(&grant.key_row).add(tx, &grant.id).await? {
        return Err(KmsError::LimitExceeded(format!(
            "The key {} already has {GRANTS_PER_KEY_MAX} grants.",
            grant.key_arn
        )));
    }
    tx.insert(GRANTS, &grant.row(), grant)?;
    tx.put(GRANTS_TO, &grant.grantee_row(), grant)?;
    if let Some(row) = grant.retirable_row() {
        tx.put(GRANTS_RETIRABLE, &row, grant)?;
    }
    if let Some(row) = grant.name_row()? {
        tx.put(GRANT_NAMES, &row, &NamedGrant { id: grant.id.clone() })?;
    }
    Ok(())
}

/// Ends a grant that was read in this transaction.
pub(crate) async fn remove(tx: &mut Transaction<'_>, grant: &Grant) -> Result<(), KmsError> {
    count(&grant.key_row).subtract(tx, &grant.id).await?;
    tx.delete(GRANTS, &grant.row());
    tx.delete(GRANTS_TO, &grant.grantee_row());
    if let Some(row) = grant.retirable_row() {
        tx.delete(GRANTS_RETIRABLE, &row);
    }
    if let Some(row) = grant.name_row()? {
        tx.delete(GRANT_NAMES, &row);
    }
    Ok(())
}

/// Takes a grant into the transaction to end it.
pub(crate) async fn take(
    tx: &mut Transaction<'_>,
    key_row: &str,
    id: &str,
) -> Result<Option<Grant>, KmsError> {
    Ok(tx.get::<Grant>(GRANTS, &row(key_row, id)).await?)
}

/// Ends up to `limit` grants of a key; whether more may be left.
pub(crate) async fn remove_some(
    tx: &mut Transaction<'_>,
    key_row: &str,
    limit: usize,
) -> Result<bool, KmsError> {
    let prefix = key_prefix(key_row);
    let grants = tx.scan::<Grant>(GRANTS, Scan { prefix: &prefix, after: None, limit }).await?;
    let more = grants.len() == limit;
    for (_, grant) in &grants {
        remove(tx, grant).await?;
    }
    Ok(more)
}

/// The grants of an index that begin with `prefix`, with the names of their rows.
pub(crate) async fn list(
    store: &Store,
    index: Kind,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Grant)>, KmsError> {
    let rows = store.scan(index, Scan { prefix, after, limit }).await?;
    rows.into_iter().map(|row| Ok((row.key, decode(&row.bytes)?))).collect()
}

/// The refusal of an id that no grant of the key has.
pub(crate) fn unknown(id: &str) -> KmsError {
    KmsError::NotFound(format!("Grant ID {id} not found"))
}
