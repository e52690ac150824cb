use serde_json::{Value, json};

use super::*;
use crate::testing::{ACCOUNT, House, REGION};

const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const MATERIAL: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn plant(house: &House, seeds: Value) -> Result<usize, String> {
    let seeds: Seeds = serde_json::from_value(seeds).map_err(|error| error.to_string())?;
    let home = (&ACCOUNT.parse().unwrap(), &REGION.parse().unwrap());
    seeds.plant(&house.store, &house.kms, home, house.now.get()).await.map_err(|error| error.to_string())
}

fn seed() -> Value {
    json!({
        "id": ID, "description": "for tests", "material": MATERIAL,
        "aliases": ["alias/seed"], "tags": {"Team": "blue"},
    })
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing() {
    let house = House::open().await;
    assert_eq!(plant(&house, json!({"key": [seed()]})).await, Ok(1));
    let key = house.ok("DescribeKey", json!({"KeyId": "alias/seed"})).await["KeyMetadata"].clone();
    assert_eq!((&key["KeyId"], &key["Description"]), (&json!(ID), &json!("for tests")));
    let tags = house.ok("ListResourceTags", json!({"KeyId": ID})).await;
    assert_eq!(tags["Tags"], json!([{"TagKey": "Team", "TagValue": "blue"}]));
    house.ok("UpdateKeyDescription", json!({"KeyId": ID, "Description": "changed"})).await;
    assert_eq!(plant(&house, json!({"key": [seed()]})).await, Ok(0));
    assert_eq!(house.described(ID, "Description").await, "changed");
    let record = &house.records().await[0];
    assert_eq!(
        (&record["eventName"], &record["userIdentity"]["invokedBy"]),
        (&json!("CreateKey"), &json!("AWS Internal"))
    );
}

#[tokio::test]
async fn the_same_material_opens_what_another_server_sealed() {
    let (one, two) = (House::open().await, House::open().await);
    for house in [&one, &two] {
        plant(house, json!({"key": [seed()]})).await.unwrap();
    }
    let blob = one.ok("Encrypt", json!({"KeyId": ID, "Plaintext": "aGk="})).await["CiphertextBlob"].clone();
    assert_eq!(two.ok("Decrypt", json!({"CiphertextBlob": blob})).await["Plaintext"], "aGk=");
}

#[tokio::test]
async fn a_multi_region_id_makes_a_primary() {
    let house = House::open().await;
    let id = "mrk-1234abcd12ab34cd56ef1234567890ab";
    plant(&house, json!({"key": [{"id": id, "region": "eu-west-1"}]})).await.unwrap();
    let key = house.ok_in("eu-west-1", "DescribeKey", json!({"KeyId": id})).await["KeyMetadata"].clone();
    assert_eq!(key["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_made() {
    let house = House::open().await;
    let changed = |change: Value| {
        let mut seed = seed();
        for (member, value) in change.as_object().unwrap() {
            seed[member] = value.clone();
        }
        json!({"key": [{"id": "00000000-0000-4000-8000-000000000000"}, seed]})
    };
    for (change, want) in [
        (json!({"id": "mine"}), "key `mine`: its id is neither"),
        (json!({"id": "00000000-0000-4000-8000-000000000000"}), "the file names this key twice"),
        (json!({"material": "AAEC"}), "its material: "),
        (json!({"material": "?"}), "its material is not base64"),
        (json!({"policy": "{}"}), "its policy: "),
        (json!({"aliases": ["seed"]}), "seed: Alias must start with"),
        (json!({"aliases": ["alias/aws/s3"]}), "alias/aws/s3 is no name"),
        (json!({"tags": {"aws:x": "y"}}), "Tags beginning with aws:"),
        (json!({"colour": "red"}), "unknown field `colour`"),
    ] {
        let got = plant(&house, changed(change.clone())).await.unwrap_err();
        assert!(got.contains(want), "{change}: {got}");
    }
    assert_eq!(house.ok("ListKeys", json!({})).await["Keys"], json!([]));
    let other = house.key().await;
    house.ok("CreateAlias", json!({"AliasName": "alias/seed", "TargetKeyId": other})).await;
    let taken = plant(&house, json!({"key": [seed()]})).await.unwrap_err();
    assert!(taken.ends_with("alias/seed already names another key"), "{taken}");
}
