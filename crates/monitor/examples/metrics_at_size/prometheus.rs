//! The same series in Prometheus (Debian's package), fed by remote write: bytes a series, samples a CPU-second, the time of the busiest
//! twenty keys.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Failure, OPERATIONS, ROUNDS, START, calls, dimensions, key_arn, pages_of};

/// Series in one request of remote write, as Prometheus itself sends them.
const SERIES_AT_ONCE: u64 = 2_000;
const READY_WITHIN: Duration = Duration::from_secs(60);
const SNAPPY_CHUNK: usize = 1 << 16;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) bytes_a_series: f64,
    pub(super) samples_a_cpu_second: f64,
    pub(super) top_seconds: f64,
}

/// Feeds a Prometheus of its own; `None` where there is none.
pub(super) fn measure(count: u64, minutes: u64) -> Result<Option<Measured>, Failure> {
    let scratch = tempfile::TempDir::new()?;
    let Some(server) = Server::start(&scratch)? else { return Ok(None) };
    let mut connection = server.connect()?;
    let before = server.cpu_seconds()?;
    let mut samples = 0;
    for minute in 0..minutes {
        let millis = (START + 60 * minute as i64) * 1_000;
        for first in (0..count).step_by(SERIES_AT_ONCE as usize) {
            let mut request = Vec::new();
            for at in first..(first + SERIES_AT_ONCE).min(count) {
                push_series(&mut request, at, calls(at, minute), millis);
                samples += 1;
            }
            let (status, answer) = connection.ask("POST /api/v1/write", &snappy(&request))?;
            if status != 204 {
                return Err(format!("Prometheus answered {status}: {answer}").into());
            }
        }
    }
    let cpu = server.cpu_seconds()? - before;
    let held = pages_of(&server.process.id().to_string())? * 4_096;
    let query = format!(
        "GET /api/v1/query?time={}&query=topk(20%2Csum%20by%20(KeyArn)(sum_over_time(calls%5B{minutes}m%5D)))",
        START + 60 * minutes as i64 - 1
    );
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let (status, answer) = connection.ask(&query, &[])?;
        best = best.min(begun.elapsed().as_secs_f64());
        if status != 200 || answer.matches("KeyArn").count() != 20 {
            return Err(format!("Prometheus answered {status}: {answer}").into());
        }
    }
    Ok(Some(Measured {
        bytes_a_series: held as f64 / count as f64,
        samples_a_cpu_second: f64::from(samples) / cpu,
        top_seconds: best,
    }))
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(scratch: &tempfile::TempDir) -> Result<Option<Self>, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let config = scratch.path().join("prometheus.yml");
        fs::write(&config, "global: {}\n")?;
        let started = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", scratch.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args([
                "--web.enable-remote-write-receiver",
                "--query.max-samples=1000000000",
                "--log.level=error",
            ])
            .args(["--storage.tsdb.retention.time=100y"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else { return Ok(None) };
        let server = Self { process, address };
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            let ready = server.connect().and_then(|mut connection| connection.ask("GET /-/ready", &[]));
            if ready.is_ok_and(|(status, _)| status == 200) {
                return Ok(Some(server));
            }
            std::thread::yield_now();
        }
        Err("Prometheus did not become ready".into())
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream) })
    }

    /// User and system time (proc(5), fields 14 and 15, in hundredths of a second).
    fn cpu_seconds(&self) -> Result<f64, Failure> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        Ok((ticks(11) + ticks(12)) / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn ask(&mut self, what: &str, body: &[u8]) -> Result<(u16, String), Failure> {
        let head = format!(
            "{what} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-encoding: snappy\r\nx-prometheus-remote-write-version: 0.1.0\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.stream.get_mut().write_all(body)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, String::from_utf8_lossy(&answer).into_owned()))
    }
}

/// A `TimeSeries` of a `WriteRequest` (Prometheus remote write 1.0): labels in order, one sample.
fn push_series(out: &mut Vec<u8>, at: u64, value: f64, millis: i64) {
    let key = key_arn(at / OPERATIONS.len() as u64);
    let mut series = Vec::with_capacity(160);
    let names = dimensions(&key, at);
    // Capital letters sort before the underscores of the metric's name.
    for (name, text) in names.into_iter().chain([("__name__", "calls")]) {
        let mut label = Vec::with_capacity(100);
        push_field(&mut label, 1, name.as_bytes());
        push_field(&mut label, 2, text.as_bytes());
        push_field(&mut series, 1, &label);
    }
    let mut sample = vec![1 << 3 | 1];
    sample.extend(value.to_le_bytes());
    sample.push(2 << 3);
    push_varint(&mut sample, millis as u64);
    push_field(&mut series, 2, &sample);
    push_field(out, 1, &series);
}

fn push_field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Snappy's block format with literals only.
fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    push_varint(&mut out, bytes.len() as u64);
    for chunk in bytes.chunks(SNAPPY_CHUNK) {
        out.push(61 << 2);
        out.extend(((chunk.len() - 1) as u16).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out
}
