//! `cargo xtask bench kms`: Encrypt over HTTP with a durable record, beside a bare hyper server that answers the same number
//! of bytes, on the same cores in the same run. Since the load generator shares the machine, both are compared per
//! CPU-second of the server's process.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use http::{HeaderMap, HeaderValue};
use keywatch_server::auth::signer::{Caller, sign};

use super::load::{self, Load};
use super::measured::Binary;
use super::{bare, families};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Connections of each run.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    connections: Vec<usize>,
    /// Seconds of each run.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Runs of each; the best counts, since the machine may be shared.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// One line for each operation and key spec, at the first number of connections.
    #[arg(long)]
    families: bool,
    #[command(flatten)]
    binary: Binary,
}

pub(super) fn run(options: &Options) -> Result<(), String> {
    let binary = options.binary.path().map_err(|error| error.to_string())?;
    let directory = std::env::temp_dir().join(format!("keywatch-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let outcome = measure(options, &binary, &directory);
    std::fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    outcome
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn measure(options: &Options, binary: &Path, directory: &Path) -> Result<(), String> {
    let myself = std::env::current_exe().map_err(|error| error.to_string())?;
    let bare = Server::start(Command::new(myself).args(["bench", bare::NAME]))?;
    let mut command = Command::new(binary);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(directory.join("data"));
    let keywatch = Server::start(&mut command)?;
    let client = Client::of(binary, &directory.join("data"), &keywatch.address)?;
    if options.families {
        return measure_families(options, &keywatch, &client);
    }
    let encrypt = encrypt_request(&client)?;
    println!(
        "| connections | bare req/s | keywatch req/s | ratio | p50 ms | p99 ms | bare per CPU-s | keywatch per CPU-s | ratio per CPU-s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for connections in &options.connections {
        let load = |server: &Server, request: &[u8]| {
            best(options.runs, || {
                let load = Load { connections: *connections, time: Duration::from_secs(options.seconds) };
                load::run(&server.address, server.process.id(), request, &load)
            })
        };
        let plain = load(&bare, &encrypt)?;
        let ours = load(&keywatch, &encrypt)?;
        println!(
            "| {connections} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.2} |",
            plain.per_second,
            ours.per_second,
            ours.per_second / plain.per_second,
            ours.p50_ms,
            ours.p99_ms,
            plain.per_cpu_second,
            ours.per_cpu_second,
            ours.per_cpu_second / plain.per_cpu_second
        );
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn measure_families(options: &Options, keywatch: &Server, client: &Client) -> Result<(), String> {
    println!("| operation | key spec | bare primitive per core-s | keywatch per CPU-s | share | p50 ms |");
    println!("|---|---|---|---|---|---|");
    let connections = options.connections.first().copied().unwrap_or(1);
    for case in families::cases(client)? {
        let load = Load { connections, time: Duration::from_secs(options.seconds) };
        let measured =
            best(options.runs, || load::run(&keywatch.address, keywatch.process.id(), &case.request, &load))?;
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.2} |",
            case.operation,
            case.spec,
            case.bare,
            measured.per_cpu_second,
            measured.per_cpu_second / case.bare,
            measured.p50_ms
        );
    }
    Ok(())
}

fn best(
    runs: u32,
    mut once: impl FnMut() -> Result<load::Measured, String>,
) -> Result<load::Measured, String> {
    let mut best: Option<load::Measured> = None;
    for _ in 0..runs.max(1) {
        let measured = once()?;
        if best.as_ref().is_none_or(|best| measured.per_cpu_second > best.per_cpu_second) {
            best = Some(measured);
        }
    }
    best.ok_or_else(|| "no run".to_owned())
}

/// A server that prints `… http://ADDRESS` once it answers.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(command: &mut Command) -> Result<Self, String> {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start a server: {error}"))?;
        let output = process.stdout.take().ok_or("no output to read")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        let address = line.trim().rsplit("http://").next().unwrap_or_default().to_owned();
        if address.is_empty() {
            return Err(format!("the server said {line:?}"));
        }
        Ok(Server { process, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A signed Encrypt of 32 bytes under a new key, as one HTTP/1.1 request; replayed within the signature's five minutes.
fn encrypt_request(client: &Client) -> Result<Vec<u8>, String> {
    let key = client.create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")?;
    let body =
        format!("{{\"KeyId\":\"{key}\",\"Plaintext\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}}");
    client.request("Encrypt", &body)
}

/// Whoever calls the server that is measured: its root user.
pub(super) struct Client {
    address: String,
    id: String,
    secret: String,
}

impl Client {
    fn of(binary: &Path, data: &Path, address: &str) -> Result<Self, String> {
        let output = Command::new(binary)
            .args(["env", "--data-dir"])
            .arg(data)
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = |name: &str| {
            let rest =
                text.split(&format!("{name}=")).nth(1).ok_or(format!("`keywatch env` has no {name}"))?;
            let end = rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(rest.len());
            Ok::<_, String>(rest[..end].trim_matches('\'').trim_matches('"').to_owned())
        };
        let (id, secret) = (value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?);
        Ok(Client { address: address.to_owned(), id, secret })
    }

    /// A signed request, to be sent as it is.
    pub(super) fn request(&self, operation: &str, body: &str) -> Result<Vec<u8>, String> {
        let caller = Caller { id: &self.id, secret: &self.secret, session_token: None };
        request(&self.address, &caller, operation, body)
    }

    /// Calls once; a member of the answer that is a text.
    pub(super) fn member(&self, operation: &str, body: &str, member: &str) -> Result<String, String> {
        let answer = load::once(&self.address, &self.request(operation, body)?)?;
        let text = answer.split(&format!("\"{member}\":\"")).nth(1).and_then(|rest| rest.split('"').next());
        text.map(str::to_owned).ok_or(format!("{operation} answered {answer}"))
    }

    /// The id of a new key.
    pub(super) fn create(&self, spec: &str, usage: &str) -> Result<String, String> {
        let body = format!("{{\"KeySpec\":\"{spec}\",\"KeyUsage\":\"{usage}\"}}");
        self.member("CreateKey", &body, "KeyId")
    }
}

fn request(address: &str, caller: &Caller<'_>, operation: &str, body: &str) -> Result<Vec<u8>, String> {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    headers.insert("host", value(address)?);
    headers.insert("content-type", value("application/x-amz-json-1.1")?);
    headers.insert("x-amz-target", value(&format!("TrentService.{operation}"))?);
    #[expect(clippy::disallowed_methods, reason = "the bench is a client and signs with the world's time")]
    let now = jiff::Timestamp::now();
    sign(&mut headers, "POST", "/", body.as_bytes(), caller, "us-east-1", "kms", now)
        .map_err(|error| error.to_string())?;
    let mut text = String::from("POST / HTTP/1.1\r\n");
    for (name, value) in &headers {
        let _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let _ = write!(text, "content-length: {}\r\n\r\n{body}", body.len());
    Ok(text.into_bytes())
}
