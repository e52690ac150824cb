//! Shapes of imported key material.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{Defaulted, is_material_description, is_material_id};
use super::sets::{ExpirationModel, ImportType, WrappingAlgorithm, WrappingKeySpec};
use crate::{Blob, WireTime, shape};

shape! {
    /// `GetParametersForImport`
    pub struct GetParametersForImportRequest: Pascal {
        key_id: String [len 1..=2048],
        wrapping_algorithm: WrappingAlgorithm,
        wrapping_key_spec: WrappingKeySpec,
    }
}

shape! {
    /// `ImportKeyMaterial`
    pub struct ImportKeyMaterialRequest: Pascal {
        key_id: String [len 1..=2048],
        import_token: Blob [len 1..=6144],
        encrypted_key_material: Blob [len 1..=6144],
        valid_to: Option<WireTime>,
        expiration_model: Defaulted<ExpirationModel>,
        import_type: Option<ImportType>,
        key_material_description: Option<String> [len 0..=256] [pattern is_material_description, "^[a-zA-Z0-9:/_\\s.-]+$"],
        key_material_id: Option<String> [len 64..=64] [pattern is_material_id, "^[a-f0-9]+$"],
    }
}

shape! {
    /// `DeleteImportedKeyMaterial`
    pub struct DeleteImportedKeyMaterialRequest: Pascal {
        key_id: String [len 1..=2048],
        key_material_id: Option<String> [len 64..=64] [pattern is_material_id, "^[a-f0-9]+$"],
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersForImportResponse {
    /// The key's ARN.
    pub key_id: String,
    pub import_token: Blob,
    /// `SubjectPublicKeyInfo`, DER.
    pub public_key: Blob,
    pub parameters_valid_to: WireTime,
}

/// Answer of `ImportKeyMaterial` and `DeleteImportedKeyMaterial`.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMaterialResponse {
    /// The key's ARN.
    pub key_id: String,
    pub key_material_id: Option<String>,
}
