//! Connections: kept alive, limited, drained.

use std::io::{Read, Write};
use std::net::TcpStream;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use keywatch_server::auth::signer::{Caller, sign};
use keywatch_server::clock::world_now;
use keywatch_server::data_dir;

use crate::client::exchange;
use crate::server::Server;

#[test]
fn health_needs_no_signature() {
    let server = Server::start(&[]);
    let authority = server.as_root().authority;
    let reply = exchange(&authority, b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.value()["status"], "ok");
}

#[test]
fn a_connection_serves_many_requests() {
    let server = Server::start(&[]);
    let mut stream = TcpStream::connect(server.as_root().authority).expect("a server");
    for _ in 0..3 {
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let mut answer = [0; 1024];
        let read = stream.read(&mut answer).expect("an answer");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200 OK"));
    }
}

#[test]
fn a_client_that_waits_for_a_continue_gets_it() {
    let server = Server::start(&[]);
    let mut stream = TcpStream::connect(server.as_root().authority).expect("a server");
    let head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\nx-amz-target: Keywatch_20261101.DescribeClock\r\n\r\n";
    stream.write_all(head).expect("sent");
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).expect("an interim answer");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("MissingAuthenticationTokenException"), "{answer}");
}

#[test]
fn sizes_are_limited() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let claimed = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: Keywatch_20261101.DescribeClock\r\ncontent-length: 99999999\r\n\r\n";
    assert_eq!(exchange(&root.authority, claimed).status, 413);
    let header = format!(
        "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: {}\r\n\r\n",
        "x".repeat(80 << 10)
    );
    assert_eq!(exchange(&root.authority, header.as_bytes()).status, 431);
    let many = "x: y\r\n".repeat(200);
    let many = format!("GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{many}\r\n");
    assert_eq!(exchange(&root.authority, many.as_bytes()).status, 431);
}

#[test]
fn a_stop_lets_answers_finish() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let idle = TcpStream::connect(&root.authority).expect("a server");
    let mut waiting = TcpStream::connect(&root.authority).expect("a server");
    let head = b"POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: Keywatch_20261101.DescribeClock\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    waiting.write_all(head).expect("sent");
    let mut interim = [0; 25];
    waiting.read_exact(&mut interim).expect("an interim answer");
    server.signal("TERM");
    // The listener is gone before the answers under way are finished.
    while TcpStream::connect(&root.authority).is_ok() {
        std::thread::yield_now();
    }
    waiting.write_all(b"{}").expect("sent");
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    drop(idle);
    let (status, _) = server.ended();
    assert!(status.success());
}

/// HTTP/2 with prior knowledge: the host that is signed travels as the authority.
#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let server = Server::start(&[]);
    let authority = server.as_root().authority;
    let key = data_dir::read_access_key(server.path()).expect("readable").expect("made at the start");
    let stream = tokio::net::TcpStream::connect(&authority).await.expect("a server");
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    for _ in 0..3 {
        let mut headers = HeaderMap::new();
        headers.insert("host", authority.parse().expect("a header"));
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().expect("a header"));
        let caller = Caller { id: &key.id, secret: key.secret.expose(), session_token: None };
        sign(&mut headers, "POST", "/", body.as_bytes(), &caller, "us-east-1", "sts", world_now())
            .expect("signed");
        headers.remove("host");
        let mut request = Request::post(format!("http://{authority}/"))
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        *request.headers_mut() = headers;
        let reply = sender.send_request(request).await.expect("an answer");
        let status = reply.status();
        let text = reply.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
    }
}
