//! How long an operation takes inside the service, from its body to its answer and its changes, without wire, signature and
//! commit: `cargo run --release -p keywatch-kms --example operation_rate`.
//!
//! Prints the best of several rounds in nanoseconds a call on one core. A reading aid, not a test: nothing fails here.
#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::kms::KmsOperation;
use keywatch_api::{AccountId, Region, Service};
use keywatch_crypto::{RootKey, RootKeyring, SystemRandom};
use keywatch_iam::{Call, Caller, Notes, Origin};
use keywatch_kms::{Kms, dispatch};
use keywatch_store::{Store, Transaction};

const ROUNDS: u32 = 200;
const CALLS_A_ROUND: u32 = 500;
const ACCOUNT: &str = "000000000000";

struct Bench {
    store: Store,
    kms: Kms,
    caller: Arc<Caller>,
    region: Region,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let account: AccountId = ACCOUNT.parse().expect("an account");
    let bench = Bench {
        store: Store::open_embedded(dir.path()).await.expect("a store"),
        kms: Kms::new(Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)))),
        caller: Arc::new(Caller::root(&account, None)),
        region: "us-east-1".parse().expect("a Region"),
    };
    let created = bench.run(KmsOperation::CreateKey, "{}", true).await;
    let created: serde_json::Value = serde_json::from_slice(&created).expect("an answer");
    let key = created["KeyMetadata"]["KeyId"].as_str().expect("a key's id").to_owned();
    let alias = format!(r#"{{"AliasName":"alias/a","TargetKeyId":"{key}"}}"#);
    bench.run(KmsOperation::CreateAlias, &alias, true).await;

    let encrypt = format!(r#"{{"KeyId":"{key}","Plaintext":"aGVsbG8gd29ybGQ="}}"#);
    let answer = bench.run(KmsOperation::Encrypt, &encrypt, false).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("an answer");
    let decrypt = format!(r#"{{"CiphertextBlob":{}}}"#, answer["CiphertextBlob"]);
    let by_alias = encrypt.replace(&key, "alias/a");
    let context =
        encrypt.replace('}', r#","EncryptionContext":{"Department":"Engineering","Project":"Alpha"}}"#);
    let data_key = format!(r#"{{"KeyId":"{key}","KeySpec":"AES_256"}}"#);
    let describe = format!(r#"{{"KeyId":"{key}"}}"#);
    for (what, op, body) in [
        ("Encrypt", KmsOperation::Encrypt, &encrypt),
        ("Encrypt by alias", KmsOperation::Encrypt, &by_alias),
        ("Encrypt with context", KmsOperation::Encrypt, &context),
        ("Decrypt", KmsOperation::Decrypt, &decrypt),
        ("GenerateDataKey", KmsOperation::GenerateDataKey, &data_key),
        ("DescribeKey", KmsOperation::DescribeKey, &describe),
    ] {
        println!("{what:<22} {:>7} ns", bench.nanoseconds(op, body).await);
    }
}

impl Bench {
    async fn nanoseconds(&self, op: KmsOperation, body: &str) -> u128 {
        let mut best = Duration::MAX;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..CALLS_A_ROUND {
                std::hint::black_box(self.run(op, body, false).await);
            }
            best = best.min(start.elapsed());
        }
        best.as_nanos() / u128::from(CALLS_A_ROUND)
    }

    async fn run(&self, op: KmsOperation, body: &str, commit: bool) -> Vec<u8> {
        let wire = Wire {
            protocol: Protocol::Json11,
            service: Service::Kms,
            operation: op.info().name,
            request_id: "r",
            body: body.as_bytes(),
        };
        let mut call = Call {
            now: Timestamp::UNIX_EPOCH,
            region: self.region.clone(),
            caller: self.caller.clone(),
            origin: Origin {
                request_id: "r",
                event_id: "e",
                source_ip: None,
                user_agent: None,
                secure_transport: false,
                endpoint: "",
                via_service: None,
            },
            tx: Transaction::new(&self.store),
            notes: Notes::default(),
        };
        let answer = dispatch(op, &wire, &mut call, &self.kms).await.expect("an answer");
        if commit {
            call.tx.commit().await.expect("committed");
        }
        answer
    }
}
