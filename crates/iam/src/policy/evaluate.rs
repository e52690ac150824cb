//! # Evaluation: may this subject do that?
//! A **decision** is a pure function of a request and the policies that apply to it, in AWS's order (IAM user guide, "Policy
//! evaluation logic"): an explicit deny anywhere ends it; then the resource's side, the identity's side and the session's side
//! are asked for an allow, and [`ResourceSide`] says how they combine. The identity's side is its policies within its permissions boundary.
//!
//! | same account | [`ResourceSide::None`] | [`ResourceSide::Optional`] | [`ResourceSide::Required`] |
//! |---|---|---|---|
//! | identity policies allow | yes | yes | if the policy names the account |
//! | the policy names the caller or everyone | – | yes | yes |
//! | root user | yes | yes | if the policy names the account |
//!
//! From another account both sides must allow; services and anonymous callers have only the resource's side. A boundary and a session
//! policy limit everything except a resource policy of the same account that names exactly the session or user.
//! **Invariants:** no allow, no access; the clock, the caller and the stored policies are values in the request.
//! **Not here:** which policies apply (`identities`, and each service for its resources), grants' constraints (`kms`).

use std::fmt;

use super::document::{Effect, PolicyDocument, Selection, Statement};
use super::principal::Naming;
use super::request::{Request, SubjectKind};

/// All policies that apply to a request. Several documents of one side act as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Inline and attached policies of the user or of the session's role.
    pub identity: &'a [std::sync::Arc<PolicyDocument>],
    /// The permissions boundary of the user or role; it limits and never gives.
    pub boundary: Option<&'a PolicyDocument>,
    /// Policies given when the session began; `None` when none were.
    pub session: Option<&'a [std::sync::Arc<PolicyDocument>]>,
    pub resource: ResourceSide<'a>,
    /// A grant on the resource allows this request: another way for the resource's side to name the caller.
    pub granted: bool,
}

/// What the resource itself says.
#[derive(Clone, Copy, Debug, Default)]
pub enum ResourceSide<'a> {
    /// The action has no resource policy: identities of the owning account decide alone.
    #[default]
    None,
    /// Topics, queues, buckets: in the owner's account either side is enough. `None` while no policy is set.
    Optional(Option<&'a PolicyDocument>),
    /// Keys and trust policies: identity policies count only where this policy names their account.
    Required(&'a PolicyDocument),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny(Reason),
}

/// Why not, in AWS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    ExplicitDeny(Side),
    NotAllowed(Side),
}

/// Whose policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Identity,
    Resource,
    Boundary,
    Session,
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        *self == Self::Allow
    }

    /// `Err` with the public text when denied.
    pub fn check(&self, request: &Request<'_>) -> Result<(), String> {
        match self {
            Self::Allow => Ok(()),
            Self::Deny(reason) => Err(reason.text(request)),
        }
    }
}

impl Reason {
    /// The message of the access-denied error (IAM user guide, "Troubleshoot access denied error messages").
    pub fn text(self, request: &Request<'_>) -> String {
        let (who, action, resource) = (request.subject.arn, request.action, request.resource);
        let denied = format!("User: {who} is not authorized to perform: {action} on resource: {resource}");
        match self {
            Self::ExplicitDeny(side) => {
                format!("{denied} with an explicit deny in {} {side}", side.article())
            }
            Self::NotAllowed(side) => format!("{denied} because no {side} allows the {action} action"),
        }
    }
}

impl Side {
    fn article(self) -> &'static str {
        match self {
            Self::Identity => "an",
            Self::Resource | Self::Boundary | Self::Session => "a",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        })
    }
}

/// Decides `request` under `policies`; see the module documentation for the rules.
pub fn evaluate(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    match explicit_deny(request, policies) {
        Some(side) => Decision::Deny(Reason::ExplicitDeny(side)),
        None => match missing_allow(request, policies) {
            Some(side) => Decision::Deny(Reason::NotAllowed(side)),
            None => Decision::Allow,
        },
    }
}

fn explicit_deny(request: &Request<'_>, policies: &Policies<'_>) -> Option<Side> {
    // Identity policies of an account never reach its root user, who has none.
    if has_effect(policies.identity, Effect::Deny, request) {
        return Some(Side::Identity);
    }
    if let Some(document) = policies.resource.document() {
        let denies = |statement: &Statement| {
            statement.principals.as_ref().is_some_and(|principals| principals.denies(request.subject))
        };
        let mut statements = applying(document, Effect::Deny, request);
        if statements.any(denies) {
            return Some(Side::Resource);
        }
    }
    if policies.boundary.is_some_and(|boundary| speaks(boundary, Effect::Deny, request)) {
        return Some(Side::Boundary);
    }
    let session = policies.session.unwrap_or_default();
    has_effect(session, Effect::Deny, request).then_some(Side::Session)
}

/// The side whose allow is lacking; `None` when the request is allowed.
fn missing_allow(request: &Request<'_>, policies: &Policies<'_>) -> Option<Side> {
    let naming = policies.resource.naming(request);
    let named = naming.max(policies.granted.then_some(Naming::Direct));
    match request.subject.kind {
        SubjectKind::Service | SubjectKind::Anonymous => {
            return (named < Some(Naming::Direct)).then_some(Side::Resource);
        }
        SubjectKind::Root | SubjectKind::User | SubjectKind::FederatedUser | SubjectKind::RoleSession => {}
    }
    if request.subject.account != request.resource_account {
        return if named.is_none() {
            // The caller's own side is reported first, as it is the one the caller can see.
            Some(missing_identity(request, policies).unwrap_or(Side::Resource))
        } else {
            missing_identity(request, policies)
        };
    }
    match (&policies.resource, named) {
        (_, Some(Naming::Exact)) => None,
        (_, Some(Naming::Direct)) => missing_within(request, policies),
        (ResourceSide::Required(_), None) => Some(Side::Resource),
        (_, Some(Naming::Account)) | (ResourceSide::None | ResourceSide::Optional(_), None) => {
            missing_identity(request, policies)
        }
    }
}

fn missing_identity(request: &Request<'_>, policies: &Policies<'_>) -> Option<Side> {
    let unlimited = request.subject.kind == SubjectKind::Root;
    if unlimited || has_effect(policies.identity, Effect::Allow, request) {
        missing_within(request, policies)
    } else {
        Some(Side::Identity)
    }
}

/// The limit that does not let the request through: the boundary, or the session's policies.
fn missing_within(request: &Request<'_>, policies: &Policies<'_>) -> Option<Side> {
    if policies.boundary.is_some_and(|boundary| !speaks(boundary, Effect::Allow, request)) {
        return Some(Side::Boundary);
    }
    let limited = policies.session.is_some_and(|session| !has_effect(session, Effect::Allow, request));
    limited.then_some(Side::Session)
}

impl<'a> ResourceSide<'a> {
    fn document(&self) -> Option<&'a PolicyDocument> {
        match self {
            Self::None => None,
            Self::Optional(document) => *document,
            Self::Required(document) => Some(document),
        }
    }

    /// How closely an allowing statement names the caller.
    fn naming(&self, request: &Request<'_>) -> Option<Naming> {
        let statements = applying(self.document()?, Effect::Allow, request);
        statements.filter_map(|statement| statement.principals.as_ref()?.allows(request.subject)).max()
    }
}

fn has_effect(documents: &[std::sync::Arc<PolicyDocument>], effect: Effect, request: &Request<'_>) -> bool {
    documents.iter().any(|document| speaks(document, effect, request))
}

fn speaks(document: &PolicyDocument, effect: Effect, request: &Request<'_>) -> bool {
    applying(document, effect, request).next().is_some()
}

/// The places in `document` of the statements with this effect that speak about the request and, in a resource policy, about its subject:
/// what a simulation shows as the reason of its decision.
pub fn matched(document: &PolicyDocument, effect: Effect, request: &Request<'_>) -> Vec<usize> {
    let concerns = |statement: &Statement| match (&statement.principals, effect) {
        (None, _) => true,
        (Some(principals), Effect::Allow) => principals.allows(request.subject).is_some(),
        (Some(principals), Effect::Deny) => principals.denies(request.subject),
    };
    let statements = document.statements().iter().enumerate();
    statements
        .filter(|(_, statement)| applies(statement, effect, request) && concerns(statement))
        .map(|(index, _)| index)
        .collect()
}

/// The statements of `document` with this effect that speak about the request, whoever the principal is.
fn applying<'d>(
    document: &'d PolicyDocument,
    effect: Effect,
    request: &Request<'_>,
) -> impl Iterator<Item = &'d Statement> {
    document.statements().iter().filter(move |statement| applies(statement, effect, request))
}

fn applies(statement: &Statement, effect: Effect, request: &Request<'_>) -> bool {
    statement.effect == effect
        && statement.actions.selects(request.action, request)
        && statement.resources.selects(request.resource, request)
        && statement.conditions.iter().all(|condition| condition.holds(request))
}

impl Selection {
    fn selects(&self, text: &str, request: &Request<'_>) -> bool {
        let listed = |patterns: &[super::matching::Pattern]| {
            patterns.iter().any(|pattern| pattern.matches(text, &|key| request.variable(key)))
        };
        match self {
            Self::Only(patterns) => listed(patterns),
            Self::AllBut(patterns) => !listed(patterns),
            Self::Everything => true,
            Self::Nothing => false,
        }
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
