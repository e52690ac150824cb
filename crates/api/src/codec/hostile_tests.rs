//! Bodies that no client of AWS sends, in each protocol: every one is a request or a `SerializationException`.

use std::collections::BTreeMap;

use ciborium::Value;

use super::*;

crate::shape! {
    pub struct Inner: Pascal { key: String, value: Option<String> }
}
crate::shape! {
    pub struct Ask: Pascal {
        name: Option<String>,
        count: Option<i32>,
        size: Option<i64>,
        ratio: Option<crate::Number>,
        when: Option<crate::WireTime>,
        bytes: Option<crate::Blob>,
        inner: Option<Inner>,
        inners: Option<Vec<Inner>>,
        map: Option<BTreeMap<String, String>>,
    }
}

/// The code of the refusal, or nothing when the body is a request.
fn refusal(protocol: Protocol, body: &[u8]) -> Option<String> {
    let wire = Wire { protocol, service: Service::CloudWatch, operation: "Ask", request_id: "r", body };
    wire.decode::<Ask>().err().map(|fault| fault.code.into_owned())
}

#[track_caller]
fn check(protocol: Protocol, body: &[u8], want: Option<&str>) {
    let got = refusal(protocol, body);
    let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
    assert_eq!(got.as_deref(), want, "{protocol:?} {start}");
}

const BROKEN: Option<&str> = Some("SerializationException");
const INVALID: Option<&str> = Some("ValidationException");

#[test]
fn json() {
    let deep_unknown = format!(r#"{{"Else":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let deep_known = format!(r#"{{"Inners":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let deeper_unknown = format!(r#"{{"Else":{}"#, r#"{"a":"#.repeat(100_000));
    for (body, want) in [
        // Structures are objects, at every depth.
        (r#"["a"]"#, BROKEN),
        (r#"{"Inner":["k","v"]}"#, BROKEN),
        (r#"{"Inner":[]}"#, BROKEN),
        (r#"{"Inners":[["k","v"]]}"#, BROKEN),
        (r#"{"Inners":{"Key":"k"}}"#, BROKEN),
        (r#"{"Inner":"k"}"#, BROKEN),
        (r#"{"Inner":{}}"#, INVALID),
        (r#"{"Map":["a","b"]}"#, BROKEN),
        (r#"{"Map":[["a","b"]]}"#, BROKEN),
        // Null is absence; of an element it is a violation.
        (
            r#"{"Name":null,"Count":null,"Inner":null,"Inners":null,"Map":null,"When":null,"Bytes":null}"#,
            None,
        ),
        (r#"{"Inner":{"Key":null}}"#, INVALID),
        (r#"{"Inners":[null]}"#, INVALID),
        (r#"{"Map":{"a":null}}"#, INVALID),
        ("null", BROKEN),
        // Which of two values is meant nobody can know.
        (r#"{"Name":"a","Name":"b"}"#, BROKEN),
        (r#"{"Inner":{"Key":"a","Key":"b"}}"#, BROKEN),
        (r#"{"Else":1,"Else":2}"#, None),
        // Depth.
        (&deep_unknown, None),
        (&deep_known, BROKEN),
        (&deeper_unknown, BROKEN),
        // Numbers.
        (r#"{"Count":2147483648}"#, BROKEN),
        (r#"{"Count":-2147483649}"#, BROKEN),
        (r#"{"Count":1.5}"#, BROKEN),
        (r#"{"Count":"1"}"#, BROKEN),
        (r#"{"Size":9223372036854775807}"#, None),
        (r#"{"Size":9223372036854775808}"#, BROKEN),
        (r#"{"Size":1e400}"#, BROKEN),
        (r#"{"Ratio":1e400}"#, BROKEN),
        (r#"{"Ratio":NaN}"#, BROKEN),
        (r#"{"Ratio":"NaN"}"#, None),
        (r#"{"When":"NaN"}"#, BROKEN),
        (r#"{"When":1e300}"#, BROKEN),
        (r#"{"When":-99999999999999}"#, BROKEN),
        (r#"{"Else":1e400}"#, None),
        // Texts.
        (r#"{"Name":"\ud800"}"#, BROKEN),
        (r#"{"Name":"\udc00\ud800"}"#, BROKEN),
        (r#"{"Name":"\ud83d\ude00"}"#, None),
        ("{\"Name\":\"a\u{0}b\"}", BROKEN),
        (r#"{"Name":"a\u0000b"}"#, None),
        (r#"{"Bytes":"%%%"}"#, BROKEN),
        (r#"{"Bytes":"YQ"}"#, BROKEN),
        (r#"{"Bytes":[1,2]}"#, BROKEN),
        (r#"{} {}"#, BROKEN),
        (r#"{"Name":"a",}"#, BROKEN),
        ("\u{feff}{}", BROKEN),
    ] {
        check(Protocol::Json11, body.as_bytes(), want);
    }
    check(Protocol::Json11, b"{\"Name\":\"\xff\xfe\"}", BROKEN);
    check(Protocol::Json11, b"{\"\xff\":1}", BROKEN);
    check(Protocol::Json11, b"{\"Name\":\"\xed\xa0\x80\"}", BROKEN);
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("in memory");
    bytes
}

fn map(members: &[(&str, Value)]) -> Value {
    Value::Map(members.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
}

#[test]
fn cbor_values() {
    let pair = Value::Array(vec!["k".into(), "v".into()]);
    for (members, want) in [
        (vec![("Inner", pair.clone())], BROKEN),
        (vec![("Inners", Value::Array(vec![pair]))], BROKEN),
        (vec![("Inner", map(&[]))], INVALID),
        (vec![("Name", Value::Null), ("Inner", Value::Null), ("Map", Value::Null)], None),
        (vec![("Inners", Value::Array(vec![Value::Null]))], INVALID),
        (vec![("Name", "a".into()), ("Name", "b".into())], BROKEN),
        (vec![("Else", "a".into()), ("Else", "b".into())], None),
        (vec![("Count", 2_147_483_648_i64.into())], BROKEN),
        (vec![("Size", Value::Integer(u64::MAX.into()))], BROKEN),
        (vec![("Count", 1.5.into())], BROKEN),
        (vec![("Ratio", f64::NAN.into())], None),
        (vec![("When", f64::NAN.into())], BROKEN),
        (vec![("When", Value::Tag(1, Box::new(f64::INFINITY.into())))], BROKEN),
        (vec![("When", Value::Tag(1, Box::new(1.25.into())))], None),
        (vec![("Bytes", Value::Bytes(vec![1, 2]))], None),
        (vec![("Name", Value::Bytes(vec![0xff]))], BROKEN),
        (vec![("Name", 5.into())], BROKEN),
    ] {
        check(Protocol::Cbor, &cbor(&map(&members)), want);
    }
    check(Protocol::Cbor, &cbor(&Value::Array(vec!["a".into()])), BROKEN);
    check(Protocol::Cbor, &cbor(&Value::Null), BROKEN);
}

#[test]
fn cbor_bytes() {
    /// `{"Name": …` and `{"Else": …`
    const NAME: &[u8] = b"\xa1\x64Name";
    const ELSE: &[u8] = b"\xa1\x64Else";
    let deep = |count: usize| [ELSE, &vec![0x81; count], &[0xf6]].concat();
    for (body, want) in [
        (b"\xa0".to_vec(), None),
        (b"\xbf\xff".to_vec(), None),
        // Text that is not UTF-8.
        ([NAME, b"\x62\xff\xfe"].concat(), BROKEN),
        // Lengths that promise more than there is.
        ([NAME, b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff"].concat(), BROKEN),
        ([b"\xa1\x65Bytes".as_slice(), b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"].concat(), BROKEN),
        ([b"\xa1\x66Inners".as_slice(), b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"].concat(), BROKEN),
        (b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), BROKEN),
        // A text in pieces.
        ([NAME, b"\x7f\x61a\x61b\xff"].concat(), None),
        (deep(100), None),
        (deep(100_000), BROKEN),
        (b"\xff".to_vec(), BROKEN),
        (b"\x1c".to_vec(), BROKEN),
    ] {
        check(Protocol::Cbor, &body, want);
    }
}

#[test]
fn forms() {
    let deep = format!("Else{}=1", ".a".repeat(100));
    let many = "a=1&".repeat(30_000);
    for (body, want) in [
        (&b"Inner.Key=k&Inner.Value=v"[..], None),
        (b"Inner.Value=v", INVALID),
        (b"Inners.member.1=k", INVALID),
        (b"Inners.member.1.member.1=k", INVALID),
        (b"Inners.member.4294967296.Key=k", BROKEN),
        (b"Inners.member.-1.Key=k", BROKEN),
        (b"Name=a&Name=b", None),
        (b"Name=", None),
        (b"Name.x=1", BROKEN),
        (b"Count=2147483648", BROKEN),
        (b"Count=", BROKEN),
        (b"Count=NaN", BROKEN),
        (b"Ratio=NaN", None),
        (b"When=NaN", BROKEN),
        (b"When=tomorrow", BROKEN),
        (b"Bytes=%25", BROKEN),
        (b"Map.entry.1.key=a", BROKEN),
        (b"Map.entry.1.value=a", BROKEN),
        (b"Map.entry.1.key=a&Map.entry.1.value=b", None),
        (b"Name=%ED%A0%80", BROKEN),
        (b"Name=\xff", BROKEN),
        (b"%=1", BROKEN),
        (b"&&&=&=", None),
        (deep.as_bytes(), BROKEN),
        (many.as_bytes(), BROKEN),
    ] {
        check(Protocol::Query, body, want);
    }
}
