//! Shapes of rotation.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{Defaulted, is_marker};
use super::sets::{ExpirationModel, ImportState, IncludeKeyMaterial, KeyMaterialState, RotationType};
use crate::{WireTime, shape};

shape! {
    /// `EnableKeyRotation`
    pub struct EnableKeyRotationRequest: Pascal {
        key_id: String [len 1..=2048],
        rotation_period_in_days: Option<i32> [range 90..=2560],
    }
}

shape! {
    /// `ListKeyRotations`
    pub struct ListKeyRotationsRequest: Pascal {
        key_id: String [len 1..=2048],
        include_key_material: Defaulted<IncludeKeyMaterial>,
        limit: Option<i32> [range 1..=1000],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
    }
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyRotationStatusResponse {
    pub key_rotation_enabled: bool,
    /// The key's ARN.
    pub key_id: String,
    pub rotation_period_in_days: Option<i32>,
    pub next_rotation_date: Option<WireTime>,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyRotationsResponse {
    pub rotations: Vec<RotationsListEntry>,
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// A material of a key, and the rotation that made it the current one.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationsListEntry {
    /// The key's ARN.
    pub key_id: String,
    pub key_material_id: String,
    pub key_material_description: Option<String>,
    pub import_state: Option<ImportState>,
    pub key_material_state: KeyMaterialState,
    pub expiration_model: Option<ExpirationModel>,
    pub valid_to: Option<WireTime>,
    pub rotation_date: Option<WireTime>,
    pub rotation_type: Option<RotationType>,
}
