//! Documents made here as an enclave makes them, under a root made here.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384};
use rsa::pkcs8::EncodePublicKey;
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{ACCOUNT, House, arn, shown, user};

/// An enclave's way to prove itself, and the private key that opens what it gets.
struct Enclave {
    root: CertifiedIssuer<'static, KeyPair>,
    key: KeyPair,
    certificate: Vec<u8>,
    private: rsa::RsaPrivateKey,
}

impl Enclave {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root =
            CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
        let (root, key) = (root.unwrap(), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
        let leaf = CertificateParams::new(Vec::<String>::new()).unwrap().signed_by(&key, &root).unwrap();
        let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        Enclave { certificate: leaf.der().to_vec(), root, key, private }
    }

    fn root(&self) -> AttestationRoot {
        AttestationRoot::from_der(self.root.der().to_vec()).unwrap()
    }

    fn document(&self, pcrs: &str) -> Vec<u8> {
        let public = self.private.to_public_key().to_public_key_der().unwrap();
        let text = |text: &str| Value::from(text);
        let payload = Value::Map(vec![
            (text("module_id"), text("i-1234567890abcdef0-enc01234567890ab")),
            (text("timestamp"), Value::from(1_795_341_600_000_u64)),
            (text("digest"), text("SHA384")),
            (text(pcrs), Value::Map(vec![(Value::from(0), Value::Bytes(vec![0xab; 48]))])),
            (text("certificate"), Value::Bytes(self.certificate.clone())),
            (text("cabundle"), Value::Array(vec![Value::Bytes(self.root.der().to_vec())])),
            (text("public_key"), Value::Bytes(public.into_vec())),
            (text("user_data"), Value::Null),
            (text("nonce"), Value::Null),
        ]);
        let (protected, payload) =
            (bytes(&Value::Map(vec![(Value::from(1), Value::from(-35))])), bytes(&payload));
        let parts = |middle: Value, last: Vec<u8>| {
            Value::Array(vec![
                middle,
                Value::Bytes(protected.clone()),
                Value::Bytes(last),
                Value::Bytes(payload.clone()),
            ])
        };
        let signed = parts(text("Signature1"), Vec::new());
        let signer =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &self.key.serialize_der()).unwrap();
        let signature = signer.sign(&SystemRandom::new(), &bytes(&signed)).unwrap();
        bytes(&Value::Array(vec![
            Value::Bytes(protected.clone()),
            Value::Map(Vec::new()),
            Value::Bytes(payload.clone()),
            Value::Bytes(signature.as_ref().to_vec()),
        ]))
    }

    fn recipient(&self) -> Json {
        let document = BASE64.encode(self.document("pcrs"));
        json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document})
    }

    /// Opens an answer as the enclave does, finding its parts by what comes before them.
    fn open(&self, answer: &Json) -> Vec<u8> {
        let der = BASE64.decode(answer.as_str().unwrap()).unwrap();
        let after =
            |mark: &[u8]| der.windows(mark.len()).position(|window| window == mark).unwrap() + mark.len();
        let wrapped = after(&[0x04, 0x82, 0x01, 0x00]);
        let padding = rsa::Oaep::new::<sha2::Sha256>();
        let key = self.private.decrypt(padding, &der[wrapped..wrapped + 256]).unwrap();
        let iv = after(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, 0x10]);
        let (nonce, rest) = der[iv..].split_at(16);
        assert_eq!(rest[0], 0x80);
        let mut content = rest[2..2 + usize::from(rest[1])].to_vec();
        let key = aws_lc_rs::cipher::UnboundCipherKey::new(&aws_lc_rs::cipher::AES_256, &key).unwrap();
        let key = aws_lc_rs::cipher::PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
        let context = aws_lc_rs::cipher::DecryptionContext::Iv128(nonce.try_into().unwrap());
        key.decrypt(&mut content, context).unwrap().to_vec()
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

#[test]
fn a_document_verifies_whole_or_not_at_all() {
    let enclave = Enclave::new();
    let root = enclave.root();
    let document = enclave.document("pcrs");
    let attested = verify(&root, &document, now()).unwrap();
    assert_eq!(attested.values("kms:recipientattestation:imagesha384"), Some(Values::one("ab".repeat(48))));
    assert_eq!(attested.values("kms:recipientattestation:pcr0"), Some(Values::one("ab".repeat(48))));
    assert_eq!(attested.values("kms:recipientattestation:pcr1"), None);
    assert_eq!(attested.values("kms:recipientattestation:nitrotpmpcr0"), None);
    assert!(attested.shown().contains("\"attestationDocumentEnclaveImageDigest\":\"abab"));
    let tpm = verify(&root, &enclave.document("nitrotpm_pcrs"), now()).unwrap();
    assert_eq!(tpm.values("kms:recipientattestation:nitrotpmpcr0"), Some(Values::one("ab".repeat(48))));
    assert_eq!(tpm.values("kms:recipientattestation:imagesha384"), None);
    assert_eq!(verify(&root, &enclave.document("other"), now()), None);
    assert_eq!(verify(&Enclave::new().root(), &document, now()), None);
    assert_eq!(verify(&root, &document, Timestamp::UNIX_EPOCH), None);
    for at in (0..document.len()).step_by(7) {
        let mut changed = document.clone();
        changed[at] ^= 1;
        if let Some(got) = verify(&root, &changed, now()) {
            assert_eq!(got, attested, "byte {at}");
        }
    }
    for end in [0, 1, document.len() / 2, document.len() - 1] {
        assert_eq!(verify(&root, &document[..end], now()), None);
    }
}

#[tokio::test]
async fn without_a_root_every_document_is_refused() {
    let house = House::open().await;
    let ask = json!({"NumberOfBytes": 16, "Recipient": Enclave::new().recipient()});
    assert_eq!(
        house.refused("GenerateRandom", ask).await,
        "ValidationException: The AttestationDocument of the Recipient is not valid."
    );
}

#[tokio::test]
async fn answers_are_for_the_enclave_alone() {
    let enclave = Enclave::new();
    let house = House::open_with(|kms| kms.with_attestation_root(enclave.root())).await;
    house.create_user("a").await;
    let key = house.key().await;
    let random =
        house.ok("GenerateRandom", json!({"NumberOfBytes": 16, "Recipient": enclave.recipient()})).await;
    assert_eq!(random["Plaintext"], Json::Null);
    assert_eq!(enclave.open(&random["CiphertextForRecipient"]).len(), 16);

    let ask = json!({"KeyId": key, "KeySpec": "AES_256", "Recipient": enclave.recipient()});
    let made = house.ok("GenerateDataKey", ask).await;
    assert_eq!(made["Plaintext"], Json::Null);
    let noted = house.noted();
    assert!(noted["additionalEventData"]["recipient"]["attestationDocumentModuleId"].is_string(), "{noted}");
    let data_key = enclave.open(&made["CiphertextForRecipient"]);
    let decrypt = json!({"CiphertextBlob": made["CiphertextBlob"], "Recipient": enclave.recipient()});
    let opened = house.ok("Decrypt", decrypt.clone()).await;
    assert_eq!((&opened["Plaintext"], &opened["KeyMaterialId"]), (&Json::Null, &Json::Null));
    assert_eq!(enclave.open(&opened["CiphertextForRecipient"]), data_key);

    // A policy lets one image decrypt.
    let policy = |image: String| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:PutKeyPolicy", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/a"}, "Action": "kms:Decrypt", "Resource": "*",
             "Condition": {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": image}}},
        ]})
        .to_string()
    };
    let a = user(ACCOUNT, "a", &[], "*");
    house.ok("PutKeyPolicy", json!({"KeyId": arn(&key), "Policy": policy("AB".repeat(48))})).await;
    house.call(&a, "Decrypt", decrypt.clone()).await.unwrap();
    let bare = json!({"CiphertextBlob": made["CiphertextBlob"]});
    assert!(shown(house.call(&a, "Decrypt", bare).await).starts_with("AccessDenied"));
    house.ok("PutKeyPolicy", json!({"KeyId": arn(&key), "Policy": policy("CD".repeat(48))})).await;
    assert!(shown(house.call(&a, "Decrypt", decrypt).await).starts_with("AccessDenied"));
}
