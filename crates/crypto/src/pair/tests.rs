//! Every spec, every algorithm: what one side does the other undoes, and what does not fit is refused.

use super::*;
use crate::random::SystemRandom;

const SIGNING: [PairSpec; 11] = [
    PairSpec::Rsa2048,
    PairSpec::Rsa3072,
    PairSpec::Rsa4096,
    PairSpec::P256,
    PairSpec::P384,
    PairSpec::P521,
    PairSpec::Secp256k1,
    PairSpec::Ed25519,
    PairSpec::MlDsa44,
    PairSpec::MlDsa65,
    PairSpec::MlDsa87,
];

fn fresh(spec: PairSpec) -> SecretBytes {
    generate(spec, &mut SystemRandom).expect("a pair")
}

/// The algorithms of a spec, each with a form of message it takes.
fn algorithms(spec: PairSpec) -> Vec<(SignatureAlgorithm, Message<'static>)> {
    use SignatureAlgorithm as A;
    const DIGEST: [u8; 64] = [7; 64];
    let digest = |hash: Hash| Message::Digest(&DIGEST[..hash.digest_bytes()]);
    let raw = Message::Raw(b"message");
    match spec.family() {
        Family::Rsa(_) => [Hash::Sha256, Hash::Sha384, Hash::Sha512]
            .into_iter()
            .flat_map(|hash| {
                [
                    (A::RsaPss(hash), raw),
                    (A::RsaPss(hash), digest(hash)),
                    (A::RsaPkcs1(hash), raw),
                    (A::RsaPkcs1(hash), digest(hash)),
                ]
            })
            .collect(),
        Family::Ec(curve) => vec![(A::Ecdsa, raw), (A::Ecdsa, digest(curve.hash()))],
        Family::Ed25519 => vec![(A::Ed25519, raw), (A::Ed25519Ph, digest(Hash::Sha512))],
        Family::MlDsa(_) => vec![(A::MlDsa, raw), (A::MlDsa, Message::Mu(&DIGEST))],
        Family::MlKem(_) => Vec::new(),
    }
}

#[test]
fn what_a_key_signs_it_verifies_and_nothing_else() {
    for spec in SIGNING {
        let stored = fresh(spec);
        let key = SigningKey::open(spec, &stored).expect("opens");
        let again = SigningKey::open(spec, &stored).expect("opens");
        for (algorithm, message) in algorithms(spec) {
            let signature = key.sign(algorithm, message, &mut SystemRandom).expect("signs");
            assert!(again.verify(algorithm, message, &signature), "{spec:?} {algorithm:?}");
            assert!(!again.verify(algorithm, Message::Raw(b"other"), &signature), "{spec:?} {algorithm:?}");
            assert!(
                !again.verify(algorithm, Message::Digest(&[8; 64]), &signature),
                "{spec:?} {algorithm:?}"
            );
            assert!(!again.verify(algorithm, message, &signature[1..]), "{spec:?} {algorithm:?}");
            let mut changed = signature.clone();
            changed[signature.len() / 2] ^= 1;
            assert!(!again.verify(algorithm, message, &changed), "{spec:?} {algorithm:?}");
        }
    }
}

#[test]
fn forms_that_do_not_fit_are_refused() {
    use SignatureAlgorithm as A;
    let check = |spec: PairSpec, algorithm, message| {
        let key = SigningKey::open(spec, &fresh(spec)).expect("opens");
        assert_eq!(key.sign(algorithm, message, &mut SystemRandom), Err(NotSignable), "{spec:?}");
        assert!(!key.verify(algorithm, message, &[0; 64]));
    };
    check(PairSpec::P256, A::Ecdsa, Message::Digest(&[0; 31]));
    check(PairSpec::P256, A::Ecdsa, Message::Mu(&[0; 64]));
    check(PairSpec::P256, A::RsaPss(Hash::Sha256), Message::Raw(b"m"));
    check(PairSpec::Rsa2048, A::RsaPss(Hash::Sha256), Message::Digest(&[0; 33]));
    check(PairSpec::Rsa2048, A::RsaPkcs1(Hash::Sha256), Message::Mu(&[0; 64]));
    check(PairSpec::Ed25519, A::Ed25519, Message::Digest(&[0; 64]));
    check(PairSpec::Ed25519, A::Ed25519Ph, Message::Raw(b"m"));
    check(PairSpec::MlDsa44, A::MlDsa, Message::Digest(&[0; 64]));
    check(PairSpec::MlDsa44, A::MlDsa, Message::Mu(&[0; 63]));
}

// RFC 8032 §7.3, "TEST abc".
#[test]
fn ed25519ph_gives_the_published_signature() {
    let seed = hex::decode("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42").expect("hex");
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed");
    let stored = SecretBytes::new(pair.to_pkcs8v1().expect("encodes").as_ref().to_vec());
    let key = ed25519::Ed25519Key::open(&stored).expect("opens");
    assert_eq!(
        hex::encode(key.sign_prehashed(b"abc").expect("signs")),
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    );
}

/// Mu of a message with the empty context, by `ml-dsa`.
fn mu<P: ::ml_dsa::MlDsaParams>(public: &[u8], message: &[u8]) -> Vec<u8> {
    let key = ::ml_dsa::VerifyingKey::<P>::decode(public.try_into().expect("a public key"));
    let absorb = |shake: &mut _| {
        ::ml_dsa::signature::digest::Update::update(shake, message);
        Ok(())
    };
    key.compute_mu(absorb, &[]).expect("a mu").to_vec()
}

#[test]
fn the_two_libraries_agree_on_ml_dsa() {
    let check = |spec: PairSpec, set, mu: fn(&[u8], &[u8]) -> Vec<u8>| {
        let stored = fresh(spec);
        let mu = mu(ml_dsa::MlDsaKey::open(set, &stored).expect("opens").public(), b"message");
        let key = SigningKey::open(spec, &stored).expect("opens");
        let algorithm = SignatureAlgorithm::MlDsa;
        for (signs, verifies) in
            [(Message::Raw(b"message"), Message::Mu(&mu)), (Message::Mu(&mu), Message::Raw(b"message"))]
        {
            let signature = key.sign(algorithm, signs, &mut SystemRandom).expect("signs");
            assert!(key.verify(algorithm, verifies, &signature), "{spec:?}");
        }
    };
    check(PairSpec::MlDsa44, MlDsaSet::MlDsa44, mu::<::ml_dsa::MlDsa44>);
    check(PairSpec::MlDsa65, MlDsaSet::MlDsa65, mu::<::ml_dsa::MlDsa65>);
    check(PairSpec::MlDsa87, MlDsaSet::MlDsa87, mu::<::ml_dsa::MlDsa87>);
}

#[test]
fn private_keys_from_outside_get_one_spelling() {
    for spec in PairSpec::ALL {
        let stored = fresh(spec);
        let pkcs8 = pkcs8_der(spec, &stored).expect("encodes");
        match spec.family() {
            Family::MlDsa(_) | Family::MlKem(_) => {
                assert_eq!(from_pkcs8(spec, &pkcs8), Err(NotAPrivateKey), "{spec:?}");
            }
            _ => {
                assert_eq!(
                    from_pkcs8(spec, &pkcs8),
                    Ok(SecretBytes::new(stored.expose().to_vec())),
                    "{spec:?}"
                );
            }
        }
        for other in PairSpec::ALL.into_iter().filter(|other| *other != spec) {
            assert!(from_pkcs8(other, &pkcs8).is_err(), "{spec:?} as {other:?}");
        }
        assert!(from_pkcs8(spec, &SecretBytes::new(vec![0x30; 64])).is_err());
        assert!(from_pkcs8(spec, &SecretBytes::new(Vec::new())).is_err());
    }
}

#[test]
fn oaep_opens_what_it_sealed_up_to_its_limit() {
    for (spec, limits) in
        [(PairSpec::Rsa2048, [214, 190]), (PairSpec::Rsa3072, [342, 318]), (PairSpec::Rsa4096, [470, 446])]
    {
        let key = DecryptingKey::open(&fresh(spec)).expect("opens");
        for (hash, bytes_max) in OaepHash::ALL.into_iter().zip(limits) {
            for length in [0, 1, bytes_max] {
                let sealed = key.encrypt(hash, &vec![7; length]).expect("encrypts");
                assert_eq!(key.decrypt(hash, &sealed), Ok(SecretBytes::new(vec![7; length])));
                let mut changed = sealed.clone();
                changed[9] ^= 1;
                assert_eq!(key.decrypt(hash, &changed), Err(CannotDecrypt));
                assert_eq!(key.decrypt(hash, &sealed[1..]), Err(CannotDecrypt));
                let other = if hash == OaepHash::Sha1 { OaepHash::Sha256 } else { OaepHash::Sha1 };
                assert_eq!(key.decrypt(other, &sealed), Err(CannotDecrypt));
            }
            assert_eq!(key.encrypt(hash, &vec![7; bytes_max + 1]), Err(TooMuchPlaintext { bytes_max }));
        }
    }
}

#[test]
fn both_sides_agree_on_a_secret() {
    for (spec, bytes) in [(PairSpec::P256, 32), (PairSpec::P384, 48), (PairSpec::P521, 66)] {
        let (ours, theirs) = (fresh(spec), fresh(spec));
        let open = |stored| AgreementKey::open(spec, stored).expect("opens");
        let public = |stored| public_der(spec, stored).expect("a public key");
        let secret = open(&ours).agree(&public(&theirs)).expect("agrees");
        assert_eq!(secret, open(&theirs).agree(&public(&ours)).expect("agrees"));
        assert_eq!(secret.len(), bytes);
        for bad in [
            public_der(PairSpec::Secp256k1, &fresh(PairSpec::Secp256k1)).expect("a key"),
            Vec::new(),
            vec![4; 65],
        ] {
            assert_eq!(open(&ours).agree(&bad), Err(NoSharedSecret));
        }
        // A bare point is no SubjectPublicKeyInfo.
        let der = public(&theirs);
        assert_eq!(open(&ours).agree(&der[der.len() - (2 * bytes + 1)..]), Err(NoSharedSecret));
    }
    assert!(AgreementKey::open(PairSpec::Secp256k1, &fresh(PairSpec::Secp256k1)).is_err());
    assert!(AgreementKey::open(PairSpec::Rsa2048, &fresh(PairSpec::P256)).is_err());
}

// Encapsulated by aws-lc, decapsulated by `ml-kem`.
#[test]
fn encapsulated_secrets_come_out_and_changed_ones_are_rejected_silently() {
    for (spec, bytes) in [(PairSpec::MlKem512, 768), (PairSpec::MlKem768, 1088), (PairSpec::MlKem1024, 1568)]
    {
        let key = EncapsulationKey::open(spec, &fresh(spec)).expect("opens");
        let (ciphertext, secret) = key.encapsulate().expect("encapsulates");
        assert_eq!((ciphertext.len(), secret.len()), (bytes, 32));
        let (_, other) = key.encapsulate().expect("encapsulates");
        assert_ne!(secret, other);
        let mut changed = ciphertext.clone();
        changed[5] ^= 1;
        let rejected = key.decapsulate(&changed).expect("a secret");
        assert_eq!(rejected, key.decapsulate(&changed).expect("the same again"));
        assert_ne!(rejected, secret);
        assert_eq!(key.decapsulate(&ciphertext[1..]), Err(WrongCiphertextLength));
        assert_eq!(key.decapsulate(&ciphertext), Ok(secret));
    }
    assert!(EncapsulationKey::open(PairSpec::P256, &fresh(PairSpec::P256)).is_err());
}

#[test]
fn debug_shows_nothing() {
    let shown = [
        format!("{:?}", SigningKey::open(PairSpec::P256, &fresh(PairSpec::P256))),
        format!("{:?}", AgreementKey::open(PairSpec::P256, &fresh(PairSpec::P256))),
        format!("{:?}", EncapsulationKey::open(PairSpec::MlKem512, &fresh(PairSpec::MlKem512))),
        format!("{:?}", DecryptingKey::open(&fresh(PairSpec::Rsa2048))),
    ];
    assert_eq!(
        shown,
        ["Ok(SigningKey(..))", "Ok(AgreementKey(..))", "Ok(EncapsulationKey(..))", "Ok(DecryptingKey(..))"]
    );
}
