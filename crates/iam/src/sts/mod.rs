//! # STS: the service
//! Who the caller is, and temporary credentials. Nothing here writes state: a session lives in its token (`session`).

mod assume_role;
mod decode_authorization_message;
mod error;
mod get_access_key_info;
mod get_caller_identity;
mod get_federation_token;
mod get_session_token;
mod session_policies;

use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::sts::{Credentials, StsOperation};
use keywatch_api::{Fault, WireTime};
use keywatch_crypto::SystemRandom;

use crate::Call;
use crate::iam::{Iam, unsupported};
use crate::session::Session;
pub use error::StsError;

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: StsOperation) -> Option<Shape> {
    keywatch_api::sts_operations!(keywatch_api::request_shapes, op, crate::request_shape_of)
}

/// Runs an operation of STS.
pub async fn dispatch(
    op: StsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    iam: &Iam,
) -> Result<Vec<u8>, Fault> {
    keywatch_api::sts_operations!(keywatch_api::dispatch, op, wire, call, iam, unsupported)
}

/// The credentials of a session.
fn issue(session: Session, iam: &Iam) -> Credentials {
    let expiration: WireTime = session.expires.into();
    let issued = session.issue(&iam.keyring, &mut SystemRandom);
    Credentials {
        access_key_id: issued.access_key_id,
        secret_access_key: issued.secret,
        session_token: issued.token,
        expiration,
    }
}

#[cfg(test)]
mod tests;
