//! The protocols at their rims: what is malformed or unknown gets AWS's error, never a 500.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use keywatch_api::Service;
use keywatch_server::wire::body::INFLATED_BYTES_MAX;
use serde_json::json;

use crate::client::{Ask, Reply};
use crate::server::Server;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("in memory");
    encoder.finish().expect("in memory")
}

fn clock(body: &[u8]) -> Ask<'static> {
    Ask { body: body.to_vec(), ..Ask::json(Service::Keywatch, "AdvanceClock", &json!({})) }
}

#[test]
fn malformed_bodies_get_the_error_of_their_protocol() {
    let server = Server::start(&[]);
    let root = server.as_root();
    for body in ["{", "[]", "nothing", "{\"Seconds\":\"ten\"}", "{\"Seconds\":1e99}", "\u{feff}{}", "null"] {
        let reply = root.send(clock(body.as_bytes()));
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "SerializationException"),
            "{body}: {reply:?}"
        );
    }
    let reply = root.send(clock(b"{}"));
    assert_eq!((reply.status, reply.code().as_str()), (400, "ValidationException"), "{reply:?}");
    let form = Ask {
        body: b"Action=GetCallerIdentity&x=%zz".to_vec(),
        ..Ask::query(Service::Sts, "GetCallerIdentity", "")
    };
    let reply = root.send(form);
    assert_eq!((reply.status, reply.code().as_str()), (400, "MalformedInput"), "{reply:?}");
}

#[test]
fn unknown_operations_are_said_to_be_unknown() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let reply = root.json(Service::Keywatch, "Nothing", &json!({}));
    assert_eq!((reply.status, reply.code().as_str()), (400, "UnknownOperationException"));
    let reply = root.query(Service::Iam, "Nothing", "");
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidAction"));
    assert_eq!(reply.element("Message"), Some("Could not find operation Nothing for version 2010-05-08"));
    let reply = root.send(Ask { target: "/elsewhere", ..Ask::query(Service::Sts, "GetCallerIdentity", "") });
    assert_eq!(reply.status, 200, "services of the query protocol answer on any path: {reply:?}");
}

#[test]
fn answers_name_their_request() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let reply = root.query(Service::Sts, "GetCallerIdentity", "");
    assert_eq!(reply.header("x-amzn-requestid"), reply.element("RequestId").expect("in the metadata"));
    assert_eq!(reply.header("content-type"), "text/xml");
    let reply = root.json(Service::Keywatch, "DescribeClock", &json!({}));
    assert_eq!(reply.header("x-amzn-requestid").len(), 36);
    assert_eq!(reply.header("content-type"), "application/x-amz-json-1.1");
}

#[test]
fn bodies_may_be_gzip() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let send = |body: Vec<u8>| -> Reply {
        let mut ask = Ask { body, ..Ask::json(Service::Keywatch, "DescribeClock", &json!({})) };
        ask.headers.push(("content-encoding", "gzip".to_owned()));
        root.send(ask)
    };
    assert_eq!(send(gzip(b"{}")).status, 200);
    let reply = send(b"{}".to_vec());
    assert_eq!((reply.status, reply.code().as_str()), (400, "SerializationException"));
    // Many small members are one body, and quicker to make than a large one.
    let member = gzip(&[b' '; 64 << 10]);
    let bomb = send(member.repeat((INFLATED_BYTES_MAX >> 16) + 1));
    assert_eq!((bomb.status, bomb.code().as_str()), (413, "RequestEntityTooLargeException"));
}

#[test]
fn a_presigned_url_is_a_signature_too() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let reply = root.send(Ask {
        method: "GET",
        target: "/?Action=GetCallerIdentity&Version=2011-06-15",
        ..Ask::post("sts", Vec::new())
    });
    assert_eq!(reply.element("Account"), Some("000000000000"), "{reply:?}");
    let unsigned =
        b"GET /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(crate::client::exchange(&root.authority, unsigned).code(), "MissingAuthenticationToken");
}

#[test]
fn cbor_is_spoken() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let ask = |operation: &'static str, body: &[u8]| Ask {
        target: operation,
        headers: vec![
            ("content-type", "application/cbor".to_owned()),
            ("smithy-protocol", "rpc-v2-cbor".to_owned()),
        ],
        ..Ask::post("keywatch", body.to_vec())
    };
    let reply = root.send(ask("/service/Keywatch_20261101/operation/DescribeClock", b"\xa0"));
    assert_eq!((reply.status, reply.header("smithy-protocol")), (200, "rpc-v2-cbor"), "{reply:?}");
    let reply = root.send(ask("/service/Keywatch_20261101/operation/DescribeClock", b"\xff"));
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("SerializationException"), "{reply:?}");
    let reply = root.send(ask("/service/Keywatch_20261101/operation/Nothing", b"\xa0"));
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("UnknownOperationException"), "{reply:?}");
}
