//! `CreateGrant`: somebody else may use a key, at once. Who holds a grant that includes `CreateGrant` may pass on what it has.

use keywatch_api::SecretText;
use keywatch_api::kms::grants::{CreateGrantRequest, CreateGrantResponse, GrantConstraints};
use keywatch_api::kms::sets::{GrantOperation, KeySpec, KeyUsage};
use keywatch_iam::policy::{KeyList, Values};
use keywatch_iam::{Call, principal_exists};

use crate::Kms;
use crate::access::{Asked, Found, Reach, find};
use crate::ciphers::check_dry_run;
use crate::error::KmsError;
use crate::grants::{self, Grant, Party, Terms};
use crate::key::{KEYS, Key};
use crate::lifecycle::Act;
use crate::{grant_token, notes};

const ACTION: &str = "kms:CreateGrant";
/// "You can specify up to 8 pairs", and how long their values are.
const CONTEXT_PAIRS_MAX: usize = 8;
const CONTEXT_VALUE_CHARS_MAX: usize = 384;

pub(crate) async fn create_grant(
    call: &mut Call<'_>,
    kms: &Kms,
    request: CreateGrantRequest,
) -> Result<CreateGrantResponse, KmsError> {
    // Boxed, so that usual calls do not carry its many reads.
    Box::pin(create(call, kms, request)).await
}

async fn create(
    call: &mut Call<'_>,
    kms: &Kms,
    request: CreateGrantRequest,
) -> Result<CreateGrantResponse, KmsError> {
    let terms = terms_of(&request)?;
    let found = find(call, kms, &request.key_id, Reach::Any, ACTION).await?;
    authorize(call, &found, &terms).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let key = &found.open.key;
    key.permit(Act::Use)?;
    check_key(key, &terms)?;
    check_principals(call, &terms).await?;
    check_dry_run(request.dry_run)?;

    let key_row = key.row();
    // A key that is deleted meanwhile shall not keep a grant.
    call.tx.get_bytes(KEYS, &key_row).await?;
    call.tx.require_unchanged(KEYS, &key_row);
    let issuer = call.account().clone();
    let grant_id = match grants::same_again(&mut call.tx, &key_row, &issuer, &terms).await? {
        Some(id) => id,
        None => {
            let grant = Grant::new(key, issuer, terms, call.now);
            grants::insert(&mut call.tx, &grant).await?;
            grant.id
        }
    };
    notes::note_grant(call, &found.open.arn, &grant_id);
    let grant_token: SecretText = grant_token::seal(kms.keyring(), &grants::row(&key_row, &grant_id))?;
    Ok(CreateGrantResponse { grant_token, grant_id })
}

async fn authorize(call: &mut Call<'_>, found: &Found, terms: &Terms) -> Result<(), KmsError> {
    let constraints = &terms.constraints;
    let context =
        constraints.encryption_context_equals.as_ref().or(constraints.encryption_context_subset.as_ref());
    let more = condition_keys(terms, call.origin.via_service.is_some());
    let asked = Asked { action: ACTION, context, more: &more };
    let accepts = |grant: &Grant| grant.permits_child(terms.operations.iter().copied(), constraints);
    found.authorize_where(call, &asked, &accepts).await
}

fn condition_keys(terms: &Terms, for_service: bool) -> KeyList<'_> {
    let operations = terms.operations.iter().map(|operation| operation.as_str());
    let mut keys = KeyList::default()
        .with("kms:GrantIsForAWSResource", Values::bool(for_service))
        .with("kms:GrantOperations", Values::many(operations));
    let mut text = |name: &'static str, value: Option<&'static str>, own: Option<&str>| {
        if let Some(value) = value {
            keys.0.push((name.into(), Values::one(value)));
        } else if let Some(own) = own {
            keys.0.push((name.into(), Values::one(own.to_owned())));
        }
    };
    let constraints = &terms.constraints;
    let kind = match (&constraints.encryption_context_equals, &constraints.encryption_context_subset) {
        (Some(_), _) => Some("EncryptionContextEquals"),
        (None, Some(_)) => Some("EncryptionContextSubset"),
        (None, None) => None,
    };
    let retiring = terms.retiring.as_ref();
    text("kms:GrantConstraintType", kind, None);
    text("kms:GrantConstraintSourceArn", None, constraints.source_arn.as_deref());
    text("kms:GranteePrincipal", None, terms.grantee.principal());
    text("kms:GranteeServicePrincipal", None, terms.grantee.service());
    text("kms:RetiringPrincipal", None, retiring.and_then(Party::principal));
    text("kms:RetiringServicePrincipal", None, retiring.and_then(Party::service));
    keys
}

/// What the request asks for, when its members fit each other.
fn terms_of(request: &CreateGrantRequest) -> Result<Terms, KmsError> {
    let invalid = |text: &str| Err(KmsError::Validation(text.to_owned()));
    if request.operations.is_empty() {
        return invalid("The Operations of a grant must not be empty.");
    }
    let constraints = request.constraints.clone().unwrap_or_default();
    check_context(&constraints)?;
    let party = |principal: &Option<String>, service: &Option<String>| match (principal, service) {
        (Some(_), Some(_)) => Err(()),
        (Some(arn), None) => Ok(Some(Party::Principal(arn.clone()))),
        (None, Some(name)) => Ok(Some(Party::Service(name.clone()))),
        (None, None) => Ok(None),
    };
    let grantee = match party(&request.grantee_principal, &request.grantee_service_principal) {
        Ok(Some(grantee)) => grantee,
        Ok(None) => return Err(KmsError::missing("granteePrincipal")),
        Err(()) => return invalid("GranteePrincipal and GranteeServicePrincipal exclude each other."),
    };
    let Ok(retiring) = party(&request.retiring_principal, &request.retiring_service_principal) else {
        return invalid("RetiringPrincipal and RetiringServicePrincipal exclude each other.");
    };
    if grantee.service().is_some() && (constraints.source_arn.is_none() || retiring.is_none()) {
        return invalid(
            "A grant to a service principal needs the SourceArn constraint and a retiring principal.",
        );
    }
    let operations = request.operations.iter().copied().collect();
    Ok(Terms { name: request.name.clone(), grantee, retiring, operations, constraints })
}

fn check_context(constraints: &GrantConstraints) -> Result<(), KmsError> {
    let lists = [&constraints.encryption_context_equals, &constraints.encryption_context_subset];
    for pairs in lists.into_iter().flatten() {
        let long = |value: &String| value.chars().count() > CONTEXT_VALUE_CHARS_MAX;
        if pairs.len() > CONTEXT_PAIRS_MAX || pairs.values().any(long) {
            return Err(KmsError::Validation(format!(
                "A grant constraint has at most {CONTEXT_PAIRS_MAX} pairs with values of at most {CONTEXT_VALUE_CHARS_MAX} characters."
            )));
        }
    }
    Ok(())
}

/// A grant holds only operations its key can do, and contexts only where there are some.
fn check_key(key: &Key, terms: &Terms) -> Result<(), KmsError> {
    let (spec, usage) = (key.spec, key.usage);
    if let Some(operation) = terms.operations.iter().find(|operation| !possible(spec, usage, **operation)) {
        return Err(KmsError::Validation(format!(
            "The grant operation {operation} is not valid for a key with KeySpec {spec} and KeyUsage {usage}."
        )));
    }
    let constraints = &terms.constraints;
    let contextual =
        constraints.encryption_context_equals.is_some() || constraints.encryption_context_subset.is_some();
    if contextual && spec != KeySpec::SymmetricDefault {
        return Err(KmsError::Validation(format!(
            "Encryption context constraints are not valid for a key with KeySpec {spec}."
        )));
    }
    Ok(())
}

/// Source: API reference, `CreateGrant`; KMS developer guide, "Grant operations".
fn possible(spec: KeySpec, usage: KeyUsage, operation: GrantOperation) -> bool {
    use GrantOperation as Op;
    match operation {
        Op::CreateGrant | Op::RetireGrant | Op::DescribeKey => true,
        Op::GetPublicKey => spec != KeySpec::SymmetricDefault && usage != KeyUsage::GenerateVerifyMac,
        Op::Encrypt | Op::Decrypt | Op::ReEncryptFrom | Op::ReEncryptTo => usage == KeyUsage::EncryptDecrypt,
        Op::GenerateDataKey
        | Op::GenerateDataKeyWithoutPlaintext
        | Op::GenerateDataKeyPair
        | Op::GenerateDataKeyPairWithoutPlaintext => spec == KeySpec::SymmetricDefault,
        Op::Sign | Op::Verify => usage == KeyUsage::SignVerify,
        Op::GenerateMac | Op::VerifyMac => usage == KeyUsage::GenerateVerifyMac,
        Op::DeriveSharedSecret => usage == KeyUsage::KeyAgreement,
        Op::Encapsulate | Op::Decapsulate => usage == KeyUsage::EncapsulateDecapsulate,
    }
}

async fn check_principals(call: &mut Call<'_>, terms: &Terms) -> Result<(), KmsError> {
    let account = call.account().clone();
    let parties = [Some(&terms.grantee), terms.retiring.as_ref()];
    for arn in parties.into_iter().flatten().filter_map(Party::principal) {
        if !principal_exists(&mut call.tx, &account, arn).await? {
            return Err(KmsError::InvalidArn(format!("ARN does not refer to a valid principal: {arn}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
