//! Import: what callers wrap comes out, and nothing else does.

use super::*;

use rsa::pkcs8::DecodePublicKey;
use sha1::Sha1;
use sha2::Sha256;

use crate::random::{Random, SystemRandom};
use crate::signing::RandCore;

/// Wraps the way a caller does, from the public key alone. OAEP is that of the crate `rsa`, so that two
/// implementations have to agree.
fn wrap(spki: &[u8], algorithm: WrappingAlgorithm, material: &[u8]) -> Vec<u8> {
    let public = rsa::RsaPublicKey::from_public_key_der(spki).expect("a public key");
    let oaep = |secret: &[u8]| {
        let padding = match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 | WrappingAlgorithm::RsaAesKeyWrapSha1 => {
                rsa::Oaep::new::<Sha1>()
            }
            WrappingAlgorithm::RsaesOaepSha256 | WrappingAlgorithm::RsaAesKeyWrapSha256 => {
                rsa::Oaep::new::<Sha256>()
            }
        };
        public.encrypt(&mut RandCore(&mut SystemRandom), padding, secret).expect("wraps")
    };
    if !algorithm.wraps_in_two_steps() {
        return oaep(material);
    }
    let mut key = [0; 32];
    SystemRandom.fill(&mut key);
    let mut out = vec![0; material.len() + 15];
    let wrapped =
        AesKek::new(&AES_256, &key).expect("32 bytes").wrap_with_padding(material, &mut out).expect("wraps");
    [&oaep(&key), &wrapped[..]].concat()
}

#[test]
fn every_algorithm_unwraps_under_every_spec() {
    for spec in WrappingKeySpec::ALL {
        let made = WrappingKeyPair::generate(spec).expect("a pair");
        let pair = WrappingKeyPair::from_pkcs8_der(&made.pkcs8_der()).expect("the same pair");
        assert_eq!(pair.spki_der(), made.spki_der());
        for algorithm in WrappingAlgorithm::ALL {
            let wrapped = wrap(&made.spki_der(), algorithm, &[7; 32]);
            let unwrapped = pair.unwrap(algorithm, &wrapped).expect("unwraps");
            assert_eq!(unwrapped.expose(), [7; 32], "{spec:?} {algorithm:?}");
        }
    }
}

#[test]
fn two_steps_carry_more_than_the_modulus() {
    let pair = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048).expect("a pair");
    let private_key = WrappingKeyPair::generate(WrappingKeySpec::Rsa4096).expect("a pair").pkcs8_der();
    let algorithm = WrappingAlgorithm::RsaAesKeyWrapSha256;
    let wrapped = wrap(&pair.spki_der(), algorithm, private_key.expose());
    assert!(wrapped.len() > 2000);
    assert_eq!(pair.unwrap(algorithm, &wrapped), Ok(private_key));
}

#[test]
fn anything_else_is_refused() {
    let pair = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048).expect("a pair");
    let other = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048).expect("a pair");
    for algorithm in WrappingAlgorithm::ALL {
        let wrapped = wrap(&pair.spki_der(), algorithm, &[7; 32]);
        let check = |pair: &WrappingKeyPair, bytes: &[u8]| {
            assert_eq!(
                pair.unwrap(algorithm, bytes),
                Err(CannotUnwrap),
                "{algorithm:?}, {} bytes",
                bytes.len()
            );
        };
        check(&other, &wrapped);
        check(&pair, &[]);
        check(&pair, &wrapped[..wrapped.len() - 1]);
        check(&pair, &[&wrapped[..], &[0]].concat());
        check(&pair, &[&wrapped[..], &[0; 8]].concat());
        check(&pair, &vec![0xff; WRAPPED_BYTES_MAX + 1]);
        for at in [0, 100, wrapped.len() - 1] {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            check(&pair, &changed);
        }
        for wrong in WrappingAlgorithm::ALL.into_iter().filter(|wrong| *wrong != algorithm) {
            assert_eq!(pair.unwrap(wrong, &wrapped), Err(CannotUnwrap), "{algorithm:?} as {wrong:?}");
        }
    }
}

#[test]
fn an_inner_key_of_another_length_is_refused() {
    let pair = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048).expect("a pair");
    for length in [0, 16, 24, 33] {
        let first = wrap(&pair.spki_der(), WrappingAlgorithm::RsaesOaepSha256, &vec![1; length]);
        let wrapped = [&first[..], &[2; 40]].concat();
        assert_eq!(
            pair.unwrap(WrappingAlgorithm::RsaAesKeyWrapSha256, &wrapped),
            Err(CannotUnwrap),
            "{length}"
        );
    }
}

// First NIST CAVP (KWP_AE_256 and KWP_AD_256, 8 and 248 bits, one failing case of each length), then two made with
// Python's `cryptography` (OpenSSL) of the lengths that RFC 5649 §6 wraps, 7 and 20 bytes.
#[test]
fn padded_key_wrap_gives_the_outside_vectors() {
    let check = |key: &str, wrapped: &str, want: Option<&str>| {
        let key = SecretBytes::new(hex::decode(key).expect("hexadecimal"));
        let out = unwrap_padded(&key, &hex::decode(wrapped).expect("hexadecimal"));
        assert_eq!(out.ok().map(|out| hex::encode(out.expose())).as_deref(), want);
    };
    check(
        "95da2700ca6fd9a52554ee2a8df1386f5b94a1a60ed8a4aef60a8d61ab5f225a",
        "06ba7ae6f3248cfdcf267507fa001bc4",
        Some("d1"),
    );
    check(
        "e9bb7f44c7baafbf392ab912589a2f8db53268106eafb74689bb1833136e6113",
        "15b9f06fbc765e5e3d55d6b824616f21921d2a6918ee7bf1406b524274e170b4a78333ca5ee92af5",
        Some("ffe952604834bff899e63658f34246815c91597eb40a21729e0a8a959b61f2"),
    );
    check(
        "20e4ff6a88ffa9a2818b81702793d8a016722c2fa1ff445f24b9db293cb12069",
        "85011dc927b167f411b0b8e21b11d819",
        Some("d2"),
    );
    check(
        "09ab4286a845c18bb481da91c39a58fd52ed78d54973fc41f25163a0c33f4727",
        "0a180a84b01fc1e44b9f9301cc89af95de758219015abc86c3e48e764e7379246ae7209aaa4f889d",
        Some("4c1b6accb492c88b10a56a56eb9b6d6ed9797056a559fe3f0c7c0429a200af"),
    );
    check(
        "c32cb3e1e41a4b9f4de79989957866f5dd48dba38c22a6ebb80e14c84bdd9534",
        "c29b05c2619a58ecc1d239e7a34273cd",
        None,
    );
    check(
        "8c35fb77766d04f48d5b52275c5c5f31f568078419e5c2335918965fbe53cedd",
        "bacccb1714dbaa4908c2654aa8dbb1ddbddd8ab819429b026619fb1c0fa75a8247372b2feeab1e1d",
        None,
    );
    check(
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "443b17837bb39348610d19202df8a1f9",
        Some("466f7250617369"),
    );
    check(
        "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283",
        "fc31907e9d3c65b8d898096d7f4a700d96c4db07854aed1868b3f3150cc23013",
        Some("c37b7e6492584340bed12207808941155068f738"),
    );
}

#[test]
fn private_keys_are_checked_and_unprintable() {
    for bytes in [vec![], vec![0x30], vec![0; 1200]] {
        assert_eq!(WrappingKeyPair::from_pkcs8_der(&SecretBytes::new(bytes)).err(), Some(NotAPrivateKey));
    }
    let pair = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048).expect("a pair");
    assert_eq!(format!("{pair:?}"), "WrappingKeyPair(..)");
}
