//! Imports into a real store.

use std::io::Write;
use std::sync::Arc;

use keywatch_api::keywatch::{DescribeImportsRequest, ImportTrailRequest, ImportTrailResponse};
use keywatch_api::{AccountId, Blob, WireError};
use keywatch_history::{History, Place};
use keywatch_iam::{Call, Caller, CallerKind, Notes, Origin};
use keywatch_store::{Append, Batch, EntryKind, LogEntry, Partition, Store, Transaction};

use super::ImportError;
use super::describe_imports::describe_imports;
use super::import_trail::import_trail;

const READ_BYTES_MAX: usize = 64 << 20;

struct World {
    store: Store,
    caller: Arc<Caller>,
    directory: tempfile::TempDir,
}

struct Service(History);

impl AsRef<History> for Service {
    fn as_ref(&self) -> &History {
        &self.0
    }
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open_embedded(directory.path()).await.expect("a store");
        let account: AccountId = "000000000000".parse().expect("an account");
        Self { store, caller: Arc::new(Caller::root(&account, None)), directory }
    }

    fn call<'a>(&'a self, request_id: &'a str) -> Call<'a> {
        Call {
            now: "2026-11-22T10:00:00Z".parse().expect("a time"),
            region: "eu-west-1".parse().expect("a Region"),
            caller: self.caller.clone(),
            origin: Origin {
                request_id,
                event_id: "e",
                source_ip: None,
                user_agent: None,
                secure_transport: false,
                endpoint: "http://localhost",
                via_service: None,
            },
            tx: Transaction::new(&self.store),
            notes: Notes::default(),
        }
    }

    fn service(&self) -> Service {
        let place = Place::open_directory(&self.directory.path().join("history")).expect("a directory");
        Service(History::new(self.store.clone(), place))
    }

    async fn import(&self, request_id: &str, file: &[u8]) -> Result<ImportTrailResponse, ImportError> {
        let mut call = self.call(request_id);
        let request = ImportTrailRequest { log_file: Blob(file.to_vec()), name: Some("a.json".to_owned()) };
        let response = import_trail(&mut call, &self.service(), request).await?;
        call.tx.commit().await.expect("nobody else writes");
        Ok(response)
    }

    async fn log(&self) -> Vec<LogEntry> {
        self.store.read_log(0, READ_BYTES_MAX).await.expect("the log")
    }

    /// Names of the imports of all pages of this size.
    async fn listed(&self, page: i32) -> Vec<String> {
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let mut call = self.call("d");
            let request = DescribeImportsRequest { max_results: Some(page), next_token };
            let response = describe_imports(&mut call, &(), request).await.expect("a page");
            assert!(response.imports.len() <= page as usize);
            ids.extend(response.imports.into_iter().map(|import| import.import_id));
            next_token = response.next_token;
            if next_token.is_none() {
                return ids;
            }
        }
    }
}

fn record(number: u32, members: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2023-07-10T11:{:02}:39Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventID":"00000000-0000-4000-8000-{number:012}","recipientAccountId":"123837392027"{members}}}"#,
        number % 60
    )
}

fn document(records: &[String]) -> Vec<u8> {
    format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
}

fn regional(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| record(number, r#","awsRegion":"us-east-1""#)).collect()
}

fn counts(response: &ImportTrailResponse) -> (u64, u64, u64, u64) {
    (response.records, response.imported, response.duplicates, response.skipped)
}

#[tokio::test]
async fn records_come_into_the_history_unchanged_and_in_order() {
    let world = World::new().await;
    let mut records = regional(0..3);
    records.reverse();
    let response = world.import("one", &document(&records)).await.expect("imported");
    assert_eq!(counts(&response), (3, 3, 0, 0));
    let log = world.log().await;
    let texts: Vec<&[u8]> = log.iter().map(|entry| &entry.bytes[..]).collect();
    assert_eq!(texts, regional(0..3).iter().map(String::as_bytes).collect::<Vec<_>>());
    for entry in &log {
        assert_eq!(entry.kind, EntryKind::ImportedRecord);
        assert_eq!(entry.partition.as_str(), "000000000000/us-east-1");
    }
    assert_eq!(log[0].time.to_string(), "2023-07-10T11:00:39Z");
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let world = World::new().await;
    let file = document(&regional(0..5));
    world.import("one", &file).await.expect("imported");
    let log = world.log().await;
    let again = world.import("two", &file).await.expect("imported");
    assert_eq!(counts(&again), (5, 0, 5, 0));
    assert_eq!(again.import_id, None);
    assert_eq!(world.log().await, log);
    assert_eq!(world.listed(10).await, ["one"]);
    let more = world.import("three", &document(&regional(3..8))).await.expect("imported");
    assert_eq!(counts(&more), (5, 3, 2, 0));
    assert_eq!(world.log().await.len(), 8);
}

#[tokio::test]
async fn a_record_that_stands_twice_is_taken_once() {
    let world = World::new().await;
    let records = [regional(0..2), regional(1..3)].concat();
    let response = world.import("one", &document(&records)).await.expect("imported");
    assert_eq!(counts(&response), (4, 3, 1, 0));
}

#[tokio::test]
async fn damage_is_named() {
    let world = World::new().await;
    let mut records = regional(0..2);
    records.push(record(7, ""));
    records.push(r#"{"a":1}"#.to_owned());
    let mut file = document(&records);
    file.truncate(file.len() - 1);
    let response = world.import("one", &file).await.expect("imported");
    assert_eq!(counts(&response), (2, 2, 0, 2));
    assert_eq!(response.faults.len(), 3, "{:?}", response.faults);
    for (file, code) in [
        (&b"words"[..], "InvalidLogFileException"),
        (b"", "InvalidLogFileException"),
        (br#"{"digestStartTime":"x"}"#, "InvalidLogFileException"),
    ] {
        let error = world.import("two", file).await.expect_err("refused");
        assert_eq!(error.code(), code);
    }
    assert_eq!(world.log().await.len(), 2);
}

#[tokio::test]
async fn what_our_own_trail_delivered_is_there_already() {
    let world = World::new().await;
    let records: Vec<String> = (0..3)
        .map(|number| record(number, r#","awsRegion":"us-east-1""#).replace("123837392027", "000000000000"))
        .collect();
    let own = Append {
        kind: EntryKind::Record,
        time: "2023-07-10T11:01:39.5Z".parse().expect("a time"),
        partition: Partition::new("000000000000", "us-east-1"),
        bytes: records[1].clone().into(),
    };
    world.store.commit(Batch { appends: vec![own], ..Batch::default() }).await.expect("committed");
    let response = world.import("one", &document(&records)).await.expect("imported");
    assert_eq!(counts(&response), (3, 2, 1, 0));
    assert_eq!(world.log().await.len(), 3);
}

#[tokio::test]
async fn gzip_too() {
    let world = World::new().await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory takes every write");
        encoder.finish().expect("memory takes every write")
    };
    let response = world.import("one", &gzip(&document(&regional(0..2)))).await.expect("imported");
    assert_eq!(response.imported, 2);
}

#[tokio::test]
async fn imports_are_listed_by_page() {
    let world = World::new().await;
    for number in 0..5_u32 {
        let file = document(&regional(number..number + 1));
        world.import(&format!("import-{number}"), &file).await.expect("imported");
    }
    let all = world.listed(100).await;
    assert_eq!(all.len(), 5);
    assert_eq!(world.listed(2).await, all);
    let mut call = world.call("d");
    let request = DescribeImportsRequest { max_results: None, next_token: Some("nonsense".to_owned()) };
    let error = describe_imports(&mut call, &(), request).await.expect_err("refused");
    assert_eq!(error.code(), "InvalidNextTokenException");
}

#[tokio::test]
async fn strangers_are_refused() {
    let world = World::new().await;
    let mut stranger = Caller::clone(&world.caller);
    stranger.kind = CallerKind::User { name: "Mallory".to_owned() };
    stranger.arn = "arn:aws:iam::000000000000:user/Mallory".to_owned();
    let mut call = world.call("one");
    call.caller = Arc::new(stranger);
    let request = ImportTrailRequest { log_file: Blob(document(&regional(0..1))), name: None };
    let service = world.service();
    let error = import_trail(&mut call, &service, request).await.expect_err("refused");
    assert_eq!(error.code(), "AccessDeniedException");
}
