//! SQS 2012-11-05: table and shapes, with the names of the JSON protocol; those of the query protocol are in `codec::flat`. Bounds that AWS words in its own way (`Value … for parameter … is
//! invalid`) are checked by the service.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Blob;

/// The table of operations.
#[macro_export]
macro_rules! sqs_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* SqsOperation Sqs;
            AddPermission add_permission Write;
            CancelMessageMoveTask cancel_message_move_task Write;
            ChangeMessageVisibility change_message_visibility Write;
            ChangeMessageVisibilityBatch change_message_visibility_batch Write;
            CreateQueue create_queue Write;
            DeleteMessage delete_message Write;
            DeleteMessageBatch delete_message_batch Write;
            DeleteQueue delete_queue Write;
            GetQueueAttributes get_queue_attributes Read;
            GetQueueUrl get_queue_url Read;
            ListDeadLetterSourceQueues list_dead_letter_source_queues Read;
            ListMessageMoveTasks list_message_move_tasks Read;
            ListQueueTags list_queue_tags Read;
            ListQueues list_queues Read;
            PurgeQueue purge_queue Write;
            ReceiveMessage receive_message Read;
            RemovePermission remove_permission Write;
            SendMessage send_message Write;
            SendMessageBatch send_message_batch Write;
            SetQueueAttributes set_queue_attributes Write;
            StartMessageMoveTask start_message_move_task Write;
            TagQueue tag_queue Write;
            UntagQueue untag_queue Write;
        }
    };
}

crate::sqs_operations!(crate::define_operations);

crate::shape! {
    /// `CreateQueue`
    pub struct CreateQueueRequest: Pascal {
        queue_name: String,
        attributes: Option<BTreeMap<String, String>>,
        #[serde(rename = "tags")]
        tags: Option<BTreeMap<String, String>>,
    }
}

crate::shape! {
    /// `GetQueueUrl`
    pub struct GetQueueUrlRequest: Pascal {
        queue_name: String,
        #[serde(rename = "QueueOwnerAWSAccountId")]
        owner: Option<String>,
    }
}

crate::shape! {
    /// `DeleteQueue`, `PurgeQueue`, `ListQueueTags`
    pub struct QueueRequest: Pascal { queue_url: String }
}

crate::shape! {
    /// `ListQueues`
    pub struct ListQueuesRequest: Pascal {
        queue_name_prefix: Option<String>,
        next_token: Option<String>,
        max_results: Option<i32>,
    }
}

crate::shape! {
    /// `ListDeadLetterSourceQueues`
    pub struct ListDeadLetterSourceQueuesRequest: Pascal {
        queue_url: String,
        next_token: Option<String>,
        max_results: Option<i32>,
    }
}

crate::shape! {
    /// `GetQueueAttributes`
    pub struct GetQueueAttributesRequest: Pascal {
        queue_url: String,
        attribute_names: Option<Vec<String>>,
    }
}

crate::shape! {
    /// `SetQueueAttributes`
    pub struct SetQueueAttributesRequest: Pascal { queue_url: String, attributes: BTreeMap<String, String> }
}

crate::shape! {
    /// A message attribute's value; which member holds it follows from the data type.
    pub struct MessageAttributeValue: Pascal {
        data_type: String,
        string_value: Option<String>,
        binary_value: Option<Blob>,
    }
}

crate::shape! {
    /// `SendMessage`
    pub struct SendMessageRequest: Pascal {
        queue_url: String,
        message_body: Option<String>,
        delay_seconds: Option<i32>,
        message_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        message_system_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        message_deduplication_id: Option<String>,
        message_group_id: Option<String>,
    }
}

crate::shape! {
    /// A message of `SendMessageBatch`.
    pub struct SendMessageBatchEntry: Pascal {
        id: String,
        message_body: Option<String>,
        delay_seconds: Option<i32>,
        message_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        message_system_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        message_deduplication_id: Option<String>,
        message_group_id: Option<String>,
    }
}

crate::shape! {
    /// `SendMessageBatch`
    pub struct SendMessageBatchRequest: Pascal { queue_url: String, entries: Vec<SendMessageBatchEntry> }
}

crate::shape! {
    /// `ReceiveMessage`
    pub struct ReceiveMessageRequest: Pascal {
        queue_url: String,
        attribute_names: Option<Vec<String>>,
        message_system_attribute_names: Option<Vec<String>>,
        message_attribute_names: Option<Vec<String>>,
        max_number_of_messages: Option<i32>,
        visibility_timeout: Option<i32>,
        wait_time_seconds: Option<i32>,
        receive_request_attempt_id: Option<String>,
    }
}

crate::shape! {
    /// `DeleteMessage`
    pub struct DeleteMessageRequest: Pascal { queue_url: String, receipt_handle: String }
}

crate::shape! {
    /// A message of `DeleteMessageBatch`.
    pub struct DeleteMessageBatchEntry: Pascal { id: String, receipt_handle: String }
}

crate::shape! {
    /// `DeleteMessageBatch`
    pub struct DeleteMessageBatchRequest: Pascal { queue_url: String, entries: Vec<DeleteMessageBatchEntry> }
}

crate::shape! {
    /// `ChangeMessageVisibility`
    pub struct ChangeMessageVisibilityRequest: Pascal {
        queue_url: String,
        receipt_handle: String,
        visibility_timeout: i32,
    }
}

crate::shape! {
    /// A message of `ChangeMessageVisibilityBatch`.
    pub struct ChangeMessageVisibilityBatchEntry: Pascal {
        id: String,
        receipt_handle: String,
        visibility_timeout: Option<i32>,
    }
}

crate::shape! {
    /// `ChangeMessageVisibilityBatch`
    pub struct ChangeMessageVisibilityBatchRequest: Pascal {
        queue_url: String,
        entries: Vec<ChangeMessageVisibilityBatchEntry>,
    }
}

crate::shape! {
    /// `TagQueue`
    pub struct TagQueueRequest: Pascal { queue_url: String, tags: BTreeMap<String, String> }
}

crate::shape! {
    /// `UntagQueue`
    pub struct UntagQueueRequest: Pascal { queue_url: String, tag_keys: Vec<String> }
}

crate::shape! {
    /// `AddPermission`
    pub struct AddPermissionRequest: Pascal {
        queue_url: String,
        label: String,
        #[serde(rename = "AWSAccountIds")]
        account_ids: Vec<String>,
        actions: Vec<String>,
    }
}

crate::shape! {
    /// `RemovePermission`
    pub struct RemovePermissionRequest: Pascal { queue_url: String, label: String }
}

crate::shape! {
    /// `StartMessageMoveTask`
    pub struct StartMessageMoveTaskRequest: Pascal {
        source_arn: String,
        destination_arn: Option<String>,
        max_number_of_messages_per_second: Option<i32>,
    }
}

crate::shape! {
    /// `ListMessageMoveTasks`
    pub struct ListMessageMoveTasksRequest: Pascal { source_arn: String, max_results: Option<i32> }
}

crate::shape! {
    /// `CancelMessageMoveTask`
    pub struct CancelMessageMoveTaskRequest: Pascal { task_handle: String }
}

/// `CreateQueue`, `GetQueueUrl`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueUrl {
    pub queue_url: String,
}

/// `ListQueues`; the list is absent when it is empty.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListQueuesResponse {
    pub queue_urls: Option<Vec<String>>,
    pub next_token: Option<String>,
}

/// `ListDeadLetterSourceQueues`
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub struct ListDeadLetterSourceQueuesResponse {
    #[serde(rename = "queueUrls")]
    pub queue_urls: Vec<String>,
    #[serde(rename = "NextToken")]
    pub next_token: Option<String>,
}

/// `GetQueueAttributes`; absent when none was asked for.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueAttributes {
    pub attributes: Option<BTreeMap<String, String>>,
}

/// `SendMessage`
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessageResponse {
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_message_body: String,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub md5_of_message_attributes: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes")]
    pub md5_of_message_system_attributes: Option<String>,
    pub message_id: String,
    /// Twenty digits; only of FIFO queues.
    pub sequence_number: Option<String>,
}

/// A message that was sent by `SendMessageBatch`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessageBatchResult {
    pub id: String,
    pub message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_message_body: String,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub md5_of_message_attributes: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes")]
    pub md5_of_message_system_attributes: Option<String>,
    pub sequence_number: Option<String>,
}

/// A member of a batch that failed by itself.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchFailure {
    pub id: String,
    pub sender_fault: bool,
    pub code: String,
    pub message: Option<String>,
}

/// The answer of a batch: what went well and what did not, each absent when empty.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchResponse<T: Serialize> {
    pub successful: Option<Vec<T>>,
    pub failed: Option<Vec<BatchFailure>>,
}

/// A member of a batch that went well and answers nothing more.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchId {
    pub id: String,
}

/// A received message.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceivedMessage {
    pub message_id: String,
    pub receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    pub md5_of_body: String,
    pub body: String,
    pub attributes: Option<BTreeMap<String, String>>,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub md5_of_message_attributes: Option<String>,
    pub message_attributes: Option<BTreeMap<String, ReceivedAttribute>>,
}

/// An attribute of a received message.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceivedAttribute {
    pub string_value: Option<String>,
    pub binary_value: Option<Blob>,
    pub data_type: String,
}

/// `ReceiveMessage`; the list is absent when it is empty.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiveMessageResponse {
    pub messages: Option<Vec<ReceivedMessage>>,
}

/// `ListQueueTags`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueTags {
    pub tags: Option<BTreeMap<String, String>>,
}

/// `StartMessageMoveTask`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskHandle {
    pub task_handle: String,
}

/// A task of `ListMessageMoveTasks`; its handle is shown while it runs.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageMoveTask {
    pub task_handle: Option<String>,
    pub status: String,
    pub source_arn: String,
    pub destination_arn: Option<String>,
    pub max_number_of_messages_per_second: Option<i32>,
    pub approximate_number_of_messages_moved: u64,
    pub approximate_number_of_messages_to_move: Option<u64>,
    pub failure_reason: Option<String>,
    /// Milliseconds since 1970.
    pub started_timestamp: i64,
}

/// `ListMessageMoveTasks`; the list is absent when it is empty.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageMoveTasks {
    pub results: Option<Vec<MessageMoveTask>>,
}

/// `CancelMessageMoveTask`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessagesMoved {
    pub approximate_number_of_messages_moved: u64,
}
