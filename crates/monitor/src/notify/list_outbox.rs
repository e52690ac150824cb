//! `ListOutbox` of our own service: mails kept because no SMTP server is configured, and deliveries that were given up.

use keywatch_api::outbox::{ListOutboxRequest, ListOutboxResponse, Mail as Shown};
use keywatch_api::{Fault, page};
use keywatch_iam::Call;
use keywatch_store::{Kind, Scan, StoreError};

use super::delivery::{DEAD, DeadDelivery, due_of};
use super::document::text_for;
use super::mail::Mail;

/// Mails that were kept, by the moment.
pub(crate) const OUTBOX: Kind = Kind("notify.outbox");
const PAGE_DEFAULT: i32 = 100;

/// Lists one page, oldest first. Needs nothing of the service that serves it.
pub async fn list_outbox<S: Sync>(
    call: &mut Call<'_>,
    _: &S,
    request: ListOutboxRequest,
) -> Result<ListOutboxResponse, Fault> {
    call.authorize_own("keywatch:ListOutbox", "*").map_err(Fault::from_error)?;
    let dead = request.dead.unwrap_or(false);
    let question = if dead { "ListOutbox dead" } else { "ListOutbox" };
    let after = request.next_token.as_deref().map(|token| page::decode(question, token)).transpose();
    let after = after.map_err(|error| Fault::validation(error.to_string()))?;
    let limit = request.max_results.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_DEFAULT) as usize;
    let scan = Scan { prefix: "", after: after.as_deref(), limit: limit + 1 };
    let mut rows =
        if dead { dead_rows(call, scan).await } else { kept_rows(call, scan).await }.map_err(internal)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_token = match rows.last() {
        Some((key, _)) if more => Some(page::encode(question, key)),
        _ => None,
    };
    Ok(ListOutboxResponse { mails: rows.into_iter().map(|(_, mail)| mail).collect(), next_token })
}

async fn kept_rows(call: &mut Call<'_>, scan: Scan<'_>) -> Result<Vec<(String, Shown)>, StoreError> {
    let rows = call.tx.scan::<Mail>(OUTBOX, scan).await?;
    let shown = |mail: Mail| Shown {
        time: mail.time.to_string(),
        to: mail.to,
        subject: mail.subject,
        body: mail.body,
        reason: None,
    };
    Ok(rows.into_iter().map(|(key, mail)| (key, shown(mail))).collect())
}

async fn dead_rows(call: &mut Call<'_>, scan: Scan<'_>) -> Result<Vec<(String, Shown)>, StoreError> {
    let rows = call.tx.scan::<DeadDelivery>(DEAD, scan).await?;
    Ok(rows.into_iter().map(|(key, dead)| (key.clone(), shown_dead(&key, dead))).collect())
}

fn shown_dead(key: &str, dead: DeadDelivery) -> Shown {
    let message = dead.message.as_ref().map(|stored| &stored.message);
    let text = message.and_then(|message| text_for(message, dead.delivery.protocol.as_str()));
    Shown {
        time: due_of(key).unwrap_or(dead.delivery.created).to_string(),
        to: dead.delivery.endpoint,
        subject: message.and_then(|message| message.subject.clone()).unwrap_or_default(),
        body: text.unwrap_or_default(),
        reason: Some(dead.reason),
    }
}

fn internal(error: StoreError) -> Fault {
    Fault::new("InternalFailure", 500, "The request failed because of an internal error.")
        .with_detail(error.to_string())
}
