use super::*;

const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER: &str = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

fn record(operation: &str, members: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","accountId":"111122223333"}},"eventTime":"2025-05-20T20:45:08Z",
        "eventSource":"kms.amazonaws.com","eventName":"{operation}","awsRegion":"us-west-2","eventType":"AwsApiCall",
        "recipientAccountId":"111122223333",{members}}}"#
    )
}

fn on_key(operation: &str, more: &str) -> String {
    record(operation, &format!(r#""resources":[{{"accountId":"111122223333","ARN":"{KEY}"}}]{more}"#))
}

#[test]
fn a_use_of_a_key() {
    check(
        &on_key(
            "Decrypt",
            r#","requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"a":"\n"}}"#,
        ),
        &[
            "111122223333/us-west-2 AWS/Usage CallCount Class=None Resource=CryptographicOperationsSymmetric Service=KMS Type=API = 1",
            &format!("111122223333/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Decrypt = 1"),
        ],
    );
}

#[test]
fn our_own_records_give_the_same_without_being_parsed() {
    let record = |operation: &str, parameters: &str| {
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"Root","principalId":"p","arn":"a","accountId":"111122223333"}},"eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","eventName":"{operation}","awsRegion":"us-west-2","sourceIPAddress":"127.0.0.1","requestParameters":{parameters},"responseElements":null,"requestID":"r","eventID":"e","readOnly":true,"resources":[{{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"{KEY}"}},{{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"{OTHER}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
        )
    };
    let all = |record: &str| all(record, None);
    for operation in ["Encrypt", "Decrypt", "ReEncrypt", "Sign", "GenerateDataKeyPair", "DescribeKey"] {
        for parameters in [
            "null",
            r#"{"keyId":"k","signingAlgorithm":"RSASSA_PSS_SHA_256"}"#,
            r#"{"keyPairSpec":"RSA_2048"}"#,
        ] {
            let ours = record(operation, parameters);
            assert!(OwnRecord::of(ours.as_bytes()).is_some());
            let parsed = ours.replacen('{', "{ ", 1);
            assert!(OwnRecord::of(parsed.as_bytes()).is_none());
            assert_eq!(all(&ours), all(&parsed), "{ours}");
            assert!(!all(&ours).is_empty());
            for refused in [&ours, &parsed] {
                let refused = refused
                    .replace(r#""requestParameters""#, r#""errorCode":"AccessDenied","requestParameters""#);
                assert_eq!(all(&refused).len(), 3, "{refused}");
            }
        }
    }
}

#[test]
fn what_is_imported_belongs_to_the_importer() {
    let of = |importer: &str| {
        let mut got = all(&on_key("Decrypt", ""), Some(importer));
        got.retain(|text| !text.contains("Keywatch/"));
        got
    };
    let want = format!("444455556666/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Decrypt = 1");
    assert_eq!(of("444455556666"), [want]);
    assert_eq!(of("111122223333").len(), 2, "an account's own calls count against its quotas");
}

#[test]
fn re_encrypt_names_both_keys() {
    let dimensions = format!("DestinationKeyArn={OTHER} Operation=ReEncrypt SourceKeyArn={KEY}");
    let want = format!("111122223333/us-west-2 AWS/KMS SuccessfulRequest {dimensions} = 1");
    let both = record("ReEncrypt", &format!(r#""resources":[{{"ARN":"{KEY}"}},{{"ARN":"{OTHER}"}}]"#));
    check_kms(&both, &[&want]);
    let same = want.replace(OTHER, KEY);
    check_kms(&on_key("ReEncrypt", ""), &[&same]);
}

#[test]
fn refused_calls_and_management_add_no_use() {
    check_kms(&on_key("Decrypt", r#","errorCode":"AccessDenied""#), &[]);
    check_kms(&on_key("DescribeKey", ""), &[]);
    check_kms(&on_key("Decrypt", "").replace("kms.amazonaws.com", "s3.amazonaws.com"), &[]);
    check_kms(&record("GenerateRandom", r#""resources":[]"#), &[]);
    check_kms("not json", &[]);
    check_kms(r#"{"eventSource":5}"#, &[]);
}

#[test]
fn the_key_may_be_named_only_by_the_parameters() {
    let want = format!("111122223333/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Encrypt = 1");
    check_kms(&record("Encrypt", &format!(r#""requestParameters":{{"keyId":"{KEY}"}}"#)), &[&want]);
    check_kms(&record("Encrypt", r#""requestParameters":{"keyId":"alias/x"}"#), &[]);
}

#[test]
fn a_call_across_accounts_counts_once_on_each_side() {
    let shared = r#","sharedEventID":"5c1a0b3e""#;
    let owner = on_key("Decrypt", shared)
        .replace(r#""type":"IAMUser","accountId":"111122223333""#, r#""accountId":"444455556666""#);
    check(
        &owner,
        &[&format!("111122223333/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Decrypt = 1")],
    );
    let caller =
        owner.replace(r#""recipientAccountId":"111122223333""#, r#""recipientAccountId":"444455556666""#);
    check(
        &caller,
        &[
            "444455556666/us-west-2 AWS/Usage CallCount Class=None Resource=CryptographicOperationsSymmetric Service=KMS Type=API = 1",
        ],
    );
}

#[test]
fn resources_of_usage() {
    for (operation, parameters, want) in [
        ("DescribeKey", "{}", "DescribeKey"),
        ("GenerateDataKeyPair", r#"{"keyPairSpec":"RSA_2048"}"#, "GenerateDataKeyPair-RSA_2048"),
        ("Sign", r#"{"signingAlgorithm":"ECDSA_SHA_256"}"#, "CryptographicOperationsEcc"),
        ("Verify", r#"{"signingAlgorithm":"RSASSA_PSS_SHA_256"}"#, "CryptographicOperationsRsa"),
        ("Decrypt", r#"{"encryptionAlgorithm":"RSAES_OAEP_SHA_256"}"#, "CryptographicOperationsRsa"),
        ("Encrypt", "{}", "CryptographicOperationsSymmetric"),
        ("GenerateRandom", "null", "CryptographicOperationsSymmetric"),
    ] {
        let mut got =
            all(&record(operation, &format!(r#""errorCode":"X","requestParameters":{parameters}"#)), None);
        got.retain(|text| text.contains("AWS/Usage"));
        assert!(got.len() == 1 && got[0].contains(&format!("Resource={want} ")), "{operation}: {got:?}");
    }
}

#[test]
fn countdowns() {
    let import = |parameters: &str| {
        on_key(
            "ImportKeyMaterial",
            &format!(r#","requestParameters":{parameters},"responseElements":{{"keyMaterialId":"m1"}}"#),
        )
    };
    let metric = "111122223333/us-west-2 AWS/KMS SecondsUntilKeyMaterialExpiration KeyId=1234abcd-12ab-34cd-56ef-1234567890ab";
    let at = 1_747_773_908;
    for valid_to in ["May 21, 2025, 5:47:45 AM", "May 21, 2025 5:47:45 AM", "2025-05-21T05:47:45Z"] {
        let text = import(&format!(r#"{{"validTo":"{valid_to}","expirationModel":"KEY_MATERIAL_EXPIRES"}}"#));
        check_kms(&text, &[&format!("{metric} m1 from {at} to 1747806465")]);
    }
    check_kms(
        &import(r#"{"expirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}"#),
        &[&format!("{metric} Some(\"m1\") ended {at}")],
    );
    let service = |name: &str, details: &str| {
        on_key(name, &format!(r#","serviceEventDetails":{details}"#)).replace("AwsApiCall", "AwsServiceEvent")
    };
    check(
        &service("DeleteExpiredKeyMaterial", r#"{"keyMaterialId":"m1"}"#),
        &[&format!("{metric} Some(\"m1\") ended {at}")],
    );
    check(&service("DeleteKey", "null"), &[&format!("{metric} None ended {at}")]);
    check_kms(
        &on_key("DeleteImportedKeyMaterial", r#","responseElements":{"keyMaterialId":"m1"}"#),
        &[&format!("{metric} Some(\"m1\") ended {at}")],
    );
}

fn show(derived: &Derived<'_>) -> String {
    let name = |metric: &MetricRef<'_>| {
        let mut text = format!("{} {} {}", metric.partition, metric.namespace, metric.name);
        for (name, value) in metric.dimensions {
            text += &format!(" {name}={value}");
        }
        assert!(metric.dimensions.is_sorted_by(|a, b| a.0 < b.0), "{text}");
        text
    };
    match derived {
        Derived::Point { metric, value, .. } => format!("{} = {value}", name(metric)),
        Derived::Used { metric, uses, most, .. } => format!("{} {uses} of {most}", name(metric)),
        Derived::CountdownStarted { metric, subject, from, expires } => {
            format!("{} {subject} from {from} to {expires}", name(metric))
        }
        Derived::CountdownEnded { metric, subject, at } => {
            format!("{} {subject:?} ended {at}", name(metric))
        }
    }
}

/// Only what AWS has too.
#[track_caller]
fn check(record: &str, want: &[&str]) {
    let mut got = all(record, None);
    got.retain(|text| !text.contains("Keywatch/"));
    assert_eq!(got, want);
}

/// Only what concerns `AWS/KMS`.
#[track_caller]
fn check_kms(record: &str, want: &[&str]) {
    let mut got = all(record, None);
    got.retain(|text| text.contains("AWS/KMS"));
    assert_eq!(got, want);
}

/// Only what is beyond AWS.
#[track_caller]
fn check_ours(record: &str, want: &[&str]) {
    let mut got = all(record, None);
    got.retain(|text| text.contains("Keywatch/"));
    let short: Vec<String> = got
        .iter()
        .map(|text| {
            text.replace("111122223333/us-west-2 Keywatch/KMS ", "").replace(KEY, "K").replace(OTHER, "O")
        })
        .collect();
    assert_eq!(short, want);
}

fn all(record: &str, importer: Option<&str>) -> Vec<String> {
    let mut got = Vec::new();
    derive(record.as_bytes(), importer, |derived| got.push(show(&derived)));
    got
}

#[test]
fn outcomes_and_principals() {
    let by = |identity: &str, more: &str| {
        on_key("Decrypt", more).replace(r#""type":"IAMUser","accountId":"111122223333""#, identity)
    };
    let session = r#""type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/App/i-1","accountId":"111122223333""#;
    check_ours(
        &by(session, ""),
        &[
            "Requests ErrorCode=None Operation=Decrypt = 1",
            "Requests ErrorCode=None Operation=Decrypt PrincipalArn=arn:aws:sts::111122223333:assumed-role/App = 1",
            "DecryptShare KeyArn=K = 100",
        ],
    );
    check_ours(
        &by(r#""type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a""#, r#","errorCode":"AccessDenied""#),
        &[
            "Requests ErrorCode=AccessDenied Operation=Decrypt = 1",
            "Requests ErrorCode=AccessDenied Operation=Decrypt PrincipalArn=arn:aws:iam::111122223333:user/a = 1",
        ],
    );
    for (identity, principal) in [
        (r#""type":"AWSService","invokedBy":"s3.amazonaws.com""#, "s3.amazonaws.com"),
        (r#""type":"AWSAccount","accountId":"444455556666""#, "444455556666"),
        (r#""type":"Unknown""#, "Unknown"),
    ] {
        let want = format!("Requests ErrorCode=None Operation=Decrypt PrincipalArn={principal} = 1");
        let share = "DecryptShare KeyArn=K = 100";
        check_ours(&by(identity, ""), &["Requests ErrorCode=None Operation=Decrypt = 1", &want, share]);
    }
}

#[test]
fn uses_of_key_material() {
    let uses = |operation: &str, resources: &str, data: &str| {
        let members = format!(r#""resources":[{resources}],"additionalEventData":{data}"#);
        let mut got = all(&record(operation, &members), None);
        got.retain(|text| text.contains("Material"));
        got.iter()
            .map(|text| {
                text.replace("111122223333/us-west-2 Keywatch/KMS ", "").replace(KEY, "K").replace(OTHER, "O")
            })
            .collect::<Vec<_>>()
    };
    let (key, both) = (format!(r#"{{"ARN":"{KEY}"}}"#), format!(r#"{{"ARN":"{KEY}"}},{{"ARN":"{OTHER}"}}"#));
    let own = r#"{"keyMaterialId":"m1"}"#;
    let of = |key: &str, id: &str| {
        let invoked = format!("MaterialInvocations KeyArn={key} KeyMaterialId={id} = 1");
        [invoked, format!("MaterialBudgetUsed KeyArn={key} KeyMaterialId={id} 1 of 4294967296")]
    };
    assert_eq!(uses("Encrypt", &key, own), of("K", "m1"));
    let data_key = "MaterialDataKeys KeyArn=K KeyMaterialId=m1 = 1".to_owned();
    assert_eq!(uses("GenerateDataKey", &key, own), [&[data_key][..], &of("K", "m1")].concat());
    let moved = r#"{"destinationKeyMaterialId":"m2","sourceKeyMaterialId":"m1"}"#;
    assert_eq!(uses("ReEncrypt", &both, moved), of("O", "m2"));
    assert_eq!(uses("Decrypt", &key, own), [""; 0]);
    assert_eq!(uses("Encrypt", &key, "null"), [""; 0]);
}

#[test]
fn the_share_of_decrypting() {
    let share = |operation: &str| {
        let mut got = all(&on_key(operation, ""), None);
        got.retain(|text| text.contains("DecryptShare"));
        got.iter().map(|text| text.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(share("Decrypt"), ["100"]);
    assert_eq!(share("Encrypt"), ["0"]);
    assert_eq!(share("GenerateDataKey"), ["0"]);
    assert_eq!(share("ReEncrypt"), [""; 0]);
    assert_eq!(share("Sign"), [""; 0]);
}

#[test]
fn what_trails_deliver_and_rules_call() {
    let time: jiff::Timestamp = "2025-05-20T20:45:08Z".parse().unwrap();
    let show = |points: crate::entry::Points| {
        let one = |point: &crate::entry::Point| {
            format!("{} {:?} {:?}", point.metric_name, point.dimensions, point.value)
        };
        points.points.iter().map(one).collect::<Vec<_>>()
    };
    let group = r#"[("LogGroupName", "g")]"#;
    let want = [
        format!("IncomingBytes {group} One(30.0)"),
        format!("IncomingLogEvents {group} One(3.0)"),
        "IncomingBytes [] One(30.0)".into(),
        "IncomingLogEvents [] One(3.0)".into(),
    ];
    assert_eq!(show(services::delivered("g", 3, 30, time)), want);
    let counts = [("TriggeredRules", 1), ("FailedInvocations", 2)]
        .map(|(metric, count)| services::RuleCount { metric, rule: "r".to_owned(), bus: None, count });
    let rule = r#"[("RuleName", "r")]"#;
    let want =
        [format!("TriggeredRules {rule} One(1.0)"), format!("FailedInvocations {rule} Many([(1.0, 2.0)])")];
    assert_eq!(show(services::of_rules(&counts, time)), want);
}

#[test]
fn what_comes_into_log_groups_and_topics() {
    use crate::entry::{LogEvent, LogEvents, Message, Target};
    let ingested: jiff::Timestamp = "2025-05-20T20:45:08Z".parse().unwrap();
    let event = |text: &str| LogEvent { time: ingested, message: text.into() };
    let events = LogEvents {
        group: "g".into(),
        stream: "s".into(),
        ingested,
        events: vec![event("abc"), event("de")],
        makes_stream: false,
    };
    let mut got = Vec::new();
    services::of_log_events(&events, "1/r", |derived| got.push(show(&derived)));
    let want = [
        "1/r AWS/Logs IncomingBytes LogGroupName=g = 5",
        "1/r AWS/Logs IncomingLogEvents LogGroupName=g = 2",
        "1/r AWS/Logs IncomingBytes = 5",
        "1/r AWS/Logs IncomingLogEvents = 2",
    ];
    assert_eq!(got, want);
    let mut message = Message {
        target: Target::Topic("arn:aws:sns:r:1:alerts".into()),
        id: "i".into(),
        subject: None,
        body: "four".into(),
        by_protocol: false,
        order: None,
        rule: None,
        alarm: None,
        attributes: Default::default(),
    };
    got.clear();
    services::of_message(&message, "1/r", ingested, |derived| got.push(show(&derived)));
    let want = [
        "1/r AWS/SNS NumberOfMessagesPublished TopicName=alerts = 1",
        "1/r AWS/SNS PublishSize TopicName=alerts = 4",
    ];
    assert_eq!(got, want);
    message.target = Target::Queue("arn:aws:sqs:r:1:q".into());
    services::of_message(&message, "1/r", ingested, |derived| panic!("{derived:?}"));
}
