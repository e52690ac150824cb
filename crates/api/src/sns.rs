//! SNS 2010-03-31: table and shapes. Bounds that AWS words in its own way (`Invalid parameter: …`) are checked by the service.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Blob;

/// The table of operations.
#[macro_export]
macro_rules! sns_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* SnsOperation Sns;
            AddPermission add_permission Write;
            CheckIfPhoneNumberIsOptedOut - Read;
            ConfirmSubscription confirm_subscription Write;
            CreatePlatformApplication - Write;
            CreatePlatformEndpoint - Write;
            CreateSMSSandboxPhoneNumber - Write;
            CreateTopic create_topic Write;
            DeleteEndpoint - Write;
            DeletePlatformApplication - Write;
            DeleteSMSSandboxPhoneNumber - Write;
            DeleteTopic delete_topic Write;
            GetDataProtectionPolicy - Read;
            GetEndpointAttributes - Read;
            GetPlatformApplicationAttributes - Read;
            GetSMSAttributes - Read;
            GetSMSSandboxAccountStatus - Read;
            GetSubscriptionAttributes get_subscription_attributes Read;
            GetTopicAttributes get_topic_attributes Read;
            ListEndpointsByPlatformApplication - Read;
            ListOriginationNumbers - Read;
            ListPhoneNumbersOptedOut - Read;
            ListPlatformApplications - Read;
            ListSMSSandboxPhoneNumbers - Read;
            ListSubscriptions list_subscriptions Read;
            ListSubscriptionsByTopic list_subscriptions_by_topic Read;
            ListTagsForResource list_tags_for_resource Read;
            ListTopics list_topics Read;
            OptInPhoneNumber - Write;
            Publish publish Write;
            PublishBatch publish_batch Write;
            PutDataProtectionPolicy - Write;
            RemovePermission remove_permission Write;
            SetEndpointAttributes - Write;
            SetPlatformApplicationAttributes - Write;
            SetSMSAttributes - Write;
            SetSubscriptionAttributes set_subscription_attributes Write;
            SetTopicAttributes set_topic_attributes Write;
            Subscribe subscribe Write;
            TagResource tag_resource Write;
            Unsubscribe unsubscribe Write;
            UntagResource untag_resource Write;
            VerifySMSSandboxPhoneNumber - Write;
        }
    };
}

crate::sns_operations!(crate::define_operations);

crate::shape! {
    pub struct Tag: Pascal { key: String [len 1..=128], value: String [len 0..=256] }
}

crate::shape! {
    /// `CreateTopic`
    pub struct CreateTopicRequest: Pascal {
        name: String,
        attributes: Option<BTreeMap<String, String>>,
        tags: Option<Vec<Tag>>,
        data_protection_policy: Option<String>,
    }
}

crate::shape! {
    /// `DeleteTopic`, `GetTopicAttributes`
    pub struct TopicRequest: Pascal { topic_arn: String }
}

crate::shape! {
    /// `ListTopics`, `ListSubscriptions`
    pub struct PageRequest: Pascal { next_token: Option<String> }
}

crate::shape! {
    /// `SetTopicAttributes`
    pub struct SetTopicAttributesRequest: Pascal {
        topic_arn: String,
        attribute_name: String,
        attribute_value: Option<String>,
    }
}

crate::shape! {
    /// `Subscribe`
    pub struct SubscribeRequest: Pascal {
        topic_arn: String,
        protocol: String,
        endpoint: Option<String>,
        attributes: Option<BTreeMap<String, String>>,
        return_subscription_arn: Option<bool>,
    }
}

crate::shape! {
    /// `ConfirmSubscription`. The token is a secret until it was used; records withhold it.
    pub struct ConfirmSubscriptionRequest: Pascal {
        topic_arn: String,
        token: crate::SecretText,
        authenticate_on_unsubscribe: Option<String>,
    }
}

crate::shape! {
    /// `Unsubscribe`, `GetSubscriptionAttributes`
    pub struct SubscriptionRequest: Pascal { subscription_arn: String }
}

crate::shape! {
    /// `SetSubscriptionAttributes`
    pub struct SetSubscriptionAttributesRequest: Pascal {
        subscription_arn: String,
        attribute_name: String,
        attribute_value: Option<String>,
    }
}

crate::shape! {
    /// `ListSubscriptionsByTopic`
    pub struct ListSubscriptionsByTopicRequest: Pascal { topic_arn: String, next_token: Option<String> }
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
    /// `Publish`
    pub struct PublishRequest: Pascal {
        topic_arn: Option<String>,
        target_arn: Option<String>,
        phone_number: Option<String>,
        message: String,
        subject: Option<String>,
        message_structure: Option<String>,
        message_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        message_deduplication_id: Option<String>,
        message_group_id: Option<String>,
    }
}

crate::shape! {
    /// A message of `PublishBatch`.
    pub struct PublishBatchEntry: Pascal {
        id: String,
        message: String,
        subject: Option<String>,
        message_structure: Option<String>,
        message_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        message_deduplication_id: Option<String>,
        message_group_id: Option<String>,
    }
}

crate::shape! {
    /// `PublishBatch`
    pub struct PublishBatchRequest: Pascal {
        topic_arn: String,
        publish_batch_request_entries: Vec<PublishBatchEntry>,
    }
}

crate::shape! {
    /// `AddPermission`
    pub struct AddPermissionRequest: Pascal {
        topic_arn: String,
        label: String,
        #[serde(rename = "AWSAccountId")]
        account_ids: Vec<String>,
        #[serde(rename = "ActionName")]
        actions: Vec<String>,
    }
}

crate::shape! {
    /// `RemovePermission`
    pub struct RemovePermissionRequest: Pascal { topic_arn: String, label: String }
}

crate::shape! {
    /// `TagResource`
    pub struct TagResourceRequest: Pascal { resource_arn: String [len 1..=1011], tags: Vec<Tag> }
}

crate::shape! {
    /// `UntagResource`
    pub struct UntagResourceRequest: Pascal { resource_arn: String [len 1..=1011], tag_keys: Vec<String> [each 1..=128] }
}

crate::shape! {
    /// `ListTagsForResource`
    pub struct ResourceRequest: Pascal { resource_arn: String [len 1..=1011] }
}

/// `CreateTopic`, and a member of `ListTopics`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TopicArn {
    pub topic_arn: String,
}

/// `ListTopics`
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTopicsResponse {
    pub topics: Vec<TopicArn>,
    pub next_token: Option<String>,
}

/// `GetTopicAttributes`, `GetSubscriptionAttributes`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributesResponse {
    pub attributes: BTreeMap<String, String>,
}

/// `Subscribe`, `ConfirmSubscription`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SubscriptionArn {
    pub subscription_arn: String,
}

/// A member of `ListSubscriptions`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subscription {
    /// `PendingConfirmation` until it is confirmed.
    pub subscription_arn: String,
    pub owner: String,
    pub protocol: String,
    pub endpoint: String,
    pub topic_arn: String,
}

/// `ListSubscriptions`, `ListSubscriptionsByTopic`
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSubscriptionsResponse {
    pub subscriptions: Vec<Subscription>,
    pub next_token: Option<String>,
}

/// `Publish`
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublishResponse {
    pub message_id: String,
    /// Twenty digits; only of FIFO topics.
    pub sequence_number: Option<String>,
}

/// A message that `PublishBatch` published.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublishBatchResult {
    pub id: String,
    pub message_id: String,
    pub sequence_number: Option<String>,
}

/// A message that `PublishBatch` did not publish.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchFailure {
    pub id: String,
    pub code: String,
    pub message: Option<String>,
    pub sender_fault: bool,
}

/// `PublishBatch`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublishBatchResponse {
    pub successful: Vec<PublishBatchResult>,
    pub failed: Vec<BatchFailure>,
}

/// `ListTagsForResource`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagsResponse {
    pub tags: Vec<Tag>,
}
