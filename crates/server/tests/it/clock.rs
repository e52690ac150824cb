//! The test clock, by command and by call.

use std::process::Output;

use keywatch_api::Service;
use serde_json::json;

use crate::server::{Server, keywatch};

fn clock(server: &Server, arguments: &[&str]) -> Output {
    let mut command = keywatch();
    command.arg("clock").args(arguments).arg("--data-dir").arg(server.path());
    command.output().expect("the built binary")
}

fn shown(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text").trim_end()
}

#[test]
fn it_stands_still_until_it_is_moved_and_goes_on_after_a_restart() {
    let server = Server::start(&["--test-clock", "2026-01-01T00:00:00Z"]);
    assert_eq!(shown(&clock(&server, &["now"])), "2026-01-01T00:00:00Z");
    assert_eq!(shown(&clock(&server, &["advance", "10d"])), "2026-01-11T00:00:00Z");
    assert_eq!(shown(&clock(&server, &["advance", "90s"])), "2026-01-11T00:01:30Z");
    let (status, directory) = server.stop();
    assert!(status.success());
    let server = Server::start_on(directory, &["--test-clock", "2026-01-01T00:00:00Z"]);
    assert_eq!(shown(&clock(&server, &["now"])), "2026-01-11T00:01:30Z");
}

#[test]
fn the_clock_of_the_world_is_not_moved() {
    let server = Server::start(&[]);
    let output = clock(&server, &["advance", "1d"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("InvalidStateException"), "{output:?}");
    assert_eq!(clock(&server, &["advance", "soon"]).status.code(), Some(2));
    let reply = server.as_root().json(Service::Keywatch, "AdvanceClock", &json!({"Seconds": 0}));
    assert_eq!((reply.status, reply.code().as_str()), (400, "ValidationException"));
    let reply = server.as_root().json(Service::Keywatch, "DescribeClock", &json!({}));
    assert_eq!(reply.value()["Test"], false);
}
