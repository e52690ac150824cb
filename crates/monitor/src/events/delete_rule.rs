//! `DeleteRule`: only without targets; deleting what is not there succeeds

use keywatch_api::events::DeleteRuleRequest;
use keywatch_iam::Call;

use super::{
    Events, EventsError, access,
    record::{RULE, RuleRecord, rule_key},
};

pub(crate) async fn delete_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: DeleteRuleRequest,
) -> Result<(), EventsError> {
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:DeleteRule", bus, &request.name).await?;
    let key = rule_key(&call.partition(), &bus, &request.name);
    match call.tx.get::<RuleRecord>(RULE, &key).await? {
        None => Ok(()),
        Some(rule) if !rule.targets.is_empty() => {
            Err(EventsError::invalid("Rule can't be deleted since it has targets."))
        }
        Some(_) => {
            call.tx.delete(RULE, &key);
            Ok(())
        }
    }
}
