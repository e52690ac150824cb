//! `Keywatch/KMS`, beyond what AWS counts: every call by its outcome and by who made it, and what is left of the uses that a key material
//! is good for.
//!
//! AES-GCM with random nonces is sound for 2^32 encryptions under one key (NIST SP 800-38D, 8.3). KMS derives a key for each encryption
//! under a key material from a random nonce, which takes the bound far away; who counts against it anyhow learns when to rotate.

use super::{Derived, KeyArn, Record, key_arns, partition};
use crate::metrics::{Second, Unit, series::MetricRef};

pub(super) const NAMESPACE: &str = "Keywatch/KMS";
/// Encryptions that a key material is good for.
const INVOCATIONS_MAX: f64 = 4_294_967_296.0;
/// What `ErrorCode` is of calls that succeeded, as in AWS's `XksProxyErrors`.
const NO_ERROR: &str = "None";
/// What `PrincipalArn` is of calls whose credentials led to nobody.
const NOBODY: &str = "Unknown";

/// Calls by operation and outcome, and by operation, outcome and principal, in the account whose record this is.
pub(super) fn requests(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    let (Some(recipient), Some(region)) =
        (record.recipient_account_id.as_deref(), record.aws_region.as_deref())
    else {
        return;
    };
    let partition = partition(importer.unwrap_or(recipient), region);
    let error = record.error_code.as_deref().unwrap_or(NO_ERROR);
    let principal = principal(record);
    let [by_outcome, by_principal] = [
        &[("ErrorCode", error), ("Operation", operation)][..],
        &[("ErrorCode", error), ("Operation", operation), ("PrincipalArn", principal)],
    ];
    for dimensions in [by_outcome, by_principal] {
        let metric = MetricRef { partition: &partition, namespace: NAMESPACE, name: "Requests", dimensions };
        each(Derived::Point { metric, time, unit: Unit::Count, value: 1.0 });
    }
}

/// Who called: a role and not its sessions, of which there are many; a service by its name.
fn principal<'r>(record: &'r Record<'_>) -> &'r str {
    let Some(identity) = &record.user_identity else { return NOBODY };
    match identity.arn.as_deref() {
        Some(arn) if arn.contains(":assumed-role/") => arn.rsplit_once('/').map_or(arn, |(role, _)| role),
        Some(arn) => arn,
        None => identity.invoked_by.as_deref().or(identity.account_id.as_deref()).unwrap_or(NOBODY),
    }
}

/// What part of a key's encrypting and decrypting is decrypting, in percent: one sample a call, 100 or 0. The average is the share, the
/// number of samples the calls. The share of data that is read back changes slowly; of data that is carried off it does not.
pub(super) fn decrypt_share(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    let value = match operation {
        "Decrypt" => 100.0,
        "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => 0.0,
        _ => return,
    };
    let Some(key) = key_arns(record).next() else { return };
    if is_of_caller(record, &key) {
        return;
    }
    let partition = key.partition(importer);
    let dimensions = [("KeyArn", key.arn)];
    let metric = MetricRef {
        partition: &partition,
        namespace: NAMESPACE,
        name: "DecryptShare",
        dimensions: &dimensions,
    };
    each(Derived::Point { metric, time, unit: Unit::Percent, value });
}

/// Of a call across accounts the record of the key's owner counts, as with the uses of keys.
fn is_of_caller(record: &Record<'_>, key: &KeyArn<'_>) -> bool {
    record.shared_event_id.is_some() && record.recipient_account_id.as_deref() != Some(key.account)
}

/// Data keys and encryptions of a key material.
pub(super) fn material_uses(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    let gives_data_key = matches!(
        operation,
        "GenerateDataKey"
            | "GenerateDataKeyWithoutPlaintext"
            | "GenerateDataKeyPair"
            | "GenerateDataKeyPairWithoutPlaintext"
    );
    let Some(materials) = &record.additional_event_data else { return };
    let mut keys = key_arns(record);
    let (key, material): (Option<KeyArn<'_>>, _) = match operation {
        "ReEncrypt" => (keys.last(), &materials.destination_key_material_id),
        _ if gives_data_key || operation == "Encrypt" => (keys.next(), &materials.key_material_id),
        _ => return,
    };
    let (Some(key), Some(material)) = (key, material.as_deref()) else { return };
    if is_of_caller(record, &key) {
        return;
    }
    let partition = key.partition(importer);
    let dimensions = [("KeyArn", key.arn), ("KeyMaterialId", material)];
    let metric =
        |name| MetricRef { partition: &partition, namespace: NAMESPACE, name, dimensions: &dimensions };
    let point = |name| Derived::Point { metric: metric(name), time, unit: Unit::Count, value: 1.0 };
    if gives_data_key {
        each(point("MaterialDataKeys"));
    }
    each(point("MaterialInvocations"));
    each(Derived::Used { metric: metric("MaterialBudgetUsed"), time, uses: 1.0, most: INVOCATIONS_MAX });
}
