//! Import: what callers wrap comes out, and nothing else does.

use super::*;

use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};

use crate::random::{Random, SystemRandom};

/// Wraps the way a caller does, from the public key alone.
fn wrap(spki: &[u8], algorithm: WrappingAlgorithm, material: &[u8]) -> Vec<u8> {
    let public = PublicEncryptingKey::from_der(spki).expect("a public key");
    let public = OaepPublicEncryptingKey::new(public).expect("an OAEP key");
    let oaep = |secret: &[u8]| {
        let mut out = vec![0; public.ciphertext_size()];
        let length = public.encrypt(algorithm.oaep(), secret, &mut out, None).expect("wraps").len();
        out.truncate(length);
        out
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

// NIST CAVP key wrap vectors give AES-256 KWP; these two were wrapped by Python's `cryptography` package
// (`aes_key_wrap_with_padding`), an implementation on OpenSSL, of 7 and 20 bytes as in RFC 5649 §6.
#[test]
fn padded_key_wrap_gives_the_outside_vectors() {
    let check = |key: &str, wrapped: &str, want: &str| {
        let key = SecretBytes::new(hex::decode(key).expect("hexadecimal"));
        let out = unwrap_padded(&key, &hex::decode(wrapped).expect("hexadecimal")).expect("unwraps");
        assert_eq!(hex::encode(out.expose()), want);
    };
    check(
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "443b17837bb39348610d19202df8a1f9",
        "466f7250617369",
    );
    check(
        "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283",
        "fc31907e9d3c65b8d898096d7f4a700d96c4db07854aed1868b3f3150cc23013",
        "c37b7e6492584340bed12207808941155068f738",
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
