//! The contract of the command line: what other programs rely on.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::server::{Server, keywatch};

fn refused(command: &mut Command) -> String {
    let output = command.output().expect("the built binary");
    let line = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(line.lines().count(), 1, "not one line: {line}");
    assert!(line.starts_with("keywatch: "), "{line}");
    line
}

fn serve() -> Command {
    let mut command = keywatch();
    command.arg("serve");
    command
}

#[test]
fn mistakes_are_one_line_and_exit_code_2() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").to_string();
    check(|c| c.arg("--lissten"), "unexpected argument '--lissten' found");
    check(|c| c.args(["--listen", "here"]), "--listen here: expected ADDRESS:PORT");
    check(|c| c.args(["--dev", "--listen", "0.0.0.0:0"]), "--dev accepts any credentials");
    check(|c| c.args(["--data-dir", "/proc/keywatch"]), "cannot write to the data directory /proc/keywatch");
    check(|c| c.args(["--config", "/nowhere.toml"]), "cannot read the file /nowhere.toml");
    check(
        |c| c.args(["--listen", &port, "--data-dir"]).arg(directory.path()),
        &format!("cannot listen on {port}: Address already in use"),
    );
    check(
        |c| {
            let listen = ["--listen", "127.0.0.1:0", "--data-dir"];
            c.args(listen)
                .arg(directory.path())
                .args(["--database-url", "postgres://nobody@127.0.0.1:1/none"])
        },
        "cannot reach the database at 127.0.0.1:1",
    );

    fn check(change: impl FnOnce(&mut Command) -> &mut Command, want: &str) {
        let mut command = serve();
        change(&mut command);
        let line = refused(&mut command);
        assert!(line.contains(want), "{line}");
    }
}

#[test]
fn a_data_directory_has_one_server() {
    let server = Server::start(&[]);
    let line = refused(serve().args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(server.path()));
    assert!(line.contains("in use by another keywatch server"), "{line}");
    // The first one is not harmed.
    assert_eq!(server.as_root().query(keywatch_api::Service::Sts, "GetCallerIdentity", "").status, 200);
}

#[test]
fn an_unreadable_root_key_is_refused() {
    let (status, directory) = Server::start(&[]).stop();
    assert!(status.success());
    let key = directory.path().join("root.key");
    let try_again = || refused(serve().args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(directory.path()));
    let text = std::fs::read(&key).expect("there");
    std::fs::write(&key, &text[..text.len() / 2]).expect("written");
    assert!(try_again().contains("root.key is not usable"));
    std::fs::remove_file(&key).expect("there");
    assert!(try_again().contains("is missing, and what is stored was sealed under one"));
}

#[test]
fn env_prints_exports_while_a_server_runs() {
    let server = Server::start(&["--region", "eu-central-1"]);
    let env = |server: &Server| -> Output {
        keywatch().arg("env").arg("--data-dir").arg(server.path()).output().expect("the built binary")
    };
    let output = env(&server);
    let line = String::from_utf8(output.stdout).expect("text");
    assert!(
        line.starts_with(&format!("export AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID=AKIA", server.endpoint)),
        "{line}"
    );
    assert!(line.contains(" AWS_SECRET_ACCESS_KEY=") && line.contains(" AWS_REGION=eu-central-1"), "{line}");
    let (status, directory) = server.stop();
    assert!(status.success());
    let line = refused(keywatch().arg("env").arg("--data-dir").arg(directory.path()));
    assert!(line.contains("no server runs on the data directory"), "{line}");
}

#[test]
fn options_come_from_variables_and_files_too() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("keywatch.toml");
    std::fs::write(&file, "account = \"111122223333\"\nregion = \"not a region\"\n").expect("written");
    let line = refused(serve().arg("--config").arg(&file));
    assert!(line.contains("--region not a region"), "{line}");
    let line = refused(serve().arg("--config").arg(&file).env("KEYWATCH_REGION", "EU"));
    assert!(line.contains("--region EU"), "{line}");
    let line =
        refused(serve().arg("--config").arg(&file).env("KEYWATCH_REGION", "EU").args(["--region", "X"]));
    assert!(line.contains("--region X"), "{line}");
}

#[test]
fn help_version_and_completions_are_there() {
    for (arguments, want) in [
        (&["--help"][..], "Exit codes"),
        (&["--version"], "keywatch "),
        (&["serve", "--help"], "--allow-private-targets"),
        (&["clock", "advance", "--help"], "10d"),
        (&["completions", "bash"], "_keywatch"),
        (&["completions", "zsh"], "#compdef keywatch"),
    ] {
        let output = keywatch().args(arguments).output().expect("the built binary");
        assert!(output.status.success(), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(want), "{arguments:?}");
    }
    assert_eq!(keywatch().output().expect("the built binary").status.code(), Some(2));
}
