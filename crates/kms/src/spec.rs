//! # Key specs
//! What a key of some spec is for and which algorithms it knows, in the order in which AWS lists them. Source: KMS developer
//! guide, "Key spec reference"; API reference, "KeyMetadata".
//! **Not here:** the algorithms themselves (`keywatch_crypto`).

use keywatch_api::kms::sets::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeySpec, KeyUsage, MacAlgorithm,
    SigningAlgorithm,
};

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
