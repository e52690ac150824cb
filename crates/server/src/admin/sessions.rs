//! `keywatch admin sessions`: the temporary credentials that were handed out and have not expired, told from the trail.

use std::sync::Arc;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use keywatch_history::{Column, Condition, Query};
use keywatch_iam::revocation::{IssuedSession, SESSION_MAX, is_revoked};
use keywatch_store::{EntryKind, Transaction};
use serde::Serialize;

use super::offline::Offline;
use super::{AdminError, print};

/// Records read at once.
const PAGE: usize = 1_000;

/// A session as it is shown.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    session: IssuedSession,
    revoked: bool,
}

pub async fn sessions(offline: &Offline, json: bool) -> Result<(), AdminError> {
    let mut shown = Vec::new();
    let mut tx = Transaction::new(&offline.store);
    for session in living(offline).await? {
        let revoked = is_revoked(&mut tx, &session.access_key_id).await?;
        shown.push(Shown { session, revoked });
    }
    if json {
        for session in &shown {
            let line =
                serde_json::to_string(session).map_err(|error| AdminError::Failed(error.to_string()))?;
            print(&line)?;
        }
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(["ACCESS KEY", "SESSION", "ISSUED TO", "FROM", "EXPIRES", ""]);
    for Shown { session, revoked } in shown {
        table.add_row([
            session.access_key_id,
            session.arn,
            session.issued_to,
            session.source_ip.unwrap_or_default(),
            session.expires.to_string(),
            if revoked { "revoked".to_owned() } else { String::new() },
        ]);
    }
    print(&table.trim_fmt())
}

/// Newest first.
async fn living(offline: &Offline) -> Result<Vec<IssuedSession>, AdminError> {
    let query = Arc::new(Query {
        range: (offline.now - SESSION_MAX)..=offline.now,
        conditions: vec![Condition::is(&[Column::EventSource], "sts.amazonaws.com")],
        ..Query::of(offline.account.as_str(), None)
    });
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = offline.history.search(&query, after, PAGE).await?;
        for entry in page.entries.iter().filter(|entry| entry.kind == EntryKind::Record) {
            if let Some(session) = IssuedSession::of_record(&entry.bytes)
                && session.expires > offline.now
            {
                found.push((entry.seq, session));
            }
        }
        after = page.more;
        if after.is_none() {
            break;
        }
    }
    found.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    Ok(found.into_iter().map(|(_, session)| session).collect())
}
