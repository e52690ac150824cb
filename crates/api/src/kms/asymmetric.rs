//! Shapes of the cryptographic operations on asymmetric and HMAC keys, and of data key pairs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::ciphers::RecipientInfo;
use super::member::{Defaulted, GrantToken};
use super::sets::{
    DataKeyPairSpec, EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeySpec, KeyUsage,
    MacAlgorithm, MessageType, Origin, SigningAlgorithm,
};
use crate::{Blob, SecretBlob, shape};

shape! {
    /// `GetPublicKey`
    pub struct GetPublicKeyRequest: Pascal {
        key_id: String [len 1..=2048],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
    }
}

shape! {
    /// `Sign`
    pub struct SignRequest: Pascal {
        message_type: Defaulted<MessageType>,
        key_id: String [len 1..=2048],
        message: SecretBlob [len 1..=4096],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        signing_algorithm: SigningAlgorithm,
        dry_run: Option<bool>,
    }
}

shape! {
    /// `Verify`
    pub struct VerifyRequest: Pascal {
        message_type: Defaulted<MessageType>,
        key_id: String [len 1..=2048],
        message: SecretBlob [len 1..=4096],
        #[serde(skip_serializing)]
        signature: Blob [len 1..=6144],
        signing_algorithm: SigningAlgorithm,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `GenerateMac`
    pub struct GenerateMacRequest: Pascal {
        message: SecretBlob [len 1..=4096],
        key_id: String [len 1..=2048],
        mac_algorithm: MacAlgorithm,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `VerifyMac`
    pub struct VerifyMacRequest: Pascal {
        message: SecretBlob [len 1..=4096],
        key_id: String [len 1..=2048],
        mac_algorithm: MacAlgorithm,
        #[serde(skip_serializing)]
        mac: Blob [len 1..=6144],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `DeriveSharedSecret`
    pub struct DeriveSharedSecretRequest: Pascal {
        key_id: String [len 1..=2048],
        key_agreement_algorithm: KeyAgreementAlgorithm,
        public_key: Blob [len 1..=8192],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
        #[serde(skip_serializing)]
        recipient: Option<RecipientInfo>,
    }
}

shape! {
    /// `Encapsulate`
    pub struct EncapsulateRequest: Pascal {
        key_id: String [len 1..=2048],
        encapsulation_algorithm: EncapsulationAlgorithm,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `Decapsulate`
    pub struct DecapsulateRequest: Pascal {
        key_id: String [len 1..=2048],
        #[serde(skip_serializing)]
        shared_secret_ciphertext_blob: Blob [len 1..=6144],
        encapsulation_algorithm: EncapsulationAlgorithm,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `GenerateDataKeyPair`
    pub struct GenerateDataKeyPairRequest: Pascal {
        encryption_context: Option<BTreeMap<String, String>>,
        key_id: String [len 1..=2048],
        key_pair_spec: DataKeyPairSpec,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        #[serde(skip_serializing)]
        recipient: Option<RecipientInfo>,
        dry_run: Option<bool>,
    }
}

shape! {
    /// `GenerateDataKeyPairWithoutPlaintext`
    pub struct GenerateDataKeyPairWithoutPlaintextRequest: Pascal {
        encryption_context: Option<BTreeMap<String, String>>,
        key_id: String [len 1..=2048],
        key_pair_spec: DataKeyPairSpec,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        dry_run: Option<bool>,
    }
}

/// Of the lists of algorithms only that of the key's usage is there.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPublicKeyResponse {
    /// The key's ARN.
    pub key_id: String,
    /// `SubjectPublicKeyInfo`, DER.
    pub public_key: Blob,
    pub customer_master_key_spec: KeySpec,
    pub key_spec: KeySpec,
    pub key_usage: KeyUsage,
    pub encryption_algorithms: Option<&'static [EncryptionAlgorithm]>,
    pub signing_algorithms: Option<&'static [SigningAlgorithm]>,
    pub key_agreement_algorithms: Option<&'static [KeyAgreementAlgorithm]>,
    pub encapsulation_algorithms: Option<&'static [EncapsulationAlgorithm]>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignResponse {
    /// The key's ARN.
    pub key_id: String,
    pub signature: Blob,
    pub signing_algorithm: SigningAlgorithm,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyResponse {
    /// The key's ARN.
    pub key_id: String,
    /// Always true: a signature that is not valid is an error.
    pub signature_valid: bool,
    pub signing_algorithm: SigningAlgorithm,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateMacResponse {
    pub mac: Blob,
    pub mac_algorithm: MacAlgorithm,
    /// The key's ARN.
    pub key_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyMacResponse {
    /// The key's ARN.
    pub key_id: String,
    /// Always true: a MAC that is not valid is an error.
    pub mac_valid: bool,
    pub mac_algorithm: MacAlgorithm,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeriveSharedSecretResponse {
    /// The key's ARN.
    pub key_id: String,
    pub shared_secret: Option<SecretBlob>,
    pub ciphertext_for_recipient: Option<Blob>,
    pub key_agreement_algorithm: KeyAgreementAlgorithm,
    pub key_origin: Origin,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncapsulateResponse {
    /// The key's ARN.
    pub key_id: String,
    /// 32 bytes.
    pub shared_secret: SecretBlob,
    pub shared_secret_ciphertext_blob: Blob,
    pub encapsulation_algorithm: EncapsulationAlgorithm,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecapsulateResponse {
    /// The key's ARN.
    pub key_id: String,
    /// 32 bytes.
    pub shared_secret: SecretBlob,
    pub encapsulation_algorithm: EncapsulationAlgorithm,
}

/// Answer of `GenerateDataKeyPair`, and without its plaintext of `GenerateDataKeyPairWithoutPlaintext`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairResponse {
    pub private_key_ciphertext_blob: Blob,
    /// PKCS#8, DER.
    pub private_key_plaintext: Option<SecretBlob>,
    pub ciphertext_for_recipient: Option<Blob>,
    /// `SubjectPublicKeyInfo`, DER.
    pub public_key: Blob,
    /// The key's ARN.
    pub key_id: String,
    pub key_pair_spec: DataKeyPairSpec,
    /// 64 hexadecimal digits.
    pub key_material_id: String,
}
