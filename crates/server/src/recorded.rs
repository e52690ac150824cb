//! The one wrapper around every call: authenticate, run the operation, and make its changes and its record durable in
//! one commit; only then answer.
//!
//! **Invariants:** a call that was accepted, refused or malformed leaves exactly one record; when the record cannot be
//! written, nothing of the operation's answer leaves. An operation runs again when somebody else changed what it read.

use std::time::Instant;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use jiff::Timestamp;
use keywatch_api::{Access, AccountId, Fault, OperationInfo, Region, Service};
use keywatch_crypto::random;
use keywatch_iam::record::{ApiCall, Identity, TlsDetails};
use keywatch_iam::{Call, Caller, Notes, Origin};
use keywatch_store::{Append, Batch, CommitError, EntryKind, Partition, Transaction};
use tracing::{debug, error};

use crate::app::App;
use crate::auth::authenticate::{AuthError, Authenticated, Refused};
use crate::auth::canonical::Received;
use crate::wire::Peer;
use crate::wire::route::Head;

/// How often an operation runs when others keep changing what it read.
const ATTEMPTS_MAX: u32 = 32;
const RECORD_BYTES_TYPICAL: usize = 1_536;

/// A request that was routed: everything a call needs to know of how it came.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub head: Head<'a>,
    pub authority: Option<&'a str>,
    /// The body as received, which is what was signed.
    pub received: &'a [u8],
    pub peer: &'a Peer,
}

/// What a call is to do once it is known who calls, and how its wire words refusals.
pub trait Work: Sync {
    /// What is answered when it succeeds.
    type Answer: Send;

    /// The operation's line in its table.
    fn info(&self) -> OperationInfo;

    /// Runs the operation; commits nothing. Runs again when somebody else changed what it read.
    fn run<'w>(
        &'w self,
        app: &'w App,
        who: &'w Authenticated,
        call: &'w mut Call<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;

    /// The refusal of a request that led to nobody.
    fn refusal(&self, reason: &AuthError) -> Fault;

    /// The error code its record shows.
    fn record_code<'f>(&self, fault: &'f Fault) -> &'f str;

    /// Whether the call leaves a record: operations on objects leave none, as on AWS.
    fn is_recorded(&self) -> bool {
        true
    }
}

/// How a call ended, and under which request id.
#[derive(Debug)]
pub struct Done<T> {
    pub request_id: String,
    pub outcome: Result<T, Fault>,
}

/// Runs the call and makes it durable.
pub async fn run<W: Work>(app: &App, ask: &Ask<'_>, work: &W) -> Done<W::Answer> {
    let ids = Ids::new();
    let info = work.info();
    let now = app.clock.now();
    let begun = Instant::now();
    let request = Received {
        method: ask.head.method.as_str(),
        path: ask.head.path,
        query: ask.head.query,
        headers: ask.head.headers,
        authority: ask.authority,
        body: ask.received,
    };
    let outcome = match app.auth.authenticate(&request, info.service, now).await {
        Ok(who) => {
            let outcome = operate(app, ask, work, &who, &ids, now).await;
            if info.service == Service::Kms {
                let took = begun.elapsed();
                app.latencies.note(&who.caller.account, &who.region, info.name, now, took);
            }
            outcome
        }
        Err(refused) => Err(refuse(app, ask, work, &refused, &ids, now).await),
    };
    if let Err(fault) = &outcome {
        log_fault(&info, fault, ids.request());
    }
    app.telemetry.ended(&info, outcome.as_ref().err().map(|fault| fault.status), begun.elapsed());
    Done { request_id: ids.request().to_owned(), outcome }
}

/// Runs the operation until its changes and its record are committed together.
async fn operate<W: Work>(
    app: &App,
    ask: &Ask<'_>,
    work: &W,
    who: &Authenticated,
    ids: &Ids,
    now: Timestamp,
) -> Result<W::Answer, Fault> {
    let info = work.info();
    let region = record_region(info.service, &who.region);
    for _ in 0..ATTEMPTS_MAX {
        let mut call = Call {
            now,
            region: who.region.clone(),
            caller: who.caller.clone(),
            origin: origin(app, ask, ids),
            tx: Transaction::new(&app.store),
            notes: Notes::default(),
        };
        let outcome = work.run(app, who, &mut call).await;
        let fault = outcome.as_ref().err();
        let record = Record {
            ids,
            now,
            region: &region,
            recipient: &who.caller.account,
            shared_event_id: None,
            caller: Identity::Known(&who.caller),
            notes: &call.notes,
            error: fault.map(|fault| (work.record_code(fault), fault.message.as_deref())),
        };
        let entries = if work.is_recorded() { record.entries(ask, &info, &who.caller) } else { Vec::new() };
        // What a failed operation left in its transaction is dropped with it.
        let mut batch = if outcome.is_ok() { call.tx.into_batch() } else { Batch::default() };
        if batch.appends.is_empty() {
            batch.appends = entries;
        } else {
            batch.appends.extend(entries);
        }
        if batch.is_empty() {
            return outcome;
        }
        match app.store.commit(batch).await {
            Ok(_) => {
                app.telemetry.used(&info, &call.notes, outcome.is_err());
                return outcome;
            }
            Err(CommitError::Conflict { kind, key }) => debug!(?kind, key, "`{}` runs again", info.name),
            Err(CommitError::Store(error)) => return Err(unrecorded(&info, &error)),
        }
    }
    error!(
        operation = info.name,
        "`{}` met changes by others {ATTEMPTS_MAX} times and was given up", info.name
    );
    Err(internal(info.service))
}

/// Records a call whose credentials led to nobody.
async fn refuse<W: Work>(
    app: &App,
    ask: &Ask<'_>,
    work: &W,
    refused: &Refused,
    ids: &Ids,
    now: Timestamp,
) -> Fault {
    let info = work.info();
    let fault = work.refusal(&refused.reason);
    if !work.is_recorded() {
        return fault;
    }
    let region = record_region(info.service, &refused.region);
    let record = Record {
        ids,
        now,
        region: &region,
        recipient: &app.auth.account,
        shared_event_id: None,
        caller: Identity::Unknown { access_key_id: refused.access_key_id.as_deref() },
        notes: &Notes::default(),
        error: Some((work.record_code(&fault), fault.message.as_deref())),
    };
    let batch = Batch { appends: vec![record.entry(ask, &info)], ..Batch::default() };
    match app.store.commit(batch).await {
        Ok(_) => fault,
        Err(error) => unrecorded(&info, &error),
    }
}

fn origin<'a>(app: &'a App, ask: &Ask<'a>, ids: &'a Ids) -> Origin<'a> {
    Origin {
        request_id: ids.request(),
        event_id: ids.event(),
        source_ip: Some(ask.peer.ip),
        user_agent: user_agent(ask),
        secure_transport: ask.peer.tls.is_some(),
        endpoint: &app.endpoint,
        via_service: None,
    }
}

fn user_agent<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    ask.head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok())
}

/// IAM is one for all Regions and records where AWS does.
fn record_region(service: Service, region: &Region) -> Region {
    match service {
        Service::Iam => "us-east-1".parse().unwrap_or_else(|_| region.clone()),
        _ => region.clone(),
    }
}

/// What a record says that is not in the request.
#[derive(Clone, Copy)]
struct Record<'a> {
    ids: &'a Ids,
    now: Timestamp,
    region: &'a Region,
    recipient: &'a AccountId,
    shared_event_id: Option<&'a str>,
    caller: Identity<'a>,
    notes: &'a Notes,
    /// Code and text.
    error: Option<(&'a str, Option<&'a str>)>,
}

impl Record<'_> {
    /// The log entries of a call: its caller's, and, when it succeeded, one for each other account whose resources it was about.
    /// Source: CloudTrail user guide, "sharedEventID": events of one action that go to several accounts.
    fn entries(&self, ask: &Ask<'_>, info: &OperationInfo, caller: &Caller) -> Vec<Append> {
        let mut owners: Vec<AccountId> = Vec::new();
        let foreign =
            self.notes.resources.iter().filter(|resource| resource.account != self.recipient.as_str());
        for owner in
            foreign.filter(|_| self.error.is_none()).filter_map(|resource| resource.account.parse().ok())
        {
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        if owners.is_empty() {
            return vec![self.entry(ask, info)];
        }
        let shared = Ids::new();
        let of_caller = Record { shared_event_id: Some(shared.event()), ..*self };
        let mut entries = vec![of_caller.entry(ask, info)];
        for owner in &owners {
            let ids = self.ids.with_new_event();
            let of_owner =
                Record { ids: &ids, recipient: owner, caller: Identity::Foreign(caller), ..of_caller };
            entries.push(of_owner.entry(ask, info));
        }
        entries
    }

    /// The log entry of this call in one account.
    fn entry(&self, ask: &Ask<'_>, info: &OperationInfo) -> Append {
        let host = ask.head.headers.get(HOST).and_then(|value| value.to_str().ok()).or(ask.authority);
        let record = ApiCall {
            time: self.now,
            event_source: info.service.event_source(),
            event_name: info.name,
            region: self.region,
            recipient: self.recipient,
            shared_event_id: self.shared_event_id,
            caller: self.caller,
            source_address: &ask.peer.ip_text,
            user_agent: user_agent(ask),
            request_id: self.ids.request(),
            event_id: self.ids.event(),
            read_only: info.access == Access::Read,
            error: self.error,
            notes: self.notes,
            tls: ask.peer.tls.as_deref().map(|tls| TlsDetails {
                version: tls.version,
                cipher_suite: tls.cipher_suite,
                host: host.unwrap_or_default(),
                key_exchange: tls.key_exchange,
            }),
        };
        let mut text = String::with_capacity(RECORD_BYTES_TYPICAL);
        record.write(&mut text);
        Append {
            kind: EntryKind::Record,
            time: self.now,
            partition: Partition::new(self.recipient.as_str(), self.region.as_str()),
            bytes: Bytes::from(text),
        }
    }
}

/// No record, no answer.
fn unrecorded(info: &OperationInfo, cause: &dyn std::error::Error) -> Fault {
    error!(
        operation = info.name,
        cause = crate::exit::chain(cause),
        "The record of `{}` could not be written, so the call failed",
        info.name
    );
    internal(info.service)
}

/// The service's word for trouble of its own.
pub fn internal(service: Service) -> Fault {
    let (code, query_code) = match service {
        Service::Kms => ("KMSInternalException", "InternalFailure"),
        Service::CloudWatch => ("InternalServiceFault", "InternalServiceError"),
        Service::Events => ("InternalException", "InternalFailure"),
        Service::Logs => ("ServiceUnavailableException", "InternalFailure"),
        Service::Sns | Service::Sqs => ("InternalError", "InternalError"),
        Service::Iam => ("ServiceFailure", "ServiceFailure"),
        Service::S3 => ("InternalError", "InternalError"),
        Service::Sts | Service::CloudTrail | Service::Keywatch => ("InternalFailure", "InternalFailure"),
    };
    Fault::new(code, 500, "The request failed because of an internal error. Try it again.")
        .with_query_code(query_code)
}

fn log_fault(info: &OperationInfo, fault: &Fault, request_id: &str) {
    let detail = fault.detail.as_deref().unwrap_or_default();
    if fault.status >= 500 {
        error!(request.id = request_id, code = %fault.code, detail, "`{}` failed", info.name);
    } else {
        debug!(request.id = request_id, code = %fault.code, detail, "`{}` was refused", info.name);
    }
}

/// `x-amzn-RequestId` and the record's `eventID`: two random UUIDs.
struct Ids {
    text: [u8; 72],
}

impl Ids {
    fn new() -> Self {
        let random: [u8; 32] = random::array();
        let mut text = [0; 72];
        for (half, chunk) in random.chunks_exact(16).enumerate() {
            let bytes: [u8; 16] = chunk.try_into().expect("chunks of 16 bytes");
            let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
            id.hyphenated().encode_lower(&mut text[half * 36..]);
        }
        Self { text }
    }

    /// The same request under another event id.
    fn with_new_event(&self) -> Self {
        let mut text = Self::new().text;
        text[..36].copy_from_slice(&self.text[..36]);
        Self { text }
    }

    fn request(&self) -> &str {
        std::str::from_utf8(&self.text[..36]).expect("UUIDs are ASCII")
    }

    fn event(&self) -> &str {
        std::str::from_utf8(&self.text[36..]).expect("UUIDs are ASCII")
    }
}
