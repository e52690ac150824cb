//! A private PostgreSQL server for the contract: made from the installed binaries in a temporary directory, reached by
//! a Unix socket only, gone with the test.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::sleep;
use tokio_postgres::NoTls;

/// Set to 1 where PostgreSQL is expected, so that its absence is a failure and not a remark.
const REQUIRE_VARIABLE: &str = "KEYWATCH_REQUIRE_POSTGRES";
/// Who runs the server when the tests run as root, which PostgreSQL refuses.
const USERS: [&str; 2] = ["postgres", "nobody"];
const START_TRIES: u32 = 600;
const START_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Cluster {
    server: Child,
    dir: TempDir,
    databases: u32,
}

impl Cluster {
    /// `None`, with the reason on stderr, when no PostgreSQL is installed.
    pub(super) async fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(
                env::var_os(REQUIRE_VARIABLE).is_none_or(|value| value != "1"),
                "no PostgreSQL is installed"
            );
            eprintln!("skipped: no PostgreSQL is installed (neither pg_config nor /usr/lib/postgresql)");
            return None;
        };
        let dir = TempDir::with_prefix("keywatch-postgres-").unwrap();
        let data = dir.path().join("data");
        if is_root() {
            let user = user();
            run(Command::new("chown").arg(&user).arg(dir.path()));
        }
        run(unprivileged(&bin.join("initdb"))
            .args(["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data));
        // No sync: it is our process that is killed here, not the server or its machine.
        let server = unprivileged(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(dir.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("server.log")).unwrap())
            .spawn()
            .unwrap();
        let cluster = Self { server, dir, databases: 0 };
        cluster.wait().await;
        Some(cluster)
    }

    /// The URL of a new, empty database.
    pub(super) async fn create_database(&mut self) -> String {
        self.databases += 1;
        let name = format!("contract{}", self.databases);
        execute(&self.url("postgres"), &format!("CREATE DATABASE {name}")).await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let socket = self.dir.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    async fn wait(&self) {
        for _ in 0..START_TRIES {
            if execute(&self.url("postgres"), "SELECT 1").await.is_ok() {
                return;
            }
            sleep(START_PAUSE).await;
        }
        let log = fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default();
        panic!("PostgreSQL did not start:\n{log}");
    }
}

impl Drop for Cluster {
    /// An immediate shutdown: the data is thrown away.
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// Runs SQL on a connection of its own.
pub(super) async fn execute(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let result = client.batch_execute(sql).await;
    drop(client);
    let _ = connection.await;
    result
}

/// The directory of `initdb` and `postgres`: what `pg_config` says, or the newest of Debian's.
fn binaries() -> Option<PathBuf> {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.and_then(|output| String::from_utf8(output.stdout).ok());
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    configured
        .map(|dir| PathBuf::from(dir.trim()))
        .into_iter()
        .chain(debian.into_iter().rev())
        .find(|dir| dir.join("initdb").exists() && dir.join("postgres").exists())
}

/// A command that runs as somebody PostgreSQL accepts, and ends when this thread does.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        let user = user();
        command.args([OsStr::new("--reuid"), user.as_ref(), OsStr::new("--regid"), group(&user).as_ref()]);
        command.arg("--clear-groups");
    }
    command.args(["--pdeathsig", "QUIT", "--"]).arg(program).current_dir("/");
    command
}

fn is_root() -> bool {
    id(&["-u"]).as_deref() == Some("0")
}

fn user() -> String {
    let exists = |user: &&str| id(&["-u", user]).is_some();
    USERS.into_iter().find(exists).expect("a user other than root to run PostgreSQL as").to_owned()
}

fn group(user: &str) -> String {
    id(&["-g", user]).expect("every user has a group")
}

fn id(args: &[&str]) -> Option<String> {
    let output = Command::new("id").args(args).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
