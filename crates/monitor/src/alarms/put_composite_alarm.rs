//! `PutCompositeAlarm`: creates or replaces an alarm on the states of other alarms. The state survives a replacement; a change that
//! waited for a suppressor does not survive another suppressor.

use keywatch_api::cloudwatch::alarms::PutCompositeAlarmRequest;
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, arn},
    change::configured,
    composite::{
        PARENTS_MAX, parents,
        rule::{Rule, RuleError, alarm_of_arn},
        set_children,
    },
    config::{self, CompositeRule, Config, Suppressor},
    history::Configured,
    put_metric_alarm::check_action,
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError, tagged::check_tags};

/// Services that take the actions of metric alarms only.
const REFUSED_SERVICES: [&str; 3] = ["autoscaling", "automate", "swf"];

pub(crate) async fn put_composite_alarm(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: PutCompositeAlarmRequest,
) -> Result<(), CloudWatchError> {
    let (account, region) = (call.account().to_string(), call.region.to_string());
    call.authorize_own("cloudwatch:PutCompositeAlarm", &arn(&account, &region, &request.alarm_name))?;
    let name = request.alarm_name.clone();
    let tags = check_tags(request.tags.as_deref().unwrap_or_default())?;
    let rule = Rule::parse(&request.alarm_rule, (&account, &region)).map_err(refused)?;
    if rule.children().contains(&name) {
        let text = "A composite alarm cannot have a child relation with itself via its AlarmRule, as it would introduce a circular dependency";
        return Err(validation(text));
    }
    let config = config(request, (&account, &region))?;
    let partition = format!("{account}/{region}");
    check_children(call, &partition, (&account, &region), &name, rule.children()).await?;
    check_suppressor(call, &partition, &name, &config).await?;
    let key = alarm_key(&partition, &name);
    let before = call.tx.get::<Alarm>(ALARM, &key).await?;
    if before.as_ref().is_some_and(|before| before.config.metric().is_some()) {
        return Err(validation(format!("A metric alarm with the name {name} already exists.")));
    }
    let (alarm, what) = match &before {
        Some(before) if before.config == config => return Ok(()),
        Some(before) => (replaced(before, config, call), Configured::Updated),
        None => (Alarm::new((&account, &region), name, config, tags, call.now), Configured::Created),
    };
    let known = before.as_ref().map(children_of).unwrap_or_default();
    set_children(&mut call.tx, &partition, &alarm.name, &known, rule.children())?;
    call.tx.put(ALARM, &key, &alarm)?;
    Ok(configured(&mut call.tx, &alarm, before.as_ref(), what, call.now)?)
}

fn replaced(before: &Alarm, config: Config, call: &Call<'_>) -> Alarm {
    let suppressor = |config: &Config| config.composite().and_then(|rule| rule.suppressor.clone());
    let held = before.held.clone().filter(|_| suppressor(&before.config) == suppressor(&config));
    Alarm { config, configured_at: call.now, held, ..before.clone() }
}

/// The children that a stored composite alarm was given.
pub(super) fn children_of(alarm: &Alarm) -> Vec<String> {
    let place = (alarm.account.as_str(), alarm.region.as_str());
    let rule = alarm.config.composite().and_then(|rule| Rule::parse(&rule.alarm_rule, place).ok());
    rule.map(|rule| rule.children().to_vec()).unwrap_or_default()
}

fn config(request: PutCompositeAlarmRequest, place: (&str, &str)) -> Result<Config, CloudWatchError> {
    let suppressor = suppressor(&request, place)?;
    let [ok_actions, alarm_actions, insufficient_data_actions] =
        [request.ok_actions, request.alarm_actions, request.insufficient_data_actions]
            .map(Option::unwrap_or_default);
    for action in ok_actions.iter().chain(&alarm_actions).chain(&insufficient_data_actions) {
        check_action(action)?;
        if action.split(':').nth(2).is_some_and(|service| REFUSED_SERVICES.contains(&service)) {
            return Err(validation(format!("The action {action} is not supported by composite alarms.")));
        }
    }
    Ok(Config {
        description: request.alarm_description,
        actions_enabled: request.actions_enabled.unwrap_or(true),
        ok_actions,
        alarm_actions,
        insufficient_data_actions,
        rule: config::Rule::Composite(CompositeRule { alarm_rule: request.alarm_rule, suppressor }),
    })
}

fn suppressor(
    request: &PutCompositeAlarmRequest,
    place: (&str, &str),
) -> Result<Option<Suppressor>, CloudWatchError> {
    let (wait, extension) =
        (request.actions_suppressor_wait_period, request.actions_suppressor_extension_period);
    let Some(given) = request.actions_suppressor.clone() else {
        if wait.is_some() || extension.is_some() {
            let text =
                "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod require ActionsSuppressor.";
            return Err(validation(text));
        }
        return Ok(None);
    };
    let (Some(wait_period), Some(extension_period)) = (wait, extension) else {
        let text = "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are required when ActionsSuppressor is specified.";
        return Err(validation(text));
    };
    if wait_period < 0 || extension_period < 0 {
        let text = "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must not be negative.";
        return Err(validation(text));
    }
    let name =
        if given.starts_with("arn:") { alarm_of_arn(&given, place).map_err(refused)? } else { given.clone() };
    Ok(Some(Suppressor { given, name, wait_period, extension_period }))
}

/// The children exist, and none of them has too many parents.
async fn check_children(
    call: &mut Call<'_>,
    partition: &str,
    place: (&str, &str),
    parent: &str,
    children: &[String],
) -> Result<(), CloudWatchError> {
    let mut absent = Vec::new();
    for child in children {
        let key = alarm_key(partition, child);
        if call.tx.get::<Alarm>(ALARM, &key).await?.is_none() {
            absent.push(arn(place.0, place.1, child));
            continue;
        }
        // Deleting a child meanwhile is a conflict.
        call.tx.require_unchanged(ALARM, &key);
        let known = parents(&mut call.tx, partition, child).await?;
        if known.len() >= PARENTS_MAX && !known.iter().any(|known| known == parent) {
            let text = format!(
                "The alarm {child} must not be in the rules of more than {PARENTS_MAX} composite alarms"
            );
            return Err(CloudWatchError::LimitExceeded(text));
        }
    }
    if absent.is_empty() {
        return Ok(());
    }
    let absent = absent.join(", ");
    Err(validation(format!(
        "Could not save the composite alarm as alarms [{absent}] in the alarm rule do not exist"
    )))
}

async fn check_suppressor(
    call: &mut Call<'_>,
    partition: &str,
    name: &str,
    config: &Config,
) -> Result<(), CloudWatchError> {
    let Some(suppressor) = config.composite().and_then(|rule| rule.suppressor.as_ref()) else {
        return Ok(());
    };
    if suppressor.name == name {
        return Err(validation("A composite alarm cannot be its own ActionsSuppressor"));
    }
    if call.tx.get::<Alarm>(ALARM, &alarm_key(partition, &suppressor.name)).await?.is_none() {
        return Err(validation(format!("The ActionsSuppressor {} does not exist", suppressor.given)));
    }
    Ok(())
}

fn refused(error: RuleError) -> CloudWatchError {
    CloudWatchError::Validation(error.0)
}

fn validation(text: impl Into<String>) -> CloudWatchError {
    CloudWatchError::Validation(text.into())
}
