//! From an operation's name to its handler: the table, expanded.

use keywatch_api::Fault;
use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::kms::KmsOperation;
use keywatch_iam::Call;

use crate::Kms;
use crate::error::not_built;
use crate::{
    cancel_key_deletion, create_alias, create_grant, create_key, decapsulate, decrypt, delete_alias,
    delete_imported_key_material, derive_shared_secret, describe_key, disable_key, disable_key_rotation,
    enable_key, enable_key_rotation, encapsulate, encrypt, generate_data_key, generate_data_key_pair,
    generate_data_key_pair_without_plaintext, generate_data_key_without_plaintext, generate_mac,
    generate_random, get_key_last_usage, get_key_policy, get_key_rotation_status, get_parameters_for_import,
    get_public_key, import_key_material, list_aliases, list_grants, list_key_policies, list_key_rotations,
    list_keys, list_resource_tags, list_retirable_grants, put_key_policy, re_encrypt, replicate_key,
    retire_grant, revoke_grant, rotate_key_on_demand, schedule_key_deletion, sign, tag_resource,
    untag_resource, update_alias, update_key_description, update_primary_region, verify, verify_mac,
};

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: KmsOperation) -> Option<Shape> {
    keywatch_api::kms_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Decodes the request, runs its operation inside `call`, and encodes the answer. Commits nothing.
pub async fn dispatch(
    op: KmsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    kms: &Kms,
) -> Result<Vec<u8>, Fault> {
    kms.quotas().take_operation(call, op).map_err(Fault::from_error)?;
    keywatch_api::kms_operations!(keywatch_api::dispatch, op, wire, call, kms, not_built)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::House;
    use keywatch_api::Service;
    use keywatch_api::codec::Protocol;

    /// Every request on its way carries this future, whatever its operation.
    const FUTURE_BYTES_MAX: usize = 4096;

    #[tokio::test]
    async fn a_request_on_its_way_is_small() {
        let house = House::open().await;
        let wire = Wire {
            protocol: Protocol::Json11,
            service: Service::Kms,
            operation: "Encrypt",
            request_id: "r",
            body: b"",
        };
        let mut call = house.root_call();
        let bytes = size_of_val(&dispatch(KmsOperation::Encrypt, &wire, &mut call, &house.kms));
        assert!(bytes <= FUTURE_BYTES_MAX, "{bytes} bytes");
    }
}
