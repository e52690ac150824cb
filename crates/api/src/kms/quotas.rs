//! Request quotas: how many calls a second AWS allows an account in one Region, by what shares the allowance, and which of them a usage
//! metric counts against. Who refuses calls and who shows quotas read the same figures.
//!
//! Sources: KMS Developer Guide, "Request quotas"; Service Quotas User Guide, "Service Quotas and CloudWatch alarms". No figure is
//! published for ML-KEM, so there is none.

use super::KmsOperation;
use super::sets::KeySpec;

/// Cryptographic operations with RSA keys, with ECC and SM2 keys, and with ML-DSA keys: each so many.
pub const ASYMMETRIC: u32 = 1_000;

/// The quota that a metric `CallCount` of `AWS/Usage` counts against, by its dimension `Resource`.
pub fn of_usage(resource: &str, region: &str) -> Option<u32> {
    match resource {
        "CryptographicOperationsSymmetric" => Some(symmetric(region)),
        "CryptographicOperationsRsa" | "CryptographicOperationsEcc" | "CryptographicOperationsMlDsa" => {
            Some(ASYMMETRIC)
        }
        _ => match resource.strip_prefix("GenerateDataKeyPair-") {
            Some(spec) => of_pair(spec.parse().ok()?),
            None => of_operation(KmsOperation::from_name(resource)?),
        },
    }
}

/// Cryptographic operations with symmetric and HMAC keys, all together.
pub fn symmetric(region: &str) -> u32 {
    match region {
        "us-east-1" | "us-west-2" | "eu-west-1" => 100_000,
        "us-east-2" | "ap-southeast-1" | "ap-southeast-2" | "ap-northeast-1" | "eu-central-1"
        | "eu-west-2" => 20_000,
        _ => 10_000,
    }
}

/// `GenerateDataKeyPair` and its sibling, by the pair they make.
pub fn of_pair(spec: KeySpec) -> Option<u32> {
    use KeySpec::*;
    match spec {
        EccNistP256 | EccNistP384 | EccNistP521 | EccSecgP256k1 | EccNistEdwards25519 => Some(100),
        Rsa2048 => Some(20),
        Rsa3072 => Some(4),
        Rsa4096 => Some(1),
        Sm2 => Some(25),
        _ => None,
    }
}

/// An operation that has a quota of its own.
pub fn of_operation(operation: KmsOperation) -> Option<u32> {
    use KmsOperation::*;
    Some(match operation {
        CancelKeyDeletion
        | ConnectCustomKeyStore
        | CreateAlias
        | CreateCustomKeyStore
        | CreateKey
        | DeleteCustomKeyStore
        | DescribeCustomKeyStores
        | DisableKey
        | DisableKeyRotation
        | DisconnectCustomKeyStore
        | EnableKey
        | GetKeyLastUsage
        | ReplicateKey
        | RotateKeyOnDemand
        | UntagResource
        | UpdateAlias
        | UpdateCustomKeyStore
        | UpdateKeyDescription
        | UpdatePrimaryRegion => 5,
        DeleteAlias
        | DeleteImportedKeyMaterial
        | EnableKeyRotation
        | ImportKeyMaterial
        | PutKeyPolicy
        | ScheduleKeyDeletion => 15,
        GetParametersForImport => 1,
        TagResource => 10,
        CreateGrant | RetireGrant | RevokeGrant => 50,
        ListGrants | ListKeyPolicies | ListKeyRotations | ListRetirableGrants => 100,
        ListAliases | ListKeys => 500,
        GetKeyPolicy | GetKeyRotationStatus => 1_000,
        DescribeKey | GetPublicKey | ListResourceTags => 2_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_metrics_have_the_quota_they_count_against() {
        for (resource, region, expected) in [
            ("CryptographicOperationsSymmetric", "us-east-1", Some(100_000)),
            ("CryptographicOperationsSymmetric", "eu-north-1", Some(10_000)),
            ("CryptographicOperationsRsa", "us-east-1", Some(1_000)),
            ("GenerateDataKeyPair-RSA_4096", "us-east-1", Some(1)),
            ("GenerateDataKeyPair-ECC_NIST_P256", "us-east-1", Some(100)),
            ("CreateKey", "us-east-1", Some(5)),
            ("Encapsulate", "us-east-1", None),
            ("Encrypt", "us-east-1", None),
            ("Nothing", "us-east-1", None),
        ] {
            assert_eq!(of_usage(resource, region), expected, "{resource} in {region}");
        }
    }
}
