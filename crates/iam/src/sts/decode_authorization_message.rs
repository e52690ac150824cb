//! `DecodeAuthorizationMessage`: the decision behind a refusal, for whom a policy allows to see it.

use keywatch_api::sts::{DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse};

use super::StsError;
use crate::Call;
use crate::denial::decode;
use crate::iam::Iam;

pub(crate) async fn decode_authorization_message(
    call: &mut Call<'_>,
    iam: &Iam,
    request: DecodeAuthorizationMessageRequest,
) -> Result<DecodeAuthorizationMessageResponse, StsError> {
    call.authorize_own("sts:DecodeAuthorizationMessage", "*")
        .map_err(|denied| StsError::AccessDenied(denied.0))?;
    let decoded_message = decode(&request.encoded_message, call.account(), &iam.keyring)
        .map_err(|_| StsError::InvalidAuthorizationMessage)?;
    Ok(DecodeAuthorizationMessageResponse { decoded_message })
}
