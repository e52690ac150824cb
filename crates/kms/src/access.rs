//! # From a `KeyId` to a key the caller may act on
//! A request names a key; the key is found, noted for the record, and its policy together with the caller's decides. Only then
//! does an operation look at anything else.
//!
//! Sources: KMS developer guide, "Key policies", "Allowing users in other accounts to use a KMS key" (which operations reach
//! across accounts), "Key identifiers" (which take aliases).

use std::collections::BTreeMap;
use std::sync::Arc;

use keywatch_api::kms::member::GrantToken;
use keywatch_api::{AccountId, Arn, Region};
use keywatch_crypto::KeyName;
use keywatch_iam::policy::{ConditionKeys, NoKeys, PolicyDocument, ResourceSide};
use keywatch_iam::{AccessDenied, Call, Question};

use crate::Kms;
use crate::conditions::{CallerKeys, KeyKeys};
use crate::error::KmsError;
use crate::key::{KEYS, Key};
use crate::key_ref::{KeyPlace, KeyRef, invalid_id};
use crate::managed;
use crate::open_key::{KEY_RESOURCE, OpenKey, stored_policy};

/// How a request may name its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// By id or ARN, in the caller's account: everything that manages keys.
    Own,
    /// By id or ARN, in any account: `GetKeyRotationStatus`.
    Any,
    /// By id, ARN or alias, in any account: cryptographic operations and `DescribeKey`. A predefined alias gets its key.
    Use,
}

/// A question about a key.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'q> {
    /// `kms:Decrypt`
    pub(crate) action: &'static str,
    pub(crate) context: Option<&'q BTreeMap<String, String>>,
    pub(crate) more: &'q dyn ConditionKeys,
}

impl<'q> Asked<'q> {
    pub(crate) fn plain(action: &'static str) -> Asked<'static> {
        Asked { action, context: None, more: &NoKeys }
    }

    pub(crate) fn with(action: &'static str, more: &'q dyn ConditionKeys) -> Self {
        Asked { action, context: None, more }
    }
}

/// A key that a request names, before anybody was asked.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) open: Arc<OpenKey>,
    alias: Option<String>,
}

impl Found {
    /// Notes the key for the record and asks the policies.
    pub(crate) fn authorize(&self, call: &mut Call<'_>, asked: &Asked<'_>) -> Result<(), KmsError> {
        let open = &self.open;
        if !call.notes.resources.contains(&open.resource) {
            call.notes.resources.push(open.resource.clone());
        }
        authorize(call, &open.key, &open.arn, &open.policy, self.alias.as_deref(), asked)
    }
}

/// Finds the key `text` names, for reading or use. `action` is what a refusal speaks of when there is no such key.
pub(crate) async fn find(
    call: &mut Call<'_>,
    kms: &Kms,
    text: &str,
    reach: Reach,
    action: &'static str,
) -> Result<Found, KmsError> {
    let region = call.region.clone();
    let (target, alias) = match KeyRef::parse(text, &region)? {
        KeyRef::Id(name) => (Target::Key(own_place(call, name)), None),
        KeyRef::Arn(place) if reach == Reach::Own && place.account != *call.account() => {
            return Err(foreign(call, &place.arn(), action));
        }
        KeyRef::Arn(place) => (Target::Key(place), None),
        KeyRef::Alias(_) | KeyRef::AliasArn { .. } if reach != Reach::Use => return Err(invalid_id(text)),
        KeyRef::Alias(name) => {
            let account = call.account().clone();
            (alias_target(call, kms, account, region, name).await?, Some(name.to_owned()))
        }
        KeyRef::AliasArn { account, region, name } => {
            (alias_target(call, kms, account, region, &name).await?, Some(name))
        }
    };
    match (target, alias) {
        (Target::Key(place), alias) => Ok(Found { open: open_at(call, kms, &place, action).await?, alias }),
        (Target::Predefined(name), alias) => {
            // Boxed, since it happens once in an alias's life.
            Ok(Found { open: Box::pin(managed::key_behind(call, kms, &name)).await?, alias })
        }
        (Target::Nothing(arn), _) => {
            call.authorize_own(action, &arn.to_string())?;
            Err(KmsError::NotFound(format!("Alias {arn} is not found.")))
        }
    }
}

/// What a name leads to.
enum Target {
    Key(KeyPlace),
    /// A predefined alias whose key was never needed.
    Predefined(String),
    /// The ARN of an alias that does not exist.
    Nothing(Arn),
}

async fn alias_target(
    call: &Call<'_>,
    kms: &Kms,
    account: AccountId,
    region: Region,
    name: &str,
) -> Result<Target, KmsError> {
    match kms.open().alias_target(call.tx.store, &account, &region, name).await? {
        Some(target) => Ok(Target::Key(KeyPlace { account, region, name: target })),
        None if managed::is_predefined(name) && account == *call.account() => {
            Ok(Target::Predefined(name.to_owned()))
        }
        None => Ok(Target::Nothing(Arn::kms_alias(&region, &account, name))),
    }
}

/// The key of that name in the caller's own name space.
pub(crate) fn own_place(call: &Call<'_>, name: KeyName) -> KeyPlace {
    KeyPlace { account: call.account().clone(), region: call.region.clone(), name }
}

async fn open_at(
    call: &mut Call<'_>,
    kms: &Kms,
    place: &KeyPlace,
    action: &'static str,
) -> Result<Arc<OpenKey>, KmsError> {
    match kms.open().get(call.tx.store, kms.keyring(), place).await? {
        Some(open) => Ok(open),
        None => Err(absent(call, place, action)),
    }
}

/// The key at `place`, as [`find`] gives it; `None` when there is none.
pub(crate) async fn find_at(call: &Call<'_>, kms: &Kms, place: &KeyPlace) -> Result<Option<Found>, KmsError> {
    let open = kms.open().get(call.tx.store, kms.keyring(), place).await?;
    Ok(open.map(|open| Found { open, alias: None }))
}

/// Finds a key and asks the policies: what most operations that only read begin with.
pub(crate) async fn reach(
    call: &mut Call<'_>,
    kms: &Kms,
    text: &str,
    reach: Reach,
    asked: &Asked<'_>,
) -> Result<Arc<OpenKey>, KmsError> {
    let found = find(call, kms, text, reach, asked.action).await?;
    found.authorize(call, asked)?;
    Ok(found.open)
}

/// Takes a key of the caller's account into the transaction to change it, after asking the policies.
pub(crate) async fn hold(call: &mut Call<'_>, text: &str, asked: &Asked<'_>) -> Result<Key, KmsError> {
    let region = call.region.clone();
    let place = match KeyRef::parse(text, &region)? {
        KeyRef::Id(name) => own_place(call, name),
        KeyRef::Arn(place) if place.account == *call.account() => place,
        KeyRef::Arn(place) => return Err(foreign(call, &place.arn(), asked.action)),
        KeyRef::Alias(_) | KeyRef::AliasArn { .. } => return Err(invalid_id(text)),
    };
    hold_at(call, &place, asked).await
}

/// As [`hold`], for a key that is named by another row.
pub(crate) async fn hold_at(
    call: &mut Call<'_>,
    place: &KeyPlace,
    asked: &Asked<'_>,
) -> Result<Key, KmsError> {
    let Some(key) = call.tx.get::<Key>(KEYS, &place.row()).await? else {
        return Err(absent(call, place, asked.action));
    };
    let arn = key.arn();
    call.notes.resource(&arn, KEY_RESOURCE);
    authorize(call, &key, &arn.to_string(), &stored_policy(&key)?, None, asked)?;
    Ok(key)
}

/// Asks the policies about an action on a key.
fn authorize(
    call: &Call<'_>,
    key: &Key,
    arn: &str,
    policy: &PolicyDocument,
    alias: Option<&str>,
    asked: &Asked<'_>,
) -> Result<(), KmsError> {
    let keys = KeyKeys { caller: CallerKeys::of(call, asked.more), key, alias, context: asked.context };
    let question = Question {
        action: asked.action,
        resource: arn,
        owner: &key.account,
        side: ResourceSide::Required(policy),
        granted: false,
        keys: &keys,
    };
    Ok(call.authorize(&question)?)
}

/// Asks only the caller's own policies: for `*`, and for aliases, which have no policy of their own.
pub(crate) fn authorize_own(
    call: &Call<'_>,
    action: &str,
    resource: &str,
    more: &dyn ConditionKeys,
) -> Result<(), KmsError> {
    let keys = CallerKeys::of(call, more);
    let question = Question {
        action,
        resource,
        owner: &call.caller.account,
        side: ResourceSide::None,
        granted: false,
        keys: &keys,
    };
    Ok(call.authorize(&question)?)
}

/// Grants are not built, so no token can be one of ours.
pub(crate) fn check_grant_tokens(tokens: &Option<Vec<GrantToken>>) -> Result<(), KmsError> {
    match tokens {
        Some(tokens) if !tokens.is_empty() => Err(KmsError::InvalidGrantToken),
        _ => Ok(()),
    }
}

/// Only who could act on such a key learns that there is none.
fn absent(call: &Call<'_>, place: &KeyPlace, action: &'static str) -> KmsError {
    let arn = place.arn().to_string();
    match call.authorize_own(action, &arn) {
        Ok(()) => KmsError::NotFound(format!("Key '{arn}' does not exist")),
        Err(denied) => denied.into(),
    }
}

/// Management does not reach across accounts, whatever the policies say.
fn foreign(call: &Call<'_>, arn: &Arn, action: &str) -> KmsError {
    KmsError::AccessDenied(AccessDenied(format!(
        "User: {} is not authorized to perform: {action} on resource: {arn} because no resource-based policy allows the {action} action",
        call.caller.arn
    )))
}
