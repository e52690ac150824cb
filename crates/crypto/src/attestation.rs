//! # Attestation: who signed a document
//! A **document** of an enclave is signed (ES384, RFC 9053) by the key of a certificate that a chain leads from to a **root**
//! which the operator trusts. Bytes in, a verdict out.
//!
//! **Not here:** what the document says (CBOR and COSE are read where their values are used), answers for enclaves (`cms`).
//! Source: AWS Nitro Enclaves user guide, "Verifying the root of trust".

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Certificates between the root and the one that signed.
pub const CHAIN_MAX: usize = 16;

/// A certificate that is trusted, in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationRoot(Vec<u8>);

/// The signature, or the chain to the root, is not what it should be. Why is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document is not signed by anybody who is trusted")]
pub struct NotAttested;

/// The bytes are no certificate that can be a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate that can be trusted as a root")]
pub struct NotARoot;

impl AttestationRoot {
    /// A root, from its X.509 certificate in DER.
    pub fn from_der(der: Vec<u8>) -> Result<Self, NotARoot> {
        anchor_from_trusted_cert(&CertificateDer::from(der.as_slice())).map_err(|_| NotARoot)?;
        Ok(Self(der))
    }

    /// Checks that `signature` (96 bytes, `r` and `s`) over `message` is by the key of the certificate `signer`, and that `chain`
    /// leads from it to this root, all certificates (DER) being valid at `now`, in seconds since 1970.
    pub fn verify(
        &self,
        (signer, chain): (&[u8], &[Vec<u8>]),
        message: &[u8],
        signature: &[u8],
        now: u64,
    ) -> Result<(), NotAttested> {
        if chain.len() > CHAIN_MAX {
            return Err(NotAttested);
        }
        let root = CertificateDer::from(self.0.as_slice());
        let anchor = anchor_from_trusted_cert(&root).map_err(|_| NotAttested)?;
        let signer = CertificateDer::from(signer);
        let signer = EndEntityCert::try_from(&signer).map_err(|_| NotAttested)?;
        let between: Vec<CertificateDer<'_>> =
            chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let algorithms = &[webpki::aws_lc_rs::ECDSA_P384_SHA384];
        // Certificates of enclaves say nothing about what for; one that does must be for clients.
        signer
            .verify_for_usage(algorithms, &[anchor], &between, time, KeyUsage::client_auth(), None, None)
            .map_err(|_| NotAttested)?;
        let key = signer.subject_public_key_info();
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key.as_ref())
            .verify(message, signature)
            .map_err(|_| NotAttested)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384,
    };

    use super::*;

    const NOW: u64 = 1_795_341_600;

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        CertifiedIssuer::self_signed(params, key).unwrap()
    }

    #[test]
    fn a_signature_counts_only_with_its_chain() {
        let (root, other) = (authority("root"), authority("other"));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let leaf = CertificateParams::new(Vec::<String>::new()).unwrap().signed_by(&key, &root).unwrap();
        let signer =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &key.serialize_der()).unwrap();
        let signature = signer.sign(&SystemRandom::new(), b"message").unwrap();
        let trusted = AttestationRoot::from_der(root.der().to_vec()).unwrap();
        let chain = [root.der().to_vec()];
        let check = |root: &AttestationRoot, message: &[u8], signature: &[u8], now: u64| {
            root.verify((leaf.der().as_ref(), &chain), message, signature, now)
        };
        assert_eq!(check(&trusted, b"message", signature.as_ref(), NOW), Ok(()));
        assert_eq!(check(&trusted, b"massage", signature.as_ref(), NOW), Err(NotAttested));
        assert_eq!(check(&trusted, b"message", &[0; 96], NOW), Err(NotAttested));
        assert_eq!(check(&trusted, b"message", signature.as_ref(), 0), Err(NotAttested));
        let stranger = AttestationRoot::from_der(other.der().to_vec()).unwrap();
        assert_eq!(check(&stranger, b"message", signature.as_ref(), NOW), Err(NotAttested));
        assert_eq!(trusted.verify((b"no certificate", &[]), b"", b"", NOW), Err(NotAttested));
        assert_eq!(AttestationRoot::from_der(vec![1, 2, 3]), Err(NotARoot));
    }
}
