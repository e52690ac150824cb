//! The published examples (Signature Version 4 test suite; IAM ListUsers and the S3 examples of the documentation),
//! a few made with botocore 1.43, and every way of being refused.

use super::*;
use http::HeaderMap;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const S3_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SUITE_TIME: &str = "20150830T123600Z";

struct Example {
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
    authorization: String,
}

fn suite(method: &'static str, target: &'static str, signed: &str, signature: &str) -> Example {
    Example {
        method,
        target,
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", SUITE_TIME)],
        body: b"",
        authorization: authorization("service", signed, signature),
    }
}

fn authorization(service: &str, signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={ID}/20150830/us-east-1/{service}/aws4_request, SignedHeaders={signed}, Signature={signature}"
    )
}

fn at(text: &str) -> Timestamp {
    parse_timestamp(text).expect("a time")
}

fn check(example: &Example, service: &str, secret: &str, now: &str, want: Result<(), SignatureError>) {
    let mut headers = HeaderMap::new();
    for (name, value) in example.headers {
        headers.append(*name, value.parse().expect("a header"));
    }
    if !example.authorization.is_empty() {
        headers.insert("authorization", example.authorization.parse().expect("a header"));
    }
    let (path, query) = example.target.split_once('?').unwrap_or((example.target, ""));
    let request = Received {
        method: example.method,
        path,
        query,
        headers: &headers,
        authority: None,
        body: example.body,
    };
    let claim = Claim::of(&headers, query).expect("a well-formed claim");
    let keys = SigningKeys::default();
    for round in ["derived", "cached"] {
        let outcome = verify(&request, &claim, service, secret, at(now), &keys);
        assert_eq!(outcome, want, "{} {} {round}", example.method, example.target);
    }
}

#[test]
fn published_examples_hold() {
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let signed = "host;x-amz-date";
    for target in ["/", "//", "/./", "/example/.."] {
        check(&suite("GET", target, signed, vanilla), "service", SECRET, SUITE_TIME, Ok(()));
    }
    let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
    check(&suite("POST", "/", signed, post), "service", SECRET, SUITE_TIME, Ok(()));
    let ordered = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
    let target = "/?Param2=value2&Param1=value1";
    check(&suite("GET", target, signed, ordered), "service", SECRET, SUITE_TIME, Ok(()));
}

#[test]
fn the_documented_iam_example_holds() {
    let example = Example {
        method: "GET",
        target: "/?Action=ListUsers&Version=2010-05-08",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", SUITE_TIME),
        ],
        body: b"",
        authorization: authorization(
            "iam",
            "content-type;host;x-amz-date",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    };
    check(&example, "iam", SECRET, SUITE_TIME, Ok(()));
}

fn encrypt(signed: &str, signature: &str) -> Example {
    Example {
        method: "POST",
        target: "/",
        headers: &[
            ("content-type", "application/x-amz-json-1.1"),
            ("host", "kms.us-east-1.amazonaws.com"),
            ("x-amz-date", SUITE_TIME),
            ("x-amz-security-token", "TOKEN/+="),
            ("x-amz-target", "TrentService.Encrypt"),
        ],
        body: b"{\"KeyId\":\"alias/a\"}",
        authorization: authorization("kms", signed, signature),
    }
}

const ENCRYPT_SIGNED: &str = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
const ENCRYPT_SIGNATURE: &str = "310c564e1f5e6690e60d1d1441971e46d9a351d8ac0556d1b5fa7ea934b19467";

#[test]
fn what_botocore_signs_holds() {
    check(&encrypt(ENCRYPT_SIGNED, ENCRYPT_SIGNATURE), "kms", SECRET, SUITE_TIME, Ok(()));
    let signature = "39ba6c43c82dd275885594effe20299a67c5f42bd105b3e6f5aaa2d73c54138a";
    let target = "/a%20b/../c?x=%20y&x=%2F";
    check(&suite("GET", target, "host;x-amz-date", signature), "service", SECRET, SUITE_TIME, Ok(()));
}

#[test]
fn the_documented_object_examples_hold() {
    let get = Example {
        method: "GET",
        target: "/test.txt",
        headers: &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", EMPTY_HASH),
            ("x-amz-date", "20130524T000000Z"),
        ],
        body: b"",
        authorization: "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41".to_owned(),
    };
    check(&get, "s3", S3_SECRET, "20130524T000000Z", Ok(()));
    check(&Example { body: b"x", ..get }, "s3", S3_SECRET, "20130524T000000Z", Err(SignatureError::Payload));
    let presigned = |target| Example {
        method: "GET",
        target,
        headers: &[("host", "examplebucket.s3.amazonaws.com")],
        body: b"",
        authorization: String::new(),
    };
    let good = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    check(&presigned(good), "s3", S3_SECRET, "20130524T235959Z", Ok(()));
    let expired = SignatureError::Expired(
        "20130524T000000Z is now earlier than 20130524T000001Z (20130525T000001Z - 86400 s.)".to_owned(),
    );
    check(&presigned(good), "s3", S3_SECRET, "20130525T000001Z", Err(expired));
}

#[test]
fn changes_and_strangers_are_refused() {
    let good = encrypt(ENCRYPT_SIGNED, ENCRYPT_SIGNATURE);
    check(&good, "kms", "another secret", SUITE_TIME, Err(SignatureError::Mismatch));
    let other_body =
        Example { body: b"{\"KeyId\":\"alias/b\"}", ..encrypt(ENCRYPT_SIGNED, ENCRYPT_SIGNATURE) };
    check(&other_body, "kms", SECRET, SUITE_TIME, Err(SignatureError::Mismatch));
    let other_method = Example { method: "PUT", ..encrypt(ENCRYPT_SIGNED, ENCRYPT_SIGNATURE) };
    check(&other_method, "kms", SECRET, SUITE_TIME, Err(SignatureError::Mismatch));
    for signature in ["", "zz", &ENCRYPT_SIGNATURE[1..], &ENCRYPT_SIGNATURE.replace('3', "4")] {
        check(&encrypt(ENCRYPT_SIGNED, signature), "kms", SECRET, SUITE_TIME, Err(SignatureError::Mismatch));
    }
    let unsigned_target = encrypt("content-type;host;x-amz-date;x-amz-security-token", ENCRYPT_SIGNATURE);
    check(&unsigned_target, "kms", SECRET, SUITE_TIME, Err(SignatureError::Mismatch));
}

#[test]
fn time_and_scope_are_checked() {
    let good = encrypt(ENCRYPT_SIGNED, ENCRYPT_SIGNATURE);
    check(&good, "kms", SECRET, "20150830T124100Z", Ok(()));
    let expired = "20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)";
    check(&good, "kms", SECRET, "20150830T124101Z", Err(SignatureError::Expired(expired.to_owned())));
    let early = "20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)";
    check(&good, "kms", SECRET, "20150830T123059Z", Err(SignatureError::NotYet(early.to_owned())));
    check(&good, "sns", SECRET, SUITE_TIME, Err(SignatureError::Service("sns".to_owned())));
    let scoped = |from: &str, to: &str| Example {
        authorization: good.authorization.replace(from, to),
        ..encrypt(ENCRYPT_SIGNED, ENCRYPT_SIGNATURE)
    };
    check(&scoped("us-east-1", ""), "kms", SECRET, SUITE_TIME, Err(SignatureError::Region));
    let terminator = SignatureError::Terminator("aws5".to_owned());
    check(&scoped("aws4_request", "aws5"), "kms", SECRET, SUITE_TIME, Err(terminator));
    let date = SignatureError::ScopeDate {
        scope: "20150829".to_owned(),
        timestamp: "20150830".to_owned(),
        full: SUITE_TIME.to_owned(),
    };
    check(&scoped("/20150830/", "/20150829/"), "kms", SECRET, SUITE_TIME, Err(date));
    // A year later in the documented window of another service.
    let iam = "20150830T123600Z is now earlier than 20160830T122100Z (20160830T123600Z - 15 min.)";
    let example = suite("GET", "/", "host;x-amz-date", ENCRYPT_SIGNATURE);
    check(&example, "service", SECRET, "20160830T123600Z", Err(SignatureError::Expired(iam.to_owned())));
}

#[test]
fn our_own_signature_is_the_one_we_accept() {
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost".parse().expect("a header"));
    let request =
        Received { method: "POST", path: "/", query: "", headers: &headers, authority: None, body: b"{}" };
    let value = authorization("kms", "host", "0");
    let mut dated = headers.clone();
    dated.insert("x-amz-date", SUITE_TIME.parse().expect("a header"));
    let claim = Claim::of_header(&value, &dated).expect("well formed");
    let signed = Claim { signature: signature(&request, &claim, SECRET).into(), ..claim };
    assert_eq!(verify(&request, &signed, "kms", SECRET, at(SUITE_TIME), &SigningKeys::default()), Ok(()));
}
