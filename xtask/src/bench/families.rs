//! `cargo xtask bench kms --families`: what each family of operations costs per key spec, over HTTP with its durable record, beside
//! the bare primitive in a loop on one core of the same machine.

use std::hint::black_box;
use std::time::{Duration, Instant};

use keywatch_crypto::mac::{MacHash, MacKey};
use keywatch_crypto::pair::{
    self, AgreementKey, DecryptingKey, EncapsulationKey, Hash, Message, OaepHash, PairSpec,
    SignatureAlgorithm, SigningKey,
};
use keywatch_crypto::{EncryptionContext, KeyMaterial, KeyName, SecretBytes, SystemRandom, envelope, random};

use super::kms::Client;

/// How long a bare primitive is repeated.
const BARE_TIME: Duration = Duration::from_millis(500);
/// 32 bytes, and the same in base64.
const MESSAGE: [u8; 32] = [7; 32];
const MESSAGE_TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// One line of the table: a request to repeat, and what it costs without a server around it.
pub(super) struct Case {
    pub(super) operation: &'static str,
    pub(super) spec: &'static str,
    pub(super) request: Vec<u8>,
    /// Per second of one core.
    pub(super) bare: f64,
}

/// Makes the keys and measures the bare primitives.
pub(super) fn cases(client: &Client) -> Result<Vec<Case>, String> {
    let mut cases = symmetric(client)?;
    for (spec, pair) in
        [("RSA_2048", PairSpec::Rsa2048), ("RSA_3072", PairSpec::Rsa3072), ("RSA_4096", PairSpec::Rsa4096)]
    {
        cases.extend(oaep(client, spec, pair)?);
        let algorithm = SignatureAlgorithm::RsaPss(Hash::Sha256);
        cases.extend(signatures(client, spec, pair, "RSASSA_PSS_SHA_256", algorithm)?);
    }
    for (spec, pair, name, algorithm) in [
        ("ECC_NIST_P256", PairSpec::P256, "ECDSA_SHA_256", SignatureAlgorithm::Ecdsa),
        ("ECC_NIST_P384", PairSpec::P384, "ECDSA_SHA_384", SignatureAlgorithm::Ecdsa),
        ("ECC_NIST_P521", PairSpec::P521, "ECDSA_SHA_512", SignatureAlgorithm::Ecdsa),
        ("ECC_SECG_P256K1", PairSpec::Secp256k1, "ECDSA_SHA_256", SignatureAlgorithm::Ecdsa),
        ("ECC_NIST_EDWARDS25519", PairSpec::Ed25519, "ED25519_SHA_512", SignatureAlgorithm::Ed25519),
        ("ML_DSA_44", PairSpec::MlDsa44, "ML_DSA_SHAKE_256", SignatureAlgorithm::MlDsa),
        ("ML_DSA_65", PairSpec::MlDsa65, "ML_DSA_SHAKE_256", SignatureAlgorithm::MlDsa),
        ("ML_DSA_87", PairSpec::MlDsa87, "ML_DSA_SHAKE_256", SignatureAlgorithm::MlDsa),
    ] {
        cases.extend(signatures(client, spec, pair, name, algorithm)?);
    }
    cases.push(mac(client)?);
    cases.push(agreement(client)?);
    for (spec, pair) in [("ML_KEM_768", PairSpec::MlKem768), ("ML_KEM_1024", PairSpec::MlKem1024)] {
        cases.extend(encapsulation(client, spec, pair)?);
    }
    Ok(cases)
}

fn symmetric(client: &Client) -> Result<Vec<Case>, String> {
    let spec = "SYMMETRIC_DEFAULT";
    let key = client.create(spec, "ENCRYPT_DECRYPT")?;
    let encrypt = format!("{{\"KeyId\":\"{key}\",\"Plaintext\":\"{MESSAGE_TEXT}\"}}");
    let blob = client.member("Encrypt", &encrypt, "CiphertextBlob")?;
    let name = KeyName::from_uuid_bytes(random::uuid_bytes(&mut SystemRandom));
    let material = KeyMaterial::generate(name, &mut SystemRandom);
    let context = EncryptionContext::empty();
    let seal = || envelope::seal(&material, &context, &MESSAGE, &mut SystemRandom).expect("seals");
    let sealed = seal();
    let open = || envelope::parse(&sealed).expect("an envelope").open(&material, &context).expect("opens");
    let data_key = format!("{{\"KeyId\":\"{key}\",\"KeySpec\":\"AES_256\"}}");
    let pair = format!("{{\"KeyId\":\"{key}\",\"KeyPairSpec\":\"ECC_NIST_P256\"}}");
    Ok(vec![
        client.case("Encrypt", spec, &encrypt, seal)?,
        client.case("Decrypt", spec, &format!("{{\"CiphertextBlob\":\"{blob}\"}}"), open)?,
        client.case("GenerateDataKey", spec, &data_key, seal)?,
        client.case("GenerateDataKeyPair", "ECC_NIST_P256", &pair, || fresh(PairSpec::P256))?,
    ])
}

fn oaep(client: &Client, spec: &'static str, pair: PairSpec) -> Result<Vec<Case>, String> {
    let key = client.create(spec, "ENCRYPT_DECRYPT")?;
    let about = format!("\"KeyId\":\"{key}\",\"EncryptionAlgorithm\":\"RSAES_OAEP_SHA_256\"");
    let encrypt = format!("{{{about},\"Plaintext\":\"{MESSAGE_TEXT}\"}}");
    let blob = client.member("Encrypt", &encrypt, "CiphertextBlob")?;
    let bare = DecryptingKey::open(&fresh(pair)).expect("opens");
    let seal = || bare.encrypt(OaepHash::Sha256, &MESSAGE).expect("encrypts");
    let sealed = seal();
    Ok(vec![
        client.case("Encrypt", spec, &encrypt, seal)?,
        client.case("Decrypt", spec, &format!("{{{about},\"CiphertextBlob\":\"{blob}\"}}"), || {
            bare.decrypt(OaepHash::Sha256, &sealed).expect("decrypts")
        })?,
    ])
}

fn signatures(
    client: &Client,
    spec: &'static str,
    pair: PairSpec,
    name: &str,
    algorithm: SignatureAlgorithm,
) -> Result<Vec<Case>, String> {
    let key = client.create(spec, "SIGN_VERIFY")?;
    let about = format!("\"KeyId\":\"{key}\",\"SigningAlgorithm\":\"{name}\",\"Message\":\"{MESSAGE_TEXT}\"");
    let sign = format!("{{{about}}}");
    let signature = client.member("Sign", &sign, "Signature")?;
    let bare = SigningKey::open(pair, &fresh(pair)).expect("opens");
    let message = Message::Raw(&MESSAGE);
    let signing = || bare.sign(algorithm, message, &mut SystemRandom).expect("signs");
    let signed = signing();
    Ok(vec![
        client.case("Sign", spec, &sign, signing)?,
        client.case("Verify", spec, &format!("{{{about},\"Signature\":\"{signature}\"}}"), || {
            assert!(bare.verify(algorithm, message, &signed), "a signature is valid");
        })?,
    ])
}

fn mac(client: &Client) -> Result<Case, String> {
    let spec = "HMAC_256";
    let key = client.create(spec, "GENERATE_VERIFY_MAC")?;
    let body =
        format!("{{\"KeyId\":\"{key}\",\"MacAlgorithm\":\"HMAC_SHA_256\",\"Message\":\"{MESSAGE_TEXT}\"}}");
    let stored = MacKey::generate(MacHash::Sha256, &mut SystemRandom);
    let bare = MacKey::open(MacHash::Sha256, &stored).expect("opens");
    client.case("GenerateMac", spec, &body, || bare.sign(&MESSAGE))
}

fn agreement(client: &Client) -> Result<Case, String> {
    let spec = "ECC_NIST_P256";
    let key = client.create(spec, "KEY_AGREEMENT")?;
    let public = client.member("GetPublicKey", &format!("{{\"KeyId\":\"{key}\"}}"), "PublicKey")?;
    let body =
        format!("{{\"KeyId\":\"{key}\",\"KeyAgreementAlgorithm\":\"ECDH\",\"PublicKey\":\"{public}\"}}");
    let stored = fresh(PairSpec::P256);
    let public = pair::public_der(PairSpec::P256, &stored).expect("a public key");
    let bare = AgreementKey::open(PairSpec::P256, &stored).expect("opens");
    client.case("DeriveSharedSecret", spec, &body, || bare.agree(&public).expect("agrees"))
}

fn encapsulation(client: &Client, spec: &'static str, pair: PairSpec) -> Result<Vec<Case>, String> {
    let key = client.create(spec, "ENCAPSULATE_DECAPSULATE")?;
    let about = format!("\"KeyId\":\"{key}\",\"EncapsulationAlgorithm\":\"ML_KEM\"");
    let encapsulate = format!("{{{about}}}");
    let blob = client.member("Encapsulate", &encapsulate, "SharedSecretCiphertextBlob")?;
    let decapsulate = format!("{{{about},\"SharedSecretCiphertextBlob\":\"{blob}\"}}");
    let bare = EncapsulationKey::open(pair, &fresh(pair)).expect("opens");
    let (sealed, _) = bare.encapsulate().expect("encapsulates");
    Ok(vec![
        client.case("Encapsulate", spec, &encapsulate, || bare.encapsulate().expect("encapsulates"))?,
        client
            .case("Decapsulate", spec, &decapsulate, || bare.decapsulate(&sealed).expect("decapsulates"))?,
    ])
}

fn fresh(pair: PairSpec) -> SecretBytes {
    pair::generate(pair, &mut SystemRandom).expect("a pair")
}

impl Client {
    fn case<T>(
        &self,
        operation: &'static str,
        spec: &'static str,
        body: &str,
        primitive: impl Fn() -> T,
    ) -> Result<Case, String> {
        let began = Instant::now();
        let mut times = 0_u32;
        while began.elapsed() < BARE_TIME {
            black_box(primitive());
            times += 1;
        }
        let bare = f64::from(times) / began.elapsed().as_secs_f64();
        Ok(Case { operation, spec, request: self.request(operation, body)?, bare })
    }
}
