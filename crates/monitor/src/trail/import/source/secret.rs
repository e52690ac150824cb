//! The credentials of a source, sealed under the root key and bound to its id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_crypto::{Binding, RootKeyring, SecretText, SystemRandom};
use keywatch_store::StoreError;
use object_store::aws::AwsCredential;

use super::record::SourceRecord;

const PURPOSE: &str = "import-source";
/// Between the secret access key and the session token, which are visible ASCII.
const SEPARATOR: char = '\n';

/// Seals a secret access key and a session token, in base64. Both together are shorter than the longest secret, as the request's
/// shape has it.
pub(in super::super) fn seal(
    keyring: &RootKeyring,
    id: &str,
    secret: &str,
    token: Option<&str>,
) -> Result<String, StoreError> {
    let text = SecretText::new(format!("{secret}{SEPARATOR}{}", token.unwrap_or_default()));
    let binding = Binding::Other { purpose: PURPOSE, owner: id };
    let sealed = keyring.seal(&binding, text.expose().as_bytes(), &mut SystemRandom);
    Ok(BASE64.encode(sealed.map_err(|_| StoreError::corrupt("the credentials of an import source"))?))
}

/// The credentials of a source, for one poll; none for a source without. The type is the client's, which prints nothing secret of it.
pub(super) fn open(
    keyring: &RootKeyring,
    source: &SourceRecord,
) -> Result<Option<AwsCredential>, StoreError> {
    let (Some(id), Some(sealed)) = (&source.access_key_id, &source.sealed) else { return Ok(None) };
    let corrupt = || StoreError::corrupt("the sealed credentials of an import source");
    let bytes = BASE64.decode(sealed).map_err(|_| corrupt())?;
    let binding = Binding::Other { purpose: PURPOSE, owner: &source.id };
    let secret = keyring.open(&binding, &bytes).map_err(|_| corrupt())?;
    let text = std::str::from_utf8(secret.expose()).map_err(|_| corrupt())?;
    let (secret_key, token) = text.split_once(SEPARATOR).ok_or_else(corrupt)?;
    Ok(Some(AwsCredential {
        key_id: id.clone(),
        secret_key: secret_key.to_owned(),
        token: (!token.is_empty()).then(|| token.to_owned()),
    }))
}
