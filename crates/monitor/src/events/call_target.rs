//! One call of one target: where it goes, and what becomes of it when it cannot go there
//!
//! Topics, queues, log groups and buses are in this installation: whether they are there and let the rule in is known at once, and
//! a call that cannot be made will not be possible later, so it is not tried again but goes to the target's dead-letter queue.
//! Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events".

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::{Arn, events::ShownTarget};
use keywatch_store::{Append, Partition, Store, StoreError};
use serde::Deserialize;

use super::{
    access::BusName,
    api_destination::{DESTINATION, destination_key},
    envelope::derived_id,
    invocation::Invocation,
    policy::{Wish, lets},
    record::{BUS, BusRecord, DEFAULT_BUS, RuleRecord},
};
use crate::{
    entry::{Body, Event, LogEvent, LogEvents, Message, Reach, Target},
    logs,
    notify::receiver,
};

/// Buses that an event may come through: what is more runs in a circle.
const BUSES_MAX: usize = 10;

/// A call as a rule makes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TargetCall<'c> {
    pub(super) rule: &'c RuleRecord,
    pub(super) rule_arn: &'c str,
    /// Where the rule is.
    pub(super) partition: &'c Partition,
    pub(super) target: &'c ShownTarget,
    /// The event as it came, and the buses it came through.
    pub(super) event: &'c str,
    pub(super) path: &'c [String],
    /// The number of the event's entry.
    pub(super) seq: u64,
    pub(super) now: Timestamp,
}

/// Why a call cannot be made, as the dead letter tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn missing(arn: &str) -> Self {
        Self::new("NO_RESOURCE", format!("The target {arn} does not exist."))
    }

    fn forbidden(arn: &str) -> Self {
        Self::new("NO_PERMISSIONS", format!("The target {arn} does not let events.amazonaws.com call it."))
    }
}

/// What a call comes to.
#[derive(Debug)]
pub(super) enum Made {
    /// An entry of the log, for whoever comes after.
    Entry(Append),
    /// To be made outside.
    Outside(Box<Invocation>),
}

/// What a call comes to, or why it cannot be made.
pub(super) async fn call(
    store: &Store,
    call: &TargetCall<'_>,
    body: String,
) -> Result<Result<Made, Failure>, StoreError> {
    let arn = call.target.arn.as_str();
    if destination_key(arn).is_some() {
        return outside(store, call, body).await;
    }
    Ok(entry(store, call, body).await?.map(Made::Entry))
}

/// An invocation of an API destination of one's own.
async fn outside(
    store: &Store,
    call: &TargetCall<'_>,
    body: String,
) -> Result<Result<Made, Failure>, StoreError> {
    let text = call.target.arn.as_str();
    let missing = || Ok(Err(Failure::missing(text)));
    let Some(key) = destination_key(text) else { return missing() };
    if !key.starts_with(&format!("{}/", call.partition)) || store.get(DESTINATION, &key).await?.is_none() {
        return missing();
    }
    let id = derived_id(&[&call.seq.to_string(), call.rule_arn, &call.target.id, call.event]);
    Ok(Ok(Made::Outside(Box::new(Invocation {
        id: id.to_string(),
        rule: call.rule.name.clone(),
        bus: call.rule.bus.clone(),
        rule_arn: call.rule_arn.to_owned(),
        account: call.partition.account().to_owned(),
        region: call.partition.region().to_owned(),
        target: call.target.clone(),
        event: call.event.to_owned(),
        body,
        created: call.now,
        attempts: 0,
    }))))
}

/// The entry of a call that stays in this installation.
async fn entry(
    store: &Store,
    call: &TargetCall<'_>,
    body: String,
) -> Result<Result<Append, Failure>, StoreError> {
    let text = call.target.arn.as_str();
    let Ok(arn) = text.parse::<Arn>() else { return Ok(Err(Failure::missing(text))) };
    match arn.service.as_str() {
        "sns" => {
            let found = receiver::topic(store, text).await?;
            Ok(permitted(call, &arn, found, "sns:Publish")
                .map(|()| message(call, &arn, Target::Topic(text.to_owned()), body)))
        }
        "sqs" => {
            let found = receiver::queue(store, text).await?;
            Ok(permitted(call, &arn, found, "sqs:SendMessage")
                .map(|()| message(call, &arn, Target::Queue(text.to_owned()), body)))
        }
        "logs" => log_event(store, call, &arn, body).await,
        "events" => forward(store, call).await,
        _ => Ok(Err(Failure::missing(text))),
    }
}

fn permitted(
    call: &TargetCall<'_>,
    arn: &Arn,
    found: Option<receiver::Receiver>,
    action: &str,
) -> Result<(), Failure> {
    let text = call.target.arn.as_str();
    let found = found.ok_or_else(|| Failure::missing(text))?;
    if lets(found.policy.as_deref(), &wish(call, arn, action)) {
        Ok(())
    } else {
        Err(Failure::forbidden(text))
    }
}

fn wish<'w>(call: &TargetCall<'w>, arn: &'w Arn, action: &'w str) -> Wish<'w> {
    Wish {
        action,
        resource: &call.target.arn,
        owner: &arn.account,
        region: &arn.region,
        rule_arn: call.rule_arn,
        account: call.partition.account(),
        role_arn: call.target.role_arn.as_deref(),
        now: call.now,
    }
}

fn message(call: &TargetCall<'_>, arn: &Arn, target: Target, body: String) -> Append {
    let id = derived_id(&[&call.seq.to_string(), call.rule_arn, &call.target.id, call.event]);
    let message = Message {
        target,
        id: id.to_string(),
        subject: None,
        body,
        by_protocol: false,
        order: None,
        rule: Some(call.rule_arn.to_owned()),
        alarm: None,
        attributes: BTreeMap::new(),
    };
    message.append(Partition::new(&arn.account, &arn.region), call.now)
}

/// What a transformer makes for a log group.
#[derive(Deserialize)]
struct LogLine {
    /// Milliseconds since the epoch.
    timestamp: i64,
    message: serde_json::Value,
}

/// Log groups of one's own take events without being asked: resource policies of log groups are not built.
async fn log_event(
    store: &Store,
    call: &TargetCall<'_>,
    arn: &Arn,
    body: String,
) -> Result<Result<Append, Failure>, StoreError> {
    let text = call.target.arn.as_str();
    let home = Partition::new(&arn.account, &arn.region);
    if home != *call.partition {
        return Ok(Err(Failure::forbidden(text)));
    }
    let Some(group) = logs::group_of_arn(text) else { return Ok(Err(Failure::missing(text))) };
    if !logs::group_exists(store, &home, group).await? {
        return Ok(Err(Failure::missing(text)));
    }
    let (time, message) = match &call.target.input_transformer {
        None => (call.now, body),
        Some(_) => match serde_json::from_str::<LogLine>(&body).ok().and_then(line) {
            Some(line) => line,
            None => {
                let why = "The input transformer does not give a timestamp and a message.";
                return Ok(Err(Failure::new("INVALID_JSON", why)));
            }
        },
    };
    let entry = LogEvents {
        group: group.to_owned(),
        stream: derived_id(&[call.rule_arn, &call.target.id]).to_string(),
        ingested: call.now,
        events: vec![LogEvent { time, message }],
        makes_stream: true,
    };
    Ok(Ok(entry.append(home, call.now)))
}

fn line(line: LogLine) -> Option<(Timestamp, String)> {
    let time = Timestamp::from_millisecond(line.timestamp).ok()?;
    let message = match line.message {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Some((time, message))
}

/// Another bus gets the event as it is, with its id, time, source and account.
async fn forward(store: &Store, call: &TargetCall<'_>) -> Result<Result<Append, Failure>, StoreError> {
    let text = call.target.arn.as_str();
    let Some(bus) = BusName::from_arn(text) else { return Ok(Err(Failure::missing(text))) };
    let here = BusName {
        partition: call.partition.clone(),
        account: bus.account.clone(),
        name: call.rule.bus.clone(),
    };
    let mut path = call.path.to_vec();
    path.push(here.arn());
    if let Some(failure) = too_far(&path, &bus) {
        return Ok(Err(failure));
    }
    let row = store.get(BUS, &bus.key()).await?;
    let record: Option<BusRecord> = row.map(|row| keywatch_store::decode(&row.bytes)).transpose()?;
    if record.is_none() && bus.name != DEFAULT_BUS {
        return Ok(Err(Failure::missing(text)));
    }
    if bus.partition.account() != call.partition.account() {
        let Ok(arn) = text.parse::<Arn>() else { return Ok(Err(Failure::missing(text))) };
        let policy = record.and_then(|bus| bus.policy);
        if !lets(policy.as_deref(), &wish(call, &arn, "events:PutEvents")) {
            return Ok(Err(Failure::forbidden(text)));
        }
    }
    let event = Event {
        envelope: call.event.to_owned(),
        bus: Some(bus.name.clone()),
        reach: Reach::Matching,
        path,
        replayed: false,
    };
    Ok(Ok(event.append(bus.partition, call.now)))
}

/// Whether an event that came along `path` may go on to `bus`: into another account once, and into another Region once.
fn too_far(path: &[String], bus: &BusName) -> Option<Failure> {
    let mut way: Vec<Partition> =
        path.iter().filter_map(|arn| BusName::from_arn(arn)).map(|bus| bus.partition).collect();
    way.push(bus.partition.clone());
    let hops =
        |of: fn(&Partition) -> &str| way.windows(2).filter(|pair| of(&pair[0]) != of(&pair[1])).count();
    if hops(Partition::account) > 1 {
        return Some(Failure::new("THIRD_ACCOUNT_HOP_DETECTED", "The event would reach a third account."));
    }
    if hops(Partition::region) > 1 {
        return Some(Failure::new("THIRD_REGION_HOP_DETECTED", "The event would reach a third Region."));
    }
    (path.len() >= BUSES_MAX)
        .then(|| Failure::new("INTERNAL_ERROR", format!("The event came through {BUSES_MAX} event buses.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &[&str], to: &str, want: Option<&str>) {
        let arn = |short: &str| {
            let (account, rest) = short.split_once(' ').unwrap();
            let (region, bus) = rest.split_once(' ').unwrap();
            format!("arn:aws:events:{region}:{account}:event-bus/{bus}")
        };
        let path: Vec<String> = path.iter().map(|bus| arn(bus)).collect();
        let to = BusName::from_arn(&arn(to)).unwrap();
        assert_eq!(too_far(&path, &to).map(|failure| failure.code), want, "{path:?}");
    }

    #[test]
    fn how_far_events_go() {
        let (here, there, beyond) =
            ("111122223333 us-east-1 a", "444455556666 us-east-1 b", "777788889999 us-east-1 c");
        check(&[here], "111122223333 us-east-1 b", None);
        check(&[here], there, None);
        check(&[here, there], "444455556666 us-east-1 c", None);
        check(&[here, there], beyond, Some("THIRD_ACCOUNT_HOP_DETECTED"));
        check(&[here, there], here, Some("THIRD_ACCOUNT_HOP_DETECTED"));
        check(
            &["111122223333 us-east-1 a", "111122223333 eu-west-1 a"],
            "111122223333 eu-north-1 a",
            Some("THIRD_REGION_HOP_DETECTED"),
        );
        check(&[here; 9], here, None);
        check(&[here; 10], here, Some("INTERNAL_ERROR"));
    }
}
