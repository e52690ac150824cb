//! TLS: the server's own certificate, the clients that trust it, and what its records say of a connection.

use std::process::Output;

use keywatch_server::data_dir;

use crate::server::{Server, keywatch};

fn run(server: &Server, arguments: &[&str]) -> Output {
    keywatch().args(arguments).arg("--data-dir").arg(server.path()).output().expect("the built binary")
}

#[test]
fn a_self_signed_certificate_is_made_once_and_trusted_by_its_clients() {
    let server = Server::start(&["--tls-self-signed", "--test-clock", "2026-01-01T00:00:00Z"]);
    assert!(server.endpoint.starts_with("https://127.0.0.1:"), "{}", server.endpoint);
    let bundle = data_dir::read_server(server.path()).expect("running").ca_bundle.expect("a certificate");
    let certificate = std::fs::read(&bundle).expect("readable");
    let shown = run(&server, &["clock", "advance", "1d"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "2026-01-02T00:00:00Z\n", "{shown:?}");
    let exports = String::from_utf8(run(&server, &["env"]).stdout).expect("text");
    assert!(exports.contains(&format!(" AWS_CA_BUNDLE={}", bundle.display())), "{exports}");
    let (status, directory) = server.stop();
    assert!(status.success());

    let server = Server::start_on(directory, &["--tls-self-signed", "--test-clock"]);
    assert_eq!(std::fs::read(&bundle).expect("readable"), certificate);
    let shown = run(&server, &["clock", "now"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "2026-01-02T00:00:00Z\n", "{shown:?}");
    let (_, directory) = server.stop();

    // The record of a call over TLS says so; read over a plain connection, which this test's client speaks.
    let server = Server::start_on(directory, &["--test-clock"]);
    let record = &crate::records::records(&server.as_root(), "AdvanceClock")[0];
    assert_eq!(record["tlsDetails"]["tlsVersion"], "TLSv1.3");
    assert!(record["tlsDetails"]["cipherSuite"].as_str().expect("a name").starts_with("TLS_"));
    assert!(
        record["tlsDetails"]["clientProvidedHostHeader"].as_str().expect("a host").starts_with("127.0.0.1:")
    );
}
