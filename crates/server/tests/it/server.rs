//! A running server that ends with its test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use keywatch_server::data_dir;
use tempfile::TempDir;

use crate::client::Client;

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";

/// The built binary.
pub(crate) fn keywatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keywatch"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KEYWATCH_") {
            command.env_remove(name);
        }
    }
    command
}

/// A server on a data directory of its own.
pub(crate) struct Server {
    child: Child,
    /// Kept open: the server must not meet a closed standard output.
    _stdout: BufReader<ChildStdout>,
    pub(crate) endpoint: String,
    directory: TempDir,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_on(tempfile::tempdir().expect("a temporary directory"), options)
    }

    pub(crate) fn start_on(directory: TempDir, options: &[&str]) -> Self {
        let mut child = keywatch()
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.path())
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built binary");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        let Some(endpoint) = line.trim_end().strip_prefix("keywatch ready: ") else {
            let mut complaint = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut complaint);
            panic!("no ready line but {line:?}: {complaint}");
        };
        Self { endpoint: endpoint.to_owned(), _stdout: stdout, child, directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Calls as the root user of the default account.
    pub(crate) fn as_root(&self) -> Client {
        let key = data_dir::read_access_key(self.path()).expect("readable").expect("made at the start");
        Client::new(&self.endpoint, &key.id, key.secret.expose())
    }

    /// Calls with a key that nobody has.
    pub(crate) fn as_stranger(&self) -> Client {
        Client::new(&self.endpoint, "AKIASTRANGER00000000", "no secret")
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }

    /// Asks the server to stop; gives its exit status and data directory.
    pub(crate) fn stop(self) -> (ExitStatus, TempDir) {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for a server that was told to stop.
    pub(crate) fn ended(mut self) -> (ExitStatus, TempDir) {
        let status = self.child.wait().expect("ended");
        let directory =
            std::mem::replace(&mut self.directory, tempfile::tempdir().expect("a temporary directory"));
        (status, directory)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
