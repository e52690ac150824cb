//! Tokens of connections that authorise by OAuth client credentials: fetched when one is needed, kept in memory until shortly before they
//! expire or until a destination refuses one. Source: RFC 6749, section 4.4.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::{Number, SecretText, events::ConnectionState};
use keywatch_store::{Batch, CommitError, Expect, Row, Store, StoreError, encode};
use reqwest::{
    Client, Method, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    call_target::Failure,
    connection::{CONNECTION, ConnectionRecord, OAuth},
    destination_call::add,
    invocation::Outcome,
};
use crate::outbound::{Reach, chain};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// A token is not used in the last minute that it is good for.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// Of tokens that do not say how long they are good.
const LIFETIME: i64 = 3_600;
/// Tokens kept at once.
const TOKENS_MAX: usize = 10_000;

/// Tokens by the rows of their connections.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<String, Kept>>,
    /// Held while a token is fetched: those who need the same one wait for it.
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

type Gate = tokio::sync::Mutex<()>;

#[derive(Debug)]
struct Kept {
    token: Arc<SecretText>,
    /// Of the connection's row: another one has another secret.
    of: Timestamp,
    expires: Timestamp,
}

/// With what a token is fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct WhoAsks<'w> {
    pub(super) store: &'w Store,
    pub(super) client: &'w Client,
    pub(super) reach: Reach,
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretText,
    #[serde(default)]
    expires_in: Option<Number>,
}

impl Tokens {
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self, connection: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= TOKENS_MAX {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        Arc::clone(gates.entry(connection.to_owned()).or_default())
    }

    /// A token that was fetched before and is still good.
    fn known(&self, key: &str, connection: &ConnectionRecord, now: Timestamp) -> Option<Arc<SecretText>> {
        let all = self.kept();
        let kept = all.get(key).filter(|kept| kept.of == connection.modified && kept.expires > now)?;
        Some(Arc::clone(&kept.token))
    }

    /// Lets go of a token that was refused.
    pub(super) fn forget(&self, connection: &str) {
        self.kept().remove(connection);
    }

    /// A good token; the outcome of the invocation if there is none.
    pub(super) async fn token(
        &self,
        who: &WhoAsks<'_>,
        key: &str,
        row: &Row,
        connection: &ConnectionRecord,
        oauth: &OAuth,
    ) -> Result<Result<Arc<SecretText>, Outcome>, StoreError> {
        if let Some(token) = self.known(key, connection, who.now) {
            return Ok(Ok(token));
        }
        let gate = self.gate(key);
        let _held = gate.lock().await;
        if let Some(token) = self.known(key, connection, who.now) {
            return Ok(Ok(token));
        }
        let answer = match fetch(who, oauth).await {
            Ok(answer) => answer,
            Err(why) => {
                let failure = Failure { code: "ERROR_FROM_TARGET", message: why };
                return Ok(Err(Outcome::Failed(failure, None)));
            }
        };
        let lifetime = answer.expires_in.map_or(LIFETIME, |seconds| seconds.0.clamp(0.0, 1e8) as i64);
        let token = Arc::new(answer.access_token);
        let kept = Kept {
            token: Arc::clone(&token),
            of: connection.modified,
            expires: who.now + SignedDuration::from_secs(lifetime) - MARGIN,
        };
        {
            let mut all = self.kept();
            if all.len() >= TOKENS_MAX {
                all.clear();
            }
            all.insert(key.to_owned(), kept);
        }
        authorized(who, key, row, connection).await?;
        Ok(Ok(token))
    }
}

/// Notes that a connection could authorise.
async fn authorized(
    who: &WhoAsks<'_>,
    key: &str,
    row: &Row,
    connection: &ConnectionRecord,
) -> Result<(), StoreError> {
    if connection.state != ConnectionState::Authorizing {
        return Ok(());
    }
    let connection = ConnectionRecord {
        state: ConnectionState::Authorized,
        authorized: Some(who.now),
        ..connection.clone()
    };
    let batch = Batch {
        checks: vec![(CONNECTION, key.to_owned(), Expect::Version(row.version))],
        puts: vec![(CONNECTION, key.to_owned(), encode(&connection)?)],
        ..Batch::default()
    };
    match who.store.commit(batch).await {
        // Changed meanwhile: the next token notes it.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

/// The request for a token.
fn request(reach: Reach, oauth: &OAuth) -> Result<reqwest::Request, String> {
    let mut url = Url::parse(&oauth.endpoint).map_err(|error| error.to_string())?;
    if let Some(address) = reach.refused(&url) {
        return Err(format!("{address} is not a public address"));
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &oauth.client_id)
        .append_pair("client_secret", &oauth.client_secret);
    let mut headers = HeaderMap::new();
    if let Some(added) = &oauth.added {
        add(added, &mut url, &mut headers)?;
        for parameter in &added.body {
            form.append_pair(&parameter.key, &parameter.value);
        }
    }
    let form = Zeroizing::new(form.finish());
    let method: Method = oauth.method.parse().map_err(|_| "the method is none".to_owned())?;
    let mut request = if method == Method::GET {
        let query = url.query().map_or_else(|| form.to_string(), |query| format!("{query}&{}", *form));
        url.set_query(Some(&query));
        reqwest::Request::new(method, url)
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut request = reqwest::Request::new(method, url);
        *request.body_mut() = Some(form.to_string().into());
        request
    };
    *request.headers_mut() = headers;
    Ok(request)
}

async fn fetch(who: &WhoAsks<'_>, oauth: &OAuth) -> Result<Answer, String> {
    let request = request(who.reach, oauth)?;
    let mut answer = who.client.execute(request).await.map_err(|error| chain(&error.without_url()))?;
    if !answer.status().is_success() {
        return Err(format!("The authorization endpoint answered {}.", answer.status().as_u16()));
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(|error| chain(&error.without_url()))? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err("The answer of the authorization endpoint is too long.".to_owned());
        }
    }
    serde_json::from_slice(&body).map_err(|_| "The authorization endpoint did not answer a token.".to_owned())
}
