//! `PutEventSelectors`: basic selectors of management events.

use keywatch_api::cloudtrail::{
    EventSelector, EventSelectorShown, EventSelectorsResponse, PutEventSelectorsRequest, ReadWriteType,
};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::record::{Selector, TRAIL, TrailRecord};
use super::service::Trails;

const SELECTORS_MAX: usize = 5;
/// The only sources that can be left out.
const EXCLUDABLE: &[&str] = &["kms.amazonaws.com", "rdsdata.amazonaws.com"];

pub(crate) async fn put_event_selectors(
    call: &mut Call<'_>,
    _: &Trails,
    request: PutEventSelectorsRequest,
) -> Result<EventSelectorsResponse, CloudTrailError> {
    let (key, mut trail) = named::find_at_home(call, &request.trail_name).await?;
    named::authorize(call, "cloudtrail:PutEventSelectors", &trail)?;
    let given = request.event_selectors.ok_or(CloudTrailError::InvalidEventSelectors(
        "Specify basic event selectors; advanced ones are not built.",
    ))?;
    if given.is_empty() || given.len() > SELECTORS_MAX {
        return Err(CloudTrailError::InvalidEventSelectors("A trail has one to five event selectors."));
    }
    trail.selectors = Some(given.into_iter().map(selector).collect::<Result<_, _>>()?);
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(shown(&trail))
}

fn selector(given: EventSelector) -> Result<Selector, CloudTrailError> {
    if given.data_resources.is_some_and(|resources| !resources.is_empty()) {
        return Err(CloudTrailError::InvalidEventSelectors(
            "Specify selectors without data resources; data events are not recorded.",
        ));
    }
    let include_management_events = given.include_management_events.unwrap_or(true);
    let exclude_sources = given.exclude_management_event_sources.unwrap_or_default();
    if !exclude_sources.iter().all(|source| EXCLUDABLE.contains(&source.as_str())) {
        return Err(CloudTrailError::InvalidEventSelectors("This event source cannot be excluded."));
    }
    if !exclude_sources.is_empty() && !include_management_events {
        return Err(CloudTrailError::InvalidEventSelectors("Excluding sources needs management events."));
    }
    let read_write_type = given.read_write_type.unwrap_or(ReadWriteType::All);
    Ok(Selector { read_write_type, include_management_events, exclude_sources })
}

/// The selectors in force: the default is all management events.
pub(crate) fn shown(trail: &TrailRecord) -> EventSelectorsResponse {
    let default = [Selector {
        read_write_type: ReadWriteType::All,
        include_management_events: true,
        exclude_sources: Vec::new(),
    }];
    let selectors =
        trail.selectors.as_deref().unwrap_or(&default).iter().map(|selector| EventSelectorShown {
            read_write_type: selector.read_write_type,
            include_management_events: selector.include_management_events,
            data_resources: Vec::new(),
            exclude_management_event_sources: selector.exclude_sources.clone(),
        });
    EventSelectorsResponse { trail_arn: trail.arn(), event_selectors: selectors.collect() }
}
