//! AWS KMS: API version 2014-11-01, JSON 1.1, target `TrentService`. Shapes by noun, the closed sets in [`sets`].

pub mod aliases;
pub mod asymmetric;
pub mod ciphers;
pub mod grants;
pub mod import;
pub mod keys;
pub mod last_usage;
pub mod member;
pub mod multi_region;
pub mod policies;
pub mod quotas;
pub mod rotation;
pub mod sets;
pub mod tags;

/// The table of operations, as in botocore 1.44's model.
#[macro_export]
macro_rules! kms_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* KmsOperation Kms;
            CancelKeyDeletion cancel_key_deletion Write;
            ConnectCustomKeyStore - Write;
            CreateAlias create_alias Write;
            CreateCustomKeyStore - Write;
            CreateGrant create_grant Write;
            CreateKey create_key Write;
            Decapsulate decapsulate Read;
            Decrypt decrypt Read;
            DeleteAlias delete_alias Write;
            DeleteCustomKeyStore - Write;
            DeleteImportedKeyMaterial delete_imported_key_material Write;
            DeriveSharedSecret derive_shared_secret Read;
            DescribeCustomKeyStores - Read;
            DescribeKey describe_key Read;
            DisableKey disable_key Write;
            DisableKeyRotation disable_key_rotation Write;
            DisconnectCustomKeyStore - Write;
            EnableKey enable_key Write;
            EnableKeyRotation enable_key_rotation Write;
            Encapsulate encapsulate Read;
            Encrypt encrypt Read;
            GenerateDataKey generate_data_key Read;
            GenerateDataKeyPair generate_data_key_pair Read;
            GenerateDataKeyPairWithoutPlaintext generate_data_key_pair_without_plaintext Read;
            GenerateDataKeyWithoutPlaintext generate_data_key_without_plaintext Read;
            GenerateMac generate_mac Read;
            GenerateRandom generate_random Read;
            GetKeyLastUsage get_key_last_usage Read;
            GetKeyPolicy get_key_policy Read;
            GetKeyRotationStatus get_key_rotation_status Read;
            GetParametersForImport get_parameters_for_import Read;
            GetPublicKey get_public_key Read;
            ImportKeyMaterial import_key_material Write;
            ListAliases list_aliases Read;
            ListGrants list_grants Read;
            ListKeyPolicies list_key_policies Read;
            ListKeyRotations list_key_rotations Read;
            ListKeys list_keys Read;
            ListResourceTags list_resource_tags Read;
            ListRetirableGrants list_retirable_grants Read;
            PutKeyPolicy put_key_policy Write;
            ReEncrypt re_encrypt Read;
            ReplicateKey replicate_key Write;
            RetireGrant retire_grant Write;
            RevokeGrant revoke_grant Write;
            RotateKeyOnDemand rotate_key_on_demand Write;
            ScheduleKeyDeletion schedule_key_deletion Write;
            Sign sign Read;
            TagResource tag_resource Write;
            UntagResource untag_resource Write;
            UpdateAlias update_alias Write;
            UpdateCustomKeyStore - Write;
            UpdateKeyDescription update_key_description Write;
            UpdatePrimaryRegion update_primary_region Write;
            Verify verify Read;
            VerifyMac verify_mac Read;
        }
    };
}

crate::kms_operations!(crate::define_operations);

/// Operations that use a key's material: what the metric `SuccessfulRequest` counts and `GetKeyLastUsage` names.
pub const KEY_USES: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];
