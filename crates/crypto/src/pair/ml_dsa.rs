//! ML-DSA (FIPS 204), hedged, with the empty context. aws-lc signs and verifies messages; `ml-dsa` does the same for an external
//! mu (algorithms 7 and 8 from their line 6 on), which aws-lc-rs does not offer. Both begin with the same seed.

use std::convert::Infallible;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
    ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
};
use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};
use ml_dsa::{B32, ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, VerifyingKey};

use crate::import::NotAPrivateKey;
use crate::random::Random;
use crate::secret::SecretBytes;

pub(super) const SEED_BYTES: usize = 32;
/// Length of mu, which binds message, context and public key, in bytes.
pub(super) const MU_BYTES: usize = 64;

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MlDsaSet {
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl MlDsaSet {
    fn signing(self) -> &'static PqdsaSigningAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44_SIGNING,
            Self::MlDsa65 => &ML_DSA_65_SIGNING,
            Self::MlDsa87 => &ML_DSA_87_SIGNING,
        }
    }

    fn verification(self) -> &'static PqdsaVerificationAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44,
            Self::MlDsa65 => &ML_DSA_65,
            Self::MlDsa87 => &ML_DSA_87,
        }
    }
}

pub(super) fn public_der(set: MlDsaSet, seed: &SecretBytes) -> Result<Vec<u8>, NotAPrivateKey> {
    let pair = open(set, seed)?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| NotAPrivateKey)?;
    Ok(der.as_ref().to_vec())
}

pub(super) fn pkcs8_der(set: MlDsaSet, seed: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    let der = open(set, seed)?.to_pkcs8v1().map_err(|_| NotAPrivateKey)?;
    Ok(SecretBytes::new(der.as_ref().to_vec()))
}

fn open(set: MlDsaSet, seed: &SecretBytes) -> Result<PqdsaKeyPair, NotAPrivateKey> {
    PqdsaKeyPair::from_seed(set.signing(), seed.expose()).map_err(|_| NotAPrivateKey)
}

pub(super) struct MlDsaKey {
    set: MlDsaSet,
    pair: PqdsaKeyPair,
    seed: SecretBytes,
}

impl MlDsaKey {
    pub(super) fn open(set: MlDsaSet, seed: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let pair = open(set, seed)?;
        Ok(Self { set, pair, seed: SecretBytes::new(seed.expose().to_vec()) })
    }

    pub(super) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.set.signing().signature_len()];
        let length = self.pair.sign(message, &mut signature).ok()?;
        signature.truncate(length);
        Some(signature)
    }

    pub(super) fn sign_mu(&self, mu: &[u8; MU_BYTES], random: &mut dyn Random) -> Option<Vec<u8>> {
        match self.set {
            MlDsaSet::MlDsa44 => sign_mu::<MlDsa44>(&self.seed, mu, random),
            MlDsaSet::MlDsa65 => sign_mu::<MlDsa65>(&self.seed, mu, random),
            MlDsaSet::MlDsa87 => sign_mu::<MlDsa87>(&self.seed, mu, random),
        }
    }
}

fn sign_mu<P: MlDsaParams>(
    seed: &SecretBytes,
    mu: &[u8; MU_BYTES],
    random: &mut dyn Random,
) -> Option<Vec<u8>> {
    let seed: &B32 = seed.expose().try_into().ok()?;
    // Boxed, for it takes tens of kilobytes; made anew, for that costs less than the signature.
    let key = Box::new(ExpandedSigningKey::<P>::from_seed(seed));
    let signature = key.sign_mu_randomized(mu.into(), &mut RandCore(random)).ok()?;
    Some(signature.encode().to_vec())
}

/// A public key; for messages parsed once, for mus parsed each time.
pub(super) struct MlDsaPublic {
    set: MlDsaSet,
    public: ParsedPublicKey,
}

impl MlDsaPublic {
    /// From the encoding of FIPS 204, algorithm 22.
    pub(super) fn open(set: MlDsaSet, public: &[u8]) -> Option<Self> {
        Some(Self { set, public: ParsedPublicKey::new(set.verification(), public).ok()? })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    pub(super) fn verify_mu(&self, mu: &[u8; MU_BYTES], signature: &[u8]) -> bool {
        let public = self.public.as_ref();
        let verified = match self.set {
            MlDsaSet::MlDsa44 => verify_mu::<MlDsa44>(public, mu, signature),
            MlDsaSet::MlDsa65 => verify_mu::<MlDsa65>(public, mu, signature),
            MlDsaSet::MlDsa87 => verify_mu::<MlDsa87>(public, mu, signature),
        };
        verified.unwrap_or(false)
    }
}

fn verify_mu<P: MlDsaParams>(public: &[u8], mu: &[u8; MU_BYTES], signature: &[u8]) -> Option<bool> {
    let key = Box::new(VerifyingKey::<P>::decode(public.try_into().ok()?));
    let signature = Signature::<P>::try_from(signature).ok()?;
    Some(key.verify_mu(mu.into(), &signature))
}

/// Our randomness in the shape that `ml-dsa` asks for.
struct RandCore<'a>(&'a mut dyn Random);

impl TryRng for RandCore<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for RandCore<'_> {}
