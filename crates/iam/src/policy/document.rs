//! # Policy documents
//! A **document** is the JSON text a user stored, kept as written, together with what it means: statements of an effect, who
//! (resource and trust policies only), which actions, which resources, under which conditions. The grammar is the IAM user
//! guide's "Grammar of the IAM JSON policy language"; the texts of refusals are AWS's.
//! **Invariants:** whatever is not in the grammar is refused, never skipped; reading is bounded by [`DOCUMENT_BYTES_MAX`].
//! **Not here:** deciding (`evaluate`), how large a policy an API accepts (its operation).

use std::sync::Arc;

use super::condition::Condition;
use super::json::Json;
use super::matching::{Pattern, Syntax};
use super::principal::Principals;

/// No policy document of any service is larger; each service has its own, smaller limit.
pub const DOCUMENT_BYTES_MAX: usize = 131_072;

/// Where a document is attached; it decides which elements are required, optional or forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Inline and managed policies of users and roles, and session policies: no principal.
    Identity,
    /// Key policies: a principal; a statement without action or resource is accepted and without effect.
    Key,
    /// Topic and queue policies: a principal and a resource.
    Resource,
    /// Trust policies of roles: a principal, only `sts:` actions, no resource.
    Trust,
}

/// A checked policy with its original text. Cheap to share: keep it in an [`Arc`].
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    text: Arc<str>,
    kind: PolicyKind,
    statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub sid: Option<String>,
    pub effect: Effect,
    /// `None` in identity policies.
    pub principals: Option<Principals>,
    pub(super) actions: Selection,
    pub(super) resources: Selection,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// What an `Action`/`NotAction` or `Resource`/`NotResource` element selects.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selection {
    Only(Vec<Pattern>),
    AllBut(Vec<Pattern>),
    /// Trust policies say nothing about resources.
    Everything,
    /// The element is absent where AWS accepts that and gives the statement no effect.
    Nothing,
}

/// Why a text is not a policy of the wanted kind; the display text is AWS's public one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("Policy document is longer than {DOCUMENT_BYTES_MAX} bytes.")]
    TooLong,
    #[error("This policy contains invalid Json")]
    NotJson,
    #[error("Syntax errors in policy.")]
    Syntax,
    #[error("The policy must contain a valid version string")]
    Version,
    #[error("Missing required field {0}")]
    Missing(&'static str),
    #[error("Has prohibited field {0}")]
    Prohibited(&'static str),
    #[error("Policy document should not specify a principal.")]
    PrincipalInIdentityPolicy,
    #[error("Policy statement must contain actions.")]
    NoActions,
    #[error("Policy statement must contain resources.")]
    NoResources,
    #[error("Invalid effect: {0}")]
    Effect(String),
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    Vendor,
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    NotAnAssumeRoleAction,
    #[error("Actions/Condition can contain only one colon.")]
    Colons,
    #[error("Vendor {0} is not valid")]
    UnknownVendor(String),
    #[error("Partition \"{partition}\" is not valid for resource \"{resource}\".")]
    Partition { partition: String, resource: String },
    #[error("Resource {0} must be in ARN format or \"*\".")]
    Resource(String),
    #[error("Invalid principal in policy: {0}")]
    Principal(String),
    #[error("Invalid Condition type : {0}.")]
    ConditionOperator(String),
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    Sid,
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    DuplicateSid,
}

impl PolicyDocument {
    /// Reads `text` as a policy of `kind`.
    pub fn parse(kind: PolicyKind, text: &str) -> Result<Self, PolicyError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(PolicyError::TooLong);
        }
        let Json::Object(members) = Json::parse(text).map_err(|_| PolicyError::NotJson)? else {
            return Err(PolicyError::Syntax);
        };
        let mut variables = false;
        let mut statements = None;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("Version", Json::Text(version)) => variables = has_variables(&version)?,
                ("Id", Json::Text(_)) if kind != PolicyKind::Identity => {}
                ("Statement", Json::Array(list)) => statements = Some(list),
                ("Statement", single @ Json::Object(_)) => statements = Some(vec![single]),
                ("Version", _) => return Err(PolicyError::Version),
                _ => return Err(PolicyError::Syntax),
            }
        }
        let statements = statements.filter(|list| !list.is_empty()).ok_or(PolicyError::Syntax)?;
        let reader = StatementReader { kind, variables };
        let statements: Vec<_> =
            statements.into_iter().map(|json| reader.read(json)).collect::<Result<_, _>>()?;
        if matches!(kind, PolicyKind::Identity | PolicyKind::Trust) {
            check_sids(&statements)?;
        }
        Ok(Self { text: text.into(), kind, statements })
    }

    /// The text as it was stored.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The condition keys a decision may need, as the policy spells them, sorted and each once.
    pub fn context_keys(&self) -> Vec<String> {
        let mut keys = std::collections::BTreeSet::new();
        for statement in &self.statements {
            keys.extend(statement.conditions.iter().flat_map(Condition::keys));
            if let Selection::Only(patterns) | Selection::AllBut(patterns) = &statement.resources {
                keys.extend(patterns.iter().flat_map(Pattern::variables));
            }
        }
        keys.into_iter().map(str::to_owned).collect()
    }

    /// Bytes without white space, as IAM measures its quotas ("IAM and STS character limits").
    pub fn size_without_white_space(&self) -> usize {
        self.text.chars().filter(|c| !c.is_whitespace()).map(char::len_utf8).sum()
    }
}

/// Version 2008-10-17 is also what a missing version means; it has no policy variables.
fn has_variables(version: &str) -> Result<bool, PolicyError> {
    match version {
        "2012-10-17" => Ok(true),
        "2008-10-17" => Ok(false),
        _ => Err(PolicyError::Version),
    }
}

fn check_sids(statements: &[Statement]) -> Result<(), PolicyError> {
    let mut seen = std::collections::HashSet::new();
    for sid in statements.iter().filter_map(|statement| statement.sid.as_deref()) {
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(PolicyError::Sid);
        }
        if !sid.is_empty() && !seen.insert(sid) {
            return Err(PolicyError::DuplicateSid);
        }
    }
    Ok(())
}

/// Reads statements of one document.
#[derive(Clone, Copy)]
struct StatementReader {
    kind: PolicyKind,
    variables: bool,
}

/// The elements of a statement as found, before they are checked against the kind of the policy.
#[derive(Default)]
struct Elements {
    sid: Option<String>,
    effect: Option<Effect>,
    principals: Option<Principals>,
    actions: Option<Selection>,
    resources: Option<Selection>,
    conditions: Vec<Condition>,
}

impl StatementReader {
    fn read(self, json: Json) -> Result<Statement, PolicyError> {
        let Json::Object(members) = json else { return Err(PolicyError::Syntax) };
        let mut found = Elements::default();
        for (name, value) in members {
            self.element(&name, value, &mut found)?;
        }
        let effect = found.effect.ok_or(PolicyError::Missing("Effect"))?;
        if self.kind == PolicyKind::Identity && found.principals.is_some() {
            return Err(PolicyError::PrincipalInIdentityPolicy);
        }
        if self.kind != PolicyKind::Identity && found.principals.is_none() {
            return Err(PolicyError::Missing("Principal"));
        }
        Ok(Statement {
            sid: found.sid,
            effect,
            principals: found.principals,
            actions: self.actions(found.actions)?,
            resources: self.resources(found.resources)?,
            conditions: found.conditions,
        })
    }

    fn element(self, name: &str, value: Json, found: &mut Elements) -> Result<(), PolicyError> {
        match (name, value) {
            ("Sid", Json::Text(sid)) => found.sid = Some(sid),
            ("Effect", Json::Text(effect)) => {
                found.effect = Some(match effect.as_str() {
                    "Allow" => Effect::Allow,
                    "Deny" => Effect::Deny,
                    _ => return Err(PolicyError::Effect(effect)),
                });
            }
            ("Principal", value) => once(&mut found.principals, Principals::parse(value, false)?)?,
            ("NotPrincipal", value) => once(&mut found.principals, Principals::parse(value, true)?)?,
            ("Action", value) => once(&mut found.actions, Selection::Only(self.action_patterns(value)?))?,
            ("NotAction", value) => {
                once(&mut found.actions, Selection::AllBut(self.action_patterns(value)?))?;
            }
            ("Resource", value) => {
                once(&mut found.resources, Selection::Only(self.resource_patterns(value)?))?;
            }
            ("NotResource", value) => {
                once(&mut found.resources, Selection::AllBut(self.resource_patterns(value)?))?;
            }
            ("Condition", Json::Object(operators)) => found.conditions = self.conditions(operators)?,
            _ => return Err(PolicyError::Syntax),
        }
        Ok(())
    }

    fn actions(self, found: Option<Selection>) -> Result<Selection, PolicyError> {
        match (found, self.kind) {
            (Some(selection), _) => Ok(selection),
            (None, PolicyKind::Key) => Ok(Selection::Nothing),
            (None, PolicyKind::Trust) => Err(PolicyError::Missing("Action")),
            (None, PolicyKind::Identity | PolicyKind::Resource) => Err(PolicyError::NoActions),
        }
    }

    fn resources(self, found: Option<Selection>) -> Result<Selection, PolicyError> {
        match (found, self.kind) {
            (Some(_), PolicyKind::Trust) => Err(PolicyError::Prohibited("Resource")),
            (None, PolicyKind::Trust) => Ok(Selection::Everything),
            (Some(selection), _) => Ok(selection),
            (None, PolicyKind::Key) => Ok(Selection::Nothing),
            (None, PolicyKind::Identity | PolicyKind::Resource) => Err(PolicyError::NoResources),
        }
    }

    /// Actions are matched without regard to case and know no variables.
    fn action_patterns(self, value: Json) -> Result<Vec<Pattern>, PolicyError> {
        let syntax = Syntax { wildcards: true, variables: false, ignore_case: true };
        let mut patterns = Vec::new();
        for action in texts(value)? {
            let vendor = action.split_once(':').map(|(vendor, _)| vendor);
            match (vendor, self.kind) {
                (None, _) if action != "*" => return Err(PolicyError::Vendor),
                (Some(_), _) if action.matches(':').count() > 1 => return Err(PolicyError::Colons),
                (Some(vendor), _) if !is_vendor(vendor) => {
                    return Err(PolicyError::UnknownVendor(vendor.to_owned()));
                }
                (Some(vendor), PolicyKind::Trust) if !vendor.eq_ignore_ascii_case("sts") => {
                    return Err(PolicyError::NotAnAssumeRoleAction);
                }
                _ => patterns.push(Pattern::new(&action, syntax)),
            }
        }
        if patterns.is_empty() { Err(PolicyError::NoActions) } else { Ok(patterns) }
    }

    fn resource_patterns(self, value: Json) -> Result<Vec<Pattern>, PolicyError> {
        let syntax = Syntax { wildcards: true, variables: self.variables, ignore_case: false };
        let mut patterns = Vec::new();
        for resource in texts(value)? {
            if self.kind == PolicyKind::Identity && resource != "*" && !resource.starts_with("arn:") {
                return Err(PolicyError::Resource(resource));
            }
            let partition = resource.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
            if let Some(partition) = partition.filter(|name| !is_partition(name)) {
                return Err(PolicyError::Partition { partition: partition.to_owned(), resource });
            }
            patterns.push(Pattern::new(&resource, syntax));
        }
        if patterns.is_empty() { Err(PolicyError::NoResources) } else { Ok(patterns) }
    }

    fn conditions(self, operators: Vec<(String, Json)>) -> Result<Vec<Condition>, PolicyError> {
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let Json::Object(keys) = keys else { return Err(PolicyError::Syntax) };
            for (key, values) in keys {
                if !key.contains(':') {
                    return Err(PolicyError::Vendor);
                }
                let values = scalars(values)?;
                let condition = Condition::new(&operator, &key, values, self.variables)
                    .ok_or_else(|| PolicyError::ConditionOperator(operator.clone()))?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }
}

/// A service's prefix in actions: letters, digits and hyphens, and no wildcard.
fn is_vendor(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `aws`, `aws-cn`, …, or a pattern.
fn is_partition(text: &str) -> bool {
    text == "aws" || text.starts_with("aws-") || text.contains(['*', '?', '$'])
}

/// An element and its `Not…` form exclude each other.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), PolicyError> {
    if slot.replace(value).is_some() { Err(PolicyError::Syntax) } else { Ok(()) }
}

/// A string, or a list of strings.
pub(super) fn texts(value: Json) -> Result<Vec<String>, PolicyError> {
    match value {
        Json::Text(text) => Ok(vec![text]),
        Json::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Json::Text(text) => Ok(text),
                _ => Err(PolicyError::Syntax),
            })
            .collect(),
        _ => Err(PolicyError::Syntax),
    }
}

/// A string, number or boolean, or a list of such.
fn scalars(value: Json) -> Result<Vec<String>, PolicyError> {
    let items = match value {
        Json::Array(items) => items,
        single => vec![single],
    };
    items.into_iter().map(|item| item.into_scalar().ok_or(PolicyError::Syntax)).collect()
}

#[cfg(test)]
mod tests;
