//! `ListDeadLetterSourceQueues`: the queues whose redrive policy names this one.

use keywatch_api::page;
use keywatch_api::sqs::{ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::list_queues::page_size;
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::{QUEUE, QueueName, QueueRecord};

const QUEUES_READ_MAX: usize = 100_000;

pub(super) async fn list_dead_letter_source_queues(
    call: &mut Call<'_>,
    _: &Notify,
    request: ListDeadLetterSourceQueuesRequest,
) -> Result<ListDeadLetterSourceQueuesResponse, SqsError> {
    let (target, _) = queue(call, &request.queue_url, "sqs:ListDeadLetterSourceQueues").await?;
    let limit = page_size(request.max_results)?;
    let question = format!("ListDeadLetterSourceQueues {}", target.key());
    let after = request.next_token.map(|token| page::decode(&question, &token)).transpose();
    let after = after.map_err(|_| SqsError::InvalidParameter("Invalid NextToken".to_owned()))?;
    let prefix = format!("{}/{}/", target.account, target.region);
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: QUEUES_READ_MAX };
    let mut sources: Vec<String> = call
        .tx
        .scan::<QueueRecord>(QUEUE, scan)
        .await?
        .into_iter()
        .filter(|(_, queue)| queue.redrive().is_some_and(|redrive| redrive.target == target))
        .map(|(key, _)| key)
        .take(limit + 1)
        .collect();
    let more = sources.len() > limit;
    sources.truncate(limit);
    let next_token = sources.last().filter(|_| more).map(|key| page::encode(&question, key));
    let url = |key: String| {
        let name = key[prefix.len()..].to_owned();
        QueueName { account: target.account.clone(), region: target.region.clone(), name }
            .url(call.origin.endpoint)
    };
    Ok(ListDeadLetterSourceQueuesResponse { queue_urls: sources.into_iter().map(url).collect(), next_token })
}
