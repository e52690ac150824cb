//! `keywatch admin sessions`: the temporary credentials that were handed out and have not expired, told from the trail.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use keywatch_iam::revocation::{IssuedSession, SESSION_MAX, is_revoked};
use keywatch_store::{EntryKind, Transaction};
use serde::Serialize;

use super::offline::Offline;
use super::{AdminError, print};

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
    let range = (offline.now - SESSION_MAX)..=offline.now;
    let mut found = Vec::new();
    let mut page = None;
    loop {
        let (entries, next) =
            offline.store.read_log_newest(range.clone(), &[EntryKind::Record], page).await?;
        for entry in entries {
            if entry.partition.account() == offline.account.as_str()
                && let Some(session) = IssuedSession::of_record(&entry.bytes)
                && session.expires > offline.now
            {
                found.push((entry.seq, session));
            }
        }
        match next {
            Some(next) => page = Some(next),
            None => break,
        }
    }
    found.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    Ok(found.into_iter().map(|(_, session)| session).collect())
}
