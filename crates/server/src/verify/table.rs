//! The outcome as text for a terminal.

use comfy_table::{ContentArrangement, Table, presets};

use super::check::Outcome;
use keywatch_report::printable;

pub(super) fn render(outcome: &Outcome) -> String {
    let mut text = String::new();
    let chain = |chain: &keywatch_monitor::trail::verify::ChainSummary| {
        vec![
            printable(&format!("{} ({})", chain.name.trail, chain.name.home_region)),
            printable(&format!("{}/{}", chain.name.account, chain.name.region)),
            chain.digests.to_string(),
            chain.log_files.to_string(),
            chain.records.to_string(),
            printable(&chain.since),
            printable(&chain.until),
        ]
    };
    let head = ["trail", "folder", "digests", "log files", "records", "since", "until"];
    text.push_str(&table(&head, outcome.chains.iter().map(chain).collect()));
    if !outcome.findings.is_empty() {
        let finding = |finding: &keywatch_monitor::trail::verify::Finding| {
            vec![printable(&finding.fault.to_string()), printable(&finding.place)]
        };
        text.push('\n');
        text.push_str(&table(&["wrong", "where"], outcome.findings.iter().map(finding).collect()));
    }
    text.push('\n');
    if outcome.uncovered > 0 {
        text.push_str(&format!("{} log files are of times that no digest covers\n", outcome.uncovered));
    }
    if outcome.waiting > 0 {
        text.push_str(&format!("{} log files wait for their digest and are as delivered\n", outcome.waiting));
    }
    if outcome.unproven > 0 {
        text.push_str(&format!(
            "{} digests are proven by nothing: give --public-keys or --anchor\n",
            outcome.unproven
        ));
    }
    let verdict = if outcome.valid { "VALID" } else { "INVALID" };
    text.push_str(&format!(
        "{verdict}: {} digests, {} log files, {} records, {} wrong\n",
        outcome.digests,
        outcome.log_files,
        outcome.records,
        outcome.findings.len()
    ));
    text
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    table.add_rows(rows);
    let lines = table.to_string();
    lines.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
