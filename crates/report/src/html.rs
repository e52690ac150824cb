//! The report as one self-contained page: no scripts, nothing loaded from anywhere.
//!
//! **Invariant:** all text from log files goes through [`escape`], and the page forbids itself scripts and
//! requests besides.
//! **Not here:** charts (`chart`), colours (`report.css`).

use super::chart::{self, Bar};
use super::summary::{Bill, KeySummary, NotableSummary, Ranking, Summary};
use super::table::{dollars, listed};
use super::tally::Notable;
use jiff::Timestamp;
use std::fmt::Write;

const STYLE: &str = include_str!("report.css");
/// Bars in a chart.
const BARS_MAX: usize = 10;

/// Renders the page with at most `top` rows in each list.
pub(super) fn render(summary: &Summary, top: usize) -> String {
    let mut page = Page { html: String::new(), top };
    let _ = write!(
        page.html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>KMS activity</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    page.heading(summary);
    page.tiles(summary);
    page.attention(summary);
    page.charts(summary);
    page.keys(summary);
    page.principals(summary);
    page.rankings(summary);
    page.blocked(summary);
    page.notable("Grants", &summary.grants);
    page.notable("Key policy changes", &summary.policy_changes);
    page.notable("Key deletions", &summary.deletions);
    page.bill(&summary.bill);
    page.inputs(summary);
    let _ = write!(
        page.html,
        "<footer>Keywatch {} &middot; times are UTC</footer>\n</main>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    page.html
}

/// How a cell of a table is set.
enum Cell {
    Text(String),
    Time(Option<Timestamp>),
    /// The ARN of a key or alias, set as its name over its region and account.
    Key(String),
    Code(String),
    Count(u64),
    Number(String),
}

struct Page {
    html: String,
    top: usize,
}

impl Page {
    fn heading(&mut self, summary: &Summary) {
        let totals = &summary.totals;
        let when = match (totals.first, totals.last) {
            (Some(first), Some(last)) => format!("{} to {}", shown(Some(first)), shown(Some(last))),
            _ => "no KMS records".to_owned(),
        };
        let names = |ranking: &Ranking| {
            let shown: Vec<_> = ranking.0.iter().take(4).map(|(name, _)| escape(name)).collect();
            let more = ranking.0.len() - shown.len();
            if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
        };
        let _ = write!(
            self.html,
            "<header>\n<h1>KMS activity</h1>\n<p>{when}</p>\n<p class=\"quiet\">Accounts {} &middot; Regions {}</p>\n</header>\n",
            names(&summary.accounts),
            names(&summary.regions)
        );
    }

    fn tiles(&mut self, summary: &Summary) {
        let totals = &summary.totals;
        let share = 100.0 * totals.errors as f64 / totals.requests.max(1) as f64;
        let blocked: u64 = summary.blocked_uses.iter().map(|blocked| blocked.requests).sum();
        let tiles = [
            ("Requests", grouped(totals.requests), format!("of {} records", grouped(totals.records))),
            ("Refused", grouped(totals.errors), format!("{share:.1}% of requests")),
            (
                "Keys",
                grouped(totals.keys as u64),
                format!("{} requests name no key", grouped(totals.requests_without_key)),
            ),
            (
                "Principals",
                grouped(totals.principals as u64),
                format!("from {} addresses", grouped(summary.sources.len() as u64)),
            ),
            ("Blocked uses", grouped(blocked), "of keys that cannot be used".to_owned()),
            ("Estimated cost", dollars(summary.bill.list_usd), "of requests, at list price".to_owned()),
        ];
        self.html.push_str("<section class=\"tiles\">\n");
        for (name, value, note) in tiles {
            let _ = writeln!(
                self.html,
                "<div class=\"tile\"><span>{name}</span><b>{value}</b><small>{note}</small></div>"
            );
        }
        self.html.push_str("</section>\n");
    }

    /// What somebody should look at, if there is any.
    fn attention(&mut self, summary: &Summary) {
        let blocked: u64 = summary.blocked_uses.iter().map(|blocked| blocked.requests).sum();
        let scheduled = summary
            .deletions
            .newest
            .iter()
            .filter(|event| event.event_name == "ScheduleKeyDeletion" && event.error.is_none())
            .count();
        let mut items = Vec::new();
        if blocked > 0 {
            items.push(format!(
                "{} attempts to use keys that are pending deletion, disabled or without material",
                grouped(blocked)
            ));
        }
        if scheduled > 0 {
            items.push(format!("{} deletions of keys scheduled", grouped(scheduled as u64)));
        }
        if !summary.skipped.is_empty() {
            items.push(format!(
                "{} entries in the list of skipped inputs",
                grouped(summary.skipped.len() as u64)
            ));
        }
        if items.is_empty() {
            return;
        }
        self.html.push_str("<section class=\"attention\">\n<h2>Needs attention</h2>\n<ul>\n");
        for item in items {
            let _ = writeln!(self.html, "<li>{item}</li>");
        }
        self.html.push_str("</ul>\n</section>\n");
    }

    fn charts(&mut self, summary: &Summary) {
        if summary.hours.is_empty() {
            return;
        }
        let _ = write!(
            self.html,
            "<section>\n<h2>Requests over time</h2>\n{}\n</section>\n",
            chart::over_time(&summary.hours, &summary.operations)
        );
        let count = self.top.min(BARS_MAX);
        let has_regions = summary.regions.0.len() > 1;
        let keys: Vec<Bar<'_>> = summary
            .keys
            .iter()
            .filter(|key| key.requests > 0)
            .take(count)
            .map(|key| {
                let region = key.arn.split(':').nth(3).filter(|_| has_regions);
                let label = region.map_or_else(
                    || short_key(&key.arn).to_owned(),
                    |region| format!("{} \u{b7} {region}", short_key(&key.arn)),
                );
                Bar { label, title: &key.arn, count: key.requests }
            })
            .collect();
        let principals: Vec<Bar<'_>> = summary
            .principals
            .iter()
            .take(count)
            .map(|principal| Bar {
                label: short_principal(&principal.arn).to_owned(),
                title: &principal.arn,
                count: principal.requests,
            })
            .collect();
        self.html.push_str("<div class=\"pair\">\n");
        for (title, rows) in [("Busiest keys", keys), ("Busiest principals", principals)] {
            let _ =
                write!(self.html, "<section>\n<h2>{title}</h2>\n{}\n</section>\n", chart::bars(title, &rows));
        }
        self.html.push_str("</div>\n");
    }

    fn keys(&mut self, summary: &Summary) {
        let row = |key: &KeySummary| {
            vec![
                Cell::Key(key.arn.clone()),
                Cell::Count(key.requests),
                Cell::Count(key.errors),
                Cell::Count(key.principals_count as u64),
                Cell::Time(key.first_use),
                Cell::Time(key.last_use),
                Cell::Text(listed(&key.operations)),
                Cell::Text(listed(&key.encryption_context_keys)),
            ]
        };
        self.table(
            "Keys",
            summary.keys.len(),
            &[
                "Key",
                "Requests",
                "Refused",
                "Principals",
                "First use",
                "Last use",
                "Operations",
                "Encryption context",
            ],
            summary.keys.iter().take(self.top).map(row).collect(),
        );
    }

    fn principals(&mut self, summary: &Summary) {
        let row = |principal: &super::summary::PrincipalSummary| {
            vec![
                Cell::Code(principal.arn.clone()),
                Cell::Count(principal.requests),
                Cell::Count(principal.errors),
                Cell::Time(principal.first_use),
                Cell::Time(principal.last_use),
            ]
        };
        self.table(
            "Principals",
            summary.principals.len(),
            &["Principal", "Requests", "Refused", "First use", "Last use"],
            summary.principals.iter().take(self.top).map(row).collect(),
        );
    }

    fn rankings(&mut self, summary: &Summary) {
        let errors: Vec<_> = summary.errors.iter().map(|error| (error.code.clone(), error.count)).collect();
        let sources: Vec<_> =
            summary.sources.iter().map(|source| (source.address.clone(), source.requests)).collect();
        self.html.push_str("<div class=\"pair\">\n");
        for (title, what, rows) in [
            ("Operations", "Operation", &summary.operations.0),
            ("Source addresses", "Address", &sources),
            ("Errors", "Code", &errors),
            ("Encryption context keys", "Name", &summary.encryption_context_keys.0),
            ("Service events", "Event", &summary.service_events.0),
        ] {
            let cells = rows
                .iter()
                .take(self.top)
                .map(|(name, count)| vec![Cell::Code(name.clone()), Cell::Count(*count)])
                .collect();
            self.table(title, rows.len(), &[what, "Count"], cells);
        }
        self.html.push_str("</div>\n");
    }

    fn blocked(&mut self, summary: &Summary) {
        let row = |blocked: &super::summary::BlockedSummary| {
            vec![
                Cell::Key(blocked.key.clone()),
                Cell::Text(blocked.state.text().to_owned()),
                Cell::Text(blocked.operation.clone()),
                Cell::Code(blocked.principal.clone()),
                Cell::Count(blocked.requests),
                Cell::Time(blocked.first),
                Cell::Time(blocked.last),
            ]
        };
        self.table(
            "Attempted use of keys that cannot be used",
            summary.blocked_uses.len(),
            &["Key", "State", "Operation", "Principal", "Requests", "First", "Last"],
            summary.blocked_uses.iter().take(self.top).map(row).collect(),
        );
    }

    fn notable(&mut self, title: &str, events: &NotableSummary) {
        let row = |event: &Notable| {
            vec![
                Cell::Time(Some(event.time)),
                Cell::Text(event.event_name.clone()),
                Cell::Key(event.key.clone().unwrap_or_default()),
                Cell::Code(event.principal.clone()),
                Cell::Text(event.detail.clone().unwrap_or_default()),
                Cell::Text(event.error.clone().unwrap_or_default()),
            ]
        };
        self.table(
            title,
            usize::try_from(events.count).unwrap_or(usize::MAX),
            &["Time", "Event", "Key", "Principal", "Detail", "Refused with"],
            events.newest.iter().take(self.top).map(row).collect(),
        );
    }

    fn bill(&mut self, bill: &Bill) {
        let row = |line: &super::summary::BillLine| {
            vec![
                Cell::Text(line.class.to_owned()),
                Cell::Count(line.requests),
                Cell::Number(format!("${:.2}", line.usd_per_10000)),
                Cell::Number(dollars(line.usd)),
            ]
        };
        self.table(
            "Estimated cost of these requests",
            bill.lines.len(),
            &["Price class", "Requests", "Per 10,000", "Cost"],
            bill.lines.iter().map(row).collect(),
        );
        if bill.lines.is_empty() {
            return;
        }
        let _ = write!(
            self.html,
            "<section class=\"notes\"><p>{} at list price, {} after the free tier.</p><ul>",
            dollars(bill.list_usd),
            dollars(bill.after_free_tier_usd)
        );
        for assumption in bill.assumptions {
            let _ = write!(self.html, "<li>{}</li>", escape(assumption));
        }
        self.html.push_str("</ul></section>\n");
    }

    fn inputs(&mut self, summary: &Summary) {
        let totals = &summary.totals;
        let _ = write!(
            self.html,
            "<section>\n<h2>Inputs</h2>\n<p>{} log files with {} records, {} of KMS; {} records outside the period; \
             {} duplicate records; {} digest files passed over.</p>\n</section>\n",
            grouped(totals.files),
            grouped(totals.records),
            grouped(totals.kms_records),
            grouped(totals.outside_period),
            grouped(totals.duplicate_records),
            grouped(totals.digests as u64)
        );
        let row = |skipped: &super::gather::Skipped| {
            vec![Cell::Code(skipped.path.clone()), Cell::Text(skipped.reason.clone())]
        };
        self.table(
            "Skipped",
            summary.skipped.len(),
            &["Path", "Reason"],
            summary.skipped.iter().take(self.top).map(row).collect(),
        );
    }

    /// A titled table; nothing when it has no rows.
    fn table(&mut self, title: &str, total: usize, header: &[&str], rows: Vec<Vec<Cell>>) {
        let Some(first) = rows.first() else { return };
        let of = if rows.len() < total {
            format!(" <small>{} of {}</small>", rows.len(), grouped(total as u64))
        } else {
            String::new()
        };
        let _ = write!(
            self.html,
            "<section>\n<h2>{}{of}</h2>\n<div class=\"scroll\"><table>\n<thead><tr>",
            escape(title)
        );
        for (name, cell) in header.iter().zip(first) {
            let class =
                if matches!(cell, Cell::Count(_) | Cell::Number(_)) { " class=\"number\"" } else { "" };
            let _ = write!(self.html, "<th{class}>{name}</th>");
        }
        self.html.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.html.push_str("<tr>");
            for cell in row {
                let _ = match cell {
                    Cell::Text(text) => write!(self.html, "<td>{}</td>", escape(&text)),
                    Cell::Time(time) => write!(self.html, "<td class=\"time\">{}</td>", shown(time)),
                    Cell::Key(arn) => write!(
                        self.html,
                        "<td class=\"key\"><code title=\"{}\">{}</code><small>{}</small></td>",
                        escape(&arn),
                        escape(short_key(&arn)),
                        escape(&place_of(&arn))
                    ),
                    Cell::Code(text) => write!(self.html, "<td><code>{}</code></td>", escape(&text)),
                    Cell::Count(count) => write!(self.html, "<td class=\"number\">{}</td>", grouped(count)),
                    Cell::Number(text) => write!(self.html, "<td class=\"number\">{}</td>", escape(&text)),
                };
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody>\n</table></div>\n</section>\n");
    }
}

/// The last part of a key's or alias's ARN.
fn short_key(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    resource.strip_prefix("key/").unwrap_or(resource)
}

/// The region and account in an ARN.
fn place_of(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':').skip(3);
    match (parts.next(), parts.next()) {
        (Some(region), Some(account)) => format!("{region} \u{b7} {account}"),
        _ => String::new(),
    }
}

/// A principal's ARN without its account.
fn short_principal(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

fn shown(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "\u{2013}".to_owned(),
        |time| jiff::tz::Offset::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Text for element content and for attributes in double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping() {
        assert_eq!(escape("<a b=\"c\" d='e'>&\u{0}"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{fffd}");
    }

    #[test]
    fn thousands() {
        for (number, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), want);
        }
    }

    #[test]
    fn short_names() {
        assert_eq!(short_key("arn:aws:kms:us-east-1:1:key/abc"), "abc");
        assert_eq!(short_key("arn:aws:kms:us-east-1:1:alias/a:b"), "alias/a:b");
        assert_eq!(short_principal("arn:aws:sts::1:assumed-role/R/s"), "assumed-role/R/s");
        assert_eq!(short_principal("AWS Internal"), "AWS Internal");
    }
}
