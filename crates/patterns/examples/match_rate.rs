//! How fast patterns match: `cargo run --release -p keywatch-patterns --example match_rate [-- MIB]`, or
//! `cargo xtask bench patterns`. Log filters over CloudTrail records as JSON lines, beside a bare search for one text; event
//! patterns over events of 1.6 KB, by the number of rules. Times are processor time of the measuring thread, the best of
//! several rounds.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{hint::black_box, time::Duration, time::Instant};

use keywatch_patterns::{
    event::{EventPattern, RuleSet, Scratch},
    filter::FilterPattern,
};

const MIB_DEFAULT: usize = 64;
const ROUNDS: usize = 5;
const TURNS: usize = 8;
const EVENTS: usize = 4_096;
const EVENT_BYTES: usize = 1_600;
/// The pattern of the KMS Developer Guide.
const PENDING_DELETION: &str = r#"{ $.eventSource = kms* && $.errorMessage = "* is pending deletion."}"#;

fn main() {
    let mib = std::env::args().nth(1).and_then(|argument| argument.parse().ok()).unwrap_or(MIB_DEFAULT);
    filters(mib << 20);
    events();
}

/// A sequence of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A record as CloudTrail writes it for KMS, of key number `key`.
fn record(numbers: &mut Numbers, key: u64) -> String {
    const NAMES: [&str; 8] = [
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "DescribeKey",
        "ListAliases",
        "CreateGrant",
        "Sign",
        "GetKeyPolicy",
    ];
    let user = numbers.next(500);
    let name = NAMES[numbers.next(NAMES.len() as u64) as usize];
    let (minute, second) = (numbers.next(60), numbers.next(60));
    let (request, event) = (numbers.next(u32::MAX.into()), numbers.next(u32::MAX.into()));
    let arn = arn(key);
    let error = match numbers.next(1_000) {
        0 => {
            format!(r#""errorCode":"KMSInvalidStateException","errorMessage":"{arn} is pending deletion.","#)
        }
        1..20 => r#""errorCode":"AccessDenied","errorMessage":"User is not authorized to perform this","#
            .to_owned(),
        _ => String::new(),
    };
    // Some programs that write JSON escape more than they have to.
    let agent = match numbers.next(200) {
        0 => r"app\/1.0 \u003cbuild 7\u003e",
        1..20 => r#"aws-cli/2.15.0 md/\"x\""#,
        _ => {
            "aws-sdk-java/2.20.0 Linux/5.10.178 OpenJDK_64-Bit_Server_VM/17.0.7 Java/17.0.7 vendor/Amazon.com_Inc."
        }
    };
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE{user:08}:session","arn":"arn:aws:sts::111122223333:assumed-role/service-role-{user}/session","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{user:09}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{user:08}","arn":"arn:aws:iam::111122223333:role/service-role-{user}","accountId":"111122223333","userName":"service-role-{user}"}},"attributes":{{"creationDate":"2026-11-22T11:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2026-11-22T11:{minute:02}:{second:02}Z","eventSource":"kms.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.{second}","userAgent":"{agent}",{error}"requestParameters":{{"keyId":"{arn}","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{{"app":"orders-{user}"}}}},"responseElements":null,"requestID":"{request:08x}-1111-4222-8333-444455556666","eventID":"{event:08x}-7777-4888-9999-000011112222","readOnly":true,"resources":[{{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"{arn}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
    )
}

fn arn(key: u64) -> String {
    format!("arn:aws:kms:us-east-1:111122223333:key/{key:08x}-12ab-34cd-56ef-1234567890ab")
}

/// Processor time of this thread, where the system tells it. Linux counts it in steps of a few milliseconds.
fn processor_time(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn best(work: impl FnMut() -> usize) -> (f64, usize) {
    best_of(ROUNDS, work)
}

/// The least seconds that the work took in several rounds, and what it answers.
fn best_of(rounds: usize, mut work: impl FnMut() -> usize) -> (f64, usize) {
    const ROUND: Duration = Duration::from_millis(200);
    let start = Instant::now();
    let mut least = f64::INFINITY;
    let mut answer = 0;
    for _ in 0..rounds {
        let before = processor_time(start);
        let mut times = 0;
        let passed = loop {
            answer = black_box(work());
            times += 1;
            let passed = processor_time(start).saturating_sub(before);
            if passed >= ROUND {
                break passed;
            }
        };
        least = least.min(passed.as_secs_f64() / f64::from(times));
    }
    (least, answer)
}

fn filters(bytes: usize) {
    let mut numbers = Numbers(1);
    let mut text = String::with_capacity(bytes + 4_096);
    while text.len() < bytes {
        let key = numbers.next(1_000);
        text.push_str(&record(&mut numbers, key));
        text.push('\n');
    }
    let lines: Vec<&str> = text.lines().collect();
    println!("log filters over {} MiB of {} records", text.len() >> 20, lines.len());
    let line = |name: &str, (seconds, hits): (f64, usize)| {
        println!("{:7.2} GB/s {hits:8} hits  {name}", text.len() as f64 / seconds / 1e9);
    };
    let finder = memchr::memmem::Finder::new(" is pending deletion.");
    line("bare: one text searched for in all", best(|| finder.find_iter(text.as_bytes()).count()));
    let bare = || lines.iter().filter(|line| finder.find(line.as_bytes()).is_some()).count();
    line("bare: the text searched for in each record", best(bare));
    let parse = |line: &&&str| {
        let record: Result<serde_json::Value, _> = serde_json::from_str(line);
        record.is_ok_and(|record| {
            record["eventSource"].as_str().is_some_and(|source| source.starts_with("kms"))
                && record["errorMessage"].as_str().is_some_and(|text| text.ends_with(" is pending deletion."))
        })
    };
    line("bare: each record parsed with serde_json", best(|| lines.iter().filter(parse).count()));
    for source in [
        PENDING_DELETION,
        r#"{ $.errorCode = "KMSInvalidStateException" }"#,
        "{ ($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion) || ($.eventName = PutKeyPolicy) }",
        r#"{ $.errorCode = "*UnauthorizedOperation" || $.errorCode = "AccessDenied*" }"#,
        "{ $.eventName = Decrypt }",
        "{ $.errorCode NOT EXISTS }",
        "{ $.resources[*].ARN = %key/0000000[0-3]% }",
        r#""pending deletion" -Encrypt"#,
        "?KMSInvalidStateException ?AccessDenied",
    ] {
        let pattern = FilterPattern::parse(source).expect("a pattern");
        line(source, best(|| lines.iter().filter(|line| pattern.matches(line)).count()));
    }
}

fn events() {
    let mut numbers = Numbers(2);
    let mut event = |keys: u64| {
        let key = numbers.next(keys);
        let detail = record(&mut numbers, key);
        let (id, arn) = (numbers.next(u32::MAX.into()), arn(key));
        let mut event = format!(
            r#"{{"version":"0","id":"{id:08x}-aaaa-bbbb-cccc-ddddeeeeffff","detail-type":"AWS API Call via CloudTrail","source":"aws.kms","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"us-east-1","resources":["{arn}"],"detail":{detail}}}"#
        );
        // To the size at issue, within the record's last member.
        event.truncate(event.len() - 2);
        event.push_str(r#","additionalEventData":{"note":""#);
        let missing = EVENT_BYTES.saturating_sub(event.len() + 4);
        event.push_str(&"x".repeat(missing));
        event.push_str("\"}}}");
        event
    };
    let by_key = |rule: u64| {
        let arn = arn(rule);
        format!(
            r#"{{"source":["aws.kms"],"detail-type":["AWS API Call via CloudTrail"],"detail":{{"eventName":["Decrypt","Encrypt","Sign"],"resources":{{"ARN":["{arn}"]}}}}}}"#
        )
    };
    println!("event patterns: one rule a key, its uses among {EVENTS} events of {EVENT_BYTES} bytes");
    let counts = [10, 100, 1_000, 10_000];
    let sets = counts.map(|rules| {
        let events: Vec<String> = (0..EVENTS).map(|_| event(rules)).collect();
        (rules, events, rule_set((0..rules).map(by_key)))
    });
    // In turn, so that what else the machine does falls on all alike.
    let mut best_rates = [(0.0_f64, 0); 4];
    for _ in 0..TURNS {
        for ((_, events, rules), best) in sets.iter().zip(&mut best_rates) {
            let (rate, hits) = rate(events, rules, 1);
            *best = (best.0.max(rate), hits);
        }
    }
    for ((rate, hits), rules) in best_rates.into_iter().zip(counts) {
        println!(
            "{rate:9.0} events/s {hits:8} hits  {rules} rules, {:.2} of the rate at 10",
            rate / best_rates[0].0
        );
    }
    println!("event patterns: 1,000 rules of other kinds");
    let events: Vec<String> = (0..EVENTS).map(|_| event(1_000)).collect();
    type Source = fn(u64) -> String;
    let kinds: [(&str, Source); 7] = [
        ("prefix", |n| {
            format!(r#"{{"detail":{{"resources":{{"ARN":[{{"prefix":"{}"}}]}}}}}}"#, &arn(n)[..52])
        }),
        ("suffix", |n| format!(r#"{{"detail":{{"userIdentity":{{"arn":[{{"suffix":"-{n}/session"}}]}}}}}}"#)),
        ("wildcard", |n| {
            format!(r#"{{"detail":{{"userIdentity":{{"arn":[{{"wildcard":"*role-{n}/*"}}]}}}}}}"#)
        }),
        ("equals-ignore-case", |n| {
            format!(r#"{{"resources":[{{"equals-ignore-case":"{}"}}]}}"#, arn(n).to_uppercase())
        }),
        ("cidr", |n| {
            format!(r#"{{"detail":{{"sourceIPAddress":[{{"cidr":"{}.{}.0.0/16"}}]}}}}"#, n / 4, n % 256)
        }),
        ("anything-but beside a name", |n| {
            format!(
                r#"{{"detail":{{"eventName":["Name{n}"],"errorCode":[{{"anything-but":"AccessDenied"}}]}}}}"#
            )
        }),
        ("$or of two keys", |n| {
            let (one, two) = (arn(n), arn(n + 1));
            format!(
                r#"{{"$or":[{{"resources":["{one}"]}},{{"detail":{{"requestParameters":{{"keyId":["{two}"]}}}}}}]}}"#
            )
        }),
    ];
    for (name, source) in kinds {
        let (rate, hits) = rate(&events, &rule_set((0..1_000).map(source)), ROUNDS);
        println!("{rate:9.0} events/s {hits:8} hits  {name}");
    }
}

fn rule_set(sources: impl Iterator<Item = String>) -> RuleSet<usize> {
    let pattern = |source: String| EventPattern::parse(&source).expect("a pattern");
    sources.map(pattern).enumerate().collect()
}

/// Events a second and matches of one round.
fn rate(events: &[String], rules: &RuleSet<usize>, rounds: usize) -> (f64, usize) {
    let mut scratch = Scratch::default();
    let work = || events.iter().map(|event| rules.matching(event, &mut scratch).count()).sum();
    let (seconds, hits) = best_of(rounds, work);
    (events.len() as f64 / seconds, hits)
}
