//! Simulated decisions, and the context keys policies ask for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{is_document, is_marker};

crate::wire_enum! {
    /// The type of a context key's values.
    pub enum ContextKeyType {
        String = "string",
        StringList = "stringList",
        Numeric = "numeric",
        NumericList = "numericList",
        Boolean = "boolean",
        BooleanList = "booleanList",
        Ip = "ip",
        IpList = "ipList",
        Binary = "binary",
        BinaryList = "binaryList",
        Date = "date",
        DateList = "dateList",
    }
}

crate::wire_enum! {
    /// What was decided.
    pub enum PolicyEvaluationDecision { Allowed = "allowed", ExplicitDeny = "explicitDeny", ImplicitDeny = "implicitDeny" }
}

crate::shape! {
    /// A context key of the simulated request.
    pub struct ContextEntry: Pascal {
        context_key_name: Option<String> [len 5..=256],
        context_key_values: Option<Vec<String>>,
        context_key_type: Option<ContextKeyType>,
    }
}

crate::shape! {
    /// `SimulateCustomPolicy`
    pub struct SimulateCustomPolicyRequest: Pascal {
        policy_input_list: Vec<String> [each 1..=131_072, is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        permissions_boundary_policy_input_list: Option<Vec<String>> [each 1..=131_072, is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        action_names: Vec<String> [each 3..=128],
        resource_arns: Option<Vec<String>> [each 1..=2048],
        resource_policy: Option<String> [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        resource_owner: Option<String> [len 1..=2048],
        caller_arn: Option<String> [len 1..=2048],
        context_entries: Option<Vec<ContextEntry>>,
        resource_handling_option: Option<String> [len 1..=64],
        max_items: Option<i32> [range 1..=1000],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `SimulatePrincipalPolicy`
    pub struct SimulatePrincipalPolicyRequest: Pascal {
        policy_source_arn: String [len 20..=2048],
        policy_input_list: Option<Vec<String>> [each 1..=131_072, is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        permissions_boundary_policy_input_list: Option<Vec<String>> [each 1..=131_072, is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        action_names: Vec<String> [each 3..=128],
        resource_arns: Option<Vec<String>> [each 1..=2048],
        resource_policy: Option<String> [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        resource_owner: Option<String> [len 1..=2048],
        caller_arn: Option<String> [len 1..=2048],
        context_entries: Option<Vec<ContextEntry>>,
        resource_handling_option: Option<String> [len 1..=64],
        max_items: Option<i32> [range 1..=1000],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `GetContextKeysForCustomPolicy`
    pub struct GetContextKeysForCustomPolicyRequest: Pascal {
        policy_input_list: Vec<String> [each 1..=131_072, is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `GetContextKeysForPrincipalPolicy`
    pub struct GetContextKeysForPrincipalPolicyRequest: Pascal {
        policy_source_arn: String [len 20..=2048],
        policy_input_list: Option<Vec<String>> [each 1..=131_072, is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

/// `GetContextKeysForCustomPolicy`, `GetContextKeysForPrincipalPolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetContextKeysResponse {
    pub context_key_names: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Position {
    pub line: i32,
    pub column: i32,
}

/// A statement that decided.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MatchedStatement {
    pub source_policy_id: String,
    /// `IAM Policy`, `Resource Policy`, `Permissions Boundary Policy`
    pub source_policy_type: &'static str,
    pub start_position: Position,
    pub end_position: Position,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OrganizationsDecisionDetail {
    pub allowed_by_organizations: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PermissionsBoundaryDecisionDetail {
    pub allowed_by_permissions_boundary: bool,
}

/// The decision about one action on one resource.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EvaluationResult {
    pub eval_action_name: String,
    pub eval_resource_name: String,
    pub eval_decision: PolicyEvaluationDecision,
    pub matched_statements: Vec<MatchedStatement>,
    pub missing_context_values: Vec<String>,
    pub organizations_decision_detail: Option<OrganizationsDecisionDetail>,
    pub permissions_boundary_decision_detail: Option<PermissionsBoundaryDecisionDetail>,
    /// The decisions of the single kinds of policies, when a resource policy takes part.
    pub eval_decision_details: BTreeMap<&'static str, PolicyEvaluationDecision>,
    pub resource_specific_results: Vec<ResourceSpecificResult>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceSpecificResult {
    pub eval_resource_name: String,
    pub eval_resource_decision: PolicyEvaluationDecision,
    pub matched_statements: Vec<MatchedStatement>,
    pub missing_context_values: Vec<String>,
    pub permissions_boundary_decision_detail: Option<PermissionsBoundaryDecisionDetail>,
}

/// `SimulatePrincipalPolicy`, `SimulateCustomPolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SimulatePolicyResponse {
    pub evaluation_results: Vec<EvaluationResult>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}
