//! Heads as SDKs send them, and heads that nobody should send.

use super::*;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn with_head<R>(
    method: &Method,
    target: &str,
    pairs: &[(&'static str, &str)],
    run: impl FnOnce(Head<'_>) -> R,
) -> R {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, value.parse().expect("a header"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    run(Head { method, path, query, headers: &headers })
}

#[test]
fn the_head_tells_where_a_request_goes() {
    let s3 = signed("s3");
    let kms = signed("kms");
    check(&Method::GET, "/health", &[], Destination::Health);
    check(&Method::GET, "/confirmation.html?Token=x", &[], Destination::Page);
    check(&Method::GET, "/SimpleNotificationService-00.pem", &[], Destination::Page);
    check(&Method::GET, "/bucket/key", &[], Destination::Buckets);
    check(&Method::PUT, "/bucket", &[("authorization", &s3)], Destination::Buckets);
    check(&Method::POST, "/", &[("authorization", &kms)], Destination::Operation);
    check(&Method::POST, "/", &[("x-amz-target", "TrentService.Encrypt")], Destination::Operation);
    check(&Method::GET, "/?Action=ConfirmSubscription", &[], Destination::Operation);
    check(
        &Method::GET,
        "/b/k?X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request",
        &[],
        Destination::Buckets,
    );
    check(&Method::POST, "/000000000000/queue", &[FORM], Destination::Operation);

    fn check(method: &Method, target: &str, headers: &[(&'static str, &str)], want: Destination) {
        assert_eq!(with_head(method, target, headers, |head| head.destination()), want, "{method} {target}");
    }
}

#[test]
fn operations_are_found_in_each_protocol() {
    let sts = signed("sts");
    let iam = signed("iam");
    check(
        &Method::POST,
        "/",
        &[FORM, ("authorization", &sts)],
        "Action=GetCallerIdentity&Version=2011-06-15",
        "sts GetCallerIdentity Query",
    );
    check(&Method::POST, "/", &[FORM], "Version=2010-05-08&Action=CreateUser", "iam CreateUser Query");
    check(&Method::GET, "/?Action=GetUser", &[("authorization", &iam)], "", "iam GetUser Query");
    check(&Method::POST, "/", &[FORM], "Action=ListUsers", "iam ListUsers Query");

    fn check(method: &Method, target: &str, headers: &[(&'static str, &str)], body: &str, want: &str) {
        let route = with_head(method, target, headers, |head| head.route(body.as_bytes())).expect("routable");
        let info = route.operation.info();
        assert_eq!(format!("{} {} {:?}", info.service, info.name, route.protocol), want);
    }
}

#[test]
fn only_log_files_may_be_large() {
    let bytes_max = |target| {
        with_head(&Method::POST, "/", &[JSON, ("x-amz-target", target)], |head| head.body_bytes_max())
    };
    assert_eq!(bytes_max("Keywatch_20261101.ImportTrail"), IMPORT_BYTES_MAX);
    for other in ["Keywatch_20261101.DescribeImports", "TrentService.Encrypt", ""] {
        assert_eq!(bytes_max(other), BODY_BYTES_MAX, "{other}");
    }
}

#[test]
fn what_does_not_exist_is_refused_in_its_own_protocol() {
    let sts = signed("sts");
    let kms = signed("kms");
    check("/", &[JSON, ("x-amz-target", "TrentService.Nothing")], "{}", "Json11 UnknownOperationException");
    check("/", &[JSON, ("x-amz-target", "Nobody.Encrypt")], "{}", "Json11 UnknownOperationException");
    check("/", &[JSON, ("x-amz-target", "")], "{}", "Json11 UnknownOperationException");
    check("/", &[JSON, ("authorization", &kms)], "{}", "Json11 UnknownOperationException");
    check("/", &[("authorization", &sts), FORM], "Action=Nothing", "Query InvalidAction");
    check("/", &[("authorization", &sts), FORM], "", "Query MissingAction");
    check("/", &[FORM], "Action=Nothing", "Query InvalidAction");
    check("/service/Nobody/operation/Nothing", &[], "", "Cbor UnknownOperationException");
    check("/service/GraniteServiceVersion20100801", &[], "", "Cbor UnknownOperationException");

    fn check(target: &str, headers: &[(&'static str, &str)], body: &str, want: &str) {
        let refusal = with_head(&Method::POST, target, headers, |head| head.route(body.as_bytes()))
            .expect_err("unroutable");
        let code = match refusal.protocol {
            Protocol::Query => refusal.fault.code_in_query().to_owned(),
            _ => refusal.fault.code.to_string(),
        };
        assert_eq!(format!("{:?} {code}", refusal.protocol), want);
    }
}

#[test]
fn a_queue_may_be_named_by_the_path() {
    let sqs = signed("sqs");
    for (path, body, want) in [
        ("/1/q", "Action=PurgeQueue", "Action=PurgeQueue&QueueUrl=/1/q"),
        ("/1/q", "Action=PurgeQueue&QueueUrl=x", "Action=PurgeQueue&QueueUrl=x"),
        ("/", "Action=ListQueues", "Action=ListQueues"),
    ] {
        let route = with_head(&Method::POST, path, &[FORM, ("authorization", &sqs)], |head| {
            head.route(body.as_bytes())
        });
        let members = route.expect("routable").members(path, body.as_bytes()).into_owned();
        assert_eq!(String::from_utf8_lossy(&members), want);
    }
}
