//! AWS Security Token Service: API version 2011-06-15, query protocol.

use serde::Serialize;

use crate::iam::{Tag, is_document, is_id, is_name, is_tag_text};
use crate::{SecretText, WireTime};

/// The table of operations, as in botocore's model.
#[macro_export]
macro_rules! sts_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* StsOperation Sts;
            AssumeRole assume_role Read;
            AssumeRoleWithSAML - Read;
            AssumeRoleWithWebIdentity - Read;
            AssumeRoot - Read;
            DecodeAuthorizationMessage decode_authorization_message Read;
            GetAccessKeyInfo get_access_key_info Read;
            GetCallerIdentity get_caller_identity Read;
            GetDelegatedAccessToken - Read;
            GetFederationToken get_federation_token Read;
            GetSessionToken get_session_token Read;
            GetWebIdentityToken - Read;
        }
    };
}

crate::sts_operations!(crate::define_operations);

crate::shape! {
    /// `GetCallerIdentity`
    pub struct GetCallerIdentityRequest: Pascal {}
}

/// `GetCallerIdentity`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetCallerIdentityResponse {
    pub user_id: String,
    pub account: String,
    pub arn: String,
}

crate::shape! {
    /// `GetSessionToken`
    pub struct GetSessionTokenRequest: Pascal {
        duration_seconds: Option<i32> [range 900..=129_600],
        serial_number: Option<String> [len 9..=256] [pattern is_serial_number, r"[\w+=/:,.@-]*"],
        token_code: Option<String> [len 6..=6] [pattern is_digits, r"[\d]*"],
    }
}

/// `GetSessionToken`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetSessionTokenResponse {
    pub credentials: Credentials,
}

/// Temporary credentials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: SecretText,
    pub session_token: SecretText,
    pub expiration: WireTime,
}

crate::shape! {
    /// `AssumeRole`
    pub struct AssumeRoleRequest: Pascal {
        role_arn: String [len 20..=2048] [pattern is_arn_text, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+"],
        role_session_name: String [len 2..=64] [pattern is_name, r"[\w+=,.@-]*"],
        policy_arns: Option<Vec<PolicyDescriptor>>,
        policy: Option<String> [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        duration_seconds: Option<i32> [range 900..=43_200],
        tags: Option<Vec<Tag>> [len 0..=50],
        transitive_tag_keys: Option<Vec<String>> [len 0..=50] [each 1..=128, is_tag_text, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"],
        external_id: Option<String> [len 2..=1224] [pattern is_external_id, r"[\w+=,.@:\/-]*"],
        serial_number: Option<String> [len 9..=256] [pattern is_serial_number, r"[\w+=/:,.@-]*"],
        token_code: Option<String> [len 6..=6] [pattern is_digits, r"[\d]*"],
        source_identity: Option<String> [len 2..=64] [pattern is_name, r"[\w+=,.@-]*"],
    }
}

crate::shape! {
    /// `GetFederationToken`
    pub struct GetFederationTokenRequest: Pascal {
        name: String [len 2..=32] [pattern is_name, r"[\w+=,.@-]*"],
        policy: Option<String> [len 1..=2048] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        policy_arns: Option<Vec<PolicyDescriptor>>,
        duration_seconds: Option<i32> [range 900..=129_600],
        tags: Option<Vec<Tag>> [len 0..=50],
    }
}

/// `GetFederationToken`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetFederationTokenResponse {
    pub credentials: Credentials,
    pub federated_user: FederatedUser,
    /// Percent of the room for session policies and tags; absent when none were given.
    pub packed_policy_size: Option<i32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FederatedUser {
    /// `111111111111:name`
    pub federated_user_id: String,
    pub arn: String,
}

crate::shape! {
    /// `DecodeAuthorizationMessage`
    pub struct DecodeAuthorizationMessageRequest: Pascal {
        encoded_message: String [len 1..=10_240],
    }
}

/// `DecodeAuthorizationMessage`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecodeAuthorizationMessageResponse {
    /// JSON.
    pub decoded_message: String,
}

crate::shape! {
    /// `GetAccessKeyInfo`
    pub struct GetAccessKeyInfoRequest: Pascal {
        access_key_id: String [len 16..=128] [pattern is_id, r"[\w]*"],
    }
}

/// `GetAccessKeyInfo`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccessKeyInfoResponse {
    pub account: String,
}

crate::shape! {
    /// A managed session policy.
    pub struct PolicyDescriptor: Camel { arn: Option<String> [len 20..=2048] [pattern is_arn_text, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+"] }
}

/// `AssumeRole`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumeRoleResponse {
    pub assumed_role_user: AssumedRoleUser,
    pub credentials: Credentials,
    /// Percent of the room for session policies and tags; absent when none were given.
    pub packed_policy_size: Option<i32>,
    pub source_identity: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRoleUser {
    /// `AROA…:session`
    pub assumed_role_id: String,
    pub arn: String,
}

/// Every character that XML 1.0 can carry, as in the pattern.
fn is_arn_text(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    })
}

fn is_serial_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&byte))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_external_id(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Protocol, Wire};

    #[test]
    fn a_request_to_assume_a_role() {
        let decode = |body: &str| {
            let (protocol, service) = (Protocol::Query, crate::Service::Sts);
            let wire =
                Wire { protocol, service, operation: "AssumeRole", request_id: "r", body: body.as_bytes() };
            wire.decode::<AssumeRoleRequest>().map_err(|fault| fault.message.unwrap())
        };
        let request = decode(
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=s1\
             &DurationSeconds=0900&Tags.member.1.Key=a&Tags.member.1.Value=b&TransitiveTagKeys.member.1=a\
             &PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Fx",
        )
        .unwrap();
        assert_eq!(request.role_arn, "arn:aws:iam::1:role/r");
        assert_eq!(request.duration_seconds, Some(900));
        assert_eq!(request.tags.unwrap()[0].value, "b");
        assert_eq!(request.transitive_tag_keys.unwrap(), ["a"]);
        assert_eq!(request.policy_arns.unwrap()[0].arn.as_deref(), Some("arn:aws:iam::aws:policy/x"));
        assert_eq!(
            decode("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=a+b").unwrap_err(),
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        );
    }

    #[test]
    fn operations_of_the_model() {
        assert_eq!(StsOperation::ALL.len(), 11);
        assert_eq!(StsOperation::AssumeRole.info().action(), "sts:AssumeRole");
    }
}
