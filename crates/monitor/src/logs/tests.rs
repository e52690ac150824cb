//! The service over a real store, with the follower under the engine.

use jiff::SignedDuration;
use keywatch_api::{Fault, Service, logs::LogsOperation};
use keywatch_store::{EntryKind, Kind, Partition, Scan, Transaction};
use serde_json::{Value, json};

use super::{
    Logs, LogsFollower, dispatch,
    record::{CHUNK, GARBAGE, STATS, STREAM},
};
use crate::{
    engine::Follower,
    entry::{Body, PointValue, Points},
    rehearsal::{ACCOUNT, REGION, Rehearsal},
    trail::record::{self, TRAIL, TrailRecord},
};

async fn world() -> Rehearsal {
    Rehearsal::begin(async |store| Ok(vec![Box::new(LogsFollower::open(store).await?) as Box<dyn Follower>]))
        .await
}

async fn call(world: &Rehearsal, operation: &'static str, body: Value) -> Result<Value, Fault> {
    let service = Logs::new(world.engine.clone());
    let op = LogsOperation::from_name(operation).unwrap();
    world
        .call(Service::Logs, operation, &body, async |wire, call| dispatch(op, wire, call, &service).await)
        .await
}

async fn ok(world: &Rehearsal, operation: &'static str, body: Value) -> Value {
    call(world, operation, body).await.unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
}

#[track_caller]
fn refused(answer: Result<Value, Fault>, code: &str, text: &str) {
    let fault = answer.unwrap_err();
    assert_eq!((fault.code.as_ref(), fault.message.as_deref()), (code, Some(text)));
}

/// A group `g` with stream `s`.
async fn with_stream(world: &Rehearsal) {
    ok(world, "CreateLogGroup", json!({"logGroupName": "g"})).await;
    ok(world, "CreateLogStream", json!({"logGroupName": "g", "logStreamName": "s"})).await;
}

async fn put(world: &Rehearsal, stream: &str, events: &[(i64, &str)]) -> Value {
    let now = world.now().as_millisecond();
    let events: Vec<Value> =
        events.iter().map(|(offset, text)| json!({"timestamp": now + offset, "message": text})).collect();
    ok(world, "PutLogEvents", json!({"logGroupName": "g", "logStreamName": stream, "logEvents": events}))
        .await
}

fn messages(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

async fn rows(world: &Rehearsal, kind: Kind) -> usize {
    world.store.scan(kind, Scan { prefix: "", after: None, limit: 1_000 }).await.unwrap().len()
}

#[tokio::test]
async fn groups_and_streams() {
    let world = world().await;
    with_stream(&world).await;
    let exists = "ResourceAlreadyExistsException";
    refused(
        call(&world, "CreateLogGroup", json!({"logGroupName": "g"})).await,
        exists,
        "The specified log group already exists",
    );
    refused(
        call(&world, "CreateLogStream", json!({"logGroupName": "g", "logStreamName": "s"})).await,
        exists,
        "The specified log stream already exists",
    );
    refused(
        call(&world, "CreateLogGroup", json!({"logGroupName": "x".repeat(513)})).await,
        "InvalidParameterException",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    );
    refused(
        call(&world, "CreateLogStream", json!({"logGroupName": "none", "logStreamName": "s"})).await,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    );
    refused(
        call(&world, "CreateLogGroup", json!({"logGroupName": "a b"})).await,
        "InvalidParameterException",
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    );
    ok(&world, "CreateLogGroup", json!({"logGroupName": "/aws/x", "tags": {"env": "test"}})).await;
    ok(&world, "PutRetentionPolicy", json!({"logGroupName": "/aws/x", "retentionInDays": 7})).await;
    let created = world.now().as_millisecond();
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/x";
    let answer = ok(&world, "DescribeLogGroups", json!({"logGroupNamePrefix": "/aws"})).await;
    assert_eq!(
        answer,
        json!({"logGroups": [{"logGroupName": "/aws/x", "creationTime": created, "retentionInDays": 7,
            "metricFilterCount": 0, "arn": format!("{arn}:*"), "storedBytes": 0, "logGroupClass": "STANDARD",
            "logGroupArn": arn, "deletionProtectionEnabled": false}]})
    );
    let page = ok(&world, "DescribeLogGroups", json!({"limit": 1})).await;
    assert_eq!(page["logGroups"][0]["logGroupName"], "/aws/x");
    let page = ok(&world, "DescribeLogGroups", json!({"limit": 1, "nextToken": page["nextToken"]})).await;
    assert_eq!(page["logGroups"][0]["logGroupName"], "g");
    assert_eq!(page["nextToken"], Value::Null);

    let tagged = json!({"resourceArn": arn, "tags": {"team": "a"}});
    ok(&world, "TagResource", tagged).await;
    ok(&world, "UntagResource", json!({"resourceArn": arn, "tagKeys": ["env"]})).await;
    let tags = ok(&world, "ListTagsForResource", json!({"resourceArn": arn})).await;
    assert_eq!(tags, json!({"tags": {"team": "a"}}));
    refused(
        call(&world, "PutRetentionPolicy", json!({"logGroupName": "g", "retentionInDays": 2})).await,
        "InvalidParameterException",
        "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy \
         enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, \
         3288, 3653]",
    );
}

#[tokio::test]
async fn events_are_read_from_head_and_tail() {
    let world = world().await;
    with_stream(&world).await;
    put(&world, "s", &[(-7_200_000, "a"), (-3_600_000, "b"), (0, "d")]).await;
    put(&world, "s", &[(-1_000, "c"), (1_000, "e")]).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    let ask = |more: Value| {
        let mut body = stream.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let all = ok(&world, "GetLogEvents", stream.clone()).await;
    assert_eq!(messages(&all), ["a", "b", "c", "d", "e"]);
    assert_eq!(all["events"][0]["ingestionTime"], world.now().as_millisecond());

    let tail = ok(&world, "GetLogEvents", ask(json!({"limit": 2}))).await;
    assert_eq!(messages(&tail), ["d", "e"]);
    let before =
        ok(&world, "GetLogEvents", ask(json!({"limit": 2, "nextToken": tail["nextBackwardToken"]}))).await;
    assert_eq!(messages(&before), ["b", "c"]);
    let again =
        ok(&world, "GetLogEvents", ask(json!({"limit": 2, "nextToken": before["nextForwardToken"]}))).await;
    assert_eq!(messages(&again), ["d", "e"]);
    let end = ok(&world, "GetLogEvents", ask(json!({"nextToken": again["nextForwardToken"]}))).await;
    assert_eq!(messages(&end), [""; 0]);
    assert_eq!(end["nextForwardToken"], again["nextForwardToken"]);

    let head = ok(&world, "GetLogEvents", ask(json!({"limit": 1, "startFromHead": true}))).await;
    assert_eq!(messages(&head), ["a"]);
    let now = world.now().as_millisecond();
    let some =
        ok(&world, "GetLogEvents", ask(json!({"startTime": now - 1_000, "endTime": now + 1_000}))).await;
    assert_eq!(messages(&some), ["c", "d"]);
    refused(
        call(&world, "GetLogEvents", ask(json!({"nextToken": "x"}))).await,
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    );
    refused(
        call(&world, "GetLogEvents", ask(json!({"limit": 10_001}))).await,
        "InvalidParameterException",
        "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value \
         less than or equal to 10000",
    );
    let streams = ok(&world, "DescribeLogStreams", json!({"logGroupName": "g"})).await;
    assert_eq!(streams["logStreams"][0]["firstEventTimestamp"], now - 7_200_000);
    assert_eq!(streams["logStreams"][0]["lastEventTimestamp"], now + 1_000);
    assert_eq!(streams["logStreams"][0]["storedBytes"], 0);
    let groups = ok(&world, "DescribeLogGroups", json!({})).await;
    assert_eq!(groups["logGroups"][0]["storedBytes"], 5 * 27);
}

#[tokio::test]
async fn filtering_interleaves_streams_and_pages() {
    let world = world().await;
    with_stream(&world).await;
    ok(&world, "CreateLogStream", json!({"logGroupName": "g", "logStreamName": "t"})).await;
    put(&world, "s", &[(0, "ERROR s0"), (2, "fine"), (4, "ERROR s4")]).await;
    put(&world, "t", &[(1, "ERROR t1"), (3, "ERROR t3")]).await;
    let mut found = Vec::new();
    let mut body = json!({"logGroupName": "g", "filterPattern": "ERROR", "limit": 2});
    loop {
        let page = ok(&world, "FilterLogEvents", body.clone()).await;
        found.extend(messages(&page).iter().map(|text| (*text).to_owned()));
        assert_eq!(page["searchedLogStreams"], json!([]));
        match &page["nextToken"] {
            Value::Null => break,
            token => body["nextToken"] = token.clone(),
        }
    }
    assert_eq!(found, ["ERROR s0", "ERROR t1", "ERROR t3", "ERROR s4"]);
    let only = json!({"logGroupName": "g", "logStreamNames": ["t"], "filterPattern": "t3"});
    let page = ok(&world, "FilterLogEvents", only).await;
    assert_eq!(messages(&page), ["ERROR t3"]);
    assert_eq!(page["events"][0]["eventId"].as_str().unwrap().len(), 56);
    let by_prefix = json!({"logGroupName": "g", "logStreamNamePrefix": "s", "filterPattern": ""});
    assert_eq!(messages(&ok(&world, "FilterLogEvents", by_prefix).await), ["ERROR s0", "fine", "ERROR s4"]);
    body["filterPattern"] = json!("other");
    body["nextToken"] = json!("AAAA");
    refused(
        call(&world, "FilterLogEvents", body).await,
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    );
}

fn filter(name: &str, pattern: &str, transformation: Value) -> Value {
    json!({"logGroupName": "g", "filterName": name, "filterPattern": pattern,
        "metricTransformations": [transformation]})
}

#[tokio::test]
async fn metric_filters_count_what_is_put_after_them() {
    let world = world().await;
    with_stream(&world).await;
    put(&world, "s", &[(0, "ERROR before")]).await;
    let counter =
        json!({"metricName": "Errors", "metricNamespace": "App", "metricValue": "1", "defaultValue": 0});
    ok(&world, "PutMetricFilter", filter("f", "ERROR", counter.clone())).await;
    put(&world, "s", &[(0, "ERROR one"), (1, "fine"), (2, "ERROR two")]).await;
    let points = world.entries(EntryKind::Points).await;
    assert_eq!(points.len(), 1);
    let points = Points::read(&points[0]).unwrap();
    assert_eq!(points.namespace, "App");
    assert_eq!(points.points[0].metric_name, "Errors");
    assert_eq!(points.points[0].value, PointValue::Many(vec![(0.0, 1.0), (1.0, 2.0)]));

    let shown = ok(&world, "DescribeMetricFilters", json!({"logGroupName": "g"})).await;
    assert_eq!(
        shown,
        json!({"metricFilters": [{"filterName": "f", "filterPattern": "ERROR", "logGroupName": "g",
            "creationTime": world.now().as_millisecond(), "applyOnTransformedLogs": false,
            "metricTransformations": [{"metricName": "Errors", "metricNamespace": "App", "metricValue": "1",
                "defaultValue": 0.0}]}]})
    );
    let by_metric = json!({"metricName": "Errors", "metricNamespace": "Other"});
    assert_eq!(ok(&world, "DescribeMetricFilters", by_metric).await, json!({"metricFilters": []}));
    ok(&world, "DeleteMetricFilter", json!({"logGroupName": "g", "filterName": "f"})).await;
    put(&world, "s", &[(0, "ERROR three")]).await;
    assert_eq!(world.entries(EntryKind::Points).await.len(), 1);
    refused(
        call(&world, "DeleteMetricFilter", json!({"logGroupName": "g", "filterName": "f"})).await,
        "ResourceNotFoundException",
        "The specified metric filter does not exist.",
    );
    let two = json!({"logGroupName": "g", "filterName": "f", "filterPattern": "x", "metricTransformations": [
        {"metricName": "metric1", "metricNamespace": "namespace1", "metricValue": "1"},
        {"metricName": "metric2", "metricNamespace": "namespace2", "metricValue": "1"}]});
    refused(
        call(&world, "PutMetricFilter", two).await,
        "InvalidParameterException",
        "1 validation error detected: Value '[MetricTransformation(metricName=metric1, metricNamespace=namespace1, \
         metricValue=1, defaultValue=null, unit=null, dimensions=null), MetricTransformation(metricName=metric2, \
         metricNamespace=namespace2, metricValue=1, defaultValue=null, unit=null, dimensions=null)]' at \
         'metricTransformations' failed to satisfy constraint: Member must have length less than or equal to 1",
    );
    refused(
        call(&world, "PutMetricFilter", filter("f", "a:b", counter)).await,
        "InvalidParameterException",
        "Invalid character(s) in term 'a:b'",
    );
}

#[tokio::test]
async fn a_name_used_again_begins_empty() {
    let world = world().await;
    with_stream(&world).await;
    put(&world, "s", &[(0, "old")]).await;
    world.settle().await;
    ok(&world, "DeleteLogStream", json!({"logGroupName": "g", "logStreamName": "s"})).await;
    ok(&world, "CreateLogStream", json!({"logGroupName": "g", "logStreamName": "s"})).await;
    put(&world, "s", &[(0, "new")]).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    assert_eq!(messages(&ok(&world, "GetLogEvents", stream.clone()).await), ["new"]);
    ok(&world, "DeleteLogGroup", json!({"logGroupName": "g"})).await;
    refused(
        call(&world, "GetLogEvents", stream.clone()).await,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    );
    world.advance(SignedDuration::from_secs(1)).await;
    for kind in [STREAM, STATS, CHUNK, GARBAGE] {
        assert_eq!(rows(&world, kind).await, 0, "{kind:?}");
    }
    with_stream(&world).await;
    assert_eq!(messages(&ok(&world, "GetLogEvents", stream).await), [""; 0]);
}

#[tokio::test]
async fn retention_hides_and_then_removes() {
    let world = world().await;
    with_stream(&world).await;
    put(&world, "s", &[(-36 * 3_600_000, "old")]).await;
    put(&world, "s", &[(0, "new")]).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    assert_eq!(messages(&ok(&world, "GetLogEvents", stream.clone()).await), ["old", "new"]);
    ok(&world, "PutRetentionPolicy", json!({"logGroupName": "g", "retentionInDays": 1})).await;
    assert_eq!(messages(&ok(&world, "GetLogEvents", stream.clone()).await), ["new"]);
    let rejected = put(&world, "s", &[(-23 * 3_600_000 - 3_700_000, "late")]).await;
    assert_eq!(rejected["rejectedLogEventsInfo"], json!({"expiredLogEventEndIndex": 1}));
    world.advance(SignedDuration::from_hours(25)).await;
    assert_eq!(rows(&world, CHUNK).await, 1);
    world.advance(SignedDuration::from_hours(25)).await;
    assert_eq!(rows(&world, CHUNK).await, 0);
    ok(&world, "DeleteRetentionPolicy", json!({"logGroupName": "g"})).await;
    assert_eq!(messages(&ok(&world, "GetLogEvents", stream).await), [""; 0]);
}

#[tokio::test]
async fn a_trail_feeds_its_group_and_the_guides_filter_counts() {
    let world = world().await;
    ok(&world, "CreateLogGroup", json!({"logGroupName": "g"})).await;
    let pattern = r#"{ $.eventSource = kms* && $.errorMessage = "* is pending deletion."}"#;
    let counter = json!({"metricName": "PendingUse", "metricNamespace": "Trail", "metricValue": "1"});
    ok(&world, "PutMetricFilter", filter("f", pattern, counter)).await;
    let trail = TrailRecord {
        name: "t".into(),
        account: ACCOUNT.into(),
        home_region: REGION.into(),
        s3_bucket_name: "b".into(),
        s3_key_prefix: None,
        sns_topic_arn: None,
        include_global_service_events: true,
        is_multi_region: true,
        log_file_validation: false,
        cloud_watch_logs_log_group_arn: Some("arn:aws:logs:us-east-1:000000000000:log-group:g:*".into()),
        cloud_watch_logs_role_arn: None,
        kms_key_id: None,
        tags: Default::default(),
        selectors: None,
        advanced_selectors: None,
        started: Some(world.now()),
        stopped: None,
        spell: 0,
        started_after: None,
        stopped_after: None,
    };
    let mut tx = Transaction::new(&world.store);
    tx.put(TRAIL, &record::key(&Partition::new(ACCOUNT, REGION), "t"), &trail).unwrap();
    tx.commit().await.unwrap();
    let pending = json!({"eventSource": "kms.amazonaws.com", "eventName": "Encrypt", "errorCode": "KMSInvalidStateException",
        "errorMessage": "arn:aws:kms:us-east-1:000000000000:key/1 is pending deletion."});
    world.record(&pending).await;
    world.record(&json!({"eventSource": "kms.amazonaws.com", "eventName": "Encrypt"})).await;
    let found = ok(&world, "FilterLogEvents", json!({"logGroupName": "g", "filterPattern": pattern})).await;
    assert_eq!(found["events"].as_array().unwrap().len(), 1);
    assert_eq!(found["events"][0]["logStreamName"], "000000000000_CloudTrail_us-east-1");
    assert_eq!(found["events"][0]["message"], pending.to_string());
    let entries = world.entries(EntryKind::Points).await;
    let points: Vec<Points> = entries.iter().map(|entry| Points::read(entry).unwrap()).collect();
    let (logs, filtered): (Vec<_>, Vec<_>) =
        points.into_iter().partition(|points| points.namespace == "AWS/Logs");
    assert_eq!(filtered.len(), 1);
    assert_eq!(filtered[0].points[0].value, PointValue::One(1.0));
    let incoming = |name: &str| {
        let of_group = logs.iter().flat_map(|points| &points.points);
        let of_group = of_group.filter(|point| point.metric_name == name && !point.dimensions.is_empty());
        of_group.map(|point| if let PointValue::One(value) = point.value { value } else { 0.0 }).sum::<f64>()
    };
    assert_eq!(incoming("IncomingLogEvents"), 2.0);
    assert!(incoming("IncomingBytes") > pending.to_string().len() as f64);
    let all = ok(
        &world,
        "GetLogEvents",
        json!({"logGroupName": "g", "logStreamName": "000000000000_CloudTrail_us-east-1"}),
    )
    .await;
    assert_eq!(messages(&all).len(), 2);
}

/// What was taken in stays taken in: a follower that opens again neither repeats nor forgets.
#[tokio::test]
async fn a_follower_resumes_where_it_stopped() {
    let world = Rehearsal::begin(async |_| Ok(Vec::new())).await;
    with_stream(&world).await;
    ok(
        &world,
        "PutMetricFilter",
        filter("f", "ERROR", json!({"metricName": "m", "metricNamespace": "n", "metricValue": "1"})),
    )
    .await;
    put(&world, "s", &[(0, "ERROR one")]).await;
    for (text, filed) in [("ERROR two", 1), ("ERROR three", 2)] {
        let mut follower = LogsFollower::open(world.store.clone()).await.unwrap();
        let new = world.store.read_log(follower.position(), 1 << 20).await.unwrap();
        follower.follow(&new, world.now()).await.unwrap();
        drop(follower);
        assert_eq!(rows(&world, CHUNK).await, filed);
        put(&world, "s", &[(0, text)]).await;
    }
    let points = world.store.read_log(0, 1 << 20).await.unwrap();
    assert_eq!(points.iter().filter(|entry| entry.kind == EntryKind::Points).count(), 2);
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_last_event() {
    let world = world().await;
    ok(&world, "CreateLogGroup", json!({"logGroupName": "g"})).await;
    for stream in ["a", "b", "c"] {
        ok(&world, "CreateLogStream", json!({"logGroupName": "g", "logStreamName": stream})).await;
    }
    put(&world, "b", &[(5, "x")]).await;
    put(&world, "a", &[(9, "x")]).await;
    for (body, want) in [
        (json!({}), "abc"),
        (json!({"descending": true}), "cba"),
        (json!({"orderBy": "LastEventTime"}), "cba"),
        (json!({"orderBy": "LastEventTime", "descending": true}), "abc"),
        (json!({"logStreamNamePrefix": "b"}), "b"),
    ] {
        let mut listed = String::new();
        let mut body = body;
        body["logGroupName"] = json!("g");
        body["limit"] = json!(2);
        loop {
            let page = ok(&world, "DescribeLogStreams", body.clone()).await;
            for stream in page["logStreams"].as_array().unwrap() {
                listed.push_str(stream["logStreamName"].as_str().unwrap());
            }
            match &page["nextToken"] {
                Value::Null => break,
                token => body["nextToken"] = token.clone(),
            }
        }
        assert_eq!(listed, want, "{body}");
    }
}

#[tokio::test]
async fn patterns_are_tried_without_a_group() {
    let world = world().await;
    let answer = ok(
        &world,
        "TestMetricFilter",
        json!({"filterPattern": "[ip, status=4*]", "logEventMessages": ["1.2.3.4 200", "1.2.3.4 404"]}),
    )
    .await;
    assert_eq!(
        answer,
        json!({"matches": [{"eventNumber": 2, "eventMessage": "1.2.3.4 404",
            "extractedValues": {"$ip": "1.2.3.4", "$status": "404"}}]})
    );
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = world().await;
    let fault = call(&world, "StartQuery", json!({})).await.unwrap_err();
    assert_eq!(fault.code, "UnknownOperationException");
}
