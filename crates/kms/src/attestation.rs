//! # Attestation documents
//! What an enclave says of itself, signed: which image runs in it (**PCRs**), and the public key for which an answer is to be
//! encrypted. A document counts only when its signature and its certificates verify up to the root that the operator
//! configured; without a root none counts.
//!
//! **Not here:** the cryptography (`keywatch_crypto::attestation`, `keywatch_crypto::cms`).
//! Sources: AWS Nitro Enclaves user guide, "Attestation document specification"; RFC 9052 (COSE_Sign1); KMS developer guide,
//! "Condition keys for attested platforms".

use std::collections::BTreeMap;

use ciborium::Value;
use jiff::Timestamp;
use keywatch_api::kms::ciphers::RecipientInfo;
use keywatch_api::{Blob, SecretBlob};
use keywatch_crypto::attestation::{AttestationRoot, CHAIN_MAX};
use keywatch_crypto::cms;
use keywatch_iam::Call;
use keywatch_iam::policy::{ConditionKeys, Values};

use crate::Kms;
use crate::error::KmsError;

/// Depth of a document: an array of a map of arrays, and room.
const DEPTH_MAX: usize = 8;
const PCRS_MAX: usize = 32;
/// `COSE_Sign1` of RFC 9052, as a tag.
const COSE_SIGN1: u64 = 18;
/// ES384 in protected headers: `{1: -35}`.
const ES384: i64 = -35;
/// `kms:RecipientAttestation:ImageSha384` is this register.
const IMAGE_PCR: u64 = 0;

/// A document that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attested {
    module_id: String,
    platform: Platform,
    /// In lower-case hexadecimal digits.
    pcrs: BTreeMap<u64, String>,
    /// `SubjectPublicKeyInfo`, DER.
    public_key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Enclave,
    NitroTpm,
}

/// The document of a request, verified; `None` when it has none. A chain of certificates takes a millisecond.
pub(crate) async fn verified(
    kms: &Kms,
    recipient: &Option<RecipientInfo>,
    now: Timestamp,
) -> Result<Option<Attested>, KmsError> {
    let Some(recipient) = recipient else { return Ok(None) };
    if recipient.key_encryption_algorithm.is_none() {
        return Err(KmsError::missing("recipient.keyEncryptionAlgorithm"));
    }
    let Some(document) = &recipient.attestation_document else {
        return Err(KmsError::missing("recipient.attestationDocument"));
    };
    let attested = match kms.attestation_root() {
        Some(root) => {
            let (root, document) = (root.clone(), document.0.clone());
            Box::pin(kms.primitives().run(move || verify(&root, &document, now))).await?
        }
        None => None,
    };
    attested.map(Some).ok_or_else(|| {
        KmsError::Validation("The AttestationDocument of the Recipient is not valid.".to_owned())
    })
}

impl Attested {
    /// An answer for this enclave alone.
    fn seal(&self, secret: &SecretBlob) -> Result<Blob, KmsError> {
        cms::enveloped(&self.public_key, secret.expose()).map(Blob).map_err(|_| {
            KmsError::Validation("The public key in the AttestationDocument cannot be used.".to_owned())
        })
    }

    /// Adds the member `recipient` to the `additionalEventData` of the call's record.
    fn note(&self, call: &mut Call<'_>) {
        let own = format!("\"recipient\":{}", self.shown());
        let data = match call.notes.additional_event_data.take() {
            Some(text) => match text.strip_suffix('}') {
                Some(members) => format!("{members},{own}}}"),
                None => text,
            },
            None => format!("{{{own}}}"),
        };
        call.notes.additional_event_data = Some(data);
    }

    fn shown(&self) -> String {
        let mut text = String::from("{\"attestationDocumentModuleId\":");
        keywatch_api::record_form::push_json_string(&mut text, &self.module_id);
        for (number, value) in &self.pcrs {
            let name = match (self.platform, *number) {
                (Platform::Enclave, IMAGE_PCR) => "EnclaveImageDigest".to_owned(),
                (Platform::Enclave, 1..=4 | 8) => format!("EnclavePCR{number}"),
                (Platform::NitroTpm, 4 | 7 | 8 | 9 | 16 | 23) => format!("NitroTPMPCR{number}"),
                _ => continue,
            };
            text.push_str(&format!(",\"attestationDocument{name}\":\"{value}\""));
        }
        text.push('}');
        text
    }
}

impl ConditionKeys for Attested {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        let name = key.strip_prefix("kms:recipientattestation:")?;
        let number = match (self.platform, name) {
            (Platform::Enclave, "imagesha384") => IMAGE_PCR,
            (Platform::Enclave, name) => name.strip_prefix("pcr")?.parse().ok()?,
            (Platform::NitroTpm, name) => name.strip_prefix("nitrotpmpcr")?.parse().ok()?,
        };
        self.pcrs.get(&number).map(|value| Values::one(value.as_str()))
    }
}

/// Condition keys of an operation that may answer an enclave.
#[derive(Clone, Copy)]
pub(crate) struct RecipientKeys<'q> {
    pub(crate) attested: Option<&'q Attested>,
    pub(crate) own: &'q dyn ConditionKeys,
}

impl ConditionKeys for RecipientKeys<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        self.attested.and_then(|attested| attested.values(key)).or_else(|| self.own.values(key))
    }
}

/// A secret for the caller, or, noted for the record, for the enclave alone: one of the two is there.
pub(crate) fn delivered(
    call: &mut Call<'_>,
    attested: Option<&Attested>,
    secret: SecretBlob,
) -> Result<(Option<SecretBlob>, Option<Blob>), KmsError> {
    let Some(attested) = attested else { return Ok((Some(secret), None)) };
    attested.note(call);
    Ok((None, Some(attested.seal(&secret)?)))
}

fn verify(root: &AttestationRoot, document: &[u8], now: Timestamp) -> Option<Attested> {
    let [protected, _, payload, signature] = sign1(document)?;
    let (protected, payload, signature) =
        (protected.into_bytes().ok()?, payload.into_bytes().ok()?, signature.into_bytes().ok()?);
    let headers = read(&protected)?.into_map().ok()?;
    let is_es384 = |(key, value): &(Value, Value)| *key == Value::from(1) && *value == Value::from(ES384);
    if !headers.iter().any(is_es384) {
        return None;
    }
    let mut fields = fields(&payload)?;
    let signer = fields.remove("certificate")?.into_bytes().ok()?;
    let bundle = fields.remove("cabundle")?.into_array().ok()?;
    if bundle.len() > CHAIN_MAX {
        return None;
    }
    let bundle: Vec<Vec<u8>> = bundle.into_iter().map(|der| der.into_bytes().ok()).collect::<Option<_>>()?;
    let signed = Value::Array(vec![
        Value::from("Signature1"),
        Value::Bytes(protected),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload),
    ]);
    let mut message = Vec::new();
    ciborium::into_writer(&signed, &mut message).ok()?;
    let seconds = u64::try_from(now.as_second()).ok()?;
    root.verify((&signer, &bundle), &message, &signature, seconds).ok()?;
    attested(fields)
}

fn read(bytes: &[u8]) -> Option<Value> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH_MAX).ok()
}

/// The four parts, with or without the tag.
fn sign1(document: &[u8]) -> Option<[Value; 4]> {
    let parts = match read(document)? {
        Value::Tag(COSE_SIGN1, parts) => parts.into_array().ok()?,
        Value::Array(parts) => parts,
        _ => return None,
    };
    parts.try_into().ok()
}

fn fields(payload: &[u8]) -> Option<BTreeMap<String, Value>> {
    let pairs = read(payload)?.into_map().ok()?;
    pairs.into_iter().map(|(name, value)| Some((name.into_text().ok()?, value))).collect()
}

fn attested(mut fields: BTreeMap<String, Value>) -> Option<Attested> {
    if fields.remove("digest")?.into_text().ok()? != "SHA384" {
        return None;
    }
    let (platform, pcrs) = match (fields.remove("pcrs"), fields.remove("nitrotpm_pcrs")) {
        (Some(pcrs), None) => (Platform::Enclave, pcrs),
        (None, Some(pcrs)) => (Platform::NitroTpm, pcrs),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let pcrs = pcrs.into_map().ok()?;
    if pcrs.len() > PCRS_MAX {
        return None;
    }
    let pcr = |(number, value): (Value, Value)| {
        let number: u64 = number.into_integer().ok()?.try_into().ok()?;
        let digits = value.into_bytes().ok()?.iter().map(|byte| format!("{byte:02x}")).collect();
        Some((number, digits))
    };
    Some(Attested {
        module_id: fields.remove("module_id")?.into_text().ok()?,
        platform,
        pcrs: pcrs.into_iter().map(pcr).collect::<Option<_>>()?,
        public_key: fields.remove("public_key")?.into_bytes().ok()?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
