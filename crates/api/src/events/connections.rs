//! Shapes of connections: how API destinations are authorised. Secrets come in requests and are in no answer.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::{
    buses::is_key_identifier, is_header_name, is_header_value, is_name, is_query_key, is_query_value,
};
use crate::{SecretText, WireTime};

/// Neither control characters nor `:`, and more than blanks of them.
fn is_credential(text: &str) -> bool {
    !text.trim_matches([' ', '\t']).is_empty()
        && text.chars().all(|c| c == '\t' || !(c < ' ' || c == ':' || c == '\u{7f}'))
}

pub(super) fn is_endpoint_url(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-()_.!~*';/?:@&=+$,".contains(&b))
}

fn is_one_line(text: &str) -> bool {
    !text.contains('\n')
}

crate::wire_enum! {
    pub enum AuthorizationType {
        Basic = "BASIC",
        OAuthClientCredentials = "OAUTH_CLIENT_CREDENTIALS",
        ApiKey = "API_KEY",
    }
}

crate::wire_enum! {
    pub enum ConnectionState {
        Creating = "CREATING",
        Updating = "UPDATING",
        Deleting = "DELETING",
        Authorized = "AUTHORIZED",
        Deauthorized = "DEAUTHORIZED",
        Authorizing = "AUTHORIZING",
        Deauthorizing = "DEAUTHORIZING",
        Active = "ACTIVE",
        FailedConnectivity = "FAILED_CONNECTIVITY",
    }
}

crate::wire_enum! {
    pub enum OAuthMethod {
        Get = "GET",
        Post = "POST",
        Put = "PUT",
    }
}

crate::shape! {
    pub struct HeaderParameter: Pascal {
        key: Option<String> [len 0..=512] [pattern is_header_name, "^[!#$%&'*+-.^_`|~0-9a-zA-Z]+$"],
        value: Option<SecretText> [len 0..=512] [pattern is_header_value, r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$"],
        is_value_secret: Option<bool>,
    }
}

crate::shape! {
    pub struct QueryStringParameter: Pascal {
        key: Option<String> [len 0..=512] [pattern is_query_key, r"[^\x00-\x1F\x7F]+"],
        value: Option<SecretText> [len 0..=512] [pattern is_query_value, r"[^\x00-\x09\x0B\x0C\x0E-\x1F\x7F]+"],
        is_value_secret: Option<bool>,
    }
}

crate::shape! {
    pub struct BodyParameter: Pascal {
        key: Option<String>,
        value: Option<SecretText>,
        is_value_secret: Option<bool>,
    }
}

crate::shape! {
    pub struct ConnectionHttpParameters: Pascal {
        header_parameters: Option<Vec<HeaderParameter>> [len 0..=100],
        query_string_parameters: Option<Vec<QueryStringParameter>> [len 0..=100],
        body_parameters: Option<Vec<BodyParameter>> [len 0..=100],
    }
}

/// The shapes of what authorises: whole when a connection is made, in parts when it is changed.
macro_rules! auth_shapes {
    ($all:ident: $basic:ident, $api_key:ident, $oauth:ident, $client:ident; $text:ty, $secret:ty, $method:ty, $clients:ty) => {
        crate::shape! {
            pub struct $basic: Pascal {
                username: $text [len 1..=512] [pattern is_credential, r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"],
                password: $secret [len 1..=512] [pattern is_credential, r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"],
            }
        }
        crate::shape! {
            pub struct $api_key: Pascal {
                api_key_name: $text [len 1..=512] [pattern is_credential, r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"],
                api_key_value: $secret [len 1..=512] [pattern is_credential, r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"],
            }
        }
        crate::shape! {
            pub struct $client: Pascal {
                #[serde(rename = "ClientID")]
                client_id: $text [len 1..=512] [pattern is_credential, r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"],
                client_secret: $secret [len 1..=512] [pattern is_credential, r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"],
            }
        }
        crate::shape! {
            pub struct $oauth: Pascal {
                client_parameters: $clients,
                authorization_endpoint: $text [len 1..=2048] [pattern is_endpoint_url, r"^((%[0-9A-Fa-f]{2}|[-()_.!~*';/?:@\x26=+$,A-Za-z0-9])+)([).!';/?:,])?$"],
                http_method: $method,
                #[serde(rename = "OAuthHttpParameters")]
                oauth_http_parameters: Option<ConnectionHttpParameters>,
            }
        }
        crate::shape! {
            pub struct $all: Pascal {
                basic_auth_parameters: Option<$basic>,
                #[serde(rename = "OAuthParameters")]
                oauth_parameters: Option<$oauth>,
                api_key_auth_parameters: Option<$api_key>,
                invocation_http_parameters: Option<ConnectionHttpParameters>,
            }
        }
    };
}
auth_shapes!(
    CreateAuthParameters: CreateBasicAuth, CreateApiKeyAuth, CreateOAuth, CreateOAuthClient;
    String, SecretText, OAuthMethod, CreateOAuthClient
);
auth_shapes!(
    AuthParameters: BasicAuthParameters, ApiKeyAuthParameters, OAuthParameters, OAuthClientParameters;
    Option<String>, Option<SecretText>, Option<OAuthMethod>, Option<OAuthClientParameters>
);

impl From<CreateAuthParameters> for AuthParameters {
    fn from(whole: CreateAuthParameters) -> Self {
        Self {
            basic_auth_parameters: whole.basic_auth_parameters.map(|basic| BasicAuthParameters {
                username: Some(basic.username),
                password: Some(basic.password),
            }),
            oauth_parameters: whole.oauth_parameters.map(|oauth| OAuthParameters {
                client_parameters: Some(OAuthClientParameters {
                    client_id: Some(oauth.client_parameters.client_id),
                    client_secret: Some(oauth.client_parameters.client_secret),
                }),
                authorization_endpoint: Some(oauth.authorization_endpoint),
                http_method: Some(oauth.http_method),
                oauth_http_parameters: oauth.oauth_http_parameters,
            }),
            api_key_auth_parameters: whole.api_key_auth_parameters.map(|key| ApiKeyAuthParameters {
                api_key_name: Some(key.api_key_name),
                api_key_value: Some(key.api_key_value),
            }),
            invocation_http_parameters: whole.invocation_http_parameters,
        }
    }
}

crate::shape! {
    pub struct CreateConnectionRequest: Pascal {
        name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        authorization_type: AuthorizationType,
        auth_parameters: CreateAuthParameters,
        kms_key_identifier: Option<String> [len 0..=2048] [pattern is_key_identifier, r"^[a-zA-Z0-9_\-/:]*$"],
    }
}

crate::shape! {
    pub struct UpdateConnectionRequest: Pascal {
        name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        authorization_type: Option<AuthorizationType>,
        auth_parameters: Option<AuthParameters>,
        kms_key_identifier: Option<String> [len 0..=2048] [pattern is_key_identifier, r"^[a-zA-Z0-9_\-/:]*$"],
    }
}

/// The answer of the operations that change a connection.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConnectionResponse {
    pub connection_arn: String,
    pub connection_state: ConnectionState,
    pub creation_time: WireTime,
    pub last_modified_time: WireTime,
    pub last_authorized_time: Option<WireTime>,
}

/// Requests that name one connection.
macro_rules! connection_request {
    ($($name:ident),*) => { $(
        crate::shape! {
            pub struct $name: Pascal {
                name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
            }
        }
    )* };
}
connection_request!(DeleteConnectionRequest, DeauthorizeConnectionRequest, DescribeConnectionRequest);

/// A parameter of every request; the value only where it is no secret.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownParameter {
    pub key: String,
    pub value: Option<String>,
    pub is_value_secret: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownHttpParameters {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub header_parameters: Vec<ShownParameter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query_string_parameters: Vec<ShownParameter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub body_parameters: Vec<ShownParameter>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownBasicAuth {
    pub username: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownApiKeyAuth {
    pub api_key_name: String,
}

#[derive(Debug, Serialize)]
pub struct ShownClient {
    #[serde(rename = "ClientID")]
    pub client_id: String,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownOAuth {
    pub client_parameters: ShownClient,
    pub authorization_endpoint: String,
    pub http_method: OAuthMethod,
    #[serde(rename = "OAuthHttpParameters")]
    pub oauth_http_parameters: Option<ShownHttpParameters>,
}

#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownAuthParameters {
    pub basic_auth_parameters: Option<ShownBasicAuth>,
    #[serde(rename = "OAuthParameters")]
    pub oauth_parameters: Option<ShownOAuth>,
    pub api_key_auth_parameters: Option<ShownApiKeyAuth>,
    pub invocation_http_parameters: Option<ShownHttpParameters>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeConnectionResponse {
    pub connection_arn: String,
    pub name: String,
    pub description: Option<String>,
    pub connection_state: ConnectionState,
    pub state_reason: Option<String>,
    pub authorization_type: AuthorizationType,
    pub secret_arn: String,
    pub auth_parameters: ShownAuthParameters,
    pub creation_time: WireTime,
    pub last_modified_time: WireTime,
    pub last_authorized_time: Option<WireTime>,
}

crate::shape! {
    pub struct ListConnectionsRequest: Pascal {
        name_prefix: Option<String> [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        connection_state: Option<ConnectionState>,
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Connection {
    pub connection_arn: String,
    pub name: String,
    pub connection_state: ConnectionState,
    pub state_reason: Option<String>,
    pub authorization_type: AuthorizationType,
    pub creation_time: WireTime,
    pub last_modified_time: WireTime,
    pub last_authorized_time: Option<WireTime>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListConnectionsResponse {
    pub connections: Vec<Connection>,
    pub next_token: Option<String>,
}
