//! The HTML form of mails about alarms. Programs that show mails know little of CSS: tables, styles in place, and one picture that the
//! mail brings along.
//!
//! **Invariant:** every text that comes from elsewhere is escaped.

use std::fmt::Write as _;

use keywatch_api::cloudwatch::StateValue;
use keywatch_api::codec::xml::push_text;

use crate::alarms::{decimal::long_time, region_name::region_name};
use crate::entry::AlarmNotice;
use crate::notify::illustration::Illustration;

/// What the picture is called within the mail.
pub(super) const PICTURE_ID: &str = "metric";
const FONT: &str = "font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif";
const WIDTH: u32 = 640;

/// A mail about an alarm that changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlarmPage<'a> {
    pub(crate) notice: &'a AlarmNotice,
    pub(crate) shown: &'a Illustration,
    pub(crate) topic_arn: &'a str,
    pub(crate) unsubscribe_link: &'a str,
}

impl AlarmPage<'_> {
    pub(crate) fn html(&self) -> String {
        let name = escaped(&self.notice.name);
        let (color, state) = (color(self.notice.state), self.notice.state);
        let head = format!(
            r#"<tr><td style="background:{color};padding:14px 24px;color:#ffffff;font-size:18px"><b>{state}</b> &nbsp;{name}</td></tr>"#
        );
        let mut rows = head;
        cell(&mut rows, &self.summary());
        if self.shown.picture.is_some() {
            let image = format!(
                r#"<img src="cid:{PICTURE_ID}" width="592" alt="The metric of the alarm {name}" style="display:block;width:100%;max-width:592px;border:1px solid #d5dbdb">"#
            );
            cell(&mut rows, &image);
        }
        cell(&mut rows, &list(&self.facts()));
        if !self.shown.users.is_empty() {
            cell(&mut rows, &self.users());
        }
        cell(&mut rows, &self.foot());
        format!(
            r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light"><title>{state}: {name}</title></head><body style="margin:0;padding:16px;background:#f2f3f3;{FONT};font-size:14px;line-height:20px;color:#16191f"><table role="presentation" width="{WIDTH}" cellpadding="0" cellspacing="0" align="center" style="max-width:{WIDTH}px;width:100%;background:#ffffff;border:1px solid #d5dbdb">{rows}</table></body></html>
"#
        )
    }

    fn summary(&self) -> String {
        let AlarmNotice { description, reason, .. } = self.notice;
        let mut text = String::new();
        if let Some(description) = description.as_deref().filter(|text| !text.is_empty()) {
            let lines = escaped(description).replace('\n', "<br>");
            let _ = write!(text, r#"<p style="margin:0 0 8px 0">{lines}</p>"#);
        }
        let _ = write!(text, r#"<p style="margin:0;color:#545b64">{}</p>"#, escaped(reason));
        text
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let AlarmNotice { account, region, previous, state, at, key_arn, .. } = self.notice;
        let mut facts = vec![
            ("State change", format!("{previous} &rarr; <b>{state}</b>")),
            ("Time", escaped(&long_time(*at))),
            ("Account", escaped(account)),
            ("Region", format!("{} ({})", escaped(region_name(region)), escaped(region))),
        ];
        if let Some(key) = key_arn {
            facts.push(("Key", escaped(key)));
        }
        if !self.shown.aliases.is_empty() {
            facts.push(("Alias", escaped(&self.shown.aliases.join(", "))));
        }
        facts
    }

    fn users(&self) -> String {
        let rows: String = self
            .shown
            .users
            .iter()
            .map(|(user, calls)| {
                format!(
                    r#"<tr><td style="padding:2px 16px 2px 0;word-break:break-all">{}</td><td align="right" style="padding:2px 0">{calls}</td></tr>"#,
                    escaped(user)
                )
            })
            .collect();
        format!(
            r#"<p style="margin:0 0 4px 0"><b>Who used the key on the last day</b></p><table role="presentation" cellpadding="0" cellspacing="0" width="100%">{rows}</table>"#
        )
    }

    fn foot(&self) -> String {
        format!(
            r#"<p style="margin:0;color:#687078;font-size:12px;line-height:18px">Sent by the topic {}.<br><a href="{}" style="color:#0073bb">Stop receiving notifications from this topic</a>. Please do not reply directly to this email.</p>"#,
            escaped(self.topic_arn),
            escaped(self.unsubscribe_link)
        )
    }
}

fn color(state: StateValue) -> &'static str {
    match state {
        StateValue::Alarm => "#d13212",
        StateValue::Ok => "#1d8102",
        StateValue::InsufficientData => "#687078",
    }
}

fn cell(out: &mut String, inner: &str) {
    let _ = write!(out, r#"<tr><td style="padding:14px 24px 4px 24px">{inner}</td></tr>"#);
}

/// Names and values, which are HTML already.
fn list(facts: &[(&str, String)]) -> String {
    let rows: String = facts
        .iter()
        .map(|(name, value)| {
            format!(
                r#"<tr><td valign="top" width="110" style="padding:2px 16px 2px 0;color:#545b64">{name}</td><td style="padding:2px 0;word-break:break-all">{value}</td></tr>"#
            )
        })
        .collect();
    format!(r#"<table role="presentation" cellpadding="0" cellspacing="0" width="100%">{rows}</table>"#)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_text(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(name: &str) -> AlarmNotice {
        AlarmNotice {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            name: name.into(),
            description: Some("Someone uses it.\nAsk <them>.".into()),
            state: StateValue::Alarm,
            previous: StateValue::Ok,
            reason: "Threshold Crossed: 1 datapoint was > 0".into(),
            at: "2026-11-02T08:00:00Z".parse().unwrap(),
            key_arn: Some("arn:aws:kms:us-east-1:111122223333:key/k".into()),
        }
    }

    fn page(notice: &AlarmNotice, shown: &Illustration) -> String {
        let topic_arn = "arn:aws:sns:us-east-1:111122223333:t";
        AlarmPage { notice, shown, topic_arn, unsubscribe_link: "http://h/u?a=b&c=d" }.html()
    }

    #[test]
    fn texts_from_elsewhere_are_escaped() {
        let shown = Illustration {
            picture: None,
            aliases: vec!["a\"><script>".into()],
            users: vec![("arn:aws:iam::1:user/<b>".into(), 7)],
        };
        let page = page(&notice("<script>alert('x')</script>\" onload=\"x"), &shown);
        assert!(
            !page.contains("<script")
                && !page.contains("\" onload")
                && !page.contains("<them>")
                && !page.contains("user/<b>")
        );
        assert!(
            page.contains("Someone uses it.<br>Ask &lt;them&gt;.")
                && page.contains("href=\"http://h/u?a=b&amp;c=d\"")
        );
        assert!(!page.contains("<img"), "there is no picture to show");
    }

    #[test]
    fn what_a_mail_shows() {
        let shown = Illustration {
            picture: Some(vec![1]),
            aliases: vec!["payments".into()],
            users: vec![("arn:aws:iam::1:role/app".into(), 42)],
        };
        let page = page(&notice("use of a key pending deletion"), &shown);
        for text in [
            "ALARM</b> &nbsp;use of a key pending deletion",
            "cid:metric",
            "OK &rarr; <b>ALARM</b>",
            "US East (N. Virginia) (us-east-1)",
            ">payments<",
            ">arn:aws:iam::1:role/app<",
            ">42<",
        ] {
            assert!(page.contains(text), "{text} is missing in {page}");
        }
    }
}
