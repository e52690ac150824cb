//! A house for tests: a real store in a temporary directory, a clock that stands still until it is moved, callers, and the road a
//! request takes: decoded, run in a transaction, committed with its record, and only then answered.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::iam::IamOperation;
use keywatch_api::kms::KmsOperation;
use keywatch_api::kms::sets::{KeyManager, KeySpec, KeyUsage, Origin};
use keywatch_api::{Access, AccountId, Fault, Region, Service};
use keywatch_crypto::{RootKey, RootKeyring, SystemRandom};
use keywatch_iam::iam::Iam;
use keywatch_iam::policy::{PolicyDocument, PolicyKind};
use keywatch_iam::record::{ApiCall, Identity};
use keywatch_iam::{Call, Caller, CallerKind, Notes, Origin as CallOrigin};
use keywatch_monitor::engine::Follower;
use keywatch_store::{Append, CommitError, EntryKind, Partition, Store, Transaction};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::due::DueKeys;
use crate::key::{Key, Material, Sealed, State};
use crate::{Kms, dispatch};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER_ACCOUNT: &str = "444455556666";
pub(crate) const REGION: &str = "us-west-2";
pub(crate) const START: &str = "2026-11-22T10:00:00Z";

pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) kms: Arc<Kms>,
    iam: Iam,
    pub(crate) now: Cell<Timestamp>,
    /// Where calls go.
    pub(crate) region: Cell<&'static str>,
    /// The record of the last call.
    pub(crate) record: RefCell<Value>,
    /// The service that calls for its callers.
    pub(crate) via_service: Cell<Option<&'static str>>,
    _dir: TempDir,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(|kms| kms).await
    }

    /// A house whose service is set up by `fit`.
    pub(crate) async fn open_with(fit: impl FnOnce(Kms) -> Kms) -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let keyring = Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)));
        House {
            store,
            kms: Arc::new(fit(Kms::new(keyring.clone()))),
            iam: Iam::new(keyring),
            now: Cell::new(START.parse().unwrap()),
            region: Cell::new(REGION),
            record: RefCell::new(Value::Null),
            via_service: Cell::new(None),
            _dir: dir,
        }
    }

    /// Runs one operation as the root user; its answer, `Null` for none.
    pub(crate) async fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(&root(ACCOUNT), operation, body)
            .await
            .unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    /// Runs one operation as the root user, which must fail: `Code: text`.
    pub(crate) async fn refused(&self, operation: &str, body: Value) -> String {
        shown(self.call(&root(ACCOUNT), operation, body).await)
    }

    /// Runs one operation as `caller`, again while it conflicts, and commits it with its record.
    pub(crate) async fn call(
        &self,
        caller: &Arc<Caller>,
        operation: &str,
        body: Value,
    ) -> Result<Value, Fault> {
        let op = KmsOperation::from_name(operation).unwrap();
        let body = body.to_string();
        let wire = Wire {
            protocol: Protocol::Json11,
            service: Service::Kms,
            operation: op.info().name,
            request_id: "r",
            body: body.as_bytes(),
        };
        loop {
            let mut call = self.call_of(caller);
            let outcome = dispatch(op, &wire, &mut call, &self.kms).await;
            let record = record_of(&call, op, outcome.as_ref().err());
            let mut tx = match outcome {
                Ok(_) => call.tx,
                Err(_) => Transaction::new(&self.store),
            };
            *self.record.borrow_mut() = serde_json::from_str(&record).unwrap();
            tx.append(Append {
                kind: EntryKind::Record,
                time: self.now.get(),
                partition: Partition::new(ACCOUNT, REGION),
                bytes: record.into(),
            });
            match tx.commit().await {
                Ok(_) => return outcome.map(|body| serde_json::from_slice(&body).unwrap_or(Value::Null)),
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Makes a user of that name, so that policies may name it.
    pub(crate) async fn create_user(&self, name: &str) {
        let body = format!("UserName={name}");
        let wire = Wire {
            protocol: Protocol::Query,
            service: Service::Iam,
            operation: "CreateUser",
            request_id: "r",
            body: body.as_bytes(),
        };
        let mut call = self.call_of(&root(ACCOUNT));
        keywatch_iam::iam::dispatch(IamOperation::CreateUser, &wire, &mut call, &self.iam).await.unwrap();
        call.tx.commit().await.unwrap();
    }

    pub(crate) fn root_call(&self) -> Call<'_> {
        self.call_of(&root(ACCOUNT))
    }

    fn call_of(&self, caller: &Arc<Caller>) -> Call<'_> {
        Call {
            now: self.now.get(),
            region: self.region.get().parse().unwrap(),
            caller: caller.clone(),
            origin: CallOrigin {
                request_id: "r",
                event_id: "e",
                source_ip: None,
                user_agent: None,
                secure_transport: true,
                endpoint: "http://127.0.0.1:4599",
                via_service: self.via_service.get(),
            },
            tx: Transaction::new(&self.store),
            notes: Notes::default(),
        }
    }

    /// Makes a key; its id.
    pub(crate) async fn key(&self) -> String {
        self.key_with(json!({})).await
    }

    pub(crate) async fn key_with(&self, body: Value) -> String {
        text(&self.ok("CreateKey", body).await["KeyMetadata"]["KeyId"])
    }

    /// A member of a key's metadata.
    pub(crate) async fn described(&self, key: &str, member: &str) -> Value {
        self.ok("DescribeKey", json!({"KeyId": key})).await["KeyMetadata"][member].clone()
    }

    /// Moves the clock to `time`, doing what falls due on the way at its own moment, as the engine does.
    pub(crate) async fn advance_to(&self, time: &str) {
        let target: Timestamp = time.parse().unwrap();
        let mut due = DueKeys::new(self.store.clone(), self.kms.clone());
        while let Some(next) = due.next_due(self.now.get()).await.unwrap().filter(|next| *next <= target) {
            self.now.set(self.now.get().max(next));
            due.run_due(self.now.get()).await.unwrap();
        }
        self.now.set(target);
    }

    /// As [`House::ok`], in another Region.
    pub(crate) async fn ok_in(&self, region: &'static str, operation: &str, body: Value) -> Value {
        let home = self.region.replace(region);
        let answer = self.ok(operation, body).await;
        self.region.set(home);
        answer
    }

    /// As [`House::refused`], in another Region.
    pub(crate) async fn refused_in(&self, region: &'static str, operation: &str, body: Value) -> String {
        let home = self.region.replace(region);
        let answer = self.refused(operation, body).await;
        self.region.set(home);
        answer
    }

    /// All records, oldest first.
    pub(crate) async fn records(&self) -> Vec<Value> {
        let entries = self.store.read_log(0, usize::MAX).await.unwrap();
        entries.iter().map(|entry| serde_json::from_slice(&entry.bytes).unwrap()).collect()
    }

    /// The records of what KMS did by itself, oldest first.
    pub(crate) async fn service_records(&self) -> Vec<Value> {
        let entries = self.store.read_log(0, usize::MAX).await.unwrap();
        let records = entries.iter().map(|entry| serde_json::from_slice::<Value>(&entry.bytes).unwrap());
        records.filter(|record| record["eventType"] == "AwsServiceEvent").collect()
    }

    /// Members of the last record besides those every record has.
    pub(crate) fn noted(&self) -> Value {
        let record = self.record.borrow();
        json!({
            "requestParameters": record["requestParameters"],
            "responseElements": record["responseElements"],
            "additionalEventData": record["additionalEventData"],
            "resources": record["resources"],
        })
    }
}

fn record_of(call: &Call<'_>, op: KmsOperation, fault: Option<&Fault>) -> String {
    let error = fault.map(|fault| (fault.code.as_ref(), fault.message.as_deref()));
    let record = ApiCall {
        time: call.now,
        event_source: Service::Kms.event_source(),
        event_name: op.info().name,
        region: &call.region,
        recipient: call.account(),
        shared_event_id: None,
        caller: Identity::Known(&call.caller),
        source_address: "127.0.0.1",
        user_agent: None,
        request_id: "r",
        event_id: "e",
        read_only: op.info().access == Access::Read,
        error,
        notes: &call.notes,
        tls: None,
    };
    let mut text = String::new();
    record.write(&mut text);
    text
}

/// `Code: text` of a refusal; an answer is a failure of the test.
#[track_caller]
pub(crate) fn shown(outcome: Result<Value, Fault>) -> String {
    match outcome {
        Ok(answer) => panic!("not refused: {answer}"),
        Err(fault) => format!("{}: {}", fault.code, fault.message.unwrap_or_default()),
    }
}

pub(crate) fn root(account: &str) -> Arc<Caller> {
    Arc::new(Caller::root(&account.parse().unwrap(), Some("AKIAEXAMPLE".to_owned())))
}

/// A user with one inline policy that allows `actions` on `resource`; without actions, with none.
pub(crate) fn user(account: &str, name: &str, actions: &[&str], resource: &str) -> Arc<Caller> {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]});
    let policy = PolicyDocument::parse(PolicyKind::Identity, &policy.to_string());
    Arc::new(Caller {
        arn: format!("arn:aws:iam::{account}:user/{name}"),
        user_id: format!("AIDA{}", name.to_uppercase()),
        kind: CallerKind::User { name: name.to_owned() },
        identity_policies: if actions.is_empty() { Vec::new() } else { vec![Arc::new(policy.unwrap())] },
        ..Caller::root(&account.parse().unwrap(), Some("AKIAUSER".to_owned()))
    })
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub(crate) fn arn(key: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}")
}

/// An enabled key whose one material is `a`, for pure tests.
pub(crate) fn key() -> Key {
    let account: AccountId = ACCOUNT.parse().unwrap();
    let region: Region = REGION.parse().unwrap();
    Key {
        id: "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
        policy: crate::key_policy::default_policy(&account),
        account,
        region,
        created: START.parse().unwrap(),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        manager: KeyManager::Customer,
        origin: Origin::AwsKms,
        description: String::new(),
        state: State::Enabled,
        materials: vec![Material::generated("a".to_owned(), Sealed::new(b"a"))],
        public_key: None,
        rotation: None,
        tags: Default::default(),
        aliases: Default::default(),
        family: None,
    }
}

/// A key whose material is to be imported, for pure tests.
pub(crate) fn external_key() -> Key {
    Key { origin: Origin::External, state: State::PendingImport, materials: Vec::new(), ..key() }
}
