//! The links in messages: whoever has one may confirm or unsubscribe without credentials, by a program's request
//! (`/?Action=ConfirmSubscription…`) or on a page (`/confirmation.html`). Here is also the certificate that signatures are verified with.
//!
//! A visit that asks for an operation is a call: it leaves a record, committed with what it changed.

use std::net::IpAddr;

use jiff::Timestamp;
use keywatch_api::codec::query::parameter;
use keywatch_api::codec::{Protocol, Wire, encode_fault, xml::push_text};
use keywatch_api::sns::SubscriptionArn;
use keywatch_api::{AccountId, Fault, Service};
use keywatch_iam::Notes;
use keywatch_iam::record::{ApiCall, Identity};
use keywatch_store::{Append, Batch, CommitError, EntryKind, Partition, Transaction};
use serde_json::json;

use super::Notify;
use super::sns::SnsError;
use super::sns::confirmation::{Confirmer, confirm, remove};
use super::topic::{SUBSCRIPTION, SubscriptionName, SubscriptionRecord, TopicName};

const ATTEMPTS_MAX: u32 = 16;
const HTML: &str = "text/html; charset=utf-8";

/// A GET without credentials.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub now: Timestamp,
    pub path: &'a str,
    /// The query string, without `?`.
    pub query: &'a str,
    /// UUIDs: `x-amzn-RequestId` and the record's `eventID`.
    pub request_id: &'a str,
    pub event_id: &'a str,
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
    /// The account whose trail keeps records of visits that name no topic.
    pub account: &'a AccountId,
}

/// What a visitor gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// What a visit asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Confirm { topic_arn: String, token: String, lock: bool },
    Unsubscribe { subscription_arn: String },
}

impl Wish {
    fn operation(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "ConfirmSubscription",
            Self::Unsubscribe { .. } => "Unsubscribe",
        }
    }
}

/// Whether a GET without credentials is for [`Notify::visit`].
pub fn is_link(path: &str, query: &str) -> bool {
    matches!(path, "/confirmation.html" | "/unsubscribe.html")
        || is_certificate(path)
        || wish(path, query).is_some()
}

fn is_certificate(path: &str) -> bool {
    path.starts_with("/SimpleNotificationService-") && path.ends_with(".pem")
}

fn wish(path: &str, query: &str) -> Option<Wish> {
    let text = |name: &str| parameter(query.as_bytes(), name).unwrap_or_default();
    let confirm = || Wish::Confirm {
        topic_arn: text("TopicArn"),
        token: text("Token"),
        lock: text("AuthenticateOnUnsubscribe").eq_ignore_ascii_case("true"),
    };
    let unsubscribe = || Wish::Unsubscribe { subscription_arn: text("SubscriptionArn") };
    match (path, text("Action").as_str()) {
        ("/confirmation.html", _) | ("/", "ConfirmSubscription") => Some(confirm()),
        ("/unsubscribe.html", _) | ("/", "Unsubscribe") => Some(unsubscribe()),
        _ => None,
    }
}

impl Notify {
    /// Answers a GET without credentials; `None` when it is for none of our links.
    pub async fn visit(&self, visit: &Visit<'_>) -> Option<Page> {
        if is_certificate(visit.path) {
            return self.certificate(visit.path).await;
        }
        let wish = wish(visit.path, visit.query)?;
        let outcome = self.fulfil(visit, &wish).await;
        Some(if visit.path == "/" { program_page(visit, &wish, outcome) } else { human_page(&wish, outcome) })
    }

    async fn certificate(&self, path: &str) -> Option<Page> {
        match self.inner.signer().await {
            Ok(signer) if signer.certificate_path() == path => Some(Page {
                status: 200,
                content_type: "application/x-pem-file",
                body: signer.certificate_pem.clone(),
            }),
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, "The certificate of messages could not be read");
                Some(Page { status: 500, content_type: "text/plain", body: String::new() })
            }
        }
    }

    /// Does what is wished and records it; the subscription's ARN for a confirmation.
    async fn fulfil(&self, visit: &Visit<'_>, wish: &Wish) -> Result<Option<String>, Fault> {
        for _ in 0..ATTEMPTS_MAX {
            let mut tx = Transaction::new(&self.inner.store);
            let outcome = self.act(&mut tx, wish, visit.now).await.map_err(Fault::from_error);
            let record = record(visit, wish, outcome.as_ref().err());
            let batch = if outcome.is_ok() {
                tx.append(record);
                tx.into_batch()
            } else {
                Batch { appends: vec![record], ..Batch::default() }
            };
            match self.inner.store.commit(batch).await {
                Ok(_) => return outcome,
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => {
                    tracing::error!(%error, "The record of a visit could not be written, so it failed");
                    return Err(Fault::from_error(SnsError::from(error)));
                }
            }
        }
        Err(Fault::from_error(SnsError::Internal("others kept changing the subscription".to_owned())))
    }

    async fn act(
        &self,
        tx: &mut Transaction<'_>,
        wish: &Wish,
        now: Timestamp,
    ) -> Result<Option<String>, SnsError> {
        match wish {
            Wish::Confirm { topic_arn, token, lock } => {
                let topic = TopicName::parse(topic_arn, "TopicArn")?;
                confirm(tx, &topic, token, Confirmer::Visitor, *lock, now).await.map(Some)
            }
            Wish::Unsubscribe { subscription_arn } => {
                let name = SubscriptionName::parse(subscription_arn)?;
                let Some(found) = tx.get::<SubscriptionRecord>(SUBSCRIPTION, &name.key()).await? else {
                    return Ok(None);
                };
                if found.unsubscribe_needs_authentication {
                    let text = "This subscription may only be deleted by an authorized user.";
                    return Err(SnsError::Authorization(text));
                }
                remove(tx, &self.inner.keyring, &name, found, now).await.map(|()| None)
            }
        }
    }
}

fn record(visit: &Visit<'_>, wish: &Wish, fault: Option<&Fault>) -> Append {
    let (topic, parameters) = match wish {
        Wish::Confirm { topic_arn, .. } => {
            (TopicName::parse(topic_arn, "TopicArn").ok(), json!({"topicArn": topic_arn}))
        }
        Wish::Unsubscribe { subscription_arn } => {
            let name = SubscriptionName::parse(subscription_arn).ok();
            (name.map(|name| name.topic), json!({"subscriptionArn": subscription_arn}))
        }
    };
    let region = topic.as_ref().map(|topic| topic.region.clone());
    let region = region.unwrap_or_else(|| "us-east-1".parse().expect("a Region's name"));
    let recipient = topic.as_ref().map_or(visit.account, |topic| &topic.account);
    let mut notes = Notes::default();
    notes.request_parameters = Some(parameters.to_string());
    let address = visit.source_ip.map_or_else(String::new, |address| address.to_string());
    let mut text = String::with_capacity(1_024);
    ApiCall {
        time: visit.now,
        event_source: Service::Sns.event_source(),
        event_name: wish.operation(),
        region: &region,
        recipient,
        shared_event_id: None,
        caller: Identity::Unknown { access_key_id: None },
        source_address: &address,
        user_agent: visit.user_agent,
        request_id: visit.request_id,
        event_id: visit.event_id,
        read_only: false,
        error: fault.map(|fault| (fault.code_in_query(), fault.message.as_deref())),
        notes: &notes,
        tls: None,
    }
    .write(&mut text);
    Append {
        kind: EntryKind::Record,
        time: visit.now,
        partition: Partition::new(recipient.as_str(), region.as_str()),
        bytes: text.into(),
    }
}

/// The answer in the form of the query protocol.
fn program_page(visit: &Visit<'_>, wish: &Wish, outcome: Result<Option<String>, Fault>) -> Page {
    let wire = Wire {
        protocol: Protocol::Query,
        service: Service::Sns,
        operation: wish.operation(),
        request_id: visit.request_id,
        body: b"",
    };
    let (status, body) = match outcome {
        Ok(Some(subscription_arn)) => (200, wire.encode(&SubscriptionArn { subscription_arn })),
        Ok(None) => (200, wire.encode(&())),
        Err(fault) => (fault.status, encode_fault(Protocol::Query, Service::Sns, visit.request_id, &fault)),
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    Page { status, content_type: Protocol::Query.content_type(), body }
}

/// The answer for people.
fn human_page(wish: &Wish, outcome: Result<Option<String>, Fault>) -> Page {
    let (status, title, lines) = match (wish, outcome) {
        (Wish::Confirm { topic_arn, .. }, Ok(arn)) => {
            let arn = arn.unwrap_or_default();
            (
                200,
                "Subscription confirmed!",
                vec![
                    format!("You have subscribed to the topic {topic_arn}."),
                    format!("Your subscription's id is: {arn}"),
                ],
            )
        }
        (Wish::Unsubscribe { subscription_arn }, Ok(_)) => {
            (200, "Subscription removed!", vec![format!("Your subscription {subscription_arn} was removed.")])
        }
        (_, Err(fault)) => (fault.status, "That did not work", vec![fault.message.unwrap_or_default()]),
    };
    let mut body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1>"
    );
    for line in lines {
        body.push_str("<p>");
        push_text(&mut body, &line);
        body.push_str("</p>");
    }
    body.push_str("</body></html>\n");
    Page { status, content_type: HTML, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_among_requests() {
        let confirm = Wish::Confirm { topic_arn: "a:b".into(), token: "t".into(), lock: false };
        let remove = Wish::Unsubscribe { subscription_arn: "s".into() };
        for (path, query, want) in [
            ("/", "Action=ConfirmSubscription&TopicArn=a:b&Token=t", Some(&confirm)),
            ("/confirmation.html", "TopicArn=a%3Ab&Token=t&Endpoint=x@y", Some(&confirm)),
            ("/", "Action=Unsubscribe&SubscriptionArn=s", Some(&remove)),
            ("/unsubscribe.html", "SubscriptionArn=s", Some(&remove)),
            ("/", "Action=Publish&TopicArn=a:b", None),
            ("/", "", None),
            ("/other.html", "Action=Unsubscribe", None),
        ] {
            assert_eq!(wish(path, query).as_ref(), want, "{path}?{query}");
        }
        assert!(is_link("/SimpleNotificationService-0123.pem", ""));
        assert!(!is_link("/health", ""));
    }

    #[test]
    fn pages_quote_nothing_as_markup() {
        let wish = Wish::Confirm { topic_arn: "<script>".into(), token: String::new(), lock: false };
        let page = human_page(&wish, Ok(Some("x\"<b>".into())));
        assert!(!page.body.contains("<script>") && !page.body.contains("<b>"), "{}", page.body);
    }
}
