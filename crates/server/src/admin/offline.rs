//! A data directory opened without a server, and calls made to it as the root user.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::iam::IamOperation;
use keywatch_api::{AccountId, Fault, Region, Service};
use keywatch_crypto::random;
use keywatch_history::History;
use keywatch_iam::iam::Iam;
use keywatch_iam::record::{ApiCall, Identity, ServiceEvent};
use keywatch_iam::{Call, Caller, Notes, Origin};
use keywatch_store::{Append, CommitError, EntryKind, Partition, Store, Transaction};

use super::AdminError;
use crate::clock::{StoredClock, world_now};
use crate::config::{Config, ServeOptions};
use crate::root_secrets;

/// What records name instead of an address and a client.
const AGENT: &str = "keywatch admin";
/// IAM is one for all Regions and records where AWS does.
const RECORD_REGION: &str = "us-east-1";

/// An opened data directory.
#[derive(Debug)]
pub struct Offline {
    pub directory: PathBuf,
    pub store: Store,
    pub history: History,
    pub account: AccountId,
    /// The present, or where a test clock stood.
    pub now: Timestamp,
    region: Region,
    iam: Iam,
    caller: Arc<Caller>,
}

impl Offline {
    /// Opens what a server left, under its lock.
    pub async fn open(place: ServeOptions) -> Result<Self, AdminError> {
        let config = Config::resolve(place)?;
        if !config.root_key_file.exists() {
            return Err(AdminError::Empty { path: config.data_dir.display().to_string() });
        }
        let store = match &config.database_url {
            Some(url) => Store::open_postgres(url.as_str()).await?,
            None => Store::open_embedded(&config.data_dir).await?,
        };
        let keyring = Arc::new(root_secrets::open_keyring(&config.root_key_file, &store).await?);
        let name = |error: &dyn std::fmt::Display| AdminError::Failed(error.to_string());
        let account: AccountId = config.account.parse().map_err(|error| name(&error))?;
        let region: Region = RECORD_REGION.parse().map_err(|error| name(&error))?;
        let now = StoredClock::read(&store).await?.unwrap_or_else(world_now);
        Ok(Self {
            history: crate::history::open(&config, &store)?,
            directory: config.data_dir,
            iam: Iam::new(keyring),
            caller: Arc::new(Caller::root(&account, None)),
            store,
            account,
            now,
            region,
        })
    }

    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Asks an operation of IAM, in the query protocol, as the root user. Changes and record are committed together; a refusal leaves its
    /// record too. Answers the XML.
    pub async fn ask(&self, operation: IamOperation, members: &[(&str, &str)]) -> Result<String, AdminError> {
        let name = operation.info().name;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", name).extend_pairs(members);
        let body = form.finish();
        let (request_id, event_id) = (new_id(), new_id());
        let mut call = Call {
            now: self.now,
            region: self.region.clone(),
            caller: self.caller.clone(),
            origin: Origin {
                request_id: &request_id,
                event_id: &event_id,
                source_ip: None,
                user_agent: Some(AGENT),
                secure_transport: false,
                endpoint: "",
                via_service: None,
            },
            tx: Transaction::new(&self.store),
            notes: Notes::default(),
        };
        let wire = Wire {
            protocol: Protocol::Query,
            service: Service::Iam,
            operation: name,
            request_id: &request_id,
            body: body.as_bytes(),
        };
        let outcome = keywatch_iam::iam::dispatch(operation, &wire, &mut call, &self.iam).await;
        let Call { tx, notes, .. } = call;
        let mut tx = if outcome.is_ok() { tx } else { Transaction::new(&self.store) };
        tx.append(self.record(operation, (&request_id, &event_id), &notes, outcome.as_ref().err()));
        commit(tx).await?;
        match outcome {
            Ok(answer) => Ok(String::from_utf8_lossy(&answer).into_owned()),
            Err(fault) => Err(AdminError::Refused {
                code: fault.code_in_query().to_owned(),
                message: fault.message.unwrap_or_default(),
            }),
        }
    }

    fn record(
        &self,
        operation: IamOperation,
        (request_id, event_id): (&str, &str),
        notes: &Notes,
        fault: Option<&Fault>,
    ) -> Append {
        let info = operation.info();
        let record = ApiCall {
            time: self.now,
            event_source: info.service.event_source(),
            event_name: info.name,
            region: &self.region,
            recipient: &self.account,
            shared_event_id: None,
            caller: Identity::Known(&self.caller),
            source_address: AGENT,
            user_agent: Some(AGENT),
            request_id,
            event_id,
            read_only: info.access == keywatch_api::Access::Read,
            error: fault.map(|fault| (fault.code.as_ref(), fault.message.as_deref())),
            notes,
            tls: None,
        };
        let mut text = String::new();
        record.write(&mut text);
        self.append(text)
    }

    /// Commits changes that no operation stands for, with a record of them. `details` is JSON text.
    pub async fn commit(
        &self,
        mut tx: Transaction<'_>,
        event_name: &str,
        details: &str,
    ) -> Result<(), AdminError> {
        let event = ServiceEvent {
            time: self.now,
            event_source: Service::Iam.event_source(),
            event_name,
            region: &self.region,
            account: &self.account,
            event_id: &new_id(),
            resources: &[],
            details: Some(details),
        };
        let mut text = String::new();
        event.write(&mut text);
        tx.append(self.append(text));
        commit(tx).await
    }

    fn append(&self, record: String) -> Append {
        let partition = Partition::new(self.account.as_str(), self.region.as_str());
        Append { kind: EntryKind::Record, time: self.now, partition, bytes: record.into() }
    }
}

/// Nobody else writes under the lock; beside the nodes of a cluster a conflict is told, and the command can be run again.
async fn commit(tx: Transaction<'_>) -> Result<(), AdminError> {
    match tx.commit().await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(CommitError::Conflict { .. }) => {
            Err(AdminError::Failed("somebody else changed the same at this moment; run it again".to_owned()))
        }
    }
}

fn new_id() -> String {
    uuid::Builder::from_random_bytes(random::array()).into_uuid().to_string()
}
