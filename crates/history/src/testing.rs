//! Records for tests.

use jiff::Timestamp;
use keywatch_store::{EntryKind, LogEntry};

/// Record `seq`, of one of a few kinds, Regions, principals, keys and operations, at a second of a fixed day.
pub(crate) fn record(seq: u64, second: u64) -> LogEntry {
    let name = ["Encrypt", "Decrypt", "DescribeKey"][(seq % 3) as usize];
    let region = ["us-east-1", "eu-west-1"][(seq % 2) as usize];
    let error = if seq.is_multiple_of(11) { r#""errorCode":"AccessDenied","# } else { "" };
    let (key, role) = (seq % 7, seq % 5);
    let resources = if seq.is_multiple_of(13) {
        String::new()
    } else {
        let arn = |key| {
            format!(
                r#"{{"accountId":"1","type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-east-1:111122223333:key/k{key}"}}"#
            )
        };
        let second = if key == 4 { format!(",{}", arn(5)) } else { String::new() };
        format!(r#","resources":[{}{second}]"#, arn(key))
    };
    let text = format!(
        r#"{{"userIdentity":{{"type":"AssumedRole","principalId":"AROA{role}:s","arn":"arn:aws:sts::111122223333:assumed-role/r{role}/s{seq}","accessKeyId":"ASIA{role}","sessionContext":{{"sessionIssuer":{{"arn":"arn:aws:iam::111122223333:role/r{role}"}}}}}},"eventSource":"kms.amazonaws.com","eventName":"{name}","sourceIPAddress":"10.0.0.{role}","userAgent":"aws-cli",{error}"requestParameters":{{"encryptionContext":{{"k{key}":"v"}}}},"eventID":"e-{seq}","readOnly":{}{resources}}}"#,
        !seq.is_multiple_of(3),
    );
    LogEntry {
        seq,
        kind: if seq.is_multiple_of(4) { EntryKind::ImportedRecord } else { EntryKind::Record },
        time: Timestamp::from_second(1_700_000_000 + second as i64).unwrap(),
        partition: format!("111122223333/{region}").as_str().into(),
        bytes: text.into(),
    }
}
