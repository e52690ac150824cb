//! A checked message becomes an entry of the log; in a topic that keeps an order only once in five minutes, and with a number.

use keywatch_iam::Call;
use keywatch_store::Partition;

use super::SnsError;
use crate::entry::{Body, Message};
use crate::notify::queue::deduplication::{Accepted, find, next_sequence, remember};
use crate::notify::topic::{TopicName, TopicRecord};

/// Publishes a message, or gives the one that was published before with the same deduplication id.
pub(super) async fn accept(
    call: &mut Call<'_>,
    name: &TopicName,
    topic: &TopicRecord,
    mut message: Message,
) -> Result<Accepted, SnsError> {
    let mut accepted = Accepted { id: message.id.clone(), sequence: None, sent: call.now };
    if let Some(order) = message.order.as_mut().filter(|_| name.is_fifo()) {
        let memory = topic.memory(name);
        let id = order.deduplication.clone().unwrap_or_default();
        if let Some(before) = find(&mut call.tx, &memory, &order.group, &id, call.now).await? {
            return Ok(before);
        }
        let sequence = next_sequence(&mut call.tx, &memory, &order.group, call.now).await?;
        order.sequence = Some(sequence.clone());
        accepted.sequence = Some(sequence);
        remember(&mut call.tx, &memory, &order.group, &id, &accepted)?;
    }
    let partition = Partition::new(name.account.as_str(), name.region.as_str());
    call.tx.append(message.append(partition, call.now));
    Ok(accepted)
}
