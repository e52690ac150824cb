//! `AWS/KMS`: successful uses of keys, and the time that key material has left.

use super::{
    Derived, KMS_NAMESPACE, KeyArn, Record, SECONDS_UNTIL_EXPIRATION, SUCCESSFUL_REQUEST, key_arns, seconds,
};
use crate::metrics::{Second, Unit, series::MetricRef};
use keywatch_api::kms::KEY_USES;
use keywatch_history::Text;

pub(super) fn successful_request(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    if !KEY_USES.contains(&operation) {
        return;
    }
    let parameters = record.request_parameters.as_ref();
    let mut keys = key_arns(record);
    let mut point = |key: &KeyArn<'_>, dimensions: &[(&str, &str)]| {
        // Of a call across accounts the owner of the key has a record of its own; only that one counts.
        if record.shared_event_id.is_some() && record.recipient_account_id.as_deref() != Some(key.account) {
            return;
        }
        let partition = key.partition(importer);
        let metric = MetricRef {
            partition: &partition,
            namespace: KMS_NAMESPACE,
            name: SUCCESSFUL_REQUEST,
            dimensions,
        };
        each(Derived::Point { metric, time, unit: Unit::Count, value: 1.0 });
    };
    if operation == "ReEncrypt" {
        let first = keys.next();
        let named = |id: Option<&Text<'_>>| id.map(|id| id.to_string());
        let source = first
            .as_ref()
            .map(|key| key.arn.to_owned())
            .or_else(|| named(parameters.and_then(|p| p.source_key_id.as_ref())));
        let destination = keys.next().or(first).map(|key| key.arn.to_owned());
        let destination =
            destination.or_else(|| named(parameters.and_then(|p| p.destination_key_id.as_ref())));
        if let (Some(source), Some(destination)) = (source, destination)
            && let Some(key) = KeyArn::parse(&destination)
        {
            let dimensions = [
                ("DestinationKeyArn", destination.as_str()),
                ("Operation", operation),
                ("SourceKeyArn", &source),
            ];
            point(&key, &dimensions);
        }
    } else if let Some(key) = keys.next() {
        point(&key, &[("KeyArn", key.arn), ("Operation", operation)]);
    }
}

pub(super) fn countdown(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    if !matches!(
        operation,
        "ImportKeyMaterial" | "DeleteImportedKeyMaterial" | "DeleteExpiredKeyMaterial" | "DeleteKey"
    ) {
        return;
    }
    let Some(key) = key_arns(record).next() else { return };
    if record.shared_event_id.is_some() && record.recipient_account_id.as_deref() != Some(key.account) {
        return;
    }
    let partition = key.partition(importer);
    let dimensions = [("KeyId", key.id)];
    let metric = MetricRef {
        partition: &partition,
        namespace: KMS_NAMESPACE,
        name: SECONDS_UNTIL_EXPIRATION,
        dimensions: &dimensions,
    };
    let details = [&record.response_elements, &record.service_event_details, &record.request_parameters];
    let material = details.into_iter().flatten().find_map(|details| details.key_material_id.as_deref());
    match operation {
        "ImportKeyMaterial" => {
            let valid_to =
                record.request_parameters.as_ref().and_then(|parameters| parameters.valid_to.as_deref());
            // Without a material id (older records, asymmetric keys) the key has one material.
            let subject = material.unwrap_or_default();
            match valid_to.and_then(seconds) {
                Some(expires) => each(Derived::CountdownStarted { metric, subject, from: time, expires }),
                None => each(Derived::CountdownEnded { metric, subject: Some(subject), at: time }),
            }
        }
        "DeleteKey" => each(Derived::CountdownEnded { metric, subject: None, at: time }),
        _ => each(Derived::CountdownEnded { metric, subject: material, at: time }),
    }
}
