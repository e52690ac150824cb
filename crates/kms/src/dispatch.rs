//! From an operation's name to its handler: the table, expanded.

use keywatch_api::Fault;
use keywatch_api::codec::Wire;
use keywatch_api::kms::KmsOperation;
use keywatch_iam::Call;

use crate::Kms;
use crate::error::not_built;
use crate::{
    cancel_key_deletion, create_alias, create_key, decrypt, delete_alias, delete_imported_key_material,
    describe_key, disable_key, disable_key_rotation, enable_key, enable_key_rotation, encrypt,
    generate_data_key, generate_data_key_without_plaintext, generate_random, get_key_policy,
    get_key_rotation_status, get_parameters_for_import, import_key_material, list_aliases, list_key_policies,
    list_key_rotations, list_keys, list_resource_tags, put_key_policy, re_encrypt, rotate_key_on_demand,
    schedule_key_deletion, tag_resource, untag_resource, update_alias, update_key_description,
};

/// Decodes the request, runs its operation inside `call`, and encodes the answer. Commits nothing.
pub async fn dispatch(
    op: KmsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    kms: &Kms,
) -> Result<Vec<u8>, Fault> {
    keywatch_api::kms_operations!(keywatch_api::dispatch, op, wire, call, kms, not_built)
}
