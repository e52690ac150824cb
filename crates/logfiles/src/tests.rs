//! The reader through its front door: bytes of a file in, event IDs and faults out.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn record(id: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2023-07-10T11:54:39Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventID":"{id}","requestParameters":{{"a":["}},]",{{"q":"\\\"{{"}}]}}}}"#
    )
}

fn document(ids: &[&str]) -> String {
    let records: Vec<String> = ids.iter().map(|id| record(id)).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

/// Gives a few bytes a time, so that every cut happens.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

struct Reading {
    ids: Vec<String>,
    summary: FileSummary,
}

fn reading(read: impl FnOnce(&mut Sink<'_>) -> FileSummary) -> Reading {
    let mut ids = Vec::new();
    let summary = read(&mut |record| {
        ids.push(record.event_id.expect("the test's records have one").into_owned());
        ControlFlow::Continue(())
    });
    assert_eq!(summary.records, ids.len() as u64);
    Reading { ids, summary }
}

/// Reads the bytes at once and as a stream, which must agree.
#[track_caller]
fn check(bytes: &[u8], want_ids: &[&str], want_fault: Option<Fault>) -> FileSummary {
    let mut reader = Reader::default();
    let whole = reading(|sink| reader.read_bytes(bytes, sink));
    let streamed = reading(|sink| {
        reader.read_stream(Trickle(bytes, 61.max(bytes.len() / 1_000)), FILE_TEXT_BYTES_MAX, sink)
    });
    assert_eq!(whole.ids, want_ids);
    assert_eq!(whole.summary.faults.ended_by, want_fault);
    assert_eq!(whole.ids, streamed.ids);
    assert_eq!(whole.summary, streamed.summary);
    whole.summary
}

#[test]
fn plain_and_gzip() {
    let text = document(&["a", "b", "c"]);
    check(text.as_bytes(), &["a", "b", "c"], None);
    check(&gzip(text.as_bytes()), &["a", "b", "c"], None);
}

#[test]
fn no_records_is_a_log_file_too() {
    check(br#"{"Records":[]}"#, &[], None);
    check(b" { \"Records\" : [ ] } \n", &[], None);
}

#[test]
fn blanks_and_other_members_around_records() {
    let text = format!(
        "\u{feff}{{\"x\":{{\"Records\":[{}]}},\"y\":null,\n\"Records\" : [ {} ,\t{} ] , \"z\":[[1]]}}\n",
        record("not me"),
        record("a"),
        record("b")
    );
    check(text.as_bytes(), &["a", "b"], None);
}

#[test]
fn concatenated_documents() {
    let text = document(&["a"]) + &document(&["b"]) + "\n" + &document(&["c"]);
    check(text.as_bytes(), &["a", "b", "c"], None);
    let mut members = gzip(document(&["a"]).as_bytes());
    members.extend(gzip(document(&["b"]).as_bytes()));
    check(&members, &["a", "b"], None);
}

#[test]
fn truncated_text_keeps_what_came_before() {
    let text = document(&["a", "b", "c"]);
    let end_of_b = text.find("\"eventID\":\"c\"").expect("it is there");
    check(&text.as_bytes()[..end_of_b], &["a", "b"], Some(Fault::Truncated));
    check(&text.as_bytes()[..text.len() - 1], &["a", "b", "c"], Some(Fault::Truncated));
    check(&text.as_bytes()[..4], &[], Some(Fault::Truncated));
}

#[test]
fn truncated_gzip_keeps_what_came_before() {
    // Stored blocks, so that where the text ends is known.
    let text = document(&["a", "b"]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(text.as_bytes()).expect("memory takes every write");
    let bytes = encoder.finish().expect("memory takes every write");
    check(&bytes[..bytes.len() - 40], &["a"], Some(Fault::TruncatedGzip));
    check(&bytes[..bytes.len() - 1], &["a", "b"], Some(Fault::TruncatedGzip));
    check(&bytes[..12], &[], Some(Fault::TruncatedGzip));
}

#[test]
fn corrupt_gzip() {
    let mut bytes = gzip(document(&["a", "b"]).as_bytes());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let mut reader = Reader::default();
    let read = reading(|sink| reader.read_bytes(&bytes, sink));
    assert_eq!(read.summary.faults.ended_by, Some(Fault::CorruptGzip));
    check(b"\x1f\x8bnot gzip at all, only its magic", &[], Some(Fault::CorruptGzip));
}

#[test]
fn what_is_not_cloudtrail() {
    check(b"", &[], Some(Fault::Empty));
    check(b" \n", &[], Some(Fault::Empty));
    check(b"hello, world", &[], Some(Fault::NotJson));
    check(b"PK\x03\x04{", &[], Some(Fault::NotJson));
    check(br#"{"a":1}"#, &[], Some(Fault::NotCloudTrail));
    check(br#"[{"a":1}]"#, &[], Some(Fault::NotCloudTrail));
    check(br#"{"Records":"none"}"#, &[], Some(Fault::NotCloudTrail));
    check(br#"{"Records":{"a":[]}}"#, &[], Some(Fault::NotCloudTrail));
    check(br#"{"Events":[{"EventId":"x"}]}"#, &[], Some(Fault::NotCloudTrail));
}

#[test]
fn a_digest_is_told_apart() {
    let digest = br#"{"awsAccountId":"111122223333","digestStartTime":"2023-07-10T11:00:00Z","logFiles":[{"s3Object":"x"}],"previousDigestSignature":null}"#;
    let summary = check(digest, &[], None);
    assert!(summary.is_digest);
}

#[test]
fn elements_that_are_no_cloudtrail_records() {
    let s3 = r#"{"eventVersion":"2.1","eventTime":"2023-07-10T11:54:39.000Z","eventSource":"aws:s3","eventName":"ObjectCreated:Put"}"#;
    let text = format!(r#"{{"Records":[{s3},{},{{"a":1}}]}}"#, record("a"));
    let summary = check(text.as_bytes(), &["a"], None);
    assert_eq!(summary.faults.records_skipped, 2);
    assert_eq!(
        summary.faults.first_skipped,
        Some((Fault::Record(NotARecord::Wrong("eventVersion")), r#"{"Records":["#.len() as u64))
    );
}

#[test]
fn a_malformed_record_does_not_take_the_others_along() {
    for broken in [
        r#"{"eventVersion":"1.08",,}"#,
        r#"{"a"}"#,
        r#"{"a":1,}"#,
        r#"{a:1}"#,
        r#"{"a":}"#,
        r#"{"a":{} x}"#,
        r#"{"a":[1]2}"#,
    ] {
        let text = format!(r#"{{"Records":[{},{broken},{}]}}"#, record("a"), record("b"));
        let summary = check(text.as_bytes(), &["a", "b"], None);
        assert_eq!(summary.faults.records_skipped, 1, "{broken}");
        let (fault, _) = summary.faults.first_skipped.expect("one was skipped");
        assert_eq!(fault, Fault::Record(NotARecord::Malformed(Malformed::Grammar)), "{broken}");
    }
}

#[test]
fn wrong_brackets_are_found_where_they_are_walked_over() {
    let record = record("a");
    let (before, _) = record.split_once(r#"{"a""#).expect("it is there");
    let broken = format!(r#"{before}{{"a":[1,2}}}}}}"#);
    let mut errors = 0;
    let text = format!(r#"{{"Records":[{broken}]}}"#);
    Reader::default().read_bytes(text.as_bytes(), &mut |record| {
        let parameters = record.request_parameters.expect("it is there");
        let array = parameters.get("a").expect("it is there");
        errors += array.elements().filter(Result::is_err).count();
        ControlFlow::Continue(())
    });
    assert_eq!(errors, 1);
}

#[test]
fn malformed_between_records_ends_the_file() {
    let text = format!(r#"{{"Records":[{},17,{}]}}"#, record("a"), record("b"));
    let at = text.find("17").expect("it is there") as u64 + 2;
    check(text.as_bytes(), &["a"], Some(Fault::Malformed { at }));
    let text = format!("{}}}", document(&["a"]));
    check(text.as_bytes(), &["a"], Some(Fault::Malformed { at: text.len() as u64 - 1 }));
}

#[test]
fn deep_nesting_is_a_malformed_record() {
    let depth = 1_000_000;
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let text = format!(r#"{{"Records":[{deep},{}]}}"#, record("a"));
    let summary = check(text.as_bytes(), &["a"], None);
    let (fault, _) = summary.faults.first_skipped.expect("one was skipped");
    assert_eq!(fault, Fault::Record(NotARecord::Malformed(Malformed::TooDeep)));
    check("[".repeat(depth).as_bytes(), &[], Some(Fault::NotCloudTrail));
    check(format!(r#"{{"a":{}"#, "[".repeat(depth)).as_bytes(), &[], Some(Fault::Truncated));
}

#[test]
fn huge_strings() {
    let big = "x".repeat(RECORD_BYTES_MAX / 2);
    let fits = record("a").replace("\"q\"", &format!("\"{big}\""));
    check(format!(r#"{{"Records":[{fits}]}}"#).as_bytes(), &["a"], None);
    let too_big = format!(r#"{{"a":"{big}{big}{big}","b":[1]}}"#);
    let text = format!(r#"{{"Records":[{too_big},{}]}}"#, record("b"));
    let summary = check(text.as_bytes(), &["b"], None);
    assert_eq!(summary.faults.records_skipped, 1);
    assert_eq!(summary.faults.first_skipped.map(|(fault, _)| fault), Some(Fault::RecordTooLong));
    check(format!("{big}{big}{big}").as_bytes(), &[], Some(Fault::NotJson));
}

#[test]
fn a_stream_over_its_limit_is_refused() {
    let text = document(&["a", "b"]);
    let mut reader = Reader::default();
    let read = reading(|sink| reader.read_stream(Cursor::new(&text), 100, sink));
    assert_eq!(read.summary.faults.ended_by, Some(Fault::TooLarge { limit_bytes: 100 }));
    assert_eq!(
        Fault::TooLarge { limit_bytes: FILE_TEXT_BYTES_MAX }.to_string(),
        "larger than 1 GiB uncompressed"
    );
}

#[test]
fn the_sink_can_stop() {
    let text = document(&["a", "b"]);
    let mut seen = 0;
    let summary = Reader::default().read_bytes(text.as_bytes(), &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert_eq!(seen, 1);
    assert!(summary.stopped_by_sink);
    assert_eq!(summary.faults, Faults::default());
}

#[test]
fn members_of_a_record() {
    let text = r#"{"Records":[{"eventVersion":"1.11","userIdentity":{"accountId":"444455556666","arn":"arn:\u0061"},"eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","eventName":"ReEncrypt","awsRegion":"us-west-2","sourceIPAddress":"192.0.2.0","errorCode":"DisabledException","errorMessage":"x is disabled.","requestParameters":null,"resources":[{"ARN":"one"},{"ARN":"two"}],"eventType":"AwsApiCall"}]}"#;
    let mut reader = Reader::default();
    let mut seen = 0;
    reader.read_bytes(text.as_bytes(), &mut |record| {
        seen += 1;
        assert_eq!(record.event_time.to_string(), "2025-05-20T20:45:08Z");
        assert_eq!(record.event_name, "ReEncrypt");
        assert_eq!(record.region.as_deref(), Some("us-west-2"));
        assert_eq!(record.account.as_deref(), Some("444455556666"), "there is no recipientAccountId");
        assert_eq!(record.error_code.as_deref(), Some("DisabledException"));
        assert_eq!(record.error_message.as_deref(), Some("x is disabled."));
        assert_eq!(record.event_id, None);
        assert!(!record.is_service_event());
        let identity = record.user_identity.expect("it is there");
        assert_eq!(identity.get_str("arn").as_deref(), Some("arn:a"));
        let resources: Vec<_> =
            record.resources.expect("it is there").elements().map(Result::unwrap).collect();
        let arns: Vec<_> = resources.iter().map(|resource| resource.get_str("ARN").unwrap()).collect();
        assert_eq!(arns, ["one", "two"]);
        assert_eq!(record.request_parameters.expect("it is there").members().count(), 0);
        assert_eq!(record.json, &text.as_bytes()[12..text.len() - 2]);
        ControlFlow::Continue(())
    });
    assert_eq!(seen, 1);
}

/// Any JSON value, nested a little.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[\\\\\"{}\\[\\]:, a-zé]{0,80}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map("[\\\\\"{}:,a]{0,8}", inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Rebuilds a value by walking it, to compare with what was written.
fn rebuilt(value: &Value<'_>) -> serde_json::Value {
    match value.json()[0] {
        b'{' => value
            .members()
            .map(|member| {
                let (key, value) = member.expect("well formed");
                (String::from_utf8_lossy(&key).into_owned(), rebuilt(&value))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        b'[' => value.elements().map(|element| rebuilt(&element.expect("well formed"))).collect(),
        b'"' => value.as_str().expect("well formed").into_owned().into(),
        _ => serde_json::from_slice(value.json()).expect("well formed"),
    }
}

proptest! {
    #[test]
    fn walking_gives_back_what_was_written(parameters in any_json(), is_pretty: bool) {
        let written = serde_json::json!({"Records": [{
            "eventVersion": "1.08", "eventTime": "2023-07-10T11:54:39Z",
            "eventSource": "s3.amazonaws.com", "eventName": "PutObject", "requestParameters": parameters,
        }]});
        let text = if is_pretty { serde_json::to_vec_pretty(&written) } else { serde_json::to_vec(&written) };
        let text = text.expect("a value is written");
        let mut seen = Vec::new();
        let summary = Reader::default().read_bytes(&text, &mut |record| {
            seen.push(rebuilt(&record.request_parameters.expect("it is there")));
            ControlFlow::Continue(())
        });
        prop_assert_eq!(summary.faults, Faults::default());
        prop_assert_eq!(seen, vec![parameters]);
    }

    #[test]
    fn no_bytes_are_too_much(mut bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>()) {
        let text = document(&["a", "b"]).into_bytes();
        Reader::default().read_bytes(&bytes, &mut |_| ControlFlow::Continue(()));
        let at = at.index(text.len());
        bytes.splice(0..0, text[..at].iter().copied());
        bytes.extend(&text[at..]);
        Reader::default().read_bytes(&bytes, &mut |_| ControlFlow::Continue(()));
        Reader::default().read_bytes(&gzip(&bytes), &mut |_| ControlFlow::Continue(()));
    }
}

fn write(root: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("it has one")).expect("a directory in the test's own");
    fs::write(&path, bytes).expect("a file in the test's own directory");
    path
}

fn names(root: &Path, found: &LogFiles) -> Vec<String> {
    let relative = |file: &LogFile| file.path.strip_prefix(root).expect("below").display().to_string();
    found.files.iter().map(relative).collect()
}

#[test]
fn directories_files_and_globs() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    let bytes = gzip(document(&["a"]).as_bytes());
    for name in ["a.json", "2023/07/10/b.json.gz", "2023/07/11/c.JSON.GZ", "2023/d"] {
        write(root, name, &bytes);
    }
    for name in ["LICENSE", "2023/readme.txt", "2023/empty"] {
        write(root, name, if name.ends_with("empty") { b"" } else { b"words" });
    }
    let every = ["2023/07/10/b.json.gz", "2023/07/11/c.JSON.GZ", "2023/d", "a.json"];
    let find = |paths: &[&str]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
        discover(&paths).map(|found| names(root, &found))
    };
    assert_eq!(find(&[""]).expect("found"), every);
    assert_eq!(find(&["", "a.json", "2023"]).expect("found"), every, "each once");
    assert_eq!(find(&["LICENSE"]).expect("found"), ["LICENSE"], "what is named is taken");
    assert_eq!(find(&["2023/07/*/*.gz"]).expect("found"), ["2023/07/10/b.json.gz"]);
    assert_eq!(find(&["**/*.json*"]).expect("found"), ["2023/07/10/b.json.gz", "a.json"]);
    assert_eq!(find(&["20*"]).expect("found"), every[..3], "a glob may name directories");
    assert!(matches!(find(&["none.json"]), Err(DiscoverError::NoSuchPath(_))));
    assert!(matches!(find(&["none*.json"]), Err(DiscoverError::NoMatch(_))));
    assert!(matches!(find(&["x/***"]), Err(DiscoverError::WrongGlob { .. })));
}

#[cfg(unix)]
#[test]
fn links_are_followed_to_files_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    let file = write(root, "there/a.json", document(&["a"]).as_bytes());
    let here = root.join("here");
    fs::create_dir(&here).expect("a directory");
    std::os::unix::fs::symlink(&file, here.join("link.json")).expect("a link");
    std::os::unix::fs::symlink(root, here.join("loop")).expect("a link");
    std::os::unix::fs::symlink(root.join("gone"), here.join("dangling.json")).expect("a link");
    let found = discover(std::slice::from_ref(&here)).expect("found");
    assert_eq!(names(&here, &found), ["link.json"]);
    assert_eq!(found.faults.len(), 1);
    assert!(found.faults[0].0.ends_with("dangling.json"));
}

#[test]
fn files_are_read_and_failures_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let plain = write(directory.path(), "a.json", document(&["a"]).as_bytes());
    let packed = write(directory.path(), "b", &gzip(document(&["b"]).as_bytes()));
    let mut reader = Reader::default();
    for (path, id) in [(&plain, "a"), (&packed, "b"), (&plain, "a")] {
        let read = reading(|sink| reader.read_file(path, sink));
        assert_eq!((read.ids, read.summary.faults), (vec![id.to_owned()], Faults::default()));
    }
    let gone = reading(|sink| reader.read_file(&directory.path().join("gone"), sink));
    assert!(matches!(gone.summary.faults.ended_by, Some(Fault::Unreadable(_))));
    let holes = fs::File::create(directory.path().join("holes.json")).expect("a file");
    holes.set_len(FILE_TEXT_BYTES_MAX + 1).expect("a sparse file");
    let refused = reading(|sink| reader.read_file(&directory.path().join("holes.json"), sink));
    assert_eq!(refused.summary.faults.ended_by, Some(Fault::TooLarge { limit_bytes: FILE_TEXT_BYTES_MAX }));
}
