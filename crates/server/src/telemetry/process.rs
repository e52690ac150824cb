//! What Linux tells of the process.
//!
//! Source: proc(5), `/proc/pid/status` and `/proc/pid/stat`; Prometheus, "Writing client libraries", for the names.

use jiff::Timestamp;
use keywatch_telemetry::{Family, Kind};

/// Clock ticks in a second as `/proc` counts them, on every architecture.
const TICKS: f64 = 100.0;

/// Memory, processor time and start; what cannot be read is left out.
pub(super) fn families(started: Timestamp) -> Vec<Family> {
    let start = Family::new("process_start_time_seconds", Kind::Gauge, "When the process began to count.")
        .in_unit("seconds")
        .with(&[], started.as_millisecond() as f64 / 1e3);
    let mut families = vec![start];
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = kibibytes(&status, "VmRSS:") {
        let memory = Family::new("process_resident_memory_bytes", Kind::Gauge, "Memory in use.");
        families.push(memory.in_unit("bytes").with(&[], bytes * 1024.0));
    }
    if let Some(threads) = kibibytes(&status, "Threads:") {
        families.push(Family::new("process_threads", Kind::Gauge, "Threads.").with(&[], threads));
    }
    if let Some(ticks) = std::fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(ticks) {
        let time = Family::new("process_cpu_seconds", Kind::Counter, "Processor time, of user and system.");
        families.push(time.in_unit("seconds").with(&[], ticks / TICKS));
    }
    families
}

/// The number after a name in `status`.
fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time of `stat`: its fields 14 and 15; the second may hold spaces and ends with a bracket.
fn ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(str::parse::<f64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found() {
        assert_eq!(kibibytes("Name:\tx\nVmRSS:\t  1234 kB\nThreads:\t7\n", "VmRSS:"), Some(1_234.0));
        assert_eq!(kibibytes("Name:\tx\n", "VmRSS:"), None);
        assert_eq!(ticks("1 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0"), Some(300.0));
    }
}
