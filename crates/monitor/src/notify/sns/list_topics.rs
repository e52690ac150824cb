//! `ListTopics`: a hundred at a time, in the order of their names.

use keywatch_api::page;
use keywatch_api::sns::{ListTopicsResponse, PageRequest, TopicArn};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::SnsError;
use crate::notify::Notify;
use crate::notify::topic::{TOPIC, TopicName};

/// "Each call returns a limited list of topics, up to 100."
pub(super) const PAGE: usize = 100;

pub(super) async fn list_topics(
    call: &mut Call<'_>,
    _: &Notify,
    request: PageRequest,
) -> Result<ListTopicsResponse, SnsError> {
    call.authorize_own("sns:ListTopics", "*")?;
    let prefix = format!("{}/", call.partition());
    let after = read_token("ListTopics", request.next_token)?;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE + 1 };
    let mut rows = call.tx.store.scan(TOPIC, scan).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next_token = rows.last().filter(|_| more).map(|row| page::encode("ListTopics", &row.key));
    let arn = |row: keywatch_store::Row| {
        let name = TopicName {
            account: call.caller.account.clone(),
            region: call.region.clone(),
            name: row.key[prefix.len()..].to_owned(),
        };
        TopicArn { topic_arn: name.arn().to_string() }
    };
    Ok(ListTopicsResponse { topics: rows.into_iter().map(arn).collect(), next_token })
}

/// The key a page continues after.
pub(super) fn read_token(question: &str, token: Option<String>) -> Result<Option<String>, SnsError> {
    let token = token.filter(|token| !token.is_empty());
    let read = token.map(|token| page::decode(question, &token)).transpose();
    read.map_err(|_| SnsError::parameter("NextToken"))
}
