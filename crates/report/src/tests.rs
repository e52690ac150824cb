//! The command from paths to summary, over files made here.

use super::gather::gather;
use super::summary::Summary;
use super::{Outcome, ReportOptions, Step, html, report, table};
use clap::Parser;
use keywatch_logfiles::discover;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ACCOUNT: &str = "111122223333";

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: ReportOptions,
}

fn options(arguments: &[&str]) -> ReportOptions {
    Cli::try_parse_from([&["report"], arguments].concat()).expect("right usage").options
}

fn key(number: u32) -> String {
    format!("arn:aws:kms:us-west-2:{ACCOUNT}:key/00000000-0000-0000-0000-{number:012}")
}

/// A record of KMS with what is usual, and `members` over it.
fn record(number: u32, event_name: &str, members: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/Alice"), "accountId": ACCOUNT},
        "eventTime": format!("2026-10-{:02}T{:02}:00:00Z", 1 + number / 24 % 28, number % 24),
        "eventSource": "kms.amazonaws.com",
        "eventName": event_name,
        "awsRegion": "us-west-2",
        "sourceIPAddress": "192.0.2.1",
        "requestParameters": {"encryptionContext": {"Department": "x"}},
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    });
    let Value::Object(members) = members else { panic!("members are an object") };
    for (name, value) in members {
        record[name] = value;
    }
    record
}

fn resources(keys: &[u32]) -> Value {
    keys.iter()
        .map(|number| json!({"ARN": key(*number), "accountId": ACCOUNT, "type": "AWS::KMS::Key"}))
        .collect()
}

fn document(records: &[Value]) -> Vec<u8> {
    json!({ "Records": records }).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, bytes) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
            fs::write(path, bytes).expect("a file");
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn summary(&self, more: &[&str]) -> Summary {
        let root = self.path("");
        summary(&[&[root.as_str()], more].concat())
    }
}

fn summary(arguments: &[&str]) -> Summary {
    let options = options(arguments);
    let files = discover(&options.file_paths()).expect("the files are there");
    let gathered = gather(&files, options.stdin(), options.period(), &|_| {});
    Summary::of(gathered, options.period())
}

fn json_of(summary: &Summary) -> Value {
    serde_json::from_str(&summary.json()).expect("it is JSON")
}

#[test]
fn the_contract_of_the_json() {
    let files = Files::new(&[
        (
            "a.json",
            document(&[
                record(1, "Decrypt", json!({"resources": resources(&[1])})),
                record(2, "Encrypt", json!({"resources": resources(&[1])})),
                record(3, "Decrypt", json!({"eventSource": "s3.amazonaws.com"})),
            ]),
        ),
        (
            "deep/er/b.json.gz",
            gzip(&document(&[
                record(4, "Decrypt", json!({"resources": resources(&[2]), "errorCode": "AccessDenied"})),
                record(5, "Decrypt", json!({"resources": resources(&[1])})),
                record(6, "ListKeys", json!({"requestParameters": null})),
            ])),
        ),
    ]);
    let json = json_of(&files.summary(&[]));
    let totals = &json["totals"];
    assert_eq!(
        [&totals["files"], &totals["records"], &totals["kms_records"], &totals["errors"]],
        [2, 6, 5, 1]
    );
    assert_eq!(json["keys"].as_array().map(Vec::len), Some(2));
    let busiest = &json["keys"][0];
    assert_eq!(busiest["arn"], key(1));
    assert_eq!(busiest["requests"], 3);
    assert_eq!(busiest["operations"].to_string(), r#"{"Decrypt":2,"Encrypt":1}"#);
    assert_eq!(busiest["first_use"], "2026-10-01T01:00:00Z");
    assert_eq!(busiest["last_use"], "2026-10-01T05:00:00Z");
    assert_eq!(busiest["encryption_context_keys"], json!({"Department": 3}));
    assert_eq!(json["keys"][1]["arn"], key(2));
    let alice = format!("arn:aws:iam::{ACCOUNT}:user/Alice");
    assert_eq!(json["principals"][0]["arn"], alice);
    assert_eq!(json["principals"][0]["requests"], 5);
    assert_eq!(json["operations"].to_string(), r#"{"Decrypt":3,"Encrypt":1,"ListKeys":1}"#);
    assert_eq!(json["errors"], json!([{"code": "AccessDenied", "count": 1}]));
    assert_eq!(json["skipped"], json!([]));
    assert_eq!(json["sources"], json!([{"address": "192.0.2.1", "requests": 5}]));
    assert_eq!(json["days"][0]["date"], "2026-10-01");
}

#[test]
fn damage_is_named_and_the_rest_counted() {
    let good = document(&[
        record(1, "Decrypt", json!({"resources": resources(&[1])})),
        record(2, "Decrypt", json!({"resources": resources(&[1])})),
    ]);
    let packed = gzip(&good);
    let files = Files::new(&[
        ("a.json", good.clone()),
        ("copy.json.gz", packed.clone()),
        ("cut.json.gz", packed[..packed.len() / 2].to_vec()),
        ("cut.json", good[..good.len() - 9].to_vec()),
        ("words.json", b"words".to_vec()),
        ("other.json", br#"{"a":1}"#.to_vec()),
        ("CloudTrail-Digest/d.json", br#"{"awsAccountId":"1","digestStartTime":"x"}"#.to_vec()),
        ("README", b"not looked at".to_vec()),
    ]);
    let summary = files.summary(&[]);
    let skipped: Vec<(String, &str)> = summary
        .skipped
        .iter()
        .map(|skipped| {
            let name = Path::new(&skipped.path).file_name().expect("a file").to_string_lossy().into_owned();
            (name, skipped.reason.split(':').next().expect("a word"))
        })
        .collect();
    assert_eq!(
        skipped,
        [
            ("cut.json".to_owned(), "truncated"),
            ("cut.json.gz".to_owned(), "truncated"),
            ("other.json".to_owned(), "not a CloudTrail log file"),
            ("words.json".to_owned(), "not JSON"),
            ("copy.json.gz".to_owned(), "2 duplicate records"),
            ("cut.json".to_owned(), "1 duplicate records"),
        ]
    );
    assert_eq!(summary.totals.records, 2);
    assert_eq!(summary.keys[0].requests, 2);
    assert_eq!(summary.totals.duplicate_records, 3);
    assert_eq!(summary.digests.len(), 1);
}

#[test]
fn both_keys_of_reencrypt_are_used() {
    let files = Files::new(&[(
        "a.json",
        document(&[record(1, "ReEncrypt", json!({"resources": resources(&[1, 2])}))]),
    )]);
    let summary = files.summary(&[]);
    let used: Vec<_> = summary.keys.iter().map(|key| (key.arn.clone(), key.requests)).collect();
    assert_eq!(used, [(key(1), 1), (key(2), 1)]);
    assert_eq!((summary.totals.requests, summary.operations.0.len()), (1, 1));
}

#[test]
fn service_events_are_not_requests() {
    let identity = json!({"accountId": ACCOUNT, "invokedBy": "AWS Internal"});
    let event = |number, name| {
        record(
            number,
            name,
            json!({"eventType": "AwsServiceEvent", "userIdentity": identity, "resources": resources(&[1])}),
        )
    };
    let files = Files::new(&[("a.json", document(&[event(1, "RotateKey"), event(2, "DeleteKey")]))]);
    let summary = files.summary(&[]);
    assert_eq!(
        (summary.totals.kms_records, summary.totals.requests, summary.totals.service_events),
        (2, 0, 2)
    );
    assert_eq!((summary.keys[0].requests, summary.keys[0].service_events), (0, 2));
    assert_eq!(summary.keys[0].first_use, None);
    assert_eq!(summary.deletions.newest[0].event_name, "DeleteKey");
    assert_eq!(summary.bill.list_usd, 0.0);
}

/// The value with its members in reverse order, blanks everywhere, and every character of a string escaped.
fn written_oddly(value: &Value) -> String {
    let string = |text: &str| {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{escaped}\"")
    };
    match value {
        Value::Object(members) => {
            let member =
                |(name, value): (&String, &Value)| format!(" {} :\n{}", string(name), written_oddly(value));
            format!("{{{} }}", members.iter().rev().map(member).collect::<Vec<_>>().join("\t,"))
        }
        Value::Array(elements) => {
            format!("[ {} ]", elements.iter().map(written_oddly).collect::<Vec<_>>().join(" ,\r\n"))
        }
        Value::String(text) => string(text),
        scalar => scalar.to_string(),
    }
}

#[test]
fn how_json_is_written_changes_nothing() {
    let session = json!({"type": "AssumedRole", "principalId": "AROA:x", "accountId": ACCOUNT,
        "arn": "arn:aws:sts::111122223333:assumed-role/r/x", "invokedBy": "AWS Internal",
        "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/r"}, "attributes": {"mfa": "}]\""}}});
    let records = [
        record(
            1,
            "Decrypt",
            json!({"resources": resources(&[1]), "requestParameters": {"encryptionContext": {"Größe \"{": "x", "b": "🔑"}}}),
        ),
        record(
            2,
            "ReEncrypt",
            json!({"userIdentity": session, "requestParameters": {"sourceKeyId": key(1), "destinationKeyId": key(2),
            "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "destinationEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}}),
        ),
        record(
            3,
            "Decrypt",
            json!({"errorCode": "DisabledException", "errorMessage": format!("{} is disabled.", key(3))}),
        ),
        record(
            4,
            "CreateGrant",
            json!({"resources": [{"ARN": key(1)}, {"ARN": "arn:aws:s3:::b", "type": "AWS::S3::Bucket"}],
            "requestParameters": {"granteePrincipal": "g", "operations": ["Decrypt"], "x": [[{}], [], 1.5e3, true]}}),
        ),
        record(
            5,
            "PutObject",
            json!({"eventSource": "s3.amazonaws.com", "requestParameters": {"a": [{"b": "\\"}]}}),
        ),
        record(
            6,
            "RotateKey",
            json!({"eventType": "AwsServiceEvent", "userIdentity": null, "serviceEventDetails": {"keyId": key(1)}}),
        ),
    ];
    let report = |text: Vec<u8>| {
        let files = Files::new(&[("a.json", text.clone()), ("b/a.json.gz", gzip(&text))]);
        json_of(&files.summary(&[]))
    };
    let plain = report(document(&records));
    let mut odd = report(written_oddly(&json!({ "Records": records })).into_bytes());
    assert_eq!(plain["totals"]["kms_records"], 5);
    assert_eq!(plain["keys"].as_array().map(Vec::len), Some(3));
    // What tells of the files and not of the records.
    odd["totals"]["text_bytes"] = plain["totals"]["text_bytes"].clone();
    for part in ["skipped", "duplicates"] {
        odd[part] = plain[part].clone();
    }
    assert_eq!(plain, odd);
}

#[test]
fn what_deserves_attention() {
    let refused = |number, state: &str| {
        record(
            number,
            "Decrypt",
            json!({"resources": resources(&[1]), "errorCode": "KMSInvalidStateException", "errorMessage": format!("{} is {state}.", key(1))}),
        )
    };
    let files = Files::new(&[(
        "a.json",
        document(&[
            refused(1, "pending deletion"),
            refused(2, "pending deletion"),
            refused(3, "disabled"),
            record(
                4,
                "ScheduleKeyDeletion",
                json!({"resources": resources(&[1]), "requestParameters": {"pendingWindowInDays": 7}}),
            ),
            record(
                5,
                "CancelKeyDeletion",
                json!({"resources": resources(&[1]), "errorCode": "AccessDenied"}),
            ),
            record(
                6,
                "PutKeyPolicy",
                json!({"resources": resources(&[1]), "requestParameters": {"policyName": "default"}}),
            ),
            record(
                7,
                "CreateGrant",
                json!({"resources": resources(&[1]), "requestParameters": {"granteePrincipal": "g", "operations": ["Decrypt", "Encrypt"]}}),
            ),
        ]),
    )]);
    let json = json_of(&files.summary(&[]));
    assert_eq!(json["blocked_uses"][0]["state"], "pending_deletion");
    assert_eq!(json["blocked_uses"][0]["requests"], 2);
    assert_eq!(json["blocked_uses"][0]["last"], "2026-10-01T02:00:00Z");
    assert_eq!(json["blocked_uses"][1]["state"], "disabled");
    assert_eq!(json["deletions"]["count"], 2);
    assert_eq!(json["deletions"]["newest"][0]["error"], "AccessDenied");
    assert_eq!(json["deletions"]["newest"][1]["detail"], "after 7 days");
    assert_eq!(json["policy_changes"]["newest"][0]["detail"], "policy default");
    assert_eq!(json["grants"]["newest"][0]["detail"], "to g: Decrypt, Encrypt");
}

#[test]
fn the_bill() {
    let one = record(0, "Decrypt", json!({})).to_string();
    let many: Vec<String> =
        (0..30_000).map(|number| one.replace("-000000000000\"", &format!("-{number:012}\""))).collect();
    let many = format!(r#"{{"Records":[{}]}}"#, many.join(",")).into_bytes();
    let other = |number, name, parameters, more: Value| {
        let mut members = json!({"requestParameters": parameters, "resources": resources(&[7])});
        for (name, value) in more.as_object().expect("members") {
            members[name] = value.clone();
        }
        record(number, name, members)
    };
    let some = [
        other(90_001, "Sign", json!({"signingAlgorithm": "ECDSA_SHA_256"}), json!({})),
        other(90_002, "Sign", json!({"signingAlgorithm": "RSASSA_PSS_SHA_256"}), json!({})),
        other(90_003, "GenerateDataKeyPair", json!({"keyPairSpec": "RSA_2048"}), json!({})),
        other(
            90_004,
            "CreateKey",
            json!({}),
            json!({"responseElements": {"keyMetadata": {"keySpec": "RSA_4096"}}}),
        ),
        record(
            90_005,
            "Decrypt",
            json!({"userIdentity": {"type": "AWSAccount", "principalId": "A", "accountId": "444455556666"}}),
        ),
    ];
    let files = Files::new(&[("a.json", many), ("b.json", document(&some))]);
    let bill = files.summary(&[]).bill;
    let lines: Vec<_> = bill.lines.iter().map(|line| (line.class, line.requests)).collect();
    assert_eq!(
        lines,
        [
            ("symmetric, HMAC, random and management requests", 30_001),
            ("asymmetric requests, other key specs", 2),
            ("GenerateDataKeyPair, RSA", 1),
        ]
    );
    assert_eq!(bill.paid_by_other_accounts, 1);
    assert!((bill.list_usd - (0.090_003 + 0.000_03 + 0.001_2)).abs() < 1e-9, "{}", bill.list_usd);
    assert!((bill.list_usd - bill.after_free_tier_usd - 0.06).abs() < 1e-9, "one month's free requests");
}

#[test]
fn a_period() {
    let records: Vec<Value> = (0..72).map(|number| record(number, "Decrypt", json!({}))).collect();
    let files = Files::new(&[("a.json", document(&records))]);
    let counted = |arguments: &[&str]| files.summary(arguments).totals.records;
    assert_eq!(counted(&["--since", "2026-10-02"]), 48);
    assert_eq!(counted(&["--until", "2026-10-02"]), 48, "the date is included");
    assert_eq!(counted(&["--since", "2026-10-02", "--until", "2026-10-02"]), 24);
    assert_eq!(counted(&["--since", "2026-10-02T01:00:00Z", "--until", "2026-10-02T02:00:00Z"]), 1);
    assert_eq!(files.summary(&["--since", "2026-10-02"]).totals.outside_period, 24);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let parts: Vec<(String, Vec<u8>)> = (0..40)
        .map(|part| {
            // Files of more than thirty records repeat some of the next file.
            let records: Vec<Value> = (part * 30..part * 31 + 1)
                .map(|number| {
                    let address = format!("192.0.2.{}", number % 40);
                    let members =
                        json!({"resources": resources(&[number % 5, number % 3]), "sourceIPAddress": address});
                    record(number, "ReEncrypt", members)
                })
                .collect();
            (format!("{part}.json.gz"), gzip(&document(&records)))
        })
        .collect();
    let files: Vec<(&str, Vec<u8>)> =
        parts.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let files = Files::new(&files);
    let first = files.summary(&[]).json();
    assert!(first.contains("duplicate records"));
    for _ in 0..5 {
        assert!(files.summary(&[]).json() == first, "the same input gave another report");
    }
}

#[test]
fn a_duplicate_leaves_no_trace_in_the_counts() {
    let other =
        json!({"resources": resources(&[2]), "sourceIPAddress": "192.0.2.2", "userIdentity": {"arn": "b"}});
    let files = Files::new(&[(
        "a.json",
        document(&[record(1, "Decrypt", json!({"resources": resources(&[1])})), record(1, "Encrypt", other)]),
    )]);
    let json = json_of(&files.summary(&[]));
    let totals = &json["totals"];
    assert_eq!([&totals["keys"], &totals["principals"], &totals["duplicate_records"]], [1, 1, 1]);
    for (part, count) in [("keys", 1), ("principals", 1), ("operations", 1), ("sources", 1)] {
        let length = json[part].as_array().map(Vec::len).or(json[part].as_object().map(serde_json::Map::len));
        assert_eq!(length, Some(count), "{part}");
    }
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let evil = "<script>alert(1)</script>\u{1b}[2J";
    let members = json!({
        "userIdentity": {"arn": evil}, "sourceIPAddress": evil, "errorCode": evil, "awsRegion": evil,
        "recipientAccountId": evil, "eventName": evil, "requestParameters": {"encryptionContext": {(evil): "x"}},
        "resources": [{"ARN": format!("{}{evil}", key(1))}],
    });
    let grant = record(
        2,
        "CreateGrant",
        json!({"requestParameters": {"granteePrincipal": evil, "operations": [evil]}}),
    );
    let files = Files::new(&[("a.json", document(&[record(1, "Decrypt", members), grant]))]);
    let summary = files.summary(&[]);
    let page = html::render(&summary, 10);
    assert!(page.contains("&lt;script&gt;"));
    assert!(!page.contains("<script"));
    assert!(!table::render(&summary, 10).contains('\u{1b}'));
}

#[test]
fn the_page_loads_nothing() {
    let files =
        Files::new(&[("a.json", document(&[record(1, "Decrypt", json!({"resources": resources(&[1])}))]))]);
    let page = html::render(&files.summary(&[]), 10);
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("<svg") && page.contains("prefers-color-scheme: dark"));
}

#[test]
fn progress_comes_to_the_whole() {
    let text = document(&[record(1, "Decrypt", json!({}))]);
    let files = Files::new(&[("a.json", text.clone()), ("b.json", text.clone())]);
    let steps = std::sync::Mutex::new(Vec::new());
    let output = files.path("out.txt");
    let told = report(&options(&[&files.path(""), "--output", &output]), &|step| {
        steps.lock().expect("nobody panics").push(step);
    });
    assert_eq!(told, Ok(Outcome::Partial), "the second file holds duplicates");
    let bytes = text.len() as u64;
    let steps = steps.into_inner().expect("nobody panics");
    assert_eq!(steps, [Step::Found(2 * bytes), Step::Read(bytes), Step::Read(bytes), Step::Done]);
}

#[test]
fn long_lists_are_cut_in_the_table_and_not_in_the_json() {
    let records: Vec<Value> =
        (0..30).map(|number| record(number, "Decrypt", json!({"resources": resources(&[number])}))).collect();
    let files = Files::new(&[("a.json", document(&records))]);
    let summary = files.summary(&[]);
    assert!(table::render(&summary, 3).contains("Keys (3 of 30)"));
    assert!(html::render(&summary, 3).contains("3 of 30"));
    assert_eq!(json_of(&summary)["keys"].as_array().map(Vec::len), Some(30));
}

#[test]
fn outcomes_and_output() {
    let good = document(&[record(1, "Decrypt", json!({}))]);
    let files = Files::new(&[("good.json", good), ("bad.json", b"{".to_vec())]);
    let output = files.path("out.txt");
    let outcome = |arguments: &[&str]| report(&options(arguments), &|_| {});
    assert_eq!(outcome(&[&files.path("good.json"), "--output", &output]), Ok(Outcome::Whole));
    assert!(fs::read_to_string(&output).expect("it was written").contains("1 of 1 records"));
    assert_eq!(outcome(&[&files.path(""), "--output", &output]), Ok(Outcome::Partial));
    let gone = outcome(&[&files.path("gone.json"), "--output", &output]);
    assert!(gone.is_err_and(|reason| reason.starts_with("no such file or directory")));
    let no_directory = outcome(&[&files.path("good.json"), "--output", &files.path("no/such/dir")]);
    assert!(no_directory.is_err_and(|reason| reason.starts_with("cannot write")));
    assert!(Cli::try_parse_from(["report"]).is_err(), "a path is needed");
}

/// The shared data of a real account: six files that CloudTrail delivered during a simulated attack.
#[test]
fn a_real_account() {
    let shared = std::env::var_os("KEYWATCH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let files = shared.join("data/cloudtrail-invictus");
    if !files.is_dir() {
        eprintln!("skipped: {} is not there; set KEYWATCH_SHARED", files.display());
        return;
    }
    let summary = summary(&[&files.display().to_string()]);
    // Computed from the same files by another program.
    let totals = &summary.totals;
    assert_eq!((totals.files, totals.records, totals.kms_records, totals.errors), (6, 685, 121, 0));
    let keys: Vec<_> =
        summary.keys.iter().map(|key| (key.arn.as_str(), key.requests, key.operations.0.clone())).collect();
    let counts = |counts: &[(&str, u64)]| {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>()
    };
    assert_eq!(
        keys,
        [
            (
                "arn:aws:kms:us-east-1:123837392027:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4",
                76,
                counts(&[("Decrypt", 55), ("Encrypt", 21)])
            ),
            (
                "arn:aws:kms:us-east-1:123837392027:key/dad21b23-9915-42bd-981b-2a9f3c8f20c8",
                45,
                counts(&[("Decrypt", 33), ("GenerateDataKey", 12)])
            ),
        ]
    );
    assert_eq!(summary.operations.0, counts(&[("Decrypt", 88), ("Encrypt", 21), ("GenerateDataKey", 12)]));
    let sources: Vec<_> =
        summary.sources.iter().map(|source| (source.address.as_str(), source.requests)).collect();
    assert_eq!(sources, [("AWS Internal", 76), ("secretsmanager.amazonaws.com", 45)]);
    assert_eq!(summary.principals.len(), 1);
    assert_eq!(totals.first.map(|time| time.to_string()).as_deref(), Some("2023-07-10T11:57:49Z"));
    assert_eq!(totals.last.map(|time| time.to_string()).as_deref(), Some("2023-07-10T12:08:04Z"));
    assert!(summary.is_whole());
}
