//! # From a `KeyId` to a key the caller may act on
//! A request names a key; the key is found, noted for the record, and its policy together with the caller's decides. Only then
//! does an operation look at anything else.
//!
//! Sources: KMS developer guide, "Key policies", "Allowing users in other accounts to use a KMS key" (which operations reach
//! across accounts), "Key identifiers" (which take aliases).

use std::collections::BTreeMap;
use std::sync::Arc;

use keywatch_api::{AccountId, Arn, Region};
use keywatch_crypto::KeyName;
use keywatch_iam::policy::{ConditionKeys, NoKeys, PolicyDocument, ResourceSide, Values};
use keywatch_iam::{AccessDenied, Call, Question};

use crate::Kms;
use crate::conditions::{CallerKeys, KeyKeys};
use crate::error::KmsError;
use crate::grants::{self, Bond, GRANTS_TO, Grant, Wish};
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
    /// Notes the key for the record and asks the policies, and grants where these do not suffice.
    pub(crate) async fn authorize(&self, call: &mut Call<'_>, asked: &Asked<'_>) -> Result<(), KmsError> {
        self.note(call);
        let open = &self.open;
        authorize(call, &open.key, &open.arn, &open.policy, self.alias.as_deref(), asked).await
    }

    /// As [`Found::authorize`], where a grant must be one that `accepts` takes.
    pub(crate) async fn authorize_where(
        &self,
        call: &mut Call<'_>,
        asked: &Asked<'_>,
        accepts: &(dyn Fn(&Grant) -> bool + Sync),
    ) -> Result<(), KmsError> {
        self.note(call);
        let open = &self.open;
        let keys = key_keys(call, &open.key, self.alias.as_deref(), asked);
        let question = question(&open.key, &open.arn, &open.policy, &keys, asked.action);
        authorize_by_grant(call, &open.key, &question, accepts).await
    }

    fn note(&self, call: &mut Call<'_>) {
        if !call.notes.resources.contains(&self.open.resource) {
            call.notes.resources.push(self.open.resource.clone());
        }
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
    let open = match target {
        Target::Key(place) => open_at(call, kms, &place, action).await?,
        // Boxed, since it happens once in an alias's life.
        Target::Predefined(name) => Box::pin(managed::key_behind(call, kms, &name)).await?,
        Target::Nothing(arn) => {
            call.authorize_own(action, &arn.to_string())?;
            return Err(KmsError::NotFound(format!("Alias {arn} is not found.")));
        }
    };
    kms.quotas().take_use(call, action, open.key.spec)?;
    Ok(Found { open, alias })
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
pub(crate) async fn find_at(
    call: &Call<'_>,
    kms: &Kms,
    place: &KeyPlace,
    action: &str,
) -> Result<Option<Found>, KmsError> {
    let Some(open) = kms.open().get(call.tx.store, kms.keyring(), place).await? else { return Ok(None) };
    kms.quotas().take_use(call, action, open.key.spec)?;
    Ok(Some(Found { open, alias: None }))
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
    found.authorize(call, asked).await?;
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
    authorize(call, &key, &arn.to_string(), &stored_policy(&key)?, None, asked).await?;
    Ok(key)
}

/// Asks the policies about an action on a key, and then the key's grants.
async fn authorize(
    call: &Call<'_>,
    key: &Key,
    arn: &str,
    policy: &PolicyDocument,
    alias: Option<&str>,
    asked: &Asked<'_>,
) -> Result<(), KmsError> {
    let keys = key_keys(call, key, alias, asked);
    let question = question(key, arn, policy, &keys, asked.action);
    let Err(denied) = call.authorize(&question) else { return Ok(()) };
    let operation = asked.action.strip_prefix("kms:").and_then(|name| name.parse().ok());
    let Some(operation) = operation else { return Err(denied.into()) };
    let source = keys.values("aws:sourcearn");
    let source_arn = match &source {
        Some(Values::One(arn)) => Some(arn.as_ref()),
        Some(Values::Many(_)) | None => None,
    };
    let wish = Wish { operation, context: asked.context, source_arn };
    // Boxed, since most calls are decided by policies.
    Box::pin(authorize_by_grant(call, key, &question, &|grant: &Grant| grant.permits(&wish))).await
}

fn key_keys<'q>(call: &'q Call<'_>, key: &'q Key, alias: Option<&'q str>, asked: &Asked<'q>) -> KeyKeys<'q> {
    KeyKeys { caller: CallerKeys::of(call, asked.more), key, alias, context: asked.context }
}

fn question<'q>(
    key: &'q Key,
    arn: &'q str,
    policy: &'q PolicyDocument,
    keys: &'q KeyKeys<'q>,
    action: &'q str,
) -> Question<'q> {
    let side = ResourceSide::Required(policy);
    Question { action, resource: arn, owner: &key.account, side, granted: false, keys }
}

/// Asks the policies, and where they do not allow it the caller's grants on the key. What a policy denies stays denied.
async fn authorize_by_grant(
    call: &Call<'_>,
    key: &Key,
    question: &Question<'_>,
    accepts: &(dyn Fn(&Grant) -> bool + Sync),
) -> Result<(), KmsError> {
    let Err(denied) = call.authorize(question) else { return Ok(()) };
    let bond = grants::permitting(call.tx.store, GRANTS_TO, &key.row(), &call.caller, accepts).await?;
    let granted = match bond {
        Some(Bond::Itself) => true,
        Some(Bond::Account) => delegated(call, question),
        None => false,
    };
    if !granted {
        return Err(denied.into());
    }
    Ok(call.authorize(&Question { granted: true, ..*question })?)
}

/// Whether the caller's own policies give it what its account may do.
pub(crate) fn delegated(call: &Call<'_>, question: &Question<'_>) -> bool {
    let own = Question { owner: &call.caller.account, side: ResourceSide::None, granted: false, ..*question };
    call.authorize(&own).is_ok()
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
