//! `ListQueues`: by prefix, in the order of their names.

use keywatch_api::page;
use keywatch_api::sqs::{ListQueuesRequest, ListQueuesResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::SqsError;
use crate::notify::Notify;
use crate::notify::queue::{QUEUE, QueueName};

/// "Maximum 1,000 results"
pub(super) const PAGE_MAX: usize = 1_000;

pub(super) async fn list_queues(
    call: &mut Call<'_>,
    _: &Notify,
    request: ListQueuesRequest,
) -> Result<ListQueuesResponse, SqsError> {
    call.authorize_own("sqs:ListQueues", "*")?;
    let limit = page_size(request.max_results)?;
    let start = format!("{}/", call.partition());
    let prefix = format!("{start}{}", request.queue_name_prefix.unwrap_or_default());
    let question = format!("ListQueues {prefix}");
    let after = request.next_token.map(|token| page::decode(&question, &token)).transpose();
    let after = after.map_err(|_| SqsError::InvalidParameter("Invalid NextToken".to_owned()))?;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: limit + 1 };
    let mut rows = call.tx.store.scan(QUEUE, scan).await?;
    // Without a page size there is no token either, as with AWS.
    let more = rows.len() > limit && request.max_results.is_some();
    rows.truncate(limit);
    let next_token = rows.last().filter(|_| more).map(|row| page::encode(&question, &row.key));
    let url = |row: &keywatch_store::Row| {
        let name = QueueName {
            account: call.caller.account.clone(),
            region: call.region.clone(),
            name: row.key[start.len()..].to_owned(),
        };
        name.url(call.origin.endpoint)
    };
    let urls: Vec<String> = rows.iter().map(url).collect();
    Ok(ListQueuesResponse { queue_urls: (!urls.is_empty()).then_some(urls), next_token })
}

/// `MaxResults`, 1 to 1,000.
pub(super) fn page_size(asked: Option<i32>) -> Result<usize, SqsError> {
    match asked {
        None => Ok(PAGE_MAX),
        Some(asked) => usize::try_from(asked)
            .ok()
            .filter(|asked| (1..=PAGE_MAX).contains(asked))
            .ok_or_else(|| SqsError::value(asked, "MaxResults", "Must be between 1 and 1000, if provided.")),
    }
}
