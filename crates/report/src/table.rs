//! The report as text for a terminal.
//!
//! **Invariant:** text from log files reaches the terminal without control characters, so that nobody who
//! chose a name or a user agent can steer it.

use super::summary::{Bill, NotableSummary, Ranking, Summary};
use super::tally::Notable;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use std::fmt::Write;

/// Renders the report with at most `top` rows in each list.
pub(super) fn render(summary: &Summary, top: usize) -> String {
    let mut text = Text { out: String::new(), top };
    text.heading(summary);
    text.keys(summary);
    text.rankings(summary);
    text.principals(summary);
    text.days(summary);
    text.blocked(summary);
    text.notable("Grants", &summary.grants);
    text.notable("Key policy changes", &summary.policy_changes);
    text.notable("Key deletions", &summary.deletions);
    text.bill(&summary.bill);
    text.skipped(summary);
    text.out
}

struct Text {
    out: String,
    top: usize,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.out.push_str(&printable(line));
        self.out.push('\n');
    }

    fn heading(&mut self, summary: &Summary) {
        let totals = &summary.totals;
        self.line(&format!(
            "{} of {} records in {} files are of KMS: {} requests ({} refused), {} service events",
            totals.kms_records,
            totals.records,
            totals.files,
            totals.requests,
            totals.errors,
            totals.service_events,
        ));
        if let (Some(first), Some(last)) = (totals.first, totals.last) {
            self.line(&format!(
                "{first} to {last}, {} keys, {} principals, {} accounts, {} regions",
                totals.keys,
                totals.principals,
                summary.accounts.0.len(),
                summary.regions.0.len(),
            ));
        }
        if totals.outside_period > 0 {
            self.line(&format!("{} records lie outside the period asked for", totals.outside_period));
        }
    }

    /// A titled table; `numbers` of its columns, from the left, hold numbers.
    fn table(&mut self, title: &str, total: usize, numbers: usize, header: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        let shown = rows.len();
        let of = if shown < total { format!(" ({shown} of {total})") } else { String::new() };
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header);
        for row in rows {
            table.add_row(row.iter().map(|cell| printable(cell)));
        }
        for column in table.column_iter_mut().take(numbers) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let _ = write!(self.out, "\n{title}{of}\n");
        for line in table.trim_fmt().lines() {
            let _ = writeln!(self.out, " {}", line.trim_end());
        }
    }

    fn keys(&mut self, summary: &Summary) {
        let row = |key: &super::summary::KeySummary| {
            vec![
                key.requests.to_string(),
                key.errors.to_string(),
                key.arn.clone(),
                time(key.first_use),
                time(key.last_use),
                listed(&key.operations),
                listed(&key.encryption_context_keys),
            ]
        };
        self.table(
            "Keys",
            summary.keys.len(),
            2,
            &["requests", "refused", "key", "first use", "last use", "operations", "encryption context"],
            summary.keys.iter().take(self.top).map(row).collect(),
        );
    }

    fn rankings(&mut self, summary: &Summary) {
        let errors = summary.errors.iter().map(|error| (error.code.as_str(), error.count));
        let sources = summary.sources.iter().map(|source| (source.address.as_str(), source.requests));
        self.ranking("Operations", "operation", summary.operations.0.iter().map(pair));
        self.ranking("Errors", "code", errors);
        self.ranking("Source addresses", "address", sources);
        self.ranking("Encryption context keys", "name", summary.encryption_context_keys.0.iter().map(pair));
        self.ranking("Service events", "event", summary.service_events.0.iter().map(pair));
    }

    fn ranking<'a>(&mut self, title: &str, what: &str, rows: impl ExactSizeIterator<Item = (&'a str, u64)>) {
        let total = rows.len();
        let rows =
            rows.take(self.top).map(|(name, count)| vec![count.to_string(), name.to_owned()]).collect();
        self.table(title, total, 1, &["count", what], rows);
    }

    fn principals(&mut self, summary: &Summary) {
        let row = |principal: &super::summary::PrincipalSummary| {
            vec![
                principal.requests.to_string(),
                principal.errors.to_string(),
                principal.arn.clone(),
                time(principal.first_use),
                time(principal.last_use),
            ]
        };
        self.table(
            "Principals",
            summary.principals.len(),
            2,
            &["requests", "refused", "principal", "first use", "last use"],
            summary.principals.iter().take(self.top).map(row).collect(),
        );
    }

    fn days(&mut self, summary: &Summary) {
        let busiest = summary.days.iter().map(|day| day.requests).max().unwrap_or(0).max(1);
        let newest = summary.days.len().saturating_sub(self.top);
        let row = |day: &super::summary::DaySummary| {
            let width = (day.requests * 40).div_ceil(busiest) as usize;
            vec![day.requests.to_string(), day.date.to_string(), "#".repeat(width), listed(&day.operations)]
        };
        self.table(
            "Days",
            summary.days.len(),
            1,
            &["requests", "day (UTC)", "", "operations"],
            summary.days[newest..].iter().map(row).collect(),
        );
    }

    fn blocked(&mut self, summary: &Summary) {
        let row = |blocked: &super::summary::BlockedSummary| {
            vec![
                blocked.requests.to_string(),
                blocked.state.text().to_owned(),
                blocked.key.clone(),
                blocked.operation.clone(),
                blocked.principal.clone(),
                time(blocked.first),
                time(blocked.last),
            ]
        };
        self.table(
            "Attempted use of keys that are pending deletion, disabled or without material",
            summary.blocked_uses.len(),
            1,
            &["requests", "state", "key", "operation", "principal", "first", "last"],
            summary.blocked_uses.iter().take(self.top).map(row).collect(),
        );
    }

    fn notable(&mut self, title: &str, events: &NotableSummary) {
        let row = |event: &Notable| {
            vec![
                event.time.to_string(),
                event.event_name.clone(),
                event.key.clone().unwrap_or_default(),
                event.principal.clone(),
                event.detail.clone().unwrap_or_default(),
                event.error.as_ref().map(|error| format!("refused: {error}")).unwrap_or_default(),
            ]
        };
        self.table(
            title,
            usize::try_from(events.count).unwrap_or(usize::MAX),
            0,
            &["time", "event", "key", "principal", "detail", ""],
            events.newest.iter().take(self.top).map(row).collect(),
        );
    }

    fn bill(&mut self, bill: &Bill) {
        let row = |line: &super::summary::BillLine| {
            vec![
                line.requests.to_string(),
                format!("{:.2}", line.usd_per_10000),
                dollars(line.usd),
                line.class.to_owned(),
            ]
        };
        self.table(
            "Estimated cost of these requests, in US dollars",
            bill.lines.len(),
            3,
            &["requests", "per 10,000", "cost", "price class"],
            bill.lines.iter().map(row).collect(),
        );
        if bill.lines.is_empty() {
            return;
        }
        self.line(&format!(
            " {} at list price, {} after the free tier",
            dollars(bill.list_usd),
            dollars(bill.after_free_tier_usd)
        ));
        for assumption in bill.assumptions {
            self.line(&format!(" - {assumption}"));
        }
    }

    fn skipped(&mut self, summary: &Summary) {
        if summary.totals.digests > 0 {
            self.out.push('\n');
            self.line(&format!(
                "{} digest files hold no records and were passed over",
                summary.totals.digests
            ));
        }
        let row = |skipped: &super::gather::Skipped| vec![skipped.path.clone(), skipped.reason.clone()];
        self.table(
            "Skipped",
            summary.skipped.len(),
            0,
            &["path", "reason"],
            summary.skipped.iter().take(self.top).map(row).collect(),
        );
    }
}

fn pair((name, count): &(String, u64)) -> (&str, u64) {
    (name, *count)
}

fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// Dollars with as many digits as small sums need.
pub(super) fn dollars(usd: f64) -> String {
    if usd != 0.0 && usd < 0.01 { format!("${usd:.6}") } else { format!("${usd:.2}") }
}

/// Names with counts in one cell, the busiest few.
pub(super) fn listed(ranking: &Ranking) -> String {
    const SHOWN: usize = 3;
    let mut parts: Vec<String> =
        ranking.0.iter().take(SHOWN).map(|(name, count)| format!("{name} {count}")).collect();
    if ranking.0.len() > SHOWN {
        parts.push(format!("+{} more", ranking.0.len() - SHOWN));
    }
    parts.join(", ")
}

/// The text with its control characters shown instead of obeyed, and those that reorder text too.
pub fn printable(text: &str) -> String {
    let is_unsafe = |character: char| {
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d");
    }

    #[test]
    fn small_sums_keep_their_digits() {
        assert_eq!(dollars(0.0), "$0.00");
        assert_eq!(dollars(0.000363), "$0.000363");
        assert_eq!(dollars(0.666027), "$0.67");
        assert_eq!(dollars(12.346), "$12.35");
    }
}
