//! `RetireGrant`: ends a grant that is no longer needed. Who may is written in the grant itself: its retiring principal, its
//! grantee if it includes the operation, and the account that made it; accounts delegate by their own policies. A key policy
//! can forbid it and cannot allow it.

use keywatch_api::Arn;
use keywatch_api::kms::grants::RetireGrantRequest;
use keywatch_api::kms::sets::GrantOperation;
use keywatch_iam::policy::ResourceSide;
use keywatch_iam::{AccessDenied, Call, Question};

use crate::Kms;
use crate::access::{delegated, own_place};
use crate::ciphers::check_dry_run;
use crate::conditions::{CallerKeys, KeyKeys};
use crate::error::KmsError;
use crate::grants::{self, Bond, Grant, Party};
use crate::key_ref::{KeyPlace, KeyRef, invalid_id};
use crate::open_key::OpenKey;
use crate::{grant_token, notes};

const ACTION: &str = "kms:RetireGrant";

pub(crate) async fn retire_grant(
    call: &mut Call<'_>,
    kms: &Kms,
    request: RetireGrantRequest,
) -> Result<(), KmsError> {
    call.notes.request_parameters = None;
    let (place, id) = named(call, kms, &request)?;
    let open = kms.open().get(call.tx.store, kms.keyring(), &place).await?;
    let open = open.ok_or_else(|| KmsError::NotFound(format!("Key '{}' does not exist", place.arn())))?;
    let grant = grants::take(&mut call.tx, &place.row(), &id).await?;
    let grant = grant.ok_or_else(|| grants::unknown(&id))?;
    call.notes.resources.push(open.resource.clone());
    authorize(call, &open, &grant)?;
    notes::note_grant_id(call, &grant.id);
    check_dry_run(request.dry_run)?;
    grants::remove(&mut call.tx, &grant).await
}

/// The key's place and the grant's id.
fn named(call: &Call<'_>, kms: &Kms, request: &RetireGrantRequest) -> Result<(KeyPlace, String), KmsError> {
    match (&request.grant_token, &request.key_id, &request.grant_id) {
        (Some(token), None, None) => {
            let (key_row, id) = grant_token::open(kms.keyring(), token)?;
            let place = KeyPlace::of_row(&key_row).filter(|place| place.region == call.region);
            Ok((place.ok_or(KmsError::InvalidGrantToken)?, id))
        }
        (None, Some(key_id), Some(grant_id)) => {
            let place = match KeyRef::parse(key_id, &call.region)? {
                KeyRef::Id(name) => own_place(call, name),
                KeyRef::Arn(place) => place,
                KeyRef::Alias(_) | KeyRef::AliasArn { .. } => return Err(invalid_id(key_id)),
            };
            Ok((place, grant_id.clone()))
        }
        _ => Err(KmsError::Validation(
            "Give either a GrantToken, or a KeyId and a GrantId, to say which grant to retire.".to_owned(),
        )),
    }
}

fn authorize(call: &Call<'_>, open: &OpenKey, grant: &Grant) -> Result<(), KmsError> {
    let caller = &call.caller;
    let keys = KeyKeys {
        caller: CallerKeys::of(call, &keywatch_iam::policy::NoKeys),
        key: &open.key,
        alias: None,
        context: None,
    };
    // The grant's word is the only allow there is, in whatever account the caller is; the key policy may still deny.
    let question = Question {
        action: ACTION,
        resource: &open.arn,
        owner: &caller.account,
        side: ResourceSide::Required(&open.policy),
        granted: true,
        keys: &keys,
    };
    let grantee =
        Some(&grant.terms.grantee).filter(|_| grant.terms.operations.contains(&GrantOperation::RetireGrant));
    let issuer = Party::Principal(Arn::root(&grant.issuer).to_string());
    let parties = [grant.terms.retiring.as_ref(), grantee, Some(&issuer)];
    let bonds: Vec<Bond> =
        parties.into_iter().flatten().filter_map(|party| Bond::of(caller, party.name())).collect();
    let may = bonds.contains(&Bond::Itself) || (bonds.contains(&Bond::Account) && delegated(call, &question));
    if !may {
        return Err(KmsError::AccessDenied(AccessDenied(format!(
            "User: {} is not authorized to perform: {ACTION} on resource: {}",
            caller.arn, open.arn
        ))));
    }
    Ok(call.authorize(&question)?)
}
