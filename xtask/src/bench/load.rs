//! A load generator: connections that each send one request, wait for the whole answer, and begin again.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) time: Duration,
}

pub(super) struct Measured {
    pub(super) per_second: f64,
    /// Requests per CPU-second of the server's process.
    pub(super) per_cpu_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Sends `request` for the load's time and measures; an answer other than 200 is an error.
pub(super) fn run(address: &str, process: u32, request: &[u8], load: &Load) -> Result<Measured, String> {
    let runtime = runtime()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let (began, cpu) = (Instant::now(), cpu_seconds(process)?);
        let end = began + load.time;
        let callers: Vec<_> = (0..load.connections)
            .map(|_| tokio::task::spawn_local(call(address.to_owned(), request.to_vec(), end)))
            .collect();
        let mut latencies = Vec::new();
        for caller in callers {
            latencies.extend(caller.await.map_err(|error| error.to_string())??);
        }
        let (elapsed, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(process)? - cpu);
        latencies.sort_unstable();
        let at = |share: f64| {
            let index = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
            latencies.get(index).map_or(0.0, |latency: &Duration| latency.as_secs_f64() * 1e3)
        };
        Ok(Measured {
            per_second: latencies.len() as f64 / elapsed,
            per_cpu_second: latencies.len() as f64 / cpu.max(0.01),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
        })
    })
}

/// One request, one answer: its text.
pub(super) fn once(address: &str, request: &[u8]) -> Result<String, String> {
    runtime()?.block_on(async {
        let mut stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.write_all(request).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        read_answer(&mut stream, &mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(|error| error.to_string())
}

async fn call(address: String, request: Vec<u8>, end: Instant) -> Result<Vec<Duration>, String> {
    let mut stream = TcpStream::connect(&address).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut latencies = Vec::new();
    let mut answer = Vec::with_capacity(4096);
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(latencies);
        }
        stream.write_all(&request).await.map_err(|error| error.to_string())?;
        read_answer(&mut stream, &mut answer).await?;
        latencies.push(began.elapsed());
    }
}

/// Reads one answer with a `content-length` whole.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<(), String> {
    answer.clear();
    loop {
        let read = stream.read_buf(answer).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the server hung up".to_owned());
        }
        let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).map_err(|error| error.to_string())?;
        let length = text
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if answer.len() >= head + 4 + length.unwrap_or(0) {
            if text.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
            return Err(format!("the server answered {}", String::from_utf8_lossy(answer)));
        }
    }
}

/// User and system time of a process and its threads (proc(5), fields 14 and 15, in hundredths of a second).
fn cpu_seconds(process: u32) -> Result<f64, String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).map_err(|error| error.to_string())?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
