//! `ListPublicKeys`: the public halves of the keys that sign this Region's digests, those of former months too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_api::cloudtrail::{ListPublicKeysRequest, ListPublicKeysResponse, PublicKey};
use keywatch_api::{Blob, page};
use keywatch_iam::Call;
use keywatch_store::{Scan, StoreError};

use super::digest::{SIGNING_KEY, SigningKeyRecord};
use super::error::CloudTrailError;
use super::service::Trails;

/// `validate-logs` looks at the first page alone: it holds the keys of some eighty years.
const PAGE_KEYS: usize = 1_000;
const QUESTION: &str = "ListPublicKeys";

pub(crate) async fn list_public_keys(
    call: &mut Call<'_>,
    _: &Trails,
    request: ListPublicKeysRequest,
) -> Result<ListPublicKeysResponse, CloudTrailError> {
    call.authorize_own("cloudtrail:ListPublicKeys", "*")?;
    let start = request.start_time.map_or(call.now, |time| time.0);
    let end = request.end_time.map_or(call.now.max(start), |time| time.0);
    if start > end {
        return Err(CloudTrailError::InvalidTimeRange);
    }
    let after = request.next_token.as_deref().map(|token| page::decode(QUESTION, token)).transpose();
    let after = after.map_err(|_| CloudTrailError::InvalidToken)?;
    let prefix = format!("{}/", call.partition());
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE_KEYS };
    let rows = call.tx.scan::<SigningKeyRecord>(SIGNING_KEY, scan).await?;
    let more = rows.last().filter(|_| rows.len() == PAGE_KEYS);
    let next_token = more.map(|(key, _)| page::encode(QUESTION, key));
    let overlaps = |key: &SigningKeyRecord| key.begins <= end && key.ends >= start;
    let keys = rows.into_iter().map(|(_, key)| key).filter(overlaps).map(shown);
    Ok(ListPublicKeysResponse { public_key_list: keys.collect::<Result<_, _>>()?, next_token })
}

fn shown(key: SigningKeyRecord) -> Result<PublicKey, StoreError> {
    let value = BASE64.decode(&key.public).map_err(|_| StoreError::corrupt("a public key of digests"))?;
    Ok(PublicKey {
        value: Blob(value),
        validity_start_time: key.begins.into(),
        validity_end_time: key.ends.into(),
        fingerprint: key.fingerprint,
    })
}
