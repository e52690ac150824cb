//! API destinations as they are kept: endpoints outside that rules call

use jiff::Timestamp;
use keywatch_api::{
    Arn,
    events::{ApiDestination, ApiDestinationResponse, ApiDestinationState, HttpMethod},
};
use keywatch_iam::Call;
use keywatch_store::{Kind, Partition, Versioned};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{
    connection::{CONNECTION, ConnectionRecord},
    error::EventsError,
};

/// `account/region/name`
pub(crate) const DESTINATION: Kind = Kind("events.api-destination");
/// Requests a second where nothing else is said.
pub(crate) const RATE_DEFAULT: i32 = 300;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DestinationRecord {
    pub(crate) name: String,
    /// A UUID.
    pub(crate) id: String,
    pub(crate) description: Option<String>,
    pub(crate) connection_arn: String,
    /// With `*` where path parameters go.
    pub(crate) endpoint: String,
    pub(crate) method: HttpMethod,
    /// Requests a second.
    pub(crate) rate: i32,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
}

impl Versioned for DestinationRecord {
    const MARKER: &'static str = "events.api-destination/1";
}

impl DestinationRecord {
    pub(crate) fn arn(&self, partition: &Partition) -> String {
        let resource = format!("api-destination/{}/{}", self.name, self.id);
        Arn::new("events", partition.region(), partition.account(), resource).to_string()
    }

    /// As operations show it.
    pub(crate) async fn shown(self, call: &mut Call<'_>) -> Result<ApiDestination, EventsError> {
        let partition = call.partition();
        Ok(ApiDestination {
            api_destination_arn: self.arn(&partition),
            api_destination_state: state(call, &self.connection_arn).await?,
            name: self.name,
            description: self.description,
            connection_arn: self.connection_arn,
            invocation_endpoint: self.endpoint,
            http_method: self.method,
            invocation_rate_limit_per_second: self.rate,
            creation_time: self.created.into(),
            last_modified_time: self.modified.into(),
        })
    }

    /// The answer of an operation that changed it.
    pub(crate) async fn answer(&self, call: &mut Call<'_>) -> Result<ApiDestinationResponse, EventsError> {
        Ok(ApiDestinationResponse {
            api_destination_arn: self.arn(&call.partition()),
            api_destination_state: state(call, &self.connection_arn).await?,
            creation_time: self.created.into(),
            last_modified_time: self.modified.into(),
        })
    }
}

/// A destination is active while its connection is there and authorised.
async fn state(call: &mut Call<'_>, connection: &str) -> Result<ApiDestinationState, EventsError> {
    let Some(key) = connection_key(connection) else { return Ok(ApiDestinationState::Inactive) };
    let found: Option<ConnectionRecord> = call.tx.get(CONNECTION, &key).await?;
    let usable = found.is_some_and(|found| found.is_usable());
    Ok(if usable { ApiDestinationState::Active } else { ApiDestinationState::Inactive })
}

/// The row of the connection of an ARN.
pub(crate) fn connection_key(arn: &str) -> Option<String> {
    row_of(arn, "connection/")
}

/// The row of the destination of an ARN.
pub(crate) fn destination_key(arn: &str) -> Option<String> {
    row_of(arn, "api-destination/")
}

fn row_of(arn: &str, kind: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    let (name, _) = arn.resource.strip_prefix(kind)?.split_once('/')?;
    (arn.service == "events").then(|| format!("{}/{}/{name}", arn.account, arn.region))
}

/// Endpoints are URLs of `https`, or of `http` for receivers within a house; which addresses they reach is asked when they are called.
pub(crate) fn check_endpoint(name: &str, endpoint: &str) -> Result<(), EventsError> {
    let refuse = |why: &str| Err(EventsError::parameter(name, why));
    match Url::parse(&endpoint.replace('*', "x")) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() => {
            refuse("The endpoint must be an HTTP or HTTPS URL.")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            refuse("The endpoint must not name a user.")
        }
        Ok(_) => Ok(()),
        Err(_) => refuse("The endpoint is not a URL."),
    }
}

/// That a connection is there which a destination is to use.
pub(crate) async fn check_connection(call: &mut Call<'_>, arn: &str) -> Result<(), EventsError> {
    let own = connection_key(arn).filter(|key| key.starts_with(&format!("{}/", call.partition())));
    let found: Option<ConnectionRecord> = match &own {
        Some(key) => call.tx.get(CONNECTION, key).await?,
        None => None,
    };
    match found {
        Some(found) if found.arn(&call.partition()) == arn => Ok(()),
        _ => Err(EventsError::NotFound(format!("Connection '{arn}' does not exist.").into())),
    }
}

pub(crate) fn key(partition: &Partition, name: &str) -> String {
    format!("{partition}/{name}")
}

/// The destination of a name.
pub(crate) async fn destination(call: &mut Call<'_>, name: &str) -> Result<DestinationRecord, EventsError> {
    let key = key(&call.partition(), name);
    let missing = || {
        let text =
            format!("Failed to describe the api-destination(s). An api-destination '{name}' does not exist.");
        EventsError::NotFound(text.into())
    };
    call.tx.get(DESTINATION, &key).await?.ok_or_else(missing)
}

/// What a policy names for a destination whose id is not known.
pub(crate) fn any_arn(partition: &Partition, name: &str) -> String {
    let resource = format!("api-destination/{name}");
    Arn::new("events", partition.region(), partition.account(), resource).to_string()
}
