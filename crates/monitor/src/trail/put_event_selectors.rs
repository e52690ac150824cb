//! `PutEventSelectors`: basic or advanced selectors of management events; the one kind takes the place of the other.
//!
//! Beyond AWS, whose trails ask management events only for their category, source and `readOnly`, advanced selectors may ask for
//! `eventName`, `userIdentity.arn` and `resources.ARN`, with every operator.

use keywatch_api::cloudtrail::{
    AdvancedEventSelector, AdvancedEventSelectorShown, AdvancedFieldSelector, AdvancedFieldSelectorShown,
    EventSelector, EventSelectorShown, EventSelectorsResponse, PutEventSelectorsRequest, ReadWriteType,
};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::record::{TRAIL, TrailRecord};
use super::selectors::{AdvancedSelector, Field, FieldSelector, Selector};
use super::service::Trails;

const SELECTORS_MAX: usize = 5;
/// Operands of all conditions of all advanced selectors of a trail.
const OPERANDS_MAX: usize = 500;
/// The only sources that can be left out.
const EXCLUDABLE: &[&str] = &["kms.amazonaws.com", "rdsdata.amazonaws.com"];

pub(crate) async fn put_event_selectors(
    call: &mut Call<'_>,
    _: &Trails,
    request: PutEventSelectorsRequest,
) -> Result<EventSelectorsResponse, CloudTrailError> {
    let (key, mut trail) = named::find_at_home(call, &request.trail_name).await?;
    named::authorize(call, "cloudtrail:PutEventSelectors", &trail)?;
    match (request.event_selectors, request.advanced_event_selectors) {
        (Some(_), Some(_)) => {
            return Err(invalid("Specify event selectors or advanced event selectors, not both."));
        }
        (None, None) => return Err(invalid("Specify event selectors or advanced event selectors.")),
        (Some(basic), None) => {
            if basic.is_empty() || basic.len() > SELECTORS_MAX {
                return Err(invalid("A trail has one to five event selectors."));
            }
            trail.selectors = Some(basic.into_iter().map(selector).collect::<Result<_, _>>()?);
            trail.advanced_selectors = None;
        }
        (None, Some(advanced)) => {
            trail.advanced_selectors = Some(advanced_selectors(advanced)?);
            trail.selectors = None;
        }
    }
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(shown(&trail))
}

fn invalid(why: &'static str) -> CloudTrailError {
    CloudTrailError::InvalidEventSelectors(why)
}

fn selector(given: EventSelector) -> Result<Selector, CloudTrailError> {
    if given.data_resources.is_some_and(|resources| !resources.is_empty()) {
        return Err(invalid("Specify selectors without data resources; data events are not recorded."));
    }
    let include_management_events = given.include_management_events.unwrap_or(true);
    let exclude_sources = given.exclude_management_event_sources.unwrap_or_default();
    if !exclude_sources.iter().all(|source| EXCLUDABLE.contains(&source.as_str())) {
        return Err(invalid("This event source cannot be excluded."));
    }
    if !exclude_sources.is_empty() && !include_management_events {
        return Err(invalid("Excluding sources needs management events."));
    }
    let read_write_type = given.read_write_type.unwrap_or(ReadWriteType::All);
    Ok(Selector { read_write_type, include_management_events, exclude_sources })
}

fn advanced_selectors(given: Vec<AdvancedEventSelector>) -> Result<Vec<AdvancedSelector>, CloudTrailError> {
    if given.is_empty() {
        return Err(invalid("Specify at least one advanced event selector."));
    }
    let selectors: Vec<AdvancedSelector> = given.into_iter().map(advanced).collect::<Result<_, _>>()?;
    let fields = selectors.iter().flat_map(|selector| &selector.fields);
    if fields.map(FieldSelector::operands).sum::<usize>() > OPERANDS_MAX {
        return Err(invalid(
            "A trail has at most 500 values for all conditions in all advanced event selectors.",
        ));
    }
    Ok(selectors)
}

fn advanced(given: AdvancedEventSelector) -> Result<AdvancedSelector, CloudTrailError> {
    let fields: Vec<FieldSelector> = given.field_selectors.into_iter().map(field_selector).collect();
    let mut categories = 0;
    for (index, selector) in fields.iter().enumerate() {
        let field = Field::named(&selector.field).ok_or_else(|| {
            invalid("A field selector asks for a field that management events cannot be selected by.")
        })?;
        if fields[..index].iter().any(|other| other.field == selector.field) {
            return Err(invalid("A field is asked for only once in a selector."));
        }
        categories += usize::from(field == Field::EventCategory);
        check_field(field, selector)?;
    }
    if categories == 0 {
        return Err(invalid("Every advanced event selector needs the field eventCategory."));
    }
    Ok(AdvancedSelector { name: given.name, fields })
}

fn check_field(field: Field, selector: &FieldSelector) -> Result<(), CloudTrailError> {
    let operators = selector.operators();
    match field {
        _ if operators.is_empty() => Err(invalid("A field selector needs an operator with values.")),
        Field::EventCategory if operators != ["Equals"] || selector.equals != ["Management"] => Err(invalid(
            "The field eventCategory takes Equals with Management; other events are not recorded.",
        )),
        Field::ReadOnly
            if operators != ["Equals"]
                || selector.equals.len() != 1
                || !["true", "false"].contains(&selector.equals[0].as_str()) =>
        {
            Err(invalid("The field readOnly takes Equals with true or false."))
        }
        Field::EventSource
            if operators != ["NotEquals"]
                || !selector.not_equals.iter().all(|source| EXCLUDABLE.contains(&source.as_str())) =>
        {
            Err(invalid(
                "The field eventSource takes NotEquals with kms.amazonaws.com or rdsdata.amazonaws.com.",
            ))
        }
        _ => Ok(()),
    }
}

fn field_selector(given: AdvancedFieldSelector) -> FieldSelector {
    FieldSelector {
        field: given.field,
        equals: given.equals.unwrap_or_default(),
        starts_with: given.starts_with.unwrap_or_default(),
        ends_with: given.ends_with.unwrap_or_default(),
        not_equals: given.not_equals.unwrap_or_default(),
        not_starts_with: given.not_starts_with.unwrap_or_default(),
        not_ends_with: given.not_ends_with.unwrap_or_default(),
    }
}

/// The selectors in force: the default is all management events.
pub(crate) fn shown(trail: &TrailRecord) -> EventSelectorsResponse {
    let default = [Selector {
        read_write_type: ReadWriteType::All,
        include_management_events: true,
        exclude_sources: Vec::new(),
    }];
    let basic = trail.selectors.as_deref().unwrap_or(&default);
    let basic = basic.iter().map(|selector| EventSelectorShown {
        read_write_type: selector.read_write_type,
        include_management_events: selector.include_management_events,
        data_resources: Vec::new(),
        exclude_management_event_sources: selector.exclude_sources.clone(),
    });
    let advanced = trail.advanced_selectors.as_ref();
    EventSelectorsResponse {
        trail_arn: trail.arn(),
        event_selectors: advanced.is_none().then(|| basic.collect()),
        advanced_event_selectors: advanced.map(|all| all.iter().map(advanced_shown).collect()),
    }
}

fn advanced_shown(selector: &AdvancedSelector) -> AdvancedEventSelectorShown {
    let given = |operands: &Vec<String>| Some(operands.clone()).filter(|operands| !operands.is_empty());
    let fields = selector.fields.iter().map(|field| AdvancedFieldSelectorShown {
        field: field.field.clone(),
        equals: given(&field.equals),
        starts_with: given(&field.starts_with),
        ends_with: given(&field.ends_with),
        not_equals: given(&field.not_equals),
        not_starts_with: given(&field.not_starts_with),
        not_ends_with: given(&field.not_ends_with),
    });
    AdvancedEventSelectorShown { name: selector.name.clone(), field_selectors: fields.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn which_fields_and_operators_are_taken() {
        check(json!([{"field": "eventCategory", "equals": ["Management"]}]), true);
        check(json!([]), false);
        check(json!([{"field": "eventName", "equals": ["Decrypt"]}]), false);
        check(json!([{"field": "eventCategory", "equals": ["Data"]}]), false);
        check(json!([{"field": "eventCategory", "starts_with": ["Management"]}]), false);
        with(
            json!({"field": "eventSource", "not_equals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}),
            true,
        );
        with(json!({"field": "eventSource", "not_equals": ["s3.amazonaws.com"]}), false);
        with(json!({"field": "eventSource", "equals": ["kms.amazonaws.com"]}), false);
        with(json!({"field": "readOnly", "equals": ["true"]}), true);
        with(json!({"field": "readOnly", "equals": ["true", "false"]}), false);
        with(json!({"field": "readOnly", "not_equals": ["true"]}), false);
        with(
            json!({"field": "resources.ARN", "starts_with": ["arn:aws:kms:"], "not_ends_with": ["x"]}),
            true,
        );
        with(json!({"field": "userIdentity.arn", "not_equals": ["arn:aws:iam::000000000000:root"]}), true);
        with(json!({"field": "eventName"}), false);
        with(json!({"field": "eventCategory", "equals": ["Management"]}), false);
        with(json!({"field": "sourceIPAddress", "equals": ["1"]}), false);

        #[track_caller]
        fn with(field: serde_json::Value, want: bool) {
            check(json!([{"field": "eventCategory", "equals": ["Management"]}, field]), want);
        }

        #[track_caller]
        fn check(fields: serde_json::Value, want: bool) {
            let fields: Vec<FieldSelector> = serde_json::from_value(fields).unwrap();
            let given = |operands: Vec<String>| Some(operands).filter(|operands| !operands.is_empty());
            let fields = fields.into_iter().map(|field| AdvancedFieldSelector {
                field: field.field,
                equals: given(field.equals),
                starts_with: given(field.starts_with),
                ends_with: given(field.ends_with),
                not_equals: given(field.not_equals),
                not_starts_with: given(field.not_starts_with),
                not_ends_with: given(field.not_ends_with),
            });
            let selector = AdvancedEventSelector { name: None, field_selectors: fields.collect() };
            assert_eq!(advanced_selectors(vec![selector]).is_ok(), want);
        }
    }

    #[test]
    fn five_hundred_values_are_the_limit() {
        for (count, want) in [(499, true), (500, false)] {
            let selector = |field: &str, equals: Vec<String>| AdvancedFieldSelector {
                field: field.into(),
                equals: Some(equals),
                starts_with: None,
                ends_with: None,
                not_equals: None,
                not_starts_with: None,
                not_ends_with: None,
            };
            let names = (0..count).map(|number| number.to_string()).collect();
            let fields =
                vec![selector("eventCategory", vec!["Management".into()]), selector("eventName", names)];
            let selector = AdvancedEventSelector { name: None, field_selectors: fields };
            assert_eq!(advanced_selectors(vec![selector]).is_ok(), want, "{count}");
        }
    }
}
