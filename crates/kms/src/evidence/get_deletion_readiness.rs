//! `GetDeletionReadiness`: the evidence for and against deleting a key. It never says that deleting does no harm.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_api::keywatch::{
    DeletionReadiness, GetDeletionReadinessRequest, GrantEvidence, KeyUser, LastUse,
};
use keywatch_history::{History, Query};
use keywatch_iam::Call;
use keywatch_iam::policy::{Effect, PolicyDocument, PolicyKind, PrincipalName};
use keywatch_monitor::trail::key_usage::uses_of;

use super::EvidenceError;
use super::named::{Named, named};
use super::readiness::{Readiness, SeenUse, User, Watched, explanation, verdict};
use crate::Kms;
use crate::grants::{self, GRANTS, Grant};
use crate::key::{Key, State};

const USERS_SHOWN_MAX: usize = 100;
const GRANTS_SHOWN_MAX: usize = 100;
const GRANTS_AT_ONCE: usize = 1_000;

/// Needs the keys and the history of the service that serves it.
pub async fn get_deletion_readiness<S: AsRef<History> + AsRef<Kms> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: GetDeletionReadinessRequest,
) -> Result<DeletionReadiness, EvidenceError> {
    let named = named(call, service.as_ref(), &request.key_id).await?;
    call.authorize_own("keywatch:GetDeletionReadiness", &named.arn)?;
    let history: &History = service.as_ref();
    let until = match &named.key {
        Some(_) => Some(call.now),
        None => newest_import(call, history, &named.region).await?,
    };
    let query = uses_of(call.account().as_str(), &named.region, &named.arn, true);
    let nothing = Readiness::until(until.unwrap_or(call.now));
    let seen = history.gather(Arc::new(query), &nothing).await?;
    let watched = watched(&named, &seen, until, history, call.now);
    let (verdict, since) = verdict(seen.last_demand, watched);
    let (grants, grant_count) = match &named.key {
        Some(key) => grants_of(call, key).await?,
        None => (Vec::new(), 0),
    };
    Ok(DeletionReadiness {
        explanation: explanation(&verdict, since, watched),
        verdict,
        no_use_seen_since: since.map(Into::into),
        watched_since: watched.map(|watched| watched.since.into()),
        watched_until: watched.map(|watched| watched.until.into()),
        key_state: named.key.as_ref().map(|key| key.state.wire().to_string()),
        deletion_date: named.key.as_ref().and_then(deletion_date).map(Into::into),
        user_count: seen.users.len() as u64,
        users: users(seen.users.into_iter().collect()),
        last_use: seen.last_use.map(last_use),
        refused_by_state: seen.refused_by_state,
        data_keys_issued: seen.data_keys_issued,
        aliases: named.key.iter().flat_map(|key| key.aliases.iter().cloned()).collect(),
        related_keys: named.key.as_ref().map(related_keys).unwrap_or_default(),
        grants,
        grant_count,
        policy_principals: named.key.as_ref().map(policy_principals).unwrap_or_default(),
        key_arn: named.arn,
    })
}

/// Our own records begin with the key, or where retention ends; imported ones with the first about it.
fn watched(
    named: &Named,
    seen: &Readiness,
    until: Option<Timestamp>,
    history: &History,
    now: Timestamp,
) -> Option<Watched> {
    let kept_since =
        history.retention().and_then(|kept| now.checked_sub(kept).ok()).unwrap_or(Timestamp::MIN);
    let since = match &named.key {
        Some(key) => key.created,
        None => seen.first_seen?,
    };
    Some(Watched { since: since.max(kept_since), until: until? })
}

/// How far the imported records of the Region reach; `None` when there are none.
async fn newest_import(
    call: &Call<'_>,
    history: &History,
    region: &str,
) -> Result<Option<Timestamp>, EvidenceError> {
    // Of our own records none is so new.
    let imported = Query { own_since: Timestamp::MAX, ..Query::of(call.account().as_str(), Some(region)) };
    let newest = history.search(&Arc::new(imported), None, 1).await?;
    Ok(newest.entries.first().map(|entry| entry.time))
}

fn deletion_date(key: &Key) -> Option<Timestamp> {
    match key.state {
        State::PendingDeletion { due } => Some(due),
        _ => None,
    }
}

fn users(mut users: Vec<(String, User)>) -> Vec<KeyUser> {
    users.sort_by_key(|(_, user)| std::cmp::Reverse(user.last));
    let shown = |(principal, user): (String, User)| KeyUser {
        principal,
        calls: user.calls,
        failed_calls: user.failed_calls,
        last_use: user.last.into(),
        operations: user.operations.into_iter().collect(),
    };
    users.into_iter().take(USERS_SHOWN_MAX).map(shown).collect()
}

fn last_use(seen: SeenUse) -> LastUse {
    let SeenUse { time, operation, principal, event_id } = seen;
    LastUse { time: time.into(), operation, principal, event_id }
}

fn related_keys(key: &Key) -> Vec<String> {
    let others = key.family.iter().flat_map(|family| family.others(&key.region));
    others.map(|region| Arn::kms_key(&region, &key.account, &key.id).to_string()).collect()
}

async fn grants_of(call: &Call<'_>, key: &Key) -> Result<(Vec<GrantEvidence>, u64), EvidenceError> {
    let prefix = grants::key_prefix(&key.row());
    let (mut shown, mut count) = (Vec::new(), 0);
    let mut after: Option<String> = None;
    loop {
        let rows = grants::list(call.tx.store, GRANTS, &prefix, after.as_deref(), GRANTS_AT_ONCE).await?;
        count += rows.len() as u64;
        after = rows.last().map(|(row, _)| row.clone());
        let complete = rows.len() < GRANTS_AT_ONCE;
        let room = GRANTS_SHOWN_MAX.saturating_sub(shown.len());
        shown.extend(rows.into_iter().take(room).map(|(_, grant)| grant_evidence(grant)));
        if complete {
            return Ok((shown, count));
        }
    }
}

fn grant_evidence(grant: Grant) -> GrantEvidence {
    GrantEvidence {
        grant_id: grant.id,
        grantee_principal: grant.terms.grantee.name().to_owned(),
        operations: grant.terms.operations.iter().map(ToString::to_string).collect(),
    }
}

/// Whom the statements that allow something name, in order and once.
fn policy_principals(key: &Key) -> Vec<String> {
    let Ok(policy) = PolicyDocument::parse(PolicyKind::Key, &key.policy) else { return Vec::new() };
    let allowing = policy.statements().iter().filter(|statement| statement.effect == Effect::Allow);
    let named = allowing
        .filter_map(|statement| statement.principals.as_ref())
        .flat_map(|principals| principals.named());
    let mut names: Vec<String> = named.map(principal_text).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn principal_text(name: &PrincipalName) -> String {
    match name {
        PrincipalName::Everyone => "*".to_owned(),
        PrincipalName::Account(number) => format!("arn:aws:iam::{number}:root"),
        PrincipalName::Arn(text)
        | PrincipalName::UniqueId(text)
        | PrincipalName::Service(text)
        | PrincipalName::Other(text) => text.clone(),
    }
}
