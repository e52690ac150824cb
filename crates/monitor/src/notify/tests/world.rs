//! A world for tests: a store in a temporary directory, the services, the follower under the engine, deliverers at work, and a
//! clock that is moved by hand. It can be stopped and started again on the same directory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::sns::SnsOperation;
use keywatch_api::sqs::SqsOperation;
use keywatch_api::{AccountId, Clock, Fault, Service};
use keywatch_crypto::{RootKey, RootKeyring, SystemRandom};
use keywatch_iam::{Call, Caller, CallerKind, Notes, Origin};
use keywatch_store::{Append, CommitError, EntryKind, Kind, Scan, Store, Transaction};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::super::links::{Page, Visit};
use super::super::{Notify, Options};
use crate::engine::{Engine, EngineHandle, MovableClock};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const ENDPOINT: &str = "http://keywatch.test:4599";
pub(super) const WAIT: Duration = Duration::from_secs(20);
const BEGIN: &str = "2026-09-14T11:00:00Z";

#[derive(Debug)]
struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl MovableClock for HandClock {
    fn set(&self, now: Timestamp) {
        let mut current = self.0.lock().unwrap();
        *current = (*current).max(now);
    }
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) notify: Notify,
    clock: Arc<HandClock>,
    keyring: Arc<RootKeyring>,
    smtp: Option<String>,
    engine: EngineHandle,
    tasks: Vec<JoinHandle<()>>,
    dir: Arc<tempfile::TempDir>,
}

impl World {
    pub(super) async fn new(smtp: Option<String>) -> Self {
        let clock = Arc::new(HandClock(Mutex::new(BEGIN.parse().unwrap())));
        let keyring = Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)));
        Self::start(Arc::new(tempfile::tempdir().unwrap()), clock, keyring, smtp).await
    }

    async fn start(
        dir: Arc<tempfile::TempDir>,
        clock: Arc<HandClock>,
        keyring: Arc<RootKeyring>,
        smtp: Option<String>,
    ) -> Self {
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let options = Options {
            endpoint: ENDPOINT.to_owned(),
            smtp: smtp.clone(),
            allow_private_targets: true,
            illustrator: None,
        };
        let notify = Notify::new(store.clone(), clock.clone(), keyring.clone(), options).unwrap();
        let follower = notify.follower().await.unwrap();
        let movable: Arc<dyn MovableClock> = clock.clone();
        let (engine, handle) =
            Engine::new(store.clone(), clock.clone(), Some(movable), vec![Box::new(follower)]);
        let deliverers = notify.clone();
        let tasks = vec![tokio::spawn(engine.run()), tokio::spawn(async move { deliverers.run().await })];
        Self { store, notify, clock, keyring, smtp, engine: handle, tasks, dir }
    }

    /// Stops in order and starts again on the same directory.
    pub(super) async fn restart(self) -> Self {
        self.engine.stop().await;
        self.notify.stop();
        for task in self.tasks {
            task.await.unwrap();
        }
        self.store.close().await;
        drop((self.store, self.notify, self.engine));
        Self::start(self.dir, self.clock, self.keyring, self.smtp).await
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) async fn advance(&self, seconds: i64) {
        self.engine.advance_to(self.now() + SignedDuration::from_secs(seconds)).await.unwrap();
    }

    /// Waits until everything published has become deliveries, and until what is due has been attempted.
    pub(super) async fn settle(&self) {
        assert!(self.engine.caught_up(WAIT).await);
        self.engine.advance_to(self.now()).await.unwrap();
    }

    /// SNS by the query protocol; the XML of the answer.
    pub(super) async fn try_sns(&self, caller: Caller, form: &str) -> Result<String, Fault> {
        let name = form.split('&').next().unwrap();
        let op = SnsOperation::from_name(name).unwrap();
        let body = format!("Action={form}");
        let wire = wire(Service::Sns, Protocol::Query, op.info().name, body.as_bytes());
        loop {
            let mut call = self.call(caller.clone());
            let answer = super::super::sns::dispatch(op, &wire, &mut call, &self.notify).await?;
            if self.commit(call).await {
                return Ok(String::from_utf8(answer).unwrap());
            }
        }
    }

    pub(super) async fn sns(&self, form: &str) -> String {
        self.try_sns(root(), form).await.unwrap_or_else(|fault| panic!("{form}: {fault:?}"))
    }

    /// Code and text of a refusal.
    pub(super) async fn refused(&self, form: &str) -> (String, String) {
        let fault = self.try_sns(root(), form).await.expect_err(form);
        (fault.code_in_query().to_owned(), fault.message.unwrap_or_default())
    }

    pub(super) async fn try_sqs(&self, operation: &str, request: Value) -> Result<Value, Fault> {
        let op = SqsOperation::from_name(operation).unwrap();
        let body = request.to_string();
        let wire = wire(Service::Sqs, Protocol::Json10, op.info().name, body.as_bytes());
        loop {
            let mut call = self.call(root());
            let answer = super::super::sqs::dispatch(op, &wire, &mut call, &self.notify).await?;
            if self.commit(call).await {
                return Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null));
            }
        }
    }

    pub(super) async fn sqs(&self, operation: &str, request: Value) -> Value {
        self.try_sqs(operation, request).await.unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    pub(super) fn call(&self, caller: Caller) -> Call<'_> {
        Call {
            now: self.now(),
            region: "us-east-1".parse().unwrap(),
            caller: Arc::new(caller),
            origin: Origin {
                request_id: "r-1",
                event_id: "e-1",
                source_ip: None,
                user_agent: None,
                secure_transport: false,
                endpoint: ENDPOINT,
                via_service: None,
            },
            tx: Transaction::new(&self.store),
            notes: Notes::default(),
        }
    }

    /// Commits with a record, as the server does; `false` when the call must run again.
    async fn commit(&self, call: Call<'_>) -> bool {
        let partition = call.partition();
        let mut tx = call.tx;
        tx.append(Append {
            kind: EntryKind::Record,
            time: self.now(),
            partition,
            bytes: bytes::Bytes::from_static(b"{}"),
        });
        match tx.commit().await {
            Ok(_) => true,
            Err(CommitError::Conflict { .. }) => false,
            Err(CommitError::Store(error)) => panic!("{error}"),
        }
    }

    /// Visits a link of ours as a browser does.
    pub(super) async fn visit(&self, url: &str) -> Page {
        let rest = url.strip_prefix(ENDPOINT).unwrap_or_else(|| panic!("{url}"));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let account: AccountId = ACCOUNT.parse().unwrap();
        let visit = Visit {
            now: self.now(),
            path,
            query,
            request_id: "r-2",
            event_id: "e-2",
            source_ip: Some([192, 0, 2, 1].into()),
            user_agent: Some("browser"),
            account: &account,
        };
        self.notify.visit(&visit).await.unwrap_or_else(|| panic!("{url} is no link"))
    }

    pub(super) async fn count(&self, kind: Kind) -> usize {
        self.store.scan(kind, Scan { prefix: "", after: None, limit: 1_000 }).await.unwrap().len()
    }

    pub(super) async fn topic(&self, name: &str) -> String {
        element(&self.sns(&format!("CreateTopic&Name={name}")).await, "TopicArn")
    }

    pub(super) async fn queue(&self, name: &str) -> String {
        let made = self.sqs("CreateQueue", serde_json::json!({"QueueName": name})).await;
        made["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// Takes everything that is visible in a queue.
    pub(super) async fn bodies(&self, url: &str) -> Vec<String> {
        let request = serde_json::json!({"QueueUrl": url, "MaxNumberOfMessages": 10});
        let received = self.sqs("ReceiveMessage", request).await;
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect()
    }
}

fn wire<'a>(service: Service, protocol: Protocol, operation: &'static str, body: &'a [u8]) -> Wire<'a> {
    Wire { protocol, service, operation, request_id: "r-1", body }
}

pub(super) fn root() -> Caller {
    Caller::root(&ACCOUNT.parse().unwrap(), None)
}

/// A user of the account whom no policy lets do anything.
pub(super) fn stranger() -> Caller {
    Caller {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/Mallory"),
        user_id: "AIDAMALLORY".to_owned(),
        kind: CallerKind::User { name: "Mallory".to_owned() },
        ..root()
    }
}

/// The text of the first element of that name.
pub(super) fn element(xml: &str, name: &str) -> String {
    let rest = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}")).1;
    rest.split('<').next().unwrap().to_owned()
}

pub(super) fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
