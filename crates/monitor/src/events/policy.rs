//! Policies of buses: their statements, and what they and the policies of targets let EventBridge do

use jiff::Timestamp;
use keywatch_iam::policy::{
    Environment, KeyList, Policies, PolicyDocument, PolicyKind, Request, ResourceSide, Subject, SubjectKind,
    Values, evaluate,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Characters of a bus's policy.
pub(crate) const POLICY_CHARS_MAX: usize = 10_240;

/// A statement as `PutPermission` makes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Statement {
    sid: String,
    effect: &'static str,
    principal: Value,
    action: String,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

impl Statement {
    /// `principal` is an account's number or `*`; the condition is an operator, a key and a value.
    pub(crate) fn new(
        sid: String,
        principal: &str,
        action: String,
        resource: String,
        condition: Option<(String, String, String)>,
    ) -> Self {
        let principal = match principal {
            "*" => json!("*"),
            account => json!({ "AWS": format!("arn:aws:iam::{account}:root") }),
        };
        let condition = condition.map(|(operator, key, value)| json!({ operator: { key: value } }));
        Self { sid, effect: "Allow", principal, action, resource, condition }
    }
}

/// A policy with a statement more, in the place of the one of the same id if there is one.
pub(crate) fn with_statement(policy: Option<&str>, statement: Statement) -> String {
    let mut statements = policy.map(statements_of).unwrap_or_default();
    let sid = statement.sid.clone();
    let statement = serde_json::to_value(statement).unwrap_or_default();
    match statements.iter_mut().find(|other| has_id(other, &sid)) {
        Some(other) => *other = statement,
        None => statements.push(statement),
    }
    document(statements)
}

/// A policy without the statement of an id: nothing if no other is left; `None` if there is no such statement.
pub(crate) fn without_statement(policy: &str, sid: &str) -> Option<Option<String>> {
    let mut statements = statements_of(policy);
    let before = statements.len();
    statements.retain(|statement| !has_id(statement, sid));
    if statements.len() == before {
        return None;
    }
    Some((!statements.is_empty()).then(|| document(statements)))
}

fn has_id(statement: &Value, sid: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(sid)
}

fn document(statements: Vec<Value>) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// A single statement may stand without a list around it.
fn statements_of(policy: &str) -> Vec<Value> {
    let members: Map<String, Value> = serde_json::from_str(policy).unwrap_or_default();
    match members.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// What a rule wants to do with a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'w> {
    /// `sns:Publish`
    pub(crate) action: &'w str,
    /// An ARN.
    pub(crate) resource: &'w str,
    /// Whose the resource is.
    pub(crate) owner: &'w str,
    pub(crate) region: &'w str,
    pub(crate) rule_arn: &'w str,
    /// Whose the rule is.
    pub(crate) account: &'w str,
    pub(crate) role_arn: Option<&'w str>,
    pub(crate) now: Timestamp,
}

/// Whether a resource's policy lets a rule's call through: as EventBridge for the rule, or as the target's role or the rule's
/// account. A resource without a policy takes what rules of its own account send.
pub(crate) fn lets(policy: Option<&str>, wish: &Wish<'_>) -> bool {
    let Some(text) = policy else { return wish.account == wish.owner };
    let Ok(policy) = PolicyDocument::parse(PolicyKind::Resource, text) else { return false };
    let root = format!("arn:aws:iam::{}:root", wish.account);
    let account = Subject {
        kind: SubjectKind::Root,
        account: wish.account,
        arn: &root,
        user_id: wish.account,
        ..Subject::ANONYMOUS
    };
    let role = wish.role_arn.map(|role| Subject {
        kind: SubjectKind::RoleSession,
        account: wish.account,
        arn: role,
        role_arn: Some(role),
        user_id: role,
        ..Subject::ANONYMOUS
    });
    // In its own account the root user would be let in by itself, which says nothing of the policy.
    let account = (wish.account != wish.owner).then_some(account);
    let service = Subject::service("events.amazonaws.com");
    [Some(service), role, account].into_iter().flatten().any(|subject| allows(&policy, &subject, wish))
}

fn allows(policy: &PolicyDocument, subject: &Subject<'_>, wish: &Wish<'_>) -> bool {
    let keys = KeyList::default()
        .with("aws:SourceArn", Values::one(wish.rule_arn))
        .with("aws:SourceAccount", Values::one(wish.account));
    let environment = Environment {
        now: wish.now,
        region: wish.region,
        source_ip: None,
        user_agent: None,
        secure_transport: true,
        via_service: None,
    };
    let request = Request {
        subject,
        action: wish.action,
        resource: wish.resource,
        resource_account: wish.owner,
        environment: &environment,
        keys: &keys,
    };
    let policies = Policies { resource: ResourceSide::Optional(Some(policy)), ..Policies::default() };
    evaluate(&request, &policies).is_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:q";
    const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/r";

    #[track_caller]
    fn check(statement: Option<Value>, rule_account: &str, want: bool) {
        let policy = statement.map(|statement| document(vec![statement]));
        let rule = RULE.replace("111122223333", rule_account);
        let wish = Wish {
            action: "sqs:SendMessage",
            resource: QUEUE,
            owner: "111122223333",
            region: "us-east-1",
            rule_arn: &rule,
            account: rule_account,
            role_arn: None,
            now: "2026-09-14T11:00:00Z".parse().unwrap(),
        };
        assert_eq!(lets(policy.as_deref(), &wish), want, "{policy:?}");
    }

    fn allow(principal: Value, condition: Value) -> Option<Value> {
        Some(
            json!({"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": QUEUE,
            "Condition": condition}),
        )
    }

    #[test]
    fn targets_are_asked() {
        let service = || json!({"Service": "events.amazonaws.com"});
        let from = |arn: &str| json!({"ArnEquals": {"aws:SourceArn": arn}});
        check(None, "111122223333", true);
        check(None, "444455556666", false);
        check(allow(service(), json!({})), "111122223333", true);
        check(allow(service(), json!({})), "444455556666", true);
        check(allow(service(), from(RULE)), "111122223333", true);
        check(allow(service(), from(RULE)), "444455556666", false);
        check(allow(json!({"Service": "sns.amazonaws.com"}), json!({})), "111122223333", false);
        check(allow(json!({"AWS": "arn:aws:iam::444455556666:root"}), json!({})), "444455556666", true);
        check(allow(json!({"AWS": "arn:aws:iam::777788889999:root"}), json!({})), "444455556666", false);
    }

    #[test]
    fn statements_come_and_go() {
        let statement = |sid: &str, principal: &str| {
            Statement::new(sid.into(), principal, "events:PutEvents".into(), "arn".into(), None)
        };
        let one = with_statement(None, statement("a", "111122223333"));
        let two = with_statement(Some(&one), statement("b", "*"));
        let replaced = with_statement(Some(&two), statement("a", "*"));
        let parsed: Value = serde_json::from_str(&replaced).unwrap();
        assert_eq!(parsed["Statement"].as_array().unwrap().len(), 2);
        assert_eq!(parsed["Statement"][0]["Principal"], "*");
        assert_eq!(without_statement(&two, "c"), None);
        let left = without_statement(&two, "b").unwrap().unwrap();
        assert_eq!(left, one);
        assert_eq!(without_statement(&left, "a"), Some(None));
    }
}
