//! What AWS charges for KMS requests.
//!
//! **Not here:** the monthly price of keys and their rotations, which log files do not tell.
//!
//! Source: AWS KMS pricing, US Regions.

/// Requests a month that cost nothing, by account.
pub(super) const FREE_REQUESTS_A_MONTH: u64 = 20_000;
/// Prices are for so many requests.
pub(super) const PRICED_REQUESTS: u64 = 10_000;

pub(super) const ASSUMPTIONS: [&str; 5] = [
    "US list prices for requests; keys, rotations, taxes and discounts are not included.",
    "Every recorded API call is priced, also one that was refused; what services do by themselves is not.",
    "A call from another account is left to the account that made it, which is the one that pays.",
    "Asymmetric keys whose CreateKey is not in the input are taken for RSA_2048 where RSA is possible.",
    "list_usd ignores the free tier; after_free_tier_usd takes 20,000 symmetric-priced requests off for \
     each account and month, as if the input held all of the account's requests and its organization shared none.",
];

/// Requests that cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PriceClass {
    /// Symmetric and HMAC keys, random bytes, management.
    Standard,
    /// Cryptography with RSA_2048 keys.
    Rsa2048,
    /// Cryptography with other asymmetric keys.
    OtherAsymmetric,
    DataKeyPairEcc,
    DataKeyPairRsa,
}

impl PriceClass {
    pub(super) const ALL: [Self; 5] =
        [Self::Standard, Self::Rsa2048, Self::OtherAsymmetric, Self::DataKeyPairEcc, Self::DataKeyPairRsa];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard => "symmetric, HMAC, random and management requests",
            Self::Rsa2048 => "asymmetric requests, RSA_2048",
            Self::OtherAsymmetric => "asymmetric requests, other key specs",
            Self::DataKeyPairEcc => "GenerateDataKeyPair, ECC",
            Self::DataKeyPairRsa => "GenerateDataKeyPair, RSA",
        }
    }

    /// US dollars for [`PRICED_REQUESTS`].
    pub(super) fn usd(self) -> f64 {
        match self {
            Self::Standard | Self::Rsa2048 => 0.03,
            Self::OtherAsymmetric => 0.15,
            Self::DataKeyPairEcc => 0.10,
            Self::DataKeyPairRsa => 12.00,
        }
    }

    pub(super) fn cost_usd(self, requests: u64) -> f64 {
        requests as f64 * self.usd() / PRICED_REQUESTS as f64
    }
}

/// How a request is priced, as far as its record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pricing {
    As(PriceClass),
    /// By the spec of the key, if it is known.
    ByKeySpec,
}

/// The pricing of an operation with the algorithm or key pair spec that its request names.
pub(super) fn pricing(operation: &[u8], algorithm: Option<&[u8]>, key_pair_spec: Option<&[u8]>) -> Pricing {
    match operation {
        b"GenerateDataKeyPair" | b"GenerateDataKeyPairWithoutPlaintext" => {
            let is_rsa = key_pair_spec.is_some_and(|spec| spec.starts_with(b"RSA_"));
            Pricing::As(if is_rsa { PriceClass::DataKeyPairRsa } else { PriceClass::DataKeyPairEcc })
        }
        b"DeriveSharedSecret" | b"Encapsulate" | b"Decapsulate" => Pricing::As(PriceClass::OtherAsymmetric),
        b"GetPublicKey" => Pricing::ByKeySpec,
        b"Sign" | b"Verify" | b"Encrypt" | b"Decrypt" | b"ReEncrypt" => match algorithm {
            None | Some(b"SYMMETRIC_DEFAULT") => Pricing::As(PriceClass::Standard),
            Some(algorithm) if algorithm.starts_with(b"RSA") => Pricing::ByKeySpec,
            Some(_) => Pricing::As(PriceClass::OtherAsymmetric),
        },
        _ => Pricing::As(PriceClass::Standard),
    }
}

/// The class of requests that are priced by their key.
pub(super) fn class_of_spec(key_spec: Option<&str>) -> PriceClass {
    match key_spec {
        None | Some("RSA_2048") => PriceClass::Rsa2048,
        Some("SYMMETRIC_DEFAULT") => PriceClass::Standard,
        Some(spec) if spec.starts_with("HMAC_") => PriceClass::Standard,
        Some(_) => PriceClass::OtherAsymmetric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operation: &str, algorithm: Option<&str>, key_pair_spec: Option<&str>, want: Pricing) {
        assert_eq!(
            pricing(operation.as_bytes(), algorithm.map(str::as_bytes), key_pair_spec.map(str::as_bytes),),
            want,
            "{operation} {algorithm:?} {key_pair_spec:?}"
        );
    }

    #[test]
    fn by_operation() {
        check("GenerateDataKey", None, None, Pricing::As(PriceClass::Standard));
        check("Decrypt", Some("SYMMETRIC_DEFAULT"), None, Pricing::As(PriceClass::Standard));
        check("Decrypt", Some("RSAES_OAEP_SHA_256"), None, Pricing::ByKeySpec);
        check("Sign", Some("RSASSA_PSS_SHA_256"), None, Pricing::ByKeySpec);
        check("Sign", Some("ECDSA_SHA_256"), None, Pricing::As(PriceClass::OtherAsymmetric));
        check("GenerateDataKeyPair", None, Some("RSA_3072"), Pricing::As(PriceClass::DataKeyPairRsa));
        check("GenerateDataKeyPair", None, Some("ECC_NIST_P256"), Pricing::As(PriceClass::DataKeyPairEcc));
        check("GenerateMac", Some("HMAC_SHA_256"), None, Pricing::As(PriceClass::Standard));
        check("GetPublicKey", None, None, Pricing::ByKeySpec);
    }

    #[test]
    fn by_key_spec() {
        assert_eq!(class_of_spec(None), PriceClass::Rsa2048);
        assert_eq!(class_of_spec(Some("RSA_4096")), PriceClass::OtherAsymmetric);
        assert_eq!(class_of_spec(Some("ECC_NIST_P256")), PriceClass::OtherAsymmetric);
    }

    #[test]
    fn costs() {
        assert_eq!(PriceClass::Standard.cost_usd(1_000_000), 3.0);
        assert_eq!(PriceClass::DataKeyPairRsa.cost_usd(10_000), 12.0);
    }
}
