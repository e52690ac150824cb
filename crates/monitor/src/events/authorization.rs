//! What a request says of how a connection authorises, made whole with what is known already

use keywatch_api::{
    SecretText,
    events::{AuthParameters, AuthorizationType, ConnectionHttpParameters, OAuthParameters},
};

use super::{
    connection::{Authorization, Method, OAuth, Parameter, Parameters},
    error::EventsError,
};

/// The authorisation that a request gives; what it leaves out stays as it was.
pub(super) fn merged(
    kind: AuthorizationType,
    given: AuthParameters,
    before: Option<Authorization>,
) -> Result<Authorization, EventsError> {
    let old = before.as_ref().map(|before| &before.method);
    let method = match kind {
        AuthorizationType::Basic => {
            let (old_name, old_password) = match old {
                Some(Method::Basic { username, password }) => (Some(username), Some(password)),
                _ => (None, None),
            };
            let given = given.basic_auth_parameters;
            let (username, password) = given.map_or((None, None), |it| (it.username, it.password));
            Method::Basic {
                username: either(username, old_name, "BasicAuthParameters")?,
                password: either(plain(password), old_password, "BasicAuthParameters")?,
            }
        }
        AuthorizationType::ApiKey => {
            let (old_name, old_value) = match old {
                Some(Method::ApiKey { name, value }) => (Some(name), Some(value)),
                _ => (None, None),
            };
            let given = given.api_key_auth_parameters;
            let (name, value) = given.map_or((None, None), |it| (it.api_key_name, it.api_key_value));
            Method::ApiKey {
                name: either(name, old_name, "ApiKeyAuthParameters")?,
                value: either(plain(value), old_value, "ApiKeyAuthParameters")?,
            }
        }
        AuthorizationType::OAuthClientCredentials => {
            let old = match old {
                Some(Method::OAuth(oauth)) => Some(oauth),
                _ => None,
            };
            Method::OAuth(oauth(given.oauth_parameters, old)?)
        }
    };
    let added = given.invocation_http_parameters.map(parameters);
    Ok(Authorization { method, added: added.or_else(|| before.as_ref()?.added.clone()) })
}

fn oauth(given: Option<OAuthParameters>, old: Option<&OAuth>) -> Result<OAuth, EventsError> {
    const NAME: &str = "OAuthParameters";
    let (client, endpoint, method, added) = match given {
        Some(given) => (
            given.client_parameters,
            given.authorization_endpoint,
            given.http_method,
            given.oauth_http_parameters,
        ),
        None => (None, None, None, None),
    };
    let (id, secret) = client.map_or((None, None), |client| (client.client_id, client.client_secret));
    let method = method.map(|method| method.as_str().to_owned());
    let endpoint = either(endpoint, old.map(|old| &old.endpoint), NAME)?;
    super::api_destination::check_endpoint("AuthorizationEndpoint", &endpoint)?;
    Ok(OAuth {
        client_id: either(id, old.map(|old| &old.client_id), NAME)?,
        client_secret: either(plain(secret), old.map(|old| &old.client_secret), NAME)?,
        endpoint,
        method: either(method, old.map(|old| &old.method), NAME)?,
        added: added.map(parameters).or_else(|| old?.added.clone()),
    })
}

fn plain(secret: Option<SecretText>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

fn either(given: Option<String>, old: Option<&String>, name: &str) -> Result<String, EventsError> {
    given.or_else(|| old.cloned()).ok_or_else(|| {
        EventsError::invalid(format!(
            "Parameter(s) AuthParameters.{name} must be specified with all their members."
        ))
    })
}

fn parameters(given: ConnectionHttpParameters) -> Parameters {
    let headers = given.header_parameters.into_iter().flatten();
    let query = given.query_string_parameters.into_iter().flatten();
    let body = given.body_parameters.into_iter().flatten();
    Parameters {
        headers: headers.filter_map(|it| Parameter::given(it.key, it.value, it.is_value_secret)).collect(),
        query: query.filter_map(|it| Parameter::given(it.key, it.value, it.is_value_secret)).collect(),
        body: body.filter_map(|it| Parameter::given(it.key, it.value, it.is_value_secret)).collect(),
    }
}
