//! `DescribeKey`: a key's metadata. Asked about a predefined alias without a key, it makes the key.

use keywatch_api::kms::keys::{DescribeKeyRequest, KeyMetadataResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::grant_token;

pub(crate) async fn describe_key(
    call: &mut Call<'_>,
    kms: &Kms,
    request: DescribeKeyRequest,
) -> Result<KeyMetadataResponse, KmsError> {
    let open = reach(call, kms, &request.key_id, Reach::Use, &Asked::plain("kms:DescribeKey")).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    Ok(KeyMetadataResponse { key_metadata: open.key.metadata() })
}

#[cfg(test)]
mod tests;
