//! Delivery policies of topics and subscriptions: how often a web hook is tried again, and what its messages say they are.
//!
//! Pure functions. A subscription's policy goes before its topic's, unless the topic says that none does.
//! Source: SNS developer guide, "Creating an HTTP/S delivery policy". **Not here:** throttling, which is refused.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::retry::{Backoff, RetryPolicy};

const DELAY_MAX: u32 = 3_600;
const RETRIES_MAX: u32 = 100;
const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";
/// "headerContentType": what a request may say it is.
const CONTENT_TYPES: [&str; 11] = [
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xml",
];

/// `healthyRetryPolicy`; what is absent is as AWS has it for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Retries {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_delay_target: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_delay_target: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_max_delay_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_no_delay_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_min_delay_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff_function: Option<Backoff>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    header_content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicForm {
    http: Option<TopicPolicy>,
}

/// What a topic says of its web hooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TopicPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    default_healthy_retry_policy: Option<Retries>,
    #[serde(default)]
    disable_subscription_overrides: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_throttle_policy: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_request_policy: Option<RequestPolicy>,
}

/// What a subscription says of its web hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubscriptionPolicy {
    healthy_retry_policy: Option<Retries>,
    sickly_retry_policy: Option<Value>,
    throttle_policy: Option<Value>,
    request_policy: Option<RequestPolicy>,
    #[serde(default)]
    guaranteed: bool,
}

/// What holds for the deliveries of one subscription.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effective {
    pub(crate) retry: RetryPolicy,
    pub(crate) content_type: String,
}

impl Retries {
    fn full(self) -> Retries {
        Retries {
            min_delay_target: self.min_delay_target.or(Some(20)),
            max_delay_target: self.max_delay_target.or(Some(20)),
            num_retries: self.num_retries.or(Some(3)),
            num_max_delay_retries: self.num_max_delay_retries.or(Some(0)),
            num_no_delay_retries: self.num_no_delay_retries.or(Some(0)),
            num_min_delay_retries: self.num_min_delay_retries.or(Some(0)),
            backoff_function: self.backoff_function.or(Some(Backoff::Linear)),
        }
    }

    /// Retries without a phase of their own are those of the growing phase.
    fn policy(self) -> RetryPolicy {
        let number = |value: Option<u32>| value.unwrap_or_default();
        let full = self.full();
        let (without_delay, at_least_delay, at_greatest_delay) = (
            number(full.num_no_delay_retries),
            number(full.num_min_delay_retries),
            number(full.num_max_delay_retries),
        );
        let others = without_delay.saturating_add(at_least_delay).saturating_add(at_greatest_delay);
        RetryPolicy {
            growing: number(full.num_retries).saturating_sub(others),
            without_delay,
            at_least_delay,
            at_greatest_delay,
            least: number(full.min_delay_target),
            greatest: number(full.max_delay_target),
            backoff: full.backoff_function.unwrap_or(Backoff::Linear),
        }
    }

    fn check(self) -> Result<(), String> {
        let full = self.full();
        let (least, greatest) = (full.min_delay_target.unwrap_or(1), full.max_delay_target.unwrap_or(1));
        if least < 1 || least > greatest {
            return Err("minDelayTarget must be at least 1 and at most maxDelayTarget".to_owned());
        }
        if greatest > DELAY_MAX {
            return Err(format!("maxDelayTarget must be at most {DELAY_MAX}"));
        }
        let retries = full.num_retries.unwrap_or_default();
        let phases = [full.num_no_delay_retries, full.num_min_delay_retries, full.num_max_delay_retries];
        if retries > RETRIES_MAX {
            return Err(format!("numRetries must be at most {RETRIES_MAX}"));
        }
        if phases.iter().flatten().map(|number| u64::from(*number)).sum::<u64>() > u64::from(retries) {
            return Err("numRetries must be at least the sum of the retries of the other phases".to_owned());
        }
        let policy = self.policy();
        let total: i64 =
            (1..=retries).filter_map(|attempt| policy.delay(attempt)).map(|delay| delay.as_secs()).sum();
        if total > i64::from(DELAY_MAX) {
            return Err(format!("the delays add up to {total} seconds; at most {DELAY_MAX} are allowed"));
        }
        Ok(())
    }
}

fn check_parts(
    retries: Option<Retries>,
    throttle: Option<&Value>,
    request: Option<&RequestPolicy>,
) -> Result<(), String> {
    retries.map_or(Ok(()), Retries::check)?;
    if throttle.is_some() {
        return Err("throttle policies are not supported here".to_owned());
    }
    let content_type = request.and_then(|request| request.header_content_type.as_deref());
    let plain = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    match plain {
        Some(plain) if !CONTENT_TYPES.contains(&plain) => Err(format!("invalid headerContentType {plain}")),
        _ => Ok(()),
    }
}

impl TopicPolicy {
    /// Reads and checks `DeliveryPolicy` of a topic; `None` says that there is none.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        let form: TopicForm = serde_json::from_str(text).map_err(|_| "failed to parse JSON.".to_owned())?;
        let Some(policy) = form.http else { return Ok(None) };
        let (retries, throttle) =
            (policy.default_healthy_retry_policy, policy.default_throttle_policy.as_ref());
        check_parts(retries, throttle, policy.default_request_policy.as_ref())?;
        Ok(Some(policy))
    }

    /// As `DeliveryPolicy` shows it.
    pub(crate) fn shown(&self) -> String {
        json!({ "http": self }).to_string()
    }

    /// `EffectiveDeliveryPolicy` of the topic.
    pub(crate) fn effective_shown(&self) -> String {
        let full = Self {
            default_healthy_retry_policy: Some(self.default_healthy_retry_policy.unwrap_or_default().full()),
            default_request_policy: Some(RequestPolicy { header_content_type: Some(self.content_type()) }),
            ..self.clone()
        };
        full.shown()
    }

    fn content_type(&self) -> String {
        let given =
            self.default_request_policy.as_ref().and_then(|request| request.header_content_type.clone());
        given.unwrap_or_else(|| CONTENT_TYPE.to_owned())
    }
}

impl SubscriptionPolicy {
    /// Reads and checks `DeliveryPolicy` of a subscription.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = serde_json::from_str(text).map_err(|_| "failed to parse JSON.".to_owned())?;
        check_parts(
            policy.healthy_retry_policy,
            policy.throttle_policy.as_ref(),
            policy.request_policy.as_ref(),
        )?;
        Ok(policy)
    }

    /// As `DeliveryPolicy` shows it.
    pub(crate) fn shown(&self) -> String {
        json!(self).to_string()
    }

    /// `EffectiveDeliveryPolicy` of the subscription.
    pub(crate) fn effective_shown(&self, topic: &TopicPolicy) -> String {
        let own = if topic.disable_subscription_overrides { &Self::default() } else { self };
        let retries = own.healthy_retry_policy.or(topic.default_healthy_retry_policy).unwrap_or_default();
        let full = Self {
            healthy_retry_policy: Some(retries.full()),
            request_policy: Some(RequestPolicy { header_content_type: Some(own.content_type(topic)) }),
            ..own.clone()
        };
        full.shown()
    }

    fn content_type(&self, topic: &TopicPolicy) -> String {
        let given = self.request_policy.as_ref().and_then(|request| request.header_content_type.clone());
        given.unwrap_or_else(|| topic.content_type())
    }
}

/// What holds for a subscription with this policy to a topic with that one, as they are kept.
pub(crate) fn effective(topic: Option<&str>, subscription: Option<&str>) -> Effective {
    let topic = topic.and_then(|text| TopicPolicy::parse(text).ok()?).unwrap_or_default();
    let own = subscription.filter(|_| !topic.disable_subscription_overrides);
    let own = own.and_then(|text| SubscriptionPolicy::parse(text).ok()).unwrap_or_default();
    let retries = own.healthy_retry_policy.or(topic.default_healthy_retry_policy).unwrap_or_default();
    Effective { retry: retries.policy(), content_type: own.content_type(&topic) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_delays(topic: Option<&str>, subscription: Option<&str>, want: &[i64]) {
        let policy = effective(topic, subscription).retry;
        let delays: Vec<i64> =
            (1..).map_while(|attempt| policy.delay(attempt)).map(|delay| delay.as_secs()).collect();
        assert_eq!(delays, want, "{topic:?} {subscription:?}");
    }

    #[test]
    fn the_phases_of_retries() {
        let own = r#"{"healthyRetryPolicy":{"numRetries":7,"numNoDelayRetries":1,"numMinDelayRetries":2,"numMaxDelayRetries":1,"minDelayTarget":5,"maxDelayTarget":15}}"#;
        let topic =
            r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":1},"disableSubscriptionOverrides":true}}"#;
        check_delays(None, None, &[20, 20, 20]);
        check_delays(None, Some(own), &[0, 5, 5, 5, 10, 15, 15]);
        check_delays(Some(topic), Some(own), &[20]);
        check_delays(Some(&topic.replace("true", "false")), None, &[20]);
    }

    #[test]
    fn what_is_refused() {
        for (text, want) in [
            (
                r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}"#,
                "numRetries must be at most 100",
            ),
            (
                r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":30}}}"#,
                "minDelayTarget must be at least 1 and at most maxDelayTarget",
            ),
            (
                r#"{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":1}}}"#,
                "throttle policies are not supported here",
            ),
            (
                r#"{"http":{"defaultRequestPolicy":{"headerContentType":"image/png"}}}"#,
                "invalid headerContentType image/png",
            ),
            (
                r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":100,"minDelayTarget":100,"maxDelayTarget":100}}}"#,
                "the delays add up to 10000 seconds; at most 3600 are allowed",
            ),
            ("[", "failed to parse JSON."),
        ] {
            assert_eq!(TopicPolicy::parse(text).unwrap_err(), want, "{text}");
        }
        assert_eq!(TopicPolicy::parse(r#"{"http":null}"#), Ok(None));
    }

    #[test]
    fn as_they_are_shown() {
        let topic = TopicPolicy::parse(
            r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1}}}"#,
        );
        let topic = topic.unwrap().unwrap();
        let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        let full = json!({"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"});
        assert_eq!(
            parsed(topic.effective_shown()),
            json!({"http":{"defaultHealthyRetryPolicy":full,"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":CONTENT_TYPE}}})
        );
        let own = SubscriptionPolicy::parse(r#"{"requestPolicy":{"headerContentType":"text/csv"}}"#).unwrap();
        assert_eq!(
            parsed(own.shown()),
            json!({"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/csv"},"guaranteed":false})
        );
        assert_eq!(
            parsed(own.effective_shown(&topic)),
            json!({"healthyRetryPolicy":full,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/csv"},"guaranteed":false})
        );
    }
}
