//! Finding rules and buses, and asking whether the caller may use them

use keywatch_api::{AccountId, Arn, page};
use keywatch_iam::Call;
use keywatch_store::{Partition, Scan, StoreError};

use super::{
    error::EventsError,
    record::{
        BUS, BusRecord, DEFAULT_BUS, RULE, RuleRecord, bus_arn, bus_key, is_elsewhere, rule_arn, rule_key,
    },
};

/// A bus of any account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BusName {
    pub(crate) partition: Partition,
    pub(crate) account: AccountId,
    pub(crate) name: String,
}

impl BusName {
    /// The bus of an ARN.
    pub(crate) fn from_arn(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        let name = arn.resource.strip_prefix("event-bus/").filter(|_| arn.service == "events")?;
        let partition = Partition::new(&arn.account, &arn.region);
        Some(Self { partition, account: arn.account.parse().ok()?, name: name.to_owned() })
    }

    /// The bus that a caller means by a name or an ARN; the default one without either.
    pub(crate) fn meant(call: &Call<'_>, named: Option<&str>) -> Result<Self, EventsError> {
        let named = named.unwrap_or(DEFAULT_BUS);
        if Arn::is_arn(named) {
            return Self::from_arn(named).ok_or_else(|| EventsError::BusNotFound(named.to_owned()));
        }
        Ok(Self { partition: call.partition(), account: call.account().clone(), name: named.to_owned() })
    }

    pub(crate) fn arn(&self) -> String {
        bus_arn(&self.partition, &self.name)
    }

    pub(crate) fn key(&self) -> String {
        bus_key(&self.partition, &self.name)
    }
}

/// The name of a bus of the caller's own, which may not exist.
pub(crate) fn own_bus(call: &Call<'_>, named: Option<&str>) -> Result<String, EventsError> {
    let bus = BusName::meant(call, named)?;
    if bus.partition == call.partition() { Ok(bus.name) } else { Err(EventsError::BusNotFound(bus.name)) }
}

/// A bus of the caller's own.
pub(crate) async fn bus(call: &mut Call<'_>, name: &str) -> Result<BusRecord, EventsError> {
    let key = bus_key(&call.partition(), name);
    match call.tx.get(BUS, &key).await? {
        Some(bus) => Ok(bus),
        None if name == DEFAULT_BUS => Ok(BusRecord::default()),
        None => Err(EventsError::BusNotFound(name.to_owned())),
    }
}

/// Asks whether the caller may do `action` with a rule, and whether its bus is there; gives the bus's name.
pub(crate) async fn rule_bus(
    call: &mut Call<'_>,
    action: &str,
    bus_named: Option<&str>,
    rule: &str,
) -> Result<String, EventsError> {
    let name = own_bus(call, bus_named)?;
    call.authorize_own(action, &rule_arn(&call.partition(), &name, rule))?;
    bus(call, &name).await?;
    Ok(name)
}

pub(crate) async fn rule(call: &mut Call<'_>, bus: &str, name: &str) -> Result<RuleRecord, EventsError> {
    let key = rule_key(&call.partition(), bus, name);
    let not_found = || EventsError::RuleNotFound { rule: name.to_owned(), bus: bus.to_owned() };
    call.tx.get(RULE, &key).await?.ok_or_else(not_found)
}

/// Rules of a bus whose names begin with `prefix`, in the order of their names, after the row `after`.
pub(crate) async fn rules(
    call: &mut Call<'_>,
    bus: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, RuleRecord)>, StoreError> {
    let partition = call.partition();
    let prefix = rule_key(&partition, bus, prefix);
    let mut rows = call.tx.scan::<RuleRecord>(RULE, Scan { prefix: &prefix, after, limit }).await?;
    if bus == DEFAULT_BUS {
        rows.retain(|(key, _)| !is_elsewhere(&partition, key));
    }
    Ok(rows)
}

pub(crate) fn put_rule(call: &mut Call<'_>, rule: &RuleRecord) -> Result<(), StoreError> {
    let key = rule_key(&call.partition(), &rule.bus, &rule.name);
    call.tx.put(RULE, &key, rule)
}

/// Writes a changed bus back.
pub(crate) fn put_bus(call: &mut Call<'_>, name: &str, mut bus: BusRecord) -> Result<(), StoreError> {
    bus.created.get_or_insert(call.now);
    bus.modified = Some(call.now);
    let key = bus_key(&call.partition(), name);
    call.tx.put(BUS, &key, &bus)
}

/// Where a page of a list begins: after this name.
pub(crate) fn page_after(question: &str, token: Option<&str>) -> Result<Option<String>, EventsError> {
    token
        .map(|token| page::decode(question, token))
        .transpose()
        .map_err(|_| EventsError::invalid("Parameter NextToken is not valid."))
}

/// A page of rows and the marker of the next one; `rows` were read with a limit of one more.
pub(crate) fn page_of<T>(
    question: &str,
    mut rows: Vec<(String, T)>,
    limit: usize,
) -> (Vec<T>, Option<String>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(last, _)| page::encode(question, last));
    (rows.into_iter().map(|(_, row)| row).collect(), next)
}

/// How many rows a page has.
pub(crate) fn page_limit(limit: Option<i32>) -> usize {
    usize::try_from(limit.unwrap_or(keywatch_api::events::PAGE_MAX)).unwrap_or(1)
}
