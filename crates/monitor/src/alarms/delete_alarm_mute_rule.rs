//! `DeleteAlarmMuteRule`: deletes a mute rule, if it is there; what it held back is executed at once.

use keywatch_api::cloudwatch::mutes::DeleteAlarmMuteRuleRequest;
use keywatch_iam::Call;

use super::mute::{self, MUTE_RULE, mute_key};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_alarm_mute_rule(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DeleteAlarmMuteRuleRequest,
) -> Result<(), CloudWatchError> {
    let arn = mute::arn(call.account().as_str(), call.region.as_str(), &request.alarm_mute_rule_name);
    call.authorize_own("cloudwatch:DeleteAlarmMuteRule", &arn)?;
    let key = mute_key(call.partition().as_str(), &request.alarm_mute_rule_name);
    if call.tx.get_bytes(MUTE_RULE, &key).await?.is_some() {
        call.tx.delete(MUTE_RULE, &key);
    }
    Ok(())
}
