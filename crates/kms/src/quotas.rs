//! # Request quotas
//! How often an account may call in one Region: a number of requests in each second of the clock, for every **class** of
//! operations by itself. Cryptographic operations share a class by the kind of their key; every other operation is its own.
//! Off unless the server was told otherwise. Counted by the call's own time, so a test clock moves it.
//!
//! **Not here:** the figures (`keywatch_api::kms::quotas`); resource quotas, which are always on (`aliases`, `grants`, `tags`, `key_policy`, `materials`, `key_count`).
//! Source: KMS developer guide, "Request quotas". No figure is published for ML-KEM, so there is none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use keywatch_api::kms::sets::{DataKeyPairSpec, KeySpec};
use keywatch_api::kms::{KmsOperation, quotas};
use keywatch_api::{AccountId, Region};
use keywatch_iam::Call;

use crate::error::KmsError;

/// Counters that may be of past seconds before they are cleared away.
const COUNTERS_MAX: usize = 4_096;

/// Operations that share a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Cryptographic operations with symmetric and HMAC keys, and `GenerateRandom`.
    Symmetric,
    Rsa,
    /// ECC and SM2.
    EllipticCurve,
    MlDsa,
    /// `GenerateDataKeyPair` and its sibling, by the pair they make.
    DataKeyPair(KeySpec),
    /// An operation by itself.
    Operation(KmsOperation),
}

/// The counters. One for a process.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    on: bool,
    counters: Mutex<HashMap<Counted, Counter>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Counted {
    account: AccountId,
    region: Region,
    class: Class,
}

/// Calls in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counter {
    second: i64,
    calls: u32,
}

impl Counter {
    /// Counts a call at `now`; `None` when that second is full.
    fn next(self, now: Timestamp, limit: u32) -> Option<Counter> {
        let second = now.as_second();
        let calls = if second == self.second { self.calls } else { 0 };
        (calls < limit).then_some(Counter { second, calls: calls + 1 })
    }
}

impl Quotas {
    pub(crate) fn switched_on() -> Self {
        Quotas { on: true, ..Quotas::default() }
    }

    /// Counts a call of an operation that is a class by itself; others are counted when their key is known.
    pub(crate) fn take_operation(&self, call: &Call<'_>, operation: KmsOperation) -> Result<(), KmsError> {
        match class_of(operation) {
            Some(class) if self.on => self.take(call, &call.region, class),
            _ => Ok(()),
        }
    }

    /// Counts what a call costs in another Region: `ReplicateKey` two of `CreateKey`, `UpdatePrimaryRegion` itself once more.
    pub(crate) fn take_elsewhere(
        &self,
        call: &Call<'_>,
        region: &Region,
        (operation, times): (KmsOperation, u32),
    ) -> Result<(), KmsError> {
        if self.on {
            for _ in 0..times {
                self.take(call, region, Class::Operation(operation))?;
            }
        }
        Ok(())
    }

    /// Counts a use of a key. `action` is what it is asked for: `kms:Decrypt`.
    pub(crate) fn take_use(&self, call: &Call<'_>, action: &str, spec: KeySpec) -> Result<(), KmsError> {
        if !self.on || !is_use(action) {
            return Ok(());
        }
        match class_of_key(spec) {
            Some(class) => self.take(call, &call.region, class),
            None => Ok(()),
        }
    }

    /// Counts a data key pair, which AWS counts by its spec and not by the key that encrypts it.
    pub(crate) fn take_pair(&self, call: &Call<'_>, spec: DataKeyPairSpec) -> Result<(), KmsError> {
        match spec.as_str().parse() {
            Ok(spec) if self.on => self.take(call, &call.region, Class::DataKeyPair(spec)),
            _ => Ok(()),
        }
    }

    fn take(&self, call: &Call<'_>, region: &Region, class: Class) -> Result<(), KmsError> {
        let Some(limit) = limit(class, region.as_str()) else { return Ok(()) };
        let counted = Counted { account: call.account().clone(), region: region.clone(), class };
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS_MAX {
            let second = call.now.as_second();
            counters.retain(|_, counter| counter.second >= second);
        }
        let counter = counters.entry(counted).or_default();
        *counter = counter.next(call.now, limit).ok_or(KmsError::Throttled)?;
        Ok(())
    }
}

/// The class of an operation that does not depend on its key.
fn class_of(operation: KmsOperation) -> Option<Class> {
    use KmsOperation::*;
    match operation {
        GenerateRandom => Some(Class::Symmetric),
        Encrypt
        | Decrypt
        | ReEncrypt
        | GenerateDataKey
        | GenerateDataKeyWithoutPlaintext
        | GenerateDataKeyPair
        | GenerateDataKeyPairWithoutPlaintext
        | GenerateMac
        | VerifyMac
        | Sign
        | Verify
        | DeriveSharedSecret
        | Encapsulate
        | Decapsulate => None,
        other => Some(Class::Operation(other)),
    }
}

/// Whether an action counts by its key. A `ReEncrypt` counts once.
fn is_use(action: &str) -> bool {
    matches!(
        action,
        "kms:Encrypt"
            | "kms:Decrypt"
            | "kms:ReEncryptFrom"
            | "kms:GenerateDataKey"
            | "kms:GenerateDataKeyWithoutPlaintext"
            | "kms:GenerateMac"
            | "kms:VerifyMac"
            | "kms:Sign"
            | "kms:Verify"
            | "kms:DeriveSharedSecret"
            | "kms:Encapsulate"
            | "kms:Decapsulate"
    )
}

fn class_of_key(spec: KeySpec) -> Option<Class> {
    use KeySpec::*;
    match spec {
        SymmetricDefault | Hmac224 | Hmac256 | Hmac384 | Hmac512 => Some(Class::Symmetric),
        Rsa2048 | Rsa3072 | Rsa4096 => Some(Class::Rsa),
        EccNistP256 | EccNistP384 | EccNistP521 | EccSecgP256k1 | EccNistEdwards25519 | Sm2 => {
            Some(Class::EllipticCurve)
        }
        MlDsa44 | MlDsa65 | MlDsa87 => Some(Class::MlDsa),
        MlKem512 | MlKem768 | MlKem1024 => None,
    }
}

/// Requests a second.
fn limit(class: Class, region: &str) -> Option<u32> {
    match class {
        Class::Symmetric => Some(quotas::symmetric(region)),
        Class::Rsa | Class::EllipticCurve | Class::MlDsa => Some(quotas::ASYMMETRIC),
        Class::DataKeyPair(spec) => quotas::of_pair(spec),
        Class::Operation(operation) => quotas::of_operation(operation),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::House;

    #[test]
    fn every_operation_has_a_quota() {
        for operation in KmsOperation::ALL {
            let class = class_of(*operation);
            let uses = is_use(&format!("kms:{}", operation.info().name));
            let pair = operation.info().name.starts_with("GenerateDataKeyPair");
            let limited = class.and_then(|class| limit(class, "us-east-1")).is_some();
            assert!(limited || uses || pair || operation.info().name == "ReEncrypt", "{operation:?}");
            assert!(!(limited && uses), "{operation:?} counts twice");
        }
    }

    #[track_caller]
    fn check(class: Class, region: &str, want: Option<u32>) {
        assert_eq!(limit(class, region), want, "{class:?} in {region}");
    }

    #[test]
    fn limits_are_as_published() {
        check(Class::Symmetric, "us-east-1", Some(100_000));
        check(Class::Symmetric, "eu-central-1", Some(20_000));
        check(Class::Symmetric, "eu-north-1", Some(10_000));
        check(Class::Rsa, "us-east-1", Some(1_000));
        check(Class::DataKeyPair(KeySpec::Rsa4096), "us-east-1", Some(1));
        check(Class::Operation(KmsOperation::CreateKey), "us-east-1", Some(5));
        check(Class::Operation(KmsOperation::DescribeKey), "eu-north-1", Some(2_000));
    }

    #[test]
    fn a_second_fills_and_the_next_is_empty() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = Counter::default().next(at("2026-11-22T10:00:00Z"), 2).unwrap();
        let second = first.next(at("2026-11-22T10:00:00.999Z"), 2).unwrap();
        assert_eq!(second.next(at("2026-11-22T10:00:00.999Z"), 2), None);
        assert_eq!(second.next(at("2026-11-22T10:00:01Z"), 2).unwrap().calls, 1);
    }

    #[tokio::test]
    async fn calls_beyond_the_quota_are_refused_until_the_clock_moves() {
        let house = House::open_with(|kms| kms.with_request_quotas()).await;
        let key = house.key().await;
        for _ in 0..4 {
            house.key().await;
        }
        assert_eq!(
            house.refused("CreateKey", json!({})).await,
            "ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
        );
        // Another class and another Region have counts of their own.
        house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await;
        house.ok_in("eu-west-1", "CreateKey", json!({})).await;
        let family = house.ok_in("eu-north-1", "CreateKey", json!({"MultiRegion": true})).await;
        let family = family["KeyMetadata"]["KeyId"].clone();
        let replicate = json!({"KeyId": family, "ReplicaRegion": "eu-west-1"});
        house.ok_in("eu-north-1", "ReplicateKey", replicate).await;
        house.ok_in("eu-west-1", "CreateKey", json!({})).await;
        house.ok_in("eu-west-1", "CreateKey", json!({})).await;
        assert!(house.refused_in("eu-west-1", "CreateKey", json!({})).await.starts_with("Throttling"));
        house.advance_to("2026-11-22T10:00:01Z").await;
        house.key().await;
    }
}
