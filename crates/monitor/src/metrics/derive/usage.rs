//! `AWS/Usage`: calls by the quota they count against.

use std::borrow::Cow;

use super::{CALL_COUNT, Derived, Parameters, Record, USAGE_NAMESPACE, partition};
use crate::metrics::{Second, Unit, series::MetricRef};

pub(super) fn call_count(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    let caller = record.user_identity.as_ref().and_then(|identity| identity.account_id.as_deref());
    let recipient = record.recipient_account_id.as_deref();
    // Of a call across accounts the caller's record counts, as the caller's quota does.
    if record.shared_event_id.is_some() && caller != recipient {
        return;
    }
    let (Some(account), Some(region)) = (recipient.or(caller), record.aws_region.as_deref()) else { return };
    if importer.is_some_and(|importer| importer != account) {
        return;
    }
    let resource = usage_resource(operation, record.request_parameters.as_ref());
    let partition = partition(account, region);
    let dimensions =
        [("Class", "None"), ("Resource", resource.as_ref()), ("Service", "KMS"), ("Type", "API")];
    let metric = MetricRef {
        partition: &partition,
        namespace: USAGE_NAMESPACE,
        name: CALL_COUNT,
        dimensions: &dimensions,
    };
    each(Derived::Point { metric, time, unit: Unit::None, value: 1.0 });
}

/// The `Resource` of a call in `AWS/Usage`: the shared request quota it counts against, or the operation itself.
fn usage_resource<'a>(operation: &'a str, parameters: Option<&Parameters<'_>>) -> Cow<'a, str> {
    let algorithm =
        parameters.and_then(|p| p.signing_algorithm.as_deref().or(p.encryption_algorithm.as_deref()));
    match operation {
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
            match parameters.and_then(|parameters| parameters.key_pair_spec.as_deref()) {
                Some(spec) => Cow::Owned(format!("GenerateDataKeyPair-{spec}")),
                None => Cow::Borrowed(operation),
            }
        }
        "DeriveSharedSecret" => Cow::Borrowed("CryptographicOperationsEcc"),
        "Sign" | "Verify" | "Encrypt" | "Decrypt" => match algorithm {
            Some(name) if name.starts_with("RSA") => Cow::Borrowed("CryptographicOperationsRsa"),
            Some(name) if name.starts_with("ECDSA") || name.starts_with("ED25519") => {
                Cow::Borrowed("CryptographicOperationsEcc")
            }
            Some("SYMMETRIC_DEFAULT") => Cow::Borrowed("CryptographicOperationsSymmetric"),
            // Records before 2020 do not name the algorithm of a symmetric key.
            None if matches!(operation, "Encrypt" | "Decrypt") => {
                Cow::Borrowed("CryptographicOperationsSymmetric")
            }
            _ => Cow::Borrowed(operation),
        },
        "ReEncrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext"
        | "GenerateMac"
        | "VerifyMac"
        | "GenerateRandom" => Cow::Borrowed("CryptographicOperationsSymmetric"),
        _ => Cow::Borrowed(operation),
    }
}
