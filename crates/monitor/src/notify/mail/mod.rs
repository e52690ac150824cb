//! Mails: their texts, and the way to the SMTP server. What a person reads about an alarm comes in two forms (`html.rs`), of which
//! the program that shows it takes one.
//!
//! Source of the texts: mails recorded from SNS.

mod html;

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use keywatch_api::Blob;
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart, header::ContentType};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};

use super::delivery::Outcome;
pub(crate) use html::AlarmPage;
use keywatch_store::Versioned;

const TIMEOUT: Duration = Duration::from_secs(15);
/// The sender AWS uses; `from=` in the SMTP URL replaces it.
const SENDER: &str = "no-reply@sns.amazonaws.com";
const SENDER_NAME: &str = "AWS Notifications";

/// A mail, ready to send or to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mail {
    /// A UUID.
    pub(crate) id: String,
    pub(crate) time: Timestamp,
    pub(crate) to: String,
    pub(crate) from_name: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) html: Option<Html>,
}

/// The other form of a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Html {
    pub(crate) text: String,
    /// A PNG that the text shows.
    pub(crate) picture: Option<Blob>,
}

impl Versioned for Mail {
    const MARKER: &'static str = "notify.outbox/1";
}

/// Whether a text is an address mails can be sent to.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

/// Asks the owner of an address to confirm; `link` leads to the page that does.
pub(crate) fn confirmation_text(topic_arn: &str, link: &str) -> String {
    let mut text = format!("You have chosen to subscribe to the topic: \n{topic_arn}\n\n");
    text.push_str("To confirm this subscription, click or visit the link below (If this was in error no action is necessary): \n");
    let _ = write!(text, "{link}\n\nPlease do not reply directly to this email.\n");
    text
}

/// A message with the link to unsubscribe.
pub(crate) fn notification_text(message: &str, link: &str) -> String {
    format!(
        "{message}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n{link}\n\n\
         Please do not reply directly to this email.\n"
    )
}

/// The name a topic's mails are sent by.
pub(crate) fn sender_name(display_name: &str) -> String {
    if display_name.is_empty() { SENDER_NAME.to_owned() } else { display_name.to_owned() }
}

/// The way to an SMTP server.
#[derive(Clone, Debug)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Address,
}

/// An SMTP URL that cannot be used. The text does not repeat the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum SmtpUrlError {
    #[error(
        "the SMTP URL cannot be used: smtp://host:port or smtps://host:port is expected, ?tls=required for STARTTLS"
    )]
    Url,
    #[error("the sender (from=) in the SMTP URL is no mail address")]
    Sender,
}

impl Mailer {
    /// `smtp://[user:password@]host:port[?tls=required]`, `smtps://…`; `from=address` names the sender.
    pub(crate) fn new(url: &str) -> Result<Self, SmtpUrlError> {
        let mut parsed = reqwest::Url::parse(url).map_err(|_| SmtpUrlError::Url)?;
        let mut sender = SENDER.to_owned();
        let others: Vec<(String, String)> = parsed
            .query_pairs()
            .into_owned()
            .filter(|(name, value)| {
                let is_sender = name == "from";
                if is_sender {
                    sender.clone_from(value);
                }
                !is_sender
            })
            .collect();
        parsed.set_query(None);
        if !others.is_empty() {
            parsed.query_pairs_mut().extend_pairs(others);
        }
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(parsed.as_str())
            .map_err(|_| SmtpUrlError::Url)?
            .timeout(Some(TIMEOUT))
            .build();
        Ok(Self { transport, sender: sender.parse().map_err(|_| SmtpUrlError::Sender)? })
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Outcome {
        let Ok(to) = mail.to.parse::<Address>() else {
            return Outcome::Refused("the endpoint is no mail address".into());
        };
        let message = lettre::Message::builder()
            .from(Mailbox::new(Some(mail.from_name.clone()), self.sender.clone()))
            .to(Mailbox::new(None, to))
            .subject(mail.subject.as_str())
            .date(SystemTime::from(mail.time))
            .message_id(Some(format!("<{}@{}>", mail.id, self.sender.domain())));
        let message = match &mail.html {
            None => message.header(ContentType::TEXT_PLAIN).body(mail.body.clone()),
            Some(html) => message.multipart(both_forms(&mail.body, html)),
        };
        let message = match message {
            Ok(message) => message,
            Err(error) => return Outcome::Refused(format!("the mail could not be written: {error}")),
        };
        match self.transport.send(message).await {
            Ok(_) => Outcome::Delivered,
            Err(error) if error.is_permanent() => Outcome::Refused(error.to_string()),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}

/// The plain form first, for programs take the last that they know.
fn both_forms(plain: &str, html: &Html) -> MultiPart {
    let page = SinglePart::html(html.text.clone());
    let forms = MultiPart::alternative().singlepart(SinglePart::plain(plain.to_owned()));
    let Some(picture) = &html.picture else { return forms.singlepart(page) };
    let kind = ContentType::parse("image/png").expect("this is a content type");
    let image = Attachment::new_inline(html::PICTURE_ID.to_owned()).body(Body::new(picture.0.clone()), kind);
    forms.multipart(MultiPart::related().singlepart(page).singlepart(image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, good) in [
            ("a@example.com", true),
            ("a.b+c@d.example", true),
            ("a", false),
            ("a@b@c", false),
            ("a@b\r\nx", false),
        ] {
            assert_eq!(is_address(text), good, "{text:?}");
        }
    }

    #[test]
    fn smtp_urls() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        for (url, want) in [
            ("smtp://127.0.0.1:2525", None),
            ("smtps://user:pw@mail.example:465", None),
            ("smtp://mail.example:587?tls=required", None),
            ("smtp://mail.example:25?from=a@b.example", None),
            ("smtp://mail.example:25?from=nobody", Some("from=")),
            ("http://mail.example", Some("smtp://host:port")),
            ("mail.example:25", Some("smtp://host:port")),
        ] {
            match (Mailer::new(url), want) {
                (Ok(_), None) => {}
                (Err(error), Some(want)) => assert!(error.to_string().contains(want), "{error}"),
                (got, want) => panic!("{url}: {got:?} instead of {want:?}"),
            }
        }
    }
}
