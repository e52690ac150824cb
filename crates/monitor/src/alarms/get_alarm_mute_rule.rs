//! `GetAlarmMuteRule`: one mute rule, and where it stands.

use keywatch_api::cloudwatch::mutes::{GetAlarmMuteRuleRequest, GetAlarmMuteRuleResponse, MuteTargets};
use keywatch_iam::Call;

use super::mute::{self, MUTE_RULE, MuteRule, mute_key};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn get_alarm_mute_rule(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: GetAlarmMuteRuleRequest,
) -> Result<GetAlarmMuteRuleResponse, CloudWatchError> {
    let arn = mute::arn(call.account().as_str(), call.region.as_str(), &request.alarm_mute_rule_name);
    call.authorize_own("cloudwatch:GetAlarmMuteRule", &arn)?;
    let key = mute_key(call.partition().as_str(), &request.alarm_mute_rule_name);
    let found = call.tx.get::<MuteRule>(MUTE_RULE, &key).await?;
    let rule = found.ok_or(CloudWatchError::NoSuchResource { arn })?;
    Ok(GetAlarmMuteRuleResponse {
        alarm_mute_rule_arn: rule.arn(),
        status: rule.status(call.now),
        mute_type: rule.mute_type(),
        last_updated_timestamp: rule.updated_at.into(),
        name: rule.name,
        description: rule.description,
        rule: rule.rule,
        mute_targets: rule.targets.map(|alarm_names| MuteTargets { alarm_names }),
        start_date: rule.start_date.map(Into::into),
        expire_date: rule.expire_date.map(Into::into),
    })
}
