//! Connections as they are kept: how requests to API destinations are authorised
//!
//! **Invariant:** what authorises is sealed under the root key for its connection, wiped when it is let go of, and in no answer, text or
//! log; answers show names and those parameters that are said to be no secrets.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use keywatch_api::{
    Arn, SecretText,
    events::{
        AuthorizationType, ConnectionResponse, ConnectionState, OAuthMethod, ShownApiKeyAuth,
        ShownAuthParameters, ShownBasicAuth, ShownClient, ShownHttpParameters, ShownOAuth, ShownParameter,
    },
};
use keywatch_crypto::{Binding, RootKeyring, SystemRandom};
use keywatch_iam::Call;
use keywatch_store::{Kind, Partition, StoreError, Versioned};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::error::EventsError;

/// `account/region/name`
pub(crate) const CONNECTION: Kind = Kind("events.connection");
const PURPOSE: &str = "events-connection";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConnectionRecord {
    pub(crate) name: String,
    /// A UUID.
    pub(crate) id: String,
    pub(crate) description: Option<String>,
    pub(crate) kind: AuthorizationType,
    pub(crate) state: ConnectionState,
    pub(crate) reason: Option<String>,
    /// [`Authorization`], sealed; absent of a connection that is deauthorised.
    pub(crate) sealed: Option<String>,
    /// Changes with what is sealed.
    pub(crate) secret_id: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) authorized: Option<Timestamp>,
}

impl Versioned for ConnectionRecord {
    const MARKER: &'static str = "events.connection/1";
}

/// What authorises, and what is added to every request.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Authorization {
    pub(crate) method: Method,
    pub(crate) added: Option<Parameters>,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) enum Method {
    Basic { username: String, password: String },
    ApiKey { name: String, value: String },
    OAuth(OAuth),
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct OAuth {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) endpoint: String,
    /// `GET`, `POST` or `PUT`.
    pub(crate) method: String,
    pub(crate) added: Option<Parameters>,
}

#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Parameters {
    pub(crate) headers: Vec<Parameter>,
    pub(crate) query: Vec<Parameter>,
    pub(crate) body: Vec<Parameter>,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Parameter {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) is_secret: bool,
}

/// Values that do not print themselves.
macro_rules! unprintable {
    ($($name:ident),*) => { $(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )* };
}
unprintable!(Authorization, Method, OAuth, Parameters, Parameter);

impl Parameter {
    /// A parameter of a request; those without a name are none.
    pub(crate) fn given(
        key: Option<String>,
        value: Option<SecretText>,
        is_secret: Option<bool>,
    ) -> Option<Self> {
        let value = value.map(|value| value.expose().to_owned()).unwrap_or_default();
        Some(Self { key: key?, value, is_secret: is_secret.unwrap_or(false) })
    }

    fn shown(&self) -> ShownParameter {
        ShownParameter {
            key: self.key.clone(),
            value: (!self.is_secret).then(|| self.value.clone()),
            is_value_secret: self.is_secret,
        }
    }
}

impl Parameters {
    fn shown(&self) -> ShownHttpParameters {
        let shown = |parameters: &[Parameter]| parameters.iter().map(Parameter::shown).collect();
        ShownHttpParameters {
            header_parameters: shown(&self.headers),
            query_string_parameters: shown(&self.query),
            body_parameters: shown(&self.body),
        }
    }
}

impl Authorization {
    /// What may be seen of it.
    pub(crate) fn shown(&self) -> ShownAuthParameters {
        let mut shown = ShownAuthParameters {
            invocation_http_parameters: self.added.as_ref().map(Parameters::shown),
            ..ShownAuthParameters::default()
        };
        match &self.method {
            Method::Basic { username, .. } => {
                shown.basic_auth_parameters = Some(ShownBasicAuth { username: username.clone() });
            }
            Method::ApiKey { name, .. } => {
                shown.api_key_auth_parameters = Some(ShownApiKeyAuth { api_key_name: name.clone() });
            }
            Method::OAuth(oauth) => {
                shown.oauth_parameters = Some(ShownOAuth {
                    client_parameters: ShownClient { client_id: oauth.client_id.clone() },
                    authorization_endpoint: oauth.endpoint.clone(),
                    http_method: oauth.method.parse().unwrap_or(OAuthMethod::Post),
                    oauth_http_parameters: oauth.added.as_ref().map(Parameters::shown),
                });
            }
        }
        shown
    }

    pub(crate) fn seal(&self, keyring: &RootKeyring, connection: &str) -> Result<String, EventsError> {
        let text = Zeroizing::new(
            serde_json::to_vec(self).map_err(|_| StoreError::corrupt("an authorisation without a form"))?,
        );
        let binding = Binding::Other { purpose: PURPOSE, owner: connection };
        let sealed = keyring
            .seal(&binding, &text, &mut SystemRandom)
            .map_err(|_| EventsError::parameter("AuthParameters", "The parameters are too long."))?;
        Ok(BASE64.encode(sealed))
    }

    fn unseal(keyring: &RootKeyring, connection: &str, sealed: &str) -> Result<Self, StoreError> {
        let corrupt = || StoreError::corrupt("the sealed authorisation of a connection");
        let bytes = BASE64.decode(sealed).map_err(|_| corrupt())?;
        let binding = Binding::Other { purpose: PURPOSE, owner: connection };
        let text = keyring.open(&binding, &bytes).map_err(|_| corrupt())?;
        serde_json::from_slice(text.expose()).map_err(|_| corrupt())
    }
}

impl ConnectionRecord {
    pub(crate) fn arn(&self, partition: &Partition) -> String {
        let resource = format!("connection/{}/{}", self.name, self.id);
        Arn::new("events", partition.region(), partition.account(), resource).to_string()
    }

    /// The name that AWS keeps the secret under in its Secrets Manager; here it is nowhere but in the connection.
    pub(crate) fn secret_arn(&self, partition: &Partition) -> String {
        let resource = format!("secret:events!connection/{}/{}", self.name, self.secret_id);
        Arn::new("secretsmanager", partition.region(), partition.account(), resource).to_string()
    }

    /// What authorises; `None` of a connection that is deauthorised.
    pub(crate) fn open(
        &self,
        keyring: &RootKeyring,
        partition: &Partition,
    ) -> Result<Option<Authorization>, StoreError> {
        let sealed = self.sealed.as_deref();
        sealed.map(|sealed| Authorization::unseal(keyring, &self.arn(partition), sealed)).transpose()
    }

    pub(crate) fn is_usable(&self) -> bool {
        matches!(self.state, ConnectionState::Authorized | ConnectionState::Authorizing)
    }

    /// The answer of an operation that changed it.
    pub(crate) fn answer(&self, partition: &Partition) -> ConnectionResponse {
        ConnectionResponse {
            connection_arn: self.arn(partition),
            connection_state: self.state,
            creation_time: self.created.into(),
            last_modified_time: self.modified.into(),
            last_authorized_time: self.authorized.map(Into::into),
        }
    }
}

/// A connection that is to authorise by OAuth has to fetch a token first.
pub(crate) fn first_state(method: &Method) -> ConnectionState {
    match method {
        Method::OAuth(_) => ConnectionState::Authorizing,
        Method::Basic { .. } | Method::ApiKey { .. } => ConnectionState::Authorized,
    }
}

/// A fresh name for a secret, in the form of AWS's.
pub(crate) fn secret_id() -> String {
    let suffix = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", uuid::Uuid::new_v4(), &suffix[..6])
}

pub(crate) fn key(partition: &Partition, name: &str) -> String {
    format!("{partition}/{name}")
}

/// The connection of a name.
pub(crate) async fn connection(call: &mut Call<'_>, name: &str) -> Result<ConnectionRecord, EventsError> {
    let key = key(&call.partition(), name);
    let missing = || {
        let text = format!("Failed to describe the connection(s). Connection '{name}' does not exist.");
        EventsError::NotFound(text.into())
    };
    call.tx.get(CONNECTION, &key).await?.ok_or_else(missing)
}

/// What a policy names for a connection whose id is not known yet, or which is not there.
pub(crate) fn any_arn(partition: &Partition, name: &str) -> String {
    let resource = format!("connection/{name}");
    Arn::new("events", partition.region(), partition.account(), resource).to_string()
}

#[cfg(test)]
mod tests {
    use keywatch_crypto::RootKey;

    use super::*;

    #[test]
    fn secrets_are_sealed_unprintable_and_not_shown() {
        let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let parameter =
            |key: &str, is_secret| Parameter { key: key.into(), value: "hunter2".into(), is_secret };
        let authorization = Authorization {
            method: Method::Basic { username: "user".into(), password: "hunter2".into() },
            added: Some(Parameters {
                headers: vec![parameter("x-token", true)],
                query: Vec::new(),
                body: Vec::new(),
            }),
        };
        let sealed = authorization.seal(&keyring, "a").unwrap();
        let opened = Authorization::unseal(&keyring, "a", &sealed).unwrap();
        assert!(matches!(&opened.method, Method::Basic { password, .. } if password == "hunter2"));
        assert!(Authorization::unseal(&keyring, "b", &sealed).is_err());
        let shown = serde_json::to_string(&opened.shown()).unwrap();
        assert_eq!(
            shown,
            r#"{"BasicAuthParameters":{"Username":"user"},"InvocationHttpParameters":{"HeaderParameters":[{"Key":"x-token","IsValueSecret":true}]}}"#
        );
        for text in [format!("{opened:?}"), sealed] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
