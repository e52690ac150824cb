//! Which primitives wait for a turn of the pool, and which are computed at once.

use std::cell::RefCell;
use std::sync::mpsc;

use keywatch_iam::slow::Pool;
use serde_json::{Value, json};

use crate::Kms;
use crate::testing::{House, text};

/// A house whose pool has one turn, and that pool.
async fn house() -> (House, Pool) {
    let pool = Pool::new(1);
    let primitives = pool.clone();
    (House::open_with(|kms| Kms { primitives, ..kms }).await, pool)
}

/// Two calls at once, while there is no turn until the quick one has ended: the slow one ends last.
async fn check((house, pool): &(House, Pool), operation: &str, slow: Value, quick: Value) {
    let ended = RefCell::new(Vec::new());
    let (release, released) = mpsc::channel::<()>();
    let turn = pool.run(move || released.recv());
    let of_slow = async {
        house.ok(operation, slow).await;
        ended.borrow_mut().push("slow");
    };
    let of_quick = async {
        for _ in 0..5 {
            house.ok(operation, quick.clone()).await;
        }
        ended.borrow_mut().push("quick");
        drop(release);
    };
    let (turn, (), ()) = tokio::join!(turn, of_slow, of_quick);
    assert!(turn.unwrap().is_err(), "nobody sends");
    assert_eq!(*ended.borrow(), ["quick", "slow"], "{operation}");
}

#[tokio::test]
async fn long_keys_wait_for_a_turn_and_short_ones_do_not() {
    let world = house().await;
    let house = &world.0;
    let key =
        async |spec: &str, usage: &str| house.key_with(json!({"KeySpec": spec, "KeyUsage": usage})).await;
    let (large, small) = (key("RSA_3072", "SIGN_VERIFY").await, key("ECC_NIST_P256", "SIGN_VERIFY").await);
    let wish =
        |key: &str, algorithm: &str| json!({"KeyId": key, "SigningAlgorithm": algorithm, "Message": "bQ=="});
    let (slow, quick) = (wish(&large, "RSASSA_PSS_SHA_256"), wish(&small, "ECDSA_SHA_256"));
    check(&world, "Sign", slow, quick.clone()).await;

    let curve = key("ECC_NIST_P521", "SIGN_VERIFY").await;
    let signed = async |mut wish: Value| {
        wish["Signature"] = house.ok("Sign", wish.clone()).await["Signature"].clone();
        wish
    };
    let (slow, quick) = (signed(wish(&curve, "ECDSA_SHA_512")).await, signed(quick).await);
    check(&world, "Verify", slow, quick).await;

    let (large, small) = (key("RSA_4096", "ENCRYPT_DECRYPT").await, house.key().await);
    let encrypted = async |key: &str, algorithm: &str| {
        let wish = json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "Plaintext": "bQ=="});
        let blob = text(&house.ok("Encrypt", wish).await["CiphertextBlob"]);
        json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "CiphertextBlob": blob})
    };
    let slow = encrypted(&large, "RSAES_OAEP_SHA_256").await;
    let quick = encrypted(&small, "SYMMETRIC_DEFAULT").await;
    check(&world, "Decrypt", slow, quick).await;
}
