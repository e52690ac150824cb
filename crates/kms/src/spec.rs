//! # Key specs
//! What a key of some spec is for and which algorithms it knows, in the order in which AWS lists them. Source: KMS developer
//! guide, "Key spec reference"; API reference, "KeyMetadata".
//! **Not here:** the algorithms themselves (`keywatch_crypto`).

use keywatch_api::kms::sets::{
    DataKeyPairSpec, EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeySpec, KeyUsage,
    MacAlgorithm, SigningAlgorithm,
};

use keywatch_crypto::mac::MacHash;
use keywatch_crypto::pair::PairSpec;

/// Whether a key of that spec may have that usage.
pub(crate) fn compatible(spec: KeySpec, usage: KeyUsage) -> bool {
    use KeySpec::*;
    match usage {
        KeyUsage::EncryptDecrypt => matches!(spec, SymmetricDefault | Rsa2048 | Rsa3072 | Rsa4096 | Sm2),
        KeyUsage::SignVerify => !matches!(
            spec,
            SymmetricDefault | Hmac224 | Hmac256 | Hmac384 | Hmac512 | MlKem512 | MlKem768 | MlKem1024
        ),
        KeyUsage::GenerateVerifyMac => matches!(spec, Hmac224 | Hmac256 | Hmac384 | Hmac512),
        KeyUsage::KeyAgreement => matches!(spec, EccNistP256 | EccNistP384 | EccNistP521 | Sm2),
        KeyUsage::EncapsulateDecapsulate => matches!(spec, MlKem512 | MlKem768 | MlKem1024),
    }
}

/// Whether keys of that spec take material from outside. Source: KMS developer guide, "Importing key material".
pub(crate) fn importable(spec: KeySpec) -> bool {
    use KeySpec::*;
    !matches!(spec, MlDsa44 | MlDsa65 | MlDsa87 | MlKem512 | MlKem768 | MlKem1024)
}

pub(crate) fn encryption_algorithms(
    spec: KeySpec,
    usage: KeyUsage,
) -> Option<&'static [EncryptionAlgorithm]> {
    use EncryptionAlgorithm::*;
    if usage != KeyUsage::EncryptDecrypt {
        return None;
    }
    Some(match spec {
        KeySpec::SymmetricDefault => &[SymmetricDefault],
        KeySpec::Sm2 => &[Sm2Pke],
        _ => &[RsaesOaepSha1, RsaesOaepSha256],
    })
}

pub(crate) fn signing_algorithms(spec: KeySpec, usage: KeyUsage) -> Option<&'static [SigningAlgorithm]> {
    use KeySpec::*;
    use SigningAlgorithm::*;
    if usage != KeyUsage::SignVerify {
        return None;
    }
    Some(match spec {
        Rsa2048 | Rsa3072 | Rsa4096 => &[
            RsassaPkcs1V15Sha256,
            RsassaPkcs1V15Sha384,
            RsassaPkcs1V15Sha512,
            RsassaPssSha256,
            RsassaPssSha384,
            RsassaPssSha512,
        ],
        EccNistP256 | EccSecgP256k1 => &[EcdsaSha256],
        EccNistP384 => &[EcdsaSha384],
        EccNistP521 => &[EcdsaSha512],
        EccNistEdwards25519 => &[Ed25519Sha512, Ed25519PhSha512],
        MlDsa44 | MlDsa65 | MlDsa87 => &[MlDsaShake256],
        Sm2 => &[Sm2Dsa],
        SymmetricDefault | Hmac224 | Hmac256 | Hmac384 | Hmac512 | MlKem512 | MlKem768 | MlKem1024 => {
            return None;
        }
    })
}

pub(crate) fn key_agreement_algorithms(usage: KeyUsage) -> Option<&'static [KeyAgreementAlgorithm]> {
    (usage == KeyUsage::KeyAgreement).then_some(KeyAgreementAlgorithm::ALL)
}

pub(crate) fn encapsulation_algorithms(usage: KeyUsage) -> Option<&'static [EncapsulationAlgorithm]> {
    (usage == KeyUsage::EncapsulateDecapsulate).then_some(EncapsulationAlgorithm::ALL)
}

pub(crate) fn mac_algorithms(spec: KeySpec) -> Option<&'static [MacAlgorithm]> {
    use MacAlgorithm::*;
    match spec {
        KeySpec::Hmac224 => Some(&[HmacSha224]),
        KeySpec::Hmac256 => Some(&[HmacSha256]),
        KeySpec::Hmac384 => Some(&[HmacSha384]),
        KeySpec::Hmac512 => Some(&[HmacSha512]),
        _ => None,
    }
}

/// The kind of key pair that the material of such a key is; `None` for symmetric and HMAC keys, and for SM2.
pub(crate) fn pair_spec(spec: KeySpec) -> Option<PairSpec> {
    match spec {
        KeySpec::Rsa2048 => Some(PairSpec::Rsa2048),
        KeySpec::Rsa3072 => Some(PairSpec::Rsa3072),
        KeySpec::Rsa4096 => Some(PairSpec::Rsa4096),
        KeySpec::EccNistP256 => Some(PairSpec::P256),
        KeySpec::EccNistP384 => Some(PairSpec::P384),
        KeySpec::EccNistP521 => Some(PairSpec::P521),
        KeySpec::EccSecgP256k1 => Some(PairSpec::Secp256k1),
        KeySpec::EccNistEdwards25519 => Some(PairSpec::Ed25519),
        KeySpec::MlDsa44 => Some(PairSpec::MlDsa44),
        KeySpec::MlDsa65 => Some(PairSpec::MlDsa65),
        KeySpec::MlDsa87 => Some(PairSpec::MlDsa87),
        KeySpec::MlKem512 => Some(PairSpec::MlKem512),
        KeySpec::MlKem768 => Some(PairSpec::MlKem768),
        KeySpec::MlKem1024 => Some(PairSpec::MlKem1024),
        KeySpec::SymmetricDefault
        | KeySpec::Hmac224
        | KeySpec::Hmac256
        | KeySpec::Hmac384
        | KeySpec::Hmac512
        | KeySpec::Sm2 => None,
    }
}

/// As [`pair_spec`], for data key pairs; `None` for SM2.
pub(crate) fn data_pair_spec(spec: DataKeyPairSpec) -> Option<PairSpec> {
    match spec {
        DataKeyPairSpec::Rsa2048 => Some(PairSpec::Rsa2048),
        DataKeyPairSpec::Rsa3072 => Some(PairSpec::Rsa3072),
        DataKeyPairSpec::Rsa4096 => Some(PairSpec::Rsa4096),
        DataKeyPairSpec::EccNistP256 => Some(PairSpec::P256),
        DataKeyPairSpec::EccNistP384 => Some(PairSpec::P384),
        DataKeyPairSpec::EccNistP521 => Some(PairSpec::P521),
        DataKeyPairSpec::EccSecgP256k1 => Some(PairSpec::Secp256k1),
        DataKeyPairSpec::EccNistEdwards25519 => Some(PairSpec::Ed25519),
        DataKeyPairSpec::MlKem512 => Some(PairSpec::MlKem512),
        DataKeyPairSpec::MlKem768 => Some(PairSpec::MlKem768),
        DataKeyPairSpec::MlKem1024 => Some(PairSpec::MlKem1024),
        DataKeyPairSpec::Sm2 => None,
    }
}

/// The hash of HMAC keys of that spec.
pub(crate) fn mac_hash(spec: KeySpec) -> Option<MacHash> {
    match spec {
        KeySpec::Hmac224 => Some(MacHash::Sha224),
        KeySpec::Hmac256 => Some(MacHash::Sha256),
        KeySpec::Hmac384 => Some(MacHash::Sha384),
        KeySpec::Hmac512 => Some(MacHash::Sha512),
        _ => None,
    }
}

/// Whether signing or decrypting with such a key is work for a pool.
pub(crate) fn is_slow_in_private(spec: KeySpec) -> bool {
    pair_spec(spec).is_some_and(PairSpec::is_slow_in_private)
}

/// Whether verifying a signature of such a key is work for a pool.
pub(crate) fn is_slow_to_verify(spec: KeySpec) -> bool {
    pair_spec(spec).is_some_and(PairSpec::is_slow_to_verify)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the key spec reference: spec, usages.
    const ROWS: [(&[KeySpec], &[KeyUsage]); 8] = {
        use KeySpec::*;
        use KeyUsage::*;
        [
            (&[SymmetricDefault], &[EncryptDecrypt]),
            (&[Hmac224, Hmac256, Hmac384, Hmac512], &[GenerateVerifyMac]),
            (&[Rsa2048, Rsa3072, Rsa4096], &[EncryptDecrypt, SignVerify]),
            (&[EccNistP256, EccNistP384, EccNistP521], &[SignVerify, KeyAgreement]),
            (&[EccSecgP256k1, EccNistEdwards25519], &[SignVerify]),
            (&[MlDsa44, MlDsa65, MlDsa87], &[SignVerify]),
            (&[MlKem512, MlKem768, MlKem1024], &[EncapsulateDecapsulate]),
            (&[Sm2], &[EncryptDecrypt, SignVerify, KeyAgreement]),
        ]
    };

    #[test]
    fn every_spec_has_its_usages_and_one_list_of_algorithms_for_each() {
        let mut seen = 0;
        for (specs, usages) in ROWS {
            for spec in specs {
                seen += 1;
                for usage in KeyUsage::ALL {
                    let want = usages.contains(usage);
                    assert_eq!(compatible(*spec, *usage), want, "{spec} {usage}");
                    let lists = [
                        encryption_algorithms(*spec, *usage).is_some(),
                        signing_algorithms(*spec, *usage).is_some(),
                        key_agreement_algorithms(*usage).is_some(),
                        encapsulation_algorithms(*usage).is_some(),
                        mac_algorithms(*spec).is_some(),
                    ];
                    if want {
                        assert_eq!(lists.iter().filter(|there| **there).count(), 1, "{spec} {usage}");
                    }
                }
            }
        }
        assert_eq!(seen, KeySpec::ALL.len());
    }
}
