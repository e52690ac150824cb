//! Digests under the engine: when they come, how they are chained and signed, and that crashes change nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_crypto::digest::sha256;
use keywatch_crypto::signing::verifies_sha256;
use keywatch_store::{Partition, Scan};

use super::tests::{BUCKET_NAME, ROWS_MAX, World};
use super::*;
use crate::buckets::{LOOSE, ObjectRecord};
use crate::rehearsal::{ACCOUNT, REGION};
use crate::trail::digest::document::{Digest, Link, Numbers};
use crate::trail::digest::{SIGNING_KEY, SigningKeyRecord};
use crate::trail::record::{ENDED, TrailRecord, ended_key};

/// A digest as it lies in the bucket.
struct Found {
    object: ObjectRecord,
    text: String,
    digest: Digest,
    link: Link,
}

async fn digests(world: &World) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (_, object, text) in world.objects().await {
        let Some(digest) = Digest::parse(text.as_bytes()) else { continue };
        let link = digest.keywatch_link.clone().unwrap();
        found.push(Found { object, text, digest, link });
    }
    found.sort_by_key(|one| one.link.digest);
    found
}

/// Holds every digest against the one before, its files and the public keys.
async fn check_chain(world: &World) -> Vec<Found> {
    let found = digests(world).await;
    let keys: Vec<SigningKeyRecord> = {
        let scan = Scan { prefix: "", after: None, limit: ROWS_MAX };
        let rows = world.rehearsal.store.scan(SIGNING_KEY, scan).await.unwrap();
        rows.iter().map(|row| decode(&row.bytes).unwrap()).collect()
    };
    let texts: BTreeMap<String, String> =
        world.objects().await.into_iter().map(|(key, _, text)| (key, text)).collect();
    let (mut files, mut records) = (0, 0);
    for (index, Found { object, text, digest, link }) in found.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &found[before]);
        assert_eq!(link.digest, index as u64 + 1);
        assert_eq!(link.previous_head.as_ref(), before.map(|before| &before.link.head));
        assert_eq!(link.head, digest.head(link));
        if let Some(previous) = &digest.previous_digest_s3_object {
            let before = before.unwrap();
            assert_eq!(*previous, before.digest.digest_s3_object);
            assert_eq!(digest.digest_start_time, before.digest.digest_end_time);
            assert_eq!(digest.previous_digest_signature.as_ref(), before.object.metadata.get("signature"));
            let hash = hex::encode(sha256(before.text.as_bytes()));
            assert_eq!(digest.previous_digest_hash_value, Some(hash));
            assert!(!before.link.ends);
        }
        for file in &digest.log_files {
            let text = &texts[&format!("{}/{}", file.s3_bucket, file.s3_object)];
            assert_eq!(file.hash_value, hex::encode(sha256(text.as_bytes())));
            let held = text.matches("eventID").count() as u64;
            let want = Numbers { file: files + 1, first_record: records + 1, last_record: records + held };
            assert_eq!(file.keywatch_records, Some(want));
            (files, records) = (files + 1, records + held);
        }
        assert_eq!((link.files, link.records), (files, records));
        let fingerprint = &digest.digest_public_key_fingerprint;
        let key = keys.iter().find(|key| key.fingerprint == *fingerprint).unwrap();
        let public = BASE64.decode(&key.public).unwrap();
        let signature = hex::decode(&object.metadata["signature"]).unwrap();
        assert!(verifies_sha256(&public, digest.string_to_sign(text.as_bytes()).as_bytes(), &signature));
        let signature = hex::decode(&link.head_signature).unwrap();
        assert!(verifies_sha256(&public, link.head.as_bytes(), &signature));
        assert_eq!(object.metadata["signature-algorithm"], "SHA256withRSA");
    }
    found
}

async fn validated(world: &World) -> TrailRecord {
    world.with_bucket().await;
    let trail = world.put_trail(|trail| trail.log_file_validation = true).await;
    world.rehearsal.settle().await;
    trail
}

fn files_of(found: &[Found]) -> Vec<usize> {
    found.iter().map(|one| one.digest.log_files.len()).collect()
}

#[tokio::test]
async fn every_hour_has_its_digest() {
    let world = World::begin().await;
    validated(&world).await;
    world.record(1).await;
    world.record(2).await;
    world.minutes(10).await;
    world.record(3).await;
    world.minutes(50).await;
    assert_eq!(files_of(&check_chain(&world).await), [2]);
    world.minutes(180).await;
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found), [2, 0, 0, 0]);
    let first = &found[0].digest;
    assert_eq!(
        (first.digest_start_time.as_str(), first.digest_end_time.as_str()),
        ("2026-09-14T11:00:00Z", "2026-09-14T12:00:00Z")
    );
    assert_eq!(first.previous_digest_s3_object, None);
    assert_eq!(first.oldest_event_time.as_deref(), Some("2026-09-14T11:00:00Z"));
    assert_eq!(first.newest_event_time.as_deref(), Some("2026-09-14T11:10:00Z"));
    assert!(
        first
            .digest_s3_object
            .starts_with(&format!("p/AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/09/14/"))
    );
    assert_eq!((first.digest_s3_bucket.as_str(), first.aws_account_id.as_str()), (BUCKET_NAME, ACCOUNT));
    assert!(found[3].digest.previous_digest_s3_object.is_some());
    let delivery = stored_delivery(&world.rehearsal.store, &world.row()).await.unwrap();
    assert_eq!(delivery.digest, Some(world.rehearsal.now()));
}

#[tokio::test]
async fn stopping_ends_the_chain_and_starting_goes_on_with_its_numbers() {
    let world = World::begin().await;
    let trail = validated(&world).await;
    world.record(1).await;
    world.minutes(70).await;
    world.record(2).await;
    world.put_trail(|stopped| *stopped = TrailRecord { stopped: Some(world.rehearsal.now()), ..trail }).await;
    world.minutes(1).await;
    world.record(3).await;
    world.minutes(1).await;
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found), [1, 1]);
    assert!(found[1].link.ends);
    assert_eq!(found[1].digest.digest_end_time, "2026-09-14T12:11:00Z");
    world.minutes(180).await;
    world.record(4).await;
    assert_eq!(check_chain(&world).await.len(), 2, "a stopped trail has no digests");
    world.put_trail(|trail| trail.log_file_validation = true).await;
    world.record(5).await;
    world.minutes(60).await;
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found), [1, 1, 1]);
    assert_eq!(found[2].digest.previous_digest_s3_object, None);
    let mut ids = world.ids().await;
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 5]);
}

#[tokio::test]
async fn turning_validation_off_ends_the_chain_and_files_still_come() {
    let world = World::begin().await;
    let trail = validated(&world).await;
    world.record(1).await;
    world.minutes(20).await;
    world.put_trail(|off| *off = TrailRecord { log_file_validation: false, ..trail.clone() }).await;
    world.record(2).await;
    world.minutes(120).await;
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found), [2]);
    assert!(found[0].link.ends);
    world.record(3).await;
    world.minutes(6).await;
    world.put_trail(|on| *on = trail).await;
    world.record(4).await;
    world.minutes(60).await;
    assert_eq!(files_of(&check_chain(&world).await), [2, 1]);
    assert_eq!(world.ids().await, [1, 2, 3, 4]);
}

/// Between two looks of the follower a trail is deleted and made anew: the old one gets all of its records.
#[tokio::test]
async fn a_deleted_trail_gets_its_last_records_and_digest() {
    let world = World::begin().await;
    let trail = validated(&world).await;
    world.record(1).await;
    world.minutes(2).await;
    world.record(2).await;
    let now = world.rehearsal.now();
    let ended = TrailRecord { stopped: Some(now), ..trail.clone() };
    let fresh = TrailRecord { s3_key_prefix: None, started: Some(now), ..trail.clone() };
    let mut tx = keywatch_store::Transaction::new(&world.rehearsal.store);
    tx.put(ENDED, &ended_key(&world.row(), trail.started.unwrap(), trail.spell), &ended).unwrap();
    tx.put(TRAIL, &world.row(), &fresh).unwrap();
    tx.commit().await.unwrap();
    world.record(3).await;
    world.minutes(61).await;
    let found = check_chain(&world).await;
    // The last digest of the old trail lists all that was delivered until then, the new one's first file too.
    assert_eq!(files_of(&found), [2, 0]);
    assert!(found[0].link.ends && found[0].digest.digest_s3_object.starts_with("p/"));
    assert_eq!(found[1].digest.digest_s3_object.split('/').next(), Some("AWSLogs"));
    let mut ids = world.ids().await;
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
    let scan = Scan { prefix: "", after: None, limit: ROWS_MAX };
    assert_eq!(world.rehearsal.store.scan(ENDED, scan).await.unwrap(), []);
}

/// A standing clock stops and starts a trail again and again: no digest replaces another.
#[tokio::test]
async fn digests_of_one_second_have_names_of_their_own() {
    let world = World::begin().await;
    let trail = validated(&world).await;
    for id in 0..3 {
        world.record(id).await;
        let stopped = TrailRecord { stopped: Some(world.rehearsal.now()), ..trail.clone() };
        world.put_trail(|row| *row = stopped).await;
        world.record(100).await;
        world.minutes(0).await;
        world.put_trail(|row| *row = trail.clone()).await;
        world.record(100).await;
        world.minutes(0).await;
    }
    let found = check_chain(&world).await;
    assert!(found.len() >= 3 && found.iter().all(|one| one.link.ends));
}

#[tokio::test]
async fn a_multi_region_trail_has_a_chain_for_each_region() {
    let world = World::begin().await;
    world.with_bucket().await;
    world.put_trail(|trail| (trail.log_file_validation, trail.is_multi_region) = (true, true)).await;
    world.record(1).await;
    let mut tx = keywatch_store::Transaction::new(&world.rehearsal.store);
    tx.append(keywatch_store::Append {
        kind: keywatch_store::EntryKind::Record,
        time: world.rehearsal.now(),
        partition: Partition::new(ACCOUNT, "eu-west-1"),
        bytes: br#"{"eventID":2}"#.as_slice().into(),
    });
    tx.commit().await.unwrap();
    world.rehearsal.settle().await;
    world.minutes(120).await;
    let found = digests(&world).await;
    let regions: Vec<String> = found.iter().map(|one| one.digest.chain_name().unwrap().region).collect();
    assert_eq!(found.len(), 4);
    assert_eq!(regions.iter().filter(|region| *region == "eu-west-1").count(), 2);
    let fingerprints: std::collections::BTreeSet<_> =
        found.iter().map(|one| &one.digest.digest_public_key_fingerprint).collect();
    assert_eq!(fingerprints.len(), 2, "a key for each Region");
}

/// The follower dies after each of its writes in turn; another one goes on. Nothing is missing or double.
#[tokio::test]
async fn a_crash_between_body_and_commit_changes_nothing() {
    let world = World::begin().await;
    validated(&world).await;
    for id in 0..4 {
        world.record(id).await;
        // A second follower on the same store stands for one that died: it has written bodies and loose marks of its own, but
        // its commits are those of a process that read the same state.
        let mut other = FilesDelivery::open(
            world.rehearsal.store.clone(),
            world.bodies.clone(),
            world.keyring.clone(),
            INTERVAL_DEFAULT,
        )
        .await
        .unwrap();
        other.refresh(world.rehearsal.now()).await.unwrap();
        other.position = world.rehearsal.store.head();
        let entries = world.rehearsal.store.read_log(other.delivered, usize::MAX).await.unwrap();
        let written = other.write(drafts(&other.trails, &entries), world.rehearsal.now()).await.unwrap();
        assert!(!written.batch.is_empty());
        drop(written);
        world.minutes(61).await;
    }
    world.bodies.remove_loose(&world.rehearsal.store).await.unwrap();
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found).iter().sum::<usize>(), 4);
    assert_eq!(world.ids().await, [0, 1, 2, 3]);
    let scan = Scan { prefix: "", after: None, limit: ROWS_MAX };
    assert_eq!(world.rehearsal.store.scan(LOOSE, scan).await.unwrap(), []);
}

#[tokio::test]
async fn a_missing_bucket_is_told_and_the_digest_comes_later() {
    let world = World::begin().await;
    world.put_trail(|trail| trail.log_file_validation = true).await;
    world.record(1).await;
    world.minutes(61).await;
    let delivery = stored_delivery(&world.rehearsal.store, &world.row()).await.unwrap();
    assert_eq!(delivery.digest_error.as_deref(), Some("NoSuchBucket"));
    world.with_bucket().await;
    world.minutes(61).await;
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found), [1, 0], "the file that waited is in the first one");
    assert_eq!(world.ids().await, [1]);
    assert_eq!(found[0].digest.digest_end_time, "2026-09-14T12:00:00Z");
    world.minutes(61).await;
    assert_eq!(check_chain(&world).await.last().unwrap().digest.digest_end_time, "2026-09-14T14:00:00Z");
}

#[tokio::test]
async fn a_stopped_trail_gets_what_waited_in_a_chain_of_its_own() {
    let world = World::begin().await;
    let trail = world.put_trail(|trail| trail.log_file_validation = true).await;
    world.record(1).await;
    world.minutes(61).await;
    world.record(2).await;
    world.put_trail(|stopped| *stopped = TrailRecord { stopped: Some(world.rehearsal.now()), ..trail }).await;
    world.minutes(1).await;
    assert_eq!(check_chain(&world).await.len(), 0);
    world.with_bucket().await;
    world.record(3).await;
    world.minutes(1).await;
    let found = check_chain(&world).await;
    assert_eq!(files_of(&found), [2]);
    assert!(found[0].link.ends);
    let mut ids = world.ids().await;
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}
