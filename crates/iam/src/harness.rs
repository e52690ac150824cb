//! A world for tests: a real store in a temporary directory, a keyring, and callers who send requests as the wire carries them.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::iam::IamOperation;
use keywatch_api::sts::StsOperation;
use keywatch_api::{AccountId, Fault, SecretText, Service};
use keywatch_crypto::{RootKey, RootKeyring, SystemRandom};
use keywatch_store::{Store, Transaction};

use crate::credentials::{Credential, CredentialError, Credentials, RootAccessKey};
use crate::iam::Iam;
use crate::{Call, Caller, Notes, Origin};

pub(crate) const ACCOUNT: &str = "111111111111";
pub(crate) const ROOT_KEY: &str = "AKIAROOTROOTROOTROOT";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) credentials: Credentials,
    pub(crate) iam: Iam,
    pub(crate) now: Timestamp,
    _directory: tempfile::TempDir,
}

/// The answer to a request: its XML without what frames every answer, and what its record says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) xml: String,
    pub(crate) notes: Notes,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open_embedded(directory.path()).await.expect("a store");
        let keyring = Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)));
        let root = RootAccessKey {
            account: account(),
            access_key_id: ROOT_KEY.to_owned(),
            secret: SecretText::new("root secret".to_owned()),
        };
        Self {
            credentials: Credentials::new(store.clone(), keyring.clone(), root),
            iam: Iam::new(keyring),
            now: "2026-11-22T10:00:00.123Z".parse().expect("a time"),
            store,
            _directory: directory,
        }
    }

    /// A caller by its access key.
    pub(crate) async fn resolve(
        &self,
        id: &str,
        token: Option<&str>,
    ) -> Result<Arc<Credential>, CredentialError> {
        self.credentials.resolve(id, token, self.now).await
    }

    pub(crate) async fn root(&self) -> Arc<Caller> {
        self.resolve(ROOT_KEY, None).await.expect("the root key").caller.clone()
    }

    /// The root user sends a request that is expected to be answered.
    #[track_caller]
    pub(crate) fn ask(&self, request: &str) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.send(&self.root().await, request).await;
            answer.unwrap_or_else(|fault| panic!("{place}: {request}: {fault:?}")).xml
        }
    }

    /// Sends `Operation&Member=value…` and commits what it changes.
    pub(crate) async fn send(&self, caller: &Arc<Caller>, request: &str) -> Result<Answer, Fault> {
        let operation = request.split('&').next().unwrap_or_default();
        let mut call = self.call(caller);
        let body = format!("Action={request}");
        let (service, operation) =
            match (IamOperation::from_name(operation), StsOperation::from_name(operation)) {
                (Some(op), _) => (Service::Iam, op.info().name),
                (None, Some(op)) => (Service::Sts, op.info().name),
                (None, None) => panic!("no operation {operation}"),
            };
        let wire =
            Wire { protocol: Protocol::Query, service, operation, request_id: "r", body: body.as_bytes() };
        let answered = match (IamOperation::from_name(operation), StsOperation::from_name(operation)) {
            (Some(op), _) => crate::iam::dispatch(op, &wire, &mut call, &self.iam).await,
            (None, Some(op)) => crate::sts::dispatch(op, &wire, &mut call, &self.iam).await,
            (None, None) => unreachable!("looked up above"),
        }?;
        let Call { tx, notes, .. } = call;
        tx.commit().await.expect("nobody else writes");
        let xml = String::from_utf8(answered).expect("XML is text");
        Ok(Answer { xml: bare(&xml, operation), notes })
    }

    pub(crate) fn call(&self, caller: &Arc<Caller>) -> Call<'_> {
        Call {
            now: self.now,
            region: "us-east-1".parse().expect("a Region"),
            caller: caller.clone(),
            origin: Origin {
                request_id: "r",
                event_id: "e",
                source_ip: Some("192.0.2.1".parse().expect("an address")),
                user_agent: None,
                secure_transport: false,
                endpoint: "http://localhost",
                via_service: None,
            },
            tx: Transaction::new(&self.store),
            notes: Notes::default(),
        }
    }

    /// A user with an access key and an inline policy that allows these actions on everything.
    pub(crate) async fn user(&self, name: &str, actions: &str) -> Arc<Caller> {
        self.ask(&format!("CreateUser&UserName={name}")).await;
        if !actions.is_empty() {
            let policy = allow(actions);
            self.ask(&format!("PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}")).await;
        }
        let made = self.ask(&format!("CreateAccessKey&UserName={name}")).await;
        self.resolve(text(&made, "AccessKeyId"), None).await.expect("a new key").caller.clone()
    }
}

pub(crate) fn account() -> AccountId {
    ACCOUNT.parse().expect("an account")
}

/// A percent-encoded identity policy.
pub(crate) fn allow(actions: &str) -> String {
    let actions: Vec<String> = actions.split(' ').map(|action| format!("\"{action}\"")).collect();
    let actions = actions.join(",");
    encoded(&format!(r#"{{"Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#))
}

pub(crate) fn encoded(text: &str) -> String {
    crate::iam::percent_encoded(text)
}

/// The content of the first element of that name.
#[track_caller]
pub(crate) fn text<'x>(xml: &'x str, element: &str) -> &'x str {
    let found = xml
        .split_once(&format!("<{element}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    found.unwrap_or_else(|| panic!("no <{element}> in {xml}")).0
}

/// Code, status and text of a refusal.
#[track_caller]
pub(crate) fn refusal(answer: Result<Answer, Fault>) -> (String, u16, String) {
    let fault = answer.expect_err("a refusal");
    (fault.code_in_query().to_owned(), fault.status, fault.message.unwrap_or_default())
}

/// The inside of `<XResult>`; empty for answers without one.
fn bare(xml: &str, operation: &str) -> String {
    let result = format!("{operation}Result");
    match xml.split_once(&format!("<{result}>")) {
        Some((_, rest)) => rest.split_once(&format!("</{result}>")).expect("a closed element").0.to_owned(),
        None => String::new(),
    }
}
