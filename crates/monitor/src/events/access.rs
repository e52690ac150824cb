//! Finding rules and the bus, and asking whether the caller may use them

use keywatch_api::{Arn, page};
use keywatch_iam::Call;
use keywatch_store::StoreError;

use super::{
    error::EventsError,
    record::{DEFAULT_BUS, RULE, RuleRecord, rule_arn, rule_key},
};

pub(crate) fn authorize_rule(call: &Call<'_>, action: &str, rule: &str) -> Result<(), EventsError> {
    Ok(call.authorize_own(action, &rule_arn(&call.partition(), rule))?)
}

/// Rules live on the default bus of the caller's account and Region; it may be named, also by its ARN.
pub(crate) fn on_default_bus(call: &Call<'_>, bus: Option<&str>) -> Result<(), EventsError> {
    match bus.map(|bus| bus_name(call, bus)) {
        None | Some(Some(DEFAULT_BUS)) => Ok(()),
        Some(Some(other)) => Err(EventsError::BusNotFound(other.to_owned())),
        Some(None) => Err(EventsError::BusNotFound(bus.unwrap_or_default().to_owned())),
    }
}

/// The name of a bus in the caller's account and Region.
pub(crate) fn bus_name<'b>(call: &Call<'_>, bus: &'b str) -> Option<&'b str> {
    if !Arn::is_arn(bus) {
        return Some(bus);
    }
    let arn: Arn = bus.parse().ok()?;
    let own = arn.service == "events"
        && arn.region == call.region.as_str()
        && arn.account == call.account().as_str();
    let (_, name) = bus.split_once(":event-bus/")?;
    own.then_some(name)
}

pub(crate) async fn rule(call: &mut Call<'_>, name: &str) -> Result<RuleRecord, EventsError> {
    let key = rule_key(&call.partition(), name);
    call.tx.get(RULE, &key).await?.ok_or_else(|| EventsError::RuleNotFound(name.to_owned()))
}

pub(crate) fn put_rule(call: &mut Call<'_>, rule: &RuleRecord) -> Result<(), StoreError> {
    let key = rule_key(&call.partition(), &rule.name);
    call.tx.put(RULE, &key, rule)
}

/// Where a page of a list begins: after this name.
pub(crate) fn page_after(question: &str, token: Option<&str>) -> Result<Option<String>, EventsError> {
    token
        .map(|token| page::decode(question, token))
        .transpose()
        .map_err(|_| EventsError::invalid("Parameter NextToken is not valid."))
}
