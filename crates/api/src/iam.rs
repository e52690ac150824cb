//! AWS Identity and Access Management: API version 2010-05-08, query protocol, one name space for all Regions.
//! Shapes by noun: [`users`], [`access_keys`], [`groups`], [`roles`], [`policies`], [`account`], [`simulation`]; what they share is here.

pub mod access_keys;
pub mod account;
pub mod groups;
pub mod policies;
pub mod roles;
pub mod simulation;
pub mod users;

use serde::{Deserialize, Serialize};

/// The table of operations, as in botocore's model.
#[macro_export]
macro_rules! iam_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* IamOperation Iam;
            AcceptDelegationRequest - Write;
            AddClientIDToOpenIDConnectProvider - Write;
            AddRoleToInstanceProfile - Write;
            AddUserToGroup add_user_to_group Write;
            AssociateDelegationRequest - Write;
            AttachGroupPolicy attach_group_policy Write;
            AttachRolePolicy attach_role_policy Write;
            AttachUserPolicy attach_user_policy Write;
            ChangePassword change_password Write;
            CreateAccessKey create_access_key Write;
            CreateAccountAlias create_account_alias Write;
            CreateDelegationRequest - Write;
            CreateGroup create_group Write;
            CreateInstanceProfile - Write;
            CreateLoginProfile create_login_profile Write;
            CreateOpenIDConnectProvider - Write;
            CreatePolicy create_policy Write;
            CreatePolicyVersion create_policy_version Write;
            CreateRole create_role Write;
            CreateSAMLProvider - Write;
            CreateServiceLinkedRole - Write;
            CreateServiceSpecificCredential - Write;
            CreateUser create_user Write;
            CreateVirtualMFADevice - Write;
            DeactivateMFADevice - Write;
            DeleteAccessKey delete_access_key Write;
            DeleteAccountAlias delete_account_alias Write;
            DeleteAccountPasswordPolicy delete_account_password_policy Write;
            DeleteGroup delete_group Write;
            DeleteGroupPolicy delete_group_policy Write;
            DeleteInstanceProfile - Write;
            DeleteLoginProfile delete_login_profile Write;
            DeleteOpenIDConnectProvider - Write;
            DeletePolicy delete_policy Write;
            DeletePolicyVersion delete_policy_version Write;
            DeleteRole delete_role Write;
            DeleteRolePermissionsBoundary delete_role_permissions_boundary Write;
            DeleteRolePolicy delete_role_policy Write;
            DeleteSAMLProvider - Write;
            DeleteSSHPublicKey - Write;
            DeleteServerCertificate - Write;
            DeleteServiceLinkedRole - Write;
            DeleteServiceSpecificCredential - Write;
            DeleteSigningCertificate - Write;
            DeleteUser delete_user Write;
            DeleteUserPermissionsBoundary delete_user_permissions_boundary Write;
            DeleteUserPolicy delete_user_policy Write;
            DeleteVirtualMFADevice - Write;
            DetachGroupPolicy detach_group_policy Write;
            DetachRolePolicy detach_role_policy Write;
            DetachUserPolicy detach_user_policy Write;
            DisableOrganizationsRootCredentialsManagement - Write;
            DisableOrganizationsRootSessions - Write;
            DisableOutboundWebIdentityFederation - Write;
            EnableMFADevice - Write;
            EnableOrganizationsRootCredentialsManagement - Write;
            EnableOrganizationsRootSessions - Write;
            EnableOutboundWebIdentityFederation - Write;
            GenerateCredentialReport - Read;
            GenerateOrganizationsAccessReport - Read;
            GenerateServiceLastAccessedDetails - Read;
            GetAccessKeyLastUsed get_access_key_last_used Read;
            GetAccountAuthorizationDetails - Read;
            GetAccountPasswordPolicy get_account_password_policy Read;
            GetAccountSummary get_account_summary Read;
            GetContextKeysForCustomPolicy get_context_keys_for_custom_policy Read;
            GetContextKeysForPrincipalPolicy get_context_keys_for_principal_policy Read;
            GetCredentialReport - Read;
            GetDelegationRequest - Read;
            GetGroup get_group Read;
            GetGroupPolicy get_group_policy Read;
            GetHumanReadableSummary - Read;
            GetInstanceProfile - Read;
            GetLoginProfile get_login_profile Read;
            GetMFADevice - Read;
            GetOpenIDConnectProvider - Read;
            GetOrganizationsAccessReport - Read;
            GetOutboundWebIdentityFederationInfo - Read;
            GetPolicy get_policy Read;
            GetPolicyVersion get_policy_version Read;
            GetRole get_role Read;
            GetRolePolicy get_role_policy Read;
            GetSAMLProvider - Read;
            GetSSHPublicKey - Read;
            GetServerCertificate - Read;
            GetServiceLastAccessedDetails - Read;
            GetServiceLastAccessedDetailsWithEntities - Read;
            GetServiceLinkedRoleDeletionStatus - Read;
            GetUser get_user Read;
            GetUserPolicy get_user_policy Read;
            ListAccessKeys list_access_keys Read;
            ListAccountAliases list_account_aliases Read;
            ListAttachedGroupPolicies list_attached_group_policies Read;
            ListAttachedRolePolicies list_attached_role_policies Read;
            ListAttachedUserPolicies list_attached_user_policies Read;
            ListDelegationRequests - Read;
            ListEntitiesForPolicy list_entities_for_policy Read;
            ListGroupPolicies list_group_policies Read;
            ListGroups list_groups Read;
            ListGroupsForUser list_groups_for_user Read;
            ListInstanceProfileTags - Read;
            ListInstanceProfiles - Read;
            ListInstanceProfilesForRole list_instance_profiles_for_role Read;
            ListMFADeviceTags - Read;
            ListMFADevices - Read;
            ListOpenIDConnectProviderTags - Read;
            ListOpenIDConnectProviders - Read;
            ListOrganizationsFeatures - Read;
            ListPolicies list_policies Read;
            ListPoliciesGrantingServiceAccess - Read;
            ListPolicyTags list_policy_tags Read;
            ListPolicyVersions list_policy_versions Read;
            ListRolePolicies list_role_policies Read;
            ListRoleTags list_role_tags Read;
            ListRoles list_roles Read;
            ListSAMLProviderTags - Read;
            ListSAMLProviders - Read;
            ListSSHPublicKeys - Read;
            ListServerCertificateTags - Read;
            ListServerCertificates - Read;
            ListServiceSpecificCredentials - Read;
            ListSigningCertificates - Read;
            ListUserPolicies list_user_policies Read;
            ListUserTags list_user_tags Read;
            ListUsers list_users Read;
            ListVirtualMFADevices - Read;
            PutGroupPolicy put_group_policy Write;
            PutRolePermissionsBoundary put_role_permissions_boundary Write;
            PutRolePolicy put_role_policy Write;
            PutUserPermissionsBoundary put_user_permissions_boundary Write;
            PutUserPolicy put_user_policy Write;
            RejectDelegationRequest - Write;
            RemoveClientIDFromOpenIDConnectProvider - Write;
            RemoveRoleFromInstanceProfile - Write;
            RemoveUserFromGroup remove_user_from_group Write;
            ResetServiceSpecificCredential - Write;
            ResyncMFADevice - Write;
            SendDelegationToken - Write;
            SetDefaultPolicyVersion set_default_policy_version Write;
            SetSecurityTokenServicePreferences - Write;
            SimulateCustomPolicy simulate_custom_policy Read;
            SimulatePrincipalPolicy simulate_principal_policy Read;
            TagInstanceProfile - Write;
            TagMFADevice - Write;
            TagOpenIDConnectProvider - Write;
            TagPolicy tag_policy Write;
            TagRole tag_role Write;
            TagSAMLProvider - Write;
            TagServerCertificate - Write;
            TagUser tag_user Write;
            UntagInstanceProfile - Write;
            UntagMFADevice - Write;
            UntagOpenIDConnectProvider - Write;
            UntagPolicy untag_policy Write;
            UntagRole untag_role Write;
            UntagSAMLProvider - Write;
            UntagServerCertificate - Write;
            UntagUser untag_user Write;
            UpdateAccessKey update_access_key Write;
            UpdateAccountPasswordPolicy update_account_password_policy Write;
            UpdateAssumeRolePolicy update_assume_role_policy Write;
            UpdateDelegationRequest - Write;
            UpdateGroup update_group Write;
            UpdateLoginProfile update_login_profile Write;
            UpdateOpenIDConnectProviderThumbprint - Write;
            UpdateRole update_role Write;
            UpdateRoleDescription update_role_description Write;
            UpdateSAMLProvider - Write;
            UpdateSSHPublicKey - Write;
            UpdateServerCertificate - Write;
            UpdateServiceSpecificCredential - Write;
            UpdateSigningCertificate - Write;
            UpdateUser update_user Write;
            UploadSSHPublicKey - Write;
            UploadServerCertificate - Write;
            UploadSigningCertificate - Write;
        }
    };
}

crate::iam_operations!(crate::define_operations);

crate::shape! {
    /// A tag of a user, role or policy.
    #[derive(Clone, PartialEq, Eq, Deserialize)]
    pub struct Tag: Pascal {
        key: String [len 1..=128] [pattern is_tag_text, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"],
        value: String [len 0..=256] [pattern is_tag_text, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"],
    }
}

crate::shape! {
    /// `ListUsers`, `ListGroups`, `ListRoles`
    pub struct ListByPathRequest: Pascal {
        path_prefix: Option<String> [len 1..=512] [pattern is_path_prefix, r"\u002F[\u0021-\u007F]*"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

/// `ListUserPolicies`, `ListGroupPolicies`, `ListRolePolicies`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPolicyNamesResponse {
    pub policy_names: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// `ListUserTags`, `ListRoleTags`, `ListPolicyTags`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsResponse {
    pub tags: Vec<Tag>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// `[\w+=,.@-]`, of ASCII, any number of them.
pub(crate) fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

/// `/`, or visible ASCII between two slashes.
pub(crate) fn is_path(text: &str) -> bool {
    let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    text == "/"
        || inner.is_some_and(|inner| !inner.is_empty() && inner.bytes().all(|b| (0x21..=0x7e).contains(&b)))
}

pub(crate) fn is_path_prefix(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| rest.bytes().all(|byte| (0x21..=0x7f).contains(&byte)))
}

pub(crate) fn is_marker(text: &str) -> bool {
    text.chars().all(|c| ('\u{20}'..='\u{ff}').contains(&c))
}

pub(crate) fn is_id(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The characters of policy documents.
pub(crate) fn is_document(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}'))
}

pub(crate) fn is_tag_text(text: &str) -> bool {
    // \p{Z} are the separators; white space without the control characters is the same set.
    let separator = |c: char| c.is_whitespace() && !c.is_control();
    text.chars().all(|c| c.is_alphanumeric() || separator(c) || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepts: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(accepts(text), "{text:?} is good");
        }
        for text in bad {
            assert!(!accepts(text), "{text:?} is bad");
        }
    }

    #[test]
    fn patterns() {
        check(is_name, &["Alice", "a_b+c=d,e.f@g-h", ""], &["a b", "é", "a/b", "a:b"]);
        check(is_path, &["/", "/a/", "/a/b/"], &["", "//", "a/", "/a", "/a b/", "/é/"]);
        check(is_path_prefix, &["/", "/a", "/a/b"], &["", "a", "/a b"]);
        check(is_marker, &["abc é"], &["\n", "€"]);
        check(is_id, &["AKIA_09az"], &["AKIA-1"]);
        check(is_document, &["{\"a\": \"é\"}\n\t\r"], &["€", "\u{7}"]);
        check(is_tag_text, &["a b:/=+-@_.é", "日本", ""], &["a\tb", "a#b", "a,b"]);
    }

    #[test]
    fn operations_of_the_model() {
        assert_eq!(IamOperation::ALL.len(), 176);
        let info = IamOperation::from_name("CreateAccessKey").unwrap().info();
        assert_eq!(
            (info.action().as_str(), info.handler),
            ("iam:CreateAccessKey", Some("create_access_key"))
        );
        assert_eq!(IamOperation::from_name("createAccessKey"), None);
    }
}
