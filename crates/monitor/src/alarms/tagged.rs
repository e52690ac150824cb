//! Which alarm a tagging operation means: alarms are the only CloudWatch resources here that have tags.

use keywatch_api::Arn;
use keywatch_iam::Call;

use super::{
    alarm::Alarm,
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::CloudWatchError;

/// The alarm an ARN names, and its key, after `action` on it was authorised.
pub(super) async fn find(
    call: &mut Call<'_>,
    action: &str,
    arn: &str,
) -> Result<(String, Alarm), CloudWatchError> {
    call.authorize_own(action, arn)?;
    let missing = || CloudWatchError::NoSuchResource { arn: arn.to_owned() };
    let parsed: Arn = arn.parse().map_err(|_| {
        CloudWatchError::InvalidParameterValue(format!(
            "The value {arn} for parameter ResourceARN is not an ARN."
        ))
    })?;
    let is_here = parsed.account == call.account().as_str() && parsed.region == call.region.as_str();
    let name = parsed.resource.strip_prefix("alarm:").filter(|_| is_here && parsed.service == "cloudwatch");
    let key = alarm_key(call.partition().as_str(), name.ok_or_else(missing)?);
    let alarm = call.tx.get::<Alarm>(ALARM, &key).await?.ok_or_else(missing)?;
    Ok((key, alarm))
}
