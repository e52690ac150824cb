//! `PutAlarmMuteRule`: creates or replaces a rule that keeps the actions of alarms back at certain times.

use keywatch_api::cloudwatch::mutes::PutAlarmMuteRuleRequest;
use keywatch_iam::Call;

use super::{
    alarm::{self, Alarm},
    mute::{self, MUTE_RULE, MuteRule, RULES_MAX, mute_key, schedule::Schedule},
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError, tagged::check_tags};

pub(crate) async fn put_alarm_mute_rule(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: PutAlarmMuteRuleRequest,
) -> Result<(), CloudWatchError> {
    const ACTION: &str = "cloudwatch:PutAlarmMuteRule";
    let (account, region) = (call.account().to_string(), call.region.to_string());
    let targets = request.mute_targets.map(|targets| targets.alarm_names);
    call.authorize_own(ACTION, &mute::arn(&account, &region, &request.name))?;
    for name in targets.iter().flatten() {
        call.authorize_own(ACTION, &alarm::arn(&account, &region, name))?;
    }
    Schedule::parse(&request.rule.schedule)
        .map_err(|error| CloudWatchError::Validation(error.to_string()))?;
    let (start_date, expire_date) =
        (request.start_date.map(|date| date.0), request.expire_date.map(|date| date.0));
    if let (Some(start), Some(expire)) = (start_date, expire_date)
        && start >= expire
    {
        return Err(CloudWatchError::Validation("StartDate must be before ExpireDate.".into()));
    }
    let partition = format!("{account}/{region}");
    for name in targets.iter().flatten() {
        if call.tx.get::<Alarm>(ALARM, &alarm_key(&partition, name)).await?.is_none() {
            return Err(CloudWatchError::Validation(format!(
                "The alarm {name} of MuteTargets does not exist."
            )));
        }
    }
    let key = mute_key(&partition, &request.name);
    let before = call.tx.get::<MuteRule>(MUTE_RULE, &key).await?;
    if before.is_none() && mute::rules(&mut call.tx, &partition).await?.len() >= RULES_MAX {
        return Err(CloudWatchError::LimitExceeded(format!(
            "More than {RULES_MAX} alarm mute rules are not allowed."
        )));
    }
    let tags = check_tags(request.tags.as_deref().unwrap_or_default())?;
    let rule = MuteRule {
        account,
        region,
        name: request.name,
        description: request.description,
        rule: request.rule,
        targets,
        start_date,
        expire_date,
        updated_at: call.now,
        // As with alarms, the tags of what exists are changed by `TagResource` alone.
        tags: before.map_or(tags, |before| before.tags),
    };
    Ok(call.tx.put(MUTE_RULE, &key, &rule)?)
}
