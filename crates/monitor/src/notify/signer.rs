//! Who signs messages: one RSA key of this installation with a self-signed certificate, made when it is first needed, the key
//! sealed under the root key. Subscribers fetch the certificate from our own endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::digest::sha256;
use keywatch_crypto::signing::SigningKeyPair;
use keywatch_crypto::{Binding, RootKeyring, SystemRandom};
use keywatch_store::{Batch, CommitError, Expect, Kind, Store, StoreError, Versioned, decode, encode};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256};
use serde::{Deserialize, Serialize};

use super::document::Signed;
use super::topic::SignatureVersion;

const SIGNER: Kind = Kind("sns.signer");
const SIGNER_KEY: &str = "current";
const BINDING: Binding<'static> = Binding::Other { purpose: "sns-signing-key", owner: SIGNER_KEY };
/// The certificate is good from a day before its making, for clocks that differ, until ten years after.
const VALID_BEFORE: SignedDuration = SignedDuration::from_hours(24);
const VALID_AFTER: SignedDuration = SignedDuration::from_hours(24 * 3_650);

/// The key and its certificate.
#[derive(Debug)]
pub(crate) struct Signer {
    pair: SigningKeyPair,
    pub(crate) certificate_pem: String,
    /// 32 hexadecimal digits, part of the certificate's URL.
    pub(crate) id: String,
}

#[derive(Serialize, Deserialize)]
struct SignerRecord {
    /// PKCS#8, sealed, base64.
    sealed: String,
    certificate_pem: String,
}

impl Versioned for SignerRecord {
    const MARKER: &'static str = "sns.signer/1";
}

impl Signer {
    /// Reads the signer, or makes it; whoever stores it first wins.
    pub(crate) async fn load(
        store: &Store,
        keyring: &RootKeyring,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        if let Some(row) = store.get(SIGNER, SIGNER_KEY).await? {
            return Self::open(keyring, decode(&row.bytes)?);
        }
        let made = tokio::task::spawn_blocking(move || make(now))
            .await
            .map_err(|_| StoreError::corrupt("the making of the signing key"))?;
        let (pkcs8, certificate_pem) = made.ok_or_else(|| StoreError::corrupt("the new signing key"))?;
        let sealed = keyring
            .seal(&BINDING, pkcs8.expose(), &mut SystemRandom)
            .expect("an RSA key is shorter than the longest secret");
        let record = SignerRecord { sealed: BASE64.encode(sealed), certificate_pem };
        let batch = Batch {
            checks: vec![(SIGNER, SIGNER_KEY.to_owned(), Expect::Absent)],
            puts: vec![(SIGNER, SIGNER_KEY.to_owned(), encode(&record)?)],
            ..Batch::default()
        };
        match store.commit(batch).await {
            Ok(_) => Self::open(keyring, record),
            Err(CommitError::Conflict { .. }) => {
                let row = store.get(SIGNER, SIGNER_KEY).await?;
                let row = row.ok_or_else(|| StoreError::corrupt("the signing key, which is gone"))?;
                Self::open(keyring, decode(&row.bytes)?)
            }
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    fn open(keyring: &RootKeyring, record: SignerRecord) -> Result<Self, StoreError> {
        let corrupt = || StoreError::corrupt("the sealed signing key");
        let sealed = BASE64.decode(&record.sealed).map_err(|_| corrupt())?;
        let pkcs8 = keyring.open(&BINDING, &sealed).map_err(|_| corrupt())?;
        let pair = SigningKeyPair::from_pkcs8_der(&pkcs8).map_err(|_| corrupt())?;
        let digest = hex::encode(sha256(record.certificate_pem.as_bytes()));
        Ok(Self { pair, certificate_pem: record.certificate_pem, id: digest[..32].to_owned() })
    }

    /// The path at which the certificate is served.
    pub(crate) fn certificate_path(&self) -> String {
        format!("/SimpleNotificationService-{}.pem", self.id)
    }

    pub(crate) fn sign(&self, version: SignatureVersion, text: &str, endpoint: &str) -> Signed {
        let signature = match version {
            SignatureVersion::Sha1 => self.pair.sign_sha1(text.as_bytes(), &mut SystemRandom),
            SignatureVersion::Sha256 => self.pair.sign_sha256(text.as_bytes()),
        };
        Signed {
            version,
            signature: BASE64.encode(signature),
            certificate_url: format!("{endpoint}{}", self.certificate_path()),
        }
    }
}

/// A fresh key in PKCS#8 and its certificate in PEM.
fn make(now: Timestamp) -> Option<(keywatch_crypto::SecretBytes, String)> {
    let pair = SigningKeyPair::generate().ok()?;
    let pkcs8 = pair.pkcs8_der();
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.expose().into(), &PKCS_RSA_SHA256).ok()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Keywatch notifications");
    let date = |time: Timestamp| {
        let date = time.to_zoned(jiff::tz::TimeZone::UTC);
        rcgen::date_time_ymd(i32::from(date.year()), date.month() as u8, date.day() as u8)
    };
    params.not_before = date(now.checked_sub(VALID_BEFORE).ok()?);
    params.not_after = date(now.checked_add(VALID_AFTER).ok()?);
    let certificate = params.self_signed(&key).ok()?;
    Some((pkcs8, certificate.pem()))
}
