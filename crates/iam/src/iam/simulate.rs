//! # Simulation: what would be decided
//! A **simulation** asks the evaluation about each action on each resource, for policies that are given or those of an identity. Its context
//! keys come from the request alone: where it names a global key, that value counts instead of the caller's.
//! **Not here:** which policies take part (the two operations).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keywatch_api::iam::simulation::{
    ContextEntry, ContextKeyType, EvaluationResult, MatchedStatement, OrganizationsDecisionDetail,
    PermissionsBoundaryDecisionDetail, PolicyEvaluationDecision, Position, ResourceSpecificResult,
    SimulatePolicyResponse,
};

use super::IamError;
use super::page::PageRequest;
use crate::Call;
use crate::policy::{
    ConditionKeys, Decision, Effect, Environment, KeyList, Place, Policies, PolicyDocument, PolicyKind,
    Reason, Request, ResourceSide, Subject, Values, evaluate, matched, statement_spans,
};

/// Actions times resources of one request.
const PAIRS_MAX: usize = 10_000;
/// Values of context keys of one request.
const VALUES_MAX: usize = 1_000;

/// A policy that takes part, and how results name it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) document: Arc<PolicyDocument>,
}

/// Everything a simulation needs besides the clock.
#[derive(Debug)]
pub(super) struct Simulation<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) identity: Vec<Source>,
    pub(super) boundary: Option<Source>,
    pub(super) resource: Option<Source>,
    /// Twelve digits, or an ARN of the account.
    pub(super) resource_owner: Option<&'a str>,
    pub(super) actions: &'a [String],
    /// `*` when empty.
    pub(super) resources: &'a [String],
    pub(super) context: &'a [ContextEntry],
    /// Whether the account's organisation takes part in the answer, as it does for identities.
    pub(super) names_organization: bool,
}

impl Simulation<'_> {
    /// The page of results that `wanted` asks for.
    pub(super) fn run(
        &self,
        call: &Call<'_>,
        wanted: &PageRequest,
    ) -> Result<SimulatePolicyResponse, IamError> {
        let any = ["*".to_owned()];
        let resources = if self.resources.is_empty() { &any[..] } else { self.resources };
        let values = self.context.iter().map(|entry| entry.context_key_values.as_ref().map_or(0, Vec::len));
        if self.actions.len() * resources.len() > PAIRS_MAX || values.sum::<usize>() > VALUES_MAX {
            return Err(IamError::InvalidInput(
                "The request has too many actions, resources or values.".into(),
            ));
        }
        let keys = Given(context_keys(self.context));
        let pairs =
            self.actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        let results = pairs.enumerate().map(|(index, (action, resource))| {
            (format!("{index:08}"), self.result(call, &keys, action, resource))
        });
        let page = wanted.of(results);
        Ok(SimulatePolicyResponse {
            evaluation_results: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        })
    }

    fn result(&self, call: &Call<'_>, keys: &Given, action: &str, resource: &str) -> EvaluationResult {
        let environment = Environment {
            now: call.now,
            region: call.region.as_str(),
            source_ip: None,
            user_agent: None,
            secure_transport: false,
            via_service: None,
        };
        let owner = self.resource_owner.map_or(self.subject.account, account_of);
        let request = Request {
            subject: &self.subject,
            action,
            resource,
            resource_account: owner,
            environment: &environment,
            keys,
        };
        let identity: Vec<_> = self.identity.iter().map(|source| source.document.clone()).collect();
        let boundary = self.boundary.as_ref().map(|source| source.document.as_ref());
        let policies = Policies {
            identity: &identity,
            boundary,
            resource: ResourceSide::Optional(self.resource.as_ref().map(|source| source.document.as_ref())),
            ..Policies::default()
        };
        let (decision, effect) = match evaluate(&request, &policies) {
            Decision::Allow => (PolicyEvaluationDecision::Allowed, Some(Effect::Allow)),
            Decision::Deny(Reason::ExplicitDeny(_)) => {
                (PolicyEvaluationDecision::ExplicitDeny, Some(Effect::Deny))
            }
            Decision::Deny(Reason::NotAllowed(_)) => (PolicyEvaluationDecision::ImplicitDeny, None),
        };
        let matched_statements = effect.map_or_else(Vec::new, |effect| self.matched(effect, &request));
        let missing_context_values = self.missing(&request);
        let within = boundary.map(|boundary| PermissionsBoundaryDecisionDetail {
            allowed_by_permissions_boundary: !matched(boundary, Effect::Allow, &request).is_empty()
                && matched(boundary, Effect::Deny, &request).is_empty(),
        });
        EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: resource.to_owned(),
            eval_decision: decision,
            organizations_decision_detail: self
                .names_organization
                .then_some(OrganizationsDecisionDetail { allowed_by_organizations: true }),
            permissions_boundary_decision_detail: within,
            eval_decision_details: BTreeMap::new(),
            resource_specific_results: vec![ResourceSpecificResult {
                eval_resource_name: resource.to_owned(),
                eval_resource_decision: decision,
                matched_statements: matched_statements.clone(),
                missing_context_values: missing_context_values.clone(),
                permissions_boundary_decision_detail: within,
            }],
            matched_statements,
            missing_context_values,
        }
    }

    /// The statements with this effect that spoke about the request.
    fn matched(&self, effect: Effect, request: &Request<'_>) -> Vec<MatchedStatement> {
        let identity = self.identity.iter().map(|source| (source, "IAM Policy"));
        let boundary = self.boundary.iter().map(|source| (source, "IAM Permissions Boundary Policy"));
        let resource = self.resource.iter().map(|source| (source, "Resource Policy"));
        let mut statements = Vec::new();
        for (source, source_policy_type) in identity.chain(boundary).chain(resource) {
            let places = matched(&source.document, effect, request);
            if places.is_empty() {
                continue;
            }
            let spans = statement_spans(source.document.text());
            statements.extend(places.iter().filter_map(|place| spans.get(*place)).map(|span| {
                MatchedStatement {
                    source_policy_id: source.id.clone(),
                    source_policy_type,
                    start_position: position(span.start),
                    end_position: position(span.end),
                }
            }));
        }
        statements
    }

    /// Context keys the policies ask for and the request does not give.
    fn missing(&self, request: &Request<'_>) -> Vec<String> {
        let sources = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        let asked: BTreeSet<String> = sources.flat_map(|source| source.document.context_keys()).collect();
        asked.into_iter().filter(|key| !request.has(key)).collect()
    }
}

/// Context keys that stand for the global ones too.
struct Given(KeyList<'static>);

impl ConditionKeys for Given {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        self.0.values(key)
    }

    fn stand_for_global_keys(&self) -> bool {
        true
    }
}

fn context_keys(entries: &[ContextEntry]) -> KeyList<'static> {
    let mut keys = KeyList::default();
    for entry in entries {
        let Some(name) = entry.context_key_name.clone() else { continue };
        let mut values = entry.context_key_values.clone().unwrap_or_default();
        let is_list = matches!(
            entry.context_key_type,
            Some(
                ContextKeyType::StringList
                    | ContextKeyType::NumericList
                    | ContextKeyType::BooleanList
                    | ContextKeyType::IpList
                    | ContextKeyType::BinaryList
                    | ContextKeyType::DateList
            )
        );
        keys = match values.pop() {
            Some(only) if values.is_empty() && !is_list => keys.with(name, Values::one(only)),
            Some(last) => {
                values.push(last);
                keys.with(name, Values::many(values))
            }
            None => keys,
        };
    }
    keys
}

/// Policies given as text, named after the parameter they came in.
pub(super) fn sources(kind: PolicyKind, list: &str, texts: &[String]) -> Result<Vec<Source>, IamError> {
    let read = |(index, text): (usize, &String)| {
        let document = PolicyDocument::parse(kind, text).map_err(|error| {
            IamError::InvalidInput(format!("Invalid Content Blob: {list}.{} - {error}", index + 1))
        })?;
        Ok(Source { id: format!("{list}.{}", index + 1), document: Arc::new(document) })
    };
    texts.iter().enumerate().map(read).collect()
}

/// The one boundary of a request.
pub(super) fn boundary(texts: Option<&[String]>) -> Result<Option<Source>, IamError> {
    let list = "PermissionsBoundaryPolicyInputList";
    let mut given = sources(PolicyKind::Identity, list, texts.unwrap_or_default())?;
    match given.len() {
        0 | 1 => Ok(given.pop()),
        _ => Err(IamError::InvalidInput(format!("{list} must contain at most one policy."))),
    }
}

/// The one resource policy of a request.
pub(super) fn resource(text: Option<&String>) -> Result<Option<Source>, IamError> {
    let Some(text) = text else { return Ok(None) };
    Ok(sources(PolicyKind::Resource, "ResourcePolicy", std::slice::from_ref(text))?.pop())
}

/// The account of an ARN, or the account itself.
fn account_of(owner: &str) -> &str {
    owner.split(':').nth(4).unwrap_or(owner)
}

fn position(place: Place) -> Position {
    Position { line: place.line, column: place.column }
}
