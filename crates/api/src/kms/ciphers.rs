//! Shapes of the cryptographic operations that encrypt and decrypt.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{Defaulted, GrantToken};
use super::sets::{DataKeySpec, DryRunModifier, EncryptionAlgorithm, KeyEncryptionMechanism};
use crate::{Blob, SecretBlob, shape};

shape! {
    /// `Encrypt`
    pub struct EncryptRequest: Pascal {
        encryption_context: Option<BTreeMap<String, String>>,
        key_id: String [len 1..=2048],
        encryption_algorithm: Defaulted<EncryptionAlgorithm>,
        plaintext: SecretBlob [len 1..=4096],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `Decrypt`
    pub struct DecryptRequest: Pascal {
        encryption_algorithm: Defaulted<EncryptionAlgorithm>,
        key_id: Option<String> [len 1..=2048],
        encryption_context: Option<BTreeMap<String, String>>,
        ciphertext_blob: Option<Blob> [len 1..=6144],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        #[serde(skip_serializing)]
        recipient: Option<RecipientInfo>,
        dry_run: Option<bool>,
        dry_run_modifiers: Option<Vec<DryRunModifier>>,
    }
}

shape! {
    /// `ReEncrypt`
    pub struct ReEncryptRequest: Pascal {
        ciphertext_blob: Option<Blob> [len 1..=6144],
        source_encryption_algorithm: Defaulted<EncryptionAlgorithm>,
        source_encryption_context: Option<BTreeMap<String, String>>,
        source_key_id: Option<String> [len 1..=2048],
        destination_key_id: String [len 1..=2048],
        destination_encryption_algorithm: Defaulted<EncryptionAlgorithm>,
        destination_encryption_context: Option<BTreeMap<String, String>>,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
        dry_run_modifiers: Option<Vec<DryRunModifier>>,
    }
}

shape! {
    /// `GenerateDataKey`
    pub struct GenerateDataKeyRequest: Pascal {
        key_id: String [len 1..=2048],
        encryption_context: Option<BTreeMap<String, String>>,
        number_of_bytes: Option<i32> [range 1..=1024],
        key_spec: Option<DataKeySpec>,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        #[serde(skip_serializing)]
        recipient: Option<RecipientInfo>,
        dry_run: Option<bool>,
    }
}

shape! {
    /// `GenerateDataKeyWithoutPlaintext`
    pub struct GenerateDataKeyWithoutPlaintextRequest: Pascal {
        key_id: String [len 1..=2048],
        encryption_context: Option<BTreeMap<String, String>>,
        key_spec: Option<DataKeySpec>,
        number_of_bytes: Option<i32> [range 1..=1024],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `GenerateRandom`
    pub struct GenerateRandomRequest: Pascal {
        number_of_bytes: Option<i32> [range 1..=1024],
        custom_key_store_id: Option<String> [len 1..=64],
        #[serde(skip_serializing)]
        recipient: Option<RecipientInfo>,
    }
}

shape! {
    /// For whom an answer is encrypted: an attested enclave.
    pub struct RecipientInfo: Pascal {
        key_encryption_algorithm: Option<KeyEncryptionMechanism>,
        attestation_document: Option<Blob> [len 1..=262144],
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptResponse {
    pub ciphertext_blob: Blob,
    /// The key's ARN.
    pub key_id: String,
    pub encryption_algorithm: EncryptionAlgorithm,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptResponse {
    /// The key's ARN.
    pub key_id: String,
    pub plaintext: Option<SecretBlob>,
    pub encryption_algorithm: EncryptionAlgorithm,
    /// For an attested enclave: the plaintext in a CMS `EnvelopedData`. So in the answers below.
    pub ciphertext_for_recipient: Option<Blob>,
    /// 64 hexadecimal digits; of symmetric keys only.
    pub key_material_id: Option<String>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptResponse {
    pub ciphertext_blob: Blob,
    /// ARN of the key it was encrypted under.
    pub source_key_id: String,
    /// ARN of the key it is encrypted under now.
    pub key_id: String,
    pub source_encryption_algorithm: EncryptionAlgorithm,
    pub destination_encryption_algorithm: EncryptionAlgorithm,
    /// Of symmetric keys only, as the other one.
    pub source_key_material_id: Option<String>,
    pub destination_key_material_id: Option<String>,
}

/// Answer of `GenerateDataKey`, and without its plaintext of `GenerateDataKeyWithoutPlaintext`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyResponse {
    pub ciphertext_blob: Blob,
    pub plaintext: Option<SecretBlob>,
    pub ciphertext_for_recipient: Option<Blob>,
    /// The key's ARN.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub key_material_id: String,
}

/// One of the two: the bytes, or for an attested enclave a CMS `EnvelopedData` of them.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateRandomResponse {
    pub plaintext: Option<SecretBlob>,
    pub ciphertext_for_recipient: Option<Blob>,
}
