//! What is due agrees with when it is due, whatever befalls a key; and nothing due is forgotten or done twice.

use keywatch_api::kms::sets::{ImportType, Origin, RotationType};
use proptest::prelude::*;

use super::*;
use crate::key::{Sealed, Standing};
use crate::materials::Arriving;
use crate::testing;

/// What can befall a key. Days count from the start.
#[derive(Clone, Debug)]
enum Step {
    Enable,
    Disable,
    Schedule { days: i32 },
    Cancel,
    RotateEvery { days: i32 },
    StopRotation,
    RotateOnDemand,
    Import { material: u8, new: bool, valid_days: Option<i32> },
    DeleteMaterial { material: u8 },
    Wait { days: i32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Enable),
        Just(Step::Disable),
        (7..=30).prop_map(|days| Step::Schedule { days }),
        Just(Step::Cancel),
        (90..=200).prop_map(|days| Step::RotateEvery { days }),
        Just(Step::StopRotation),
        Just(Step::RotateOnDemand),
        (0..3u8, any::<bool>(), prop::option::of(1..=90))
            .prop_map(|(material, new, valid_days)| Step::Import { material, new, valid_days }),
        (0..3u8).prop_map(|material| Step::DeleteMaterial { material }),
        (1..=120).prop_map(|days| Step::Wait { days }),
    ];
    prop::collection::vec(step, 0..40)
}

/// A key's life in memory; `None` once it is deleted.
struct Life {
    key: Option<Key>,
    now: Timestamp,
    made: u32,
}

impl Life {
    fn fresh(&mut self) -> (String, Sealed) {
        self.made += 1;
        (format!("generated {}", self.made), Sealed::new(b"sealed"))
    }

    fn apply(&mut self, step: &Step) {
        let Some(key) = self.key.clone() else { return };
        let (fresh, now) = (self.fresh(), self.now);
        let next = match step {
            Step::Enable => key.enable(),
            Step::Disable => key.disable(),
            Step::Schedule { days } => key.schedule_deletion(*days, now),
            Step::Cancel => key.cancel_deletion(),
            Step::RotateEvery { days } => key.rotate_every(*days, now),
            Step::StopRotation => key.stop_rotation(),
            Step::RotateOnDemand => {
                let fresh = (key.origin == Origin::AwsKms).then_some(fresh);
                key.rotate_on_demand(fresh, now).map(|(key, _)| key)
            }
            Step::Import { material, new, valid_days } => {
                let kind = if *new { ImportType::New } else { ImportType::Existing };
                let arriving = Arriving {
                    id: format!("imported {material}"),
                    sealed: Sealed::new(b"sealed"),
                    valid_to: valid_days.map(|days| days_after(now, days)),
                    description: None,
                };
                key.import(kind, arriving)
            }
            Step::DeleteMaterial { material } => {
                key.delete_material(Some(&format!("imported {material}"))).map(|(key, _)| key)
            }
            Step::Wait { days } => return self.wait(days_after(now, *days)),
        };
        // A refusal changes nothing.
        if let Ok(key) = next {
            self.key = Some(key);
        }
    }

    /// Does what falls due on the way, at its own moment.
    fn wait(&mut self, until: Timestamp) {
        for _ in 0..1000 {
            let due = self.key.as_ref().and_then(next).filter(|due| *due <= until);
            let Some(due) = due else {
                self.now = until;
                return;
            };
            self.now = self.now.max(due);
            let fresh = self.fresh();
            let key = self.key.take().expect("something is due of it");
            self.key = match act(&key, self.now).expect("what is due can be done") {
                DueAct::Delete => None,
                DueAct::Expire(material) => Some(key.lose_material(&material)),
                DueAct::Rotate => Some(key.rotate_automatically(fresh, self.now).0),
                DueAct::Settle => Some(key.settled()),
            };
        }
        panic!("something stays due: {:?}", self.key);
    }

    fn check(&self) {
        let Some(key) = &self.key else { return };
        let standing = |wanted| key.materials.iter().filter(|material| material.standing == wanted).count();
        assert!(standing(Standing::Current) <= 1, "{key:?}");
        assert!(standing(Standing::PendingRotation) <= 1, "{key:?}");
        assert_eq!(standing(Standing::Current) == 0, key.materials.is_empty(), "{key:?}");
        let pending_deletion = matches!(key.state, State::PendingDeletion { .. });
        assert!(pending_deletion || (key.state == State::PendingImport) == key.lacks_material(), "{key:?}");
        assert_eq!(next(key).is_some_and(|due| due <= self.now), act(key, self.now).is_some(), "{key:?}");
        let on_demand = |material: &&crate::key::Material| {
            material.rotated.is_some_and(|rotated| rotated.kind == RotationType::OnDemand)
        };
        assert!(key.materials.iter().filter(on_demand).count() <= 25);
    }
}

proptest! {
    #[test]
    fn a_key_keeps_its_invariants(external in any::<bool>(), steps in steps()) {
        let key = if external { testing::external_key() } else { testing::key() };
        let mut life = Life { key: Some(key), now: testing::START.parse().unwrap(), made: 0 };
        for step in &steps {
            life.apply(step);
            life.check();
        }
    }
}

#[tokio::test]
async fn many_keys_are_done_in_order_of_time_without_leftovers() {
    let house = testing::House::open().await;
    let mut keys = Vec::new();
    for number in 0..120 {
        let key = house.key().await;
        let days = 7 + (number * 7) % 24;
        house.ok("ScheduleKeyDeletion", serde_json::json!({"KeyId": key, "PendingWindowInDays": days})).await;
        keys.push(key);
    }
    house.advance_to("2026-12-23T00:00:00Z").await;
    let records = house.service_records().await;
    assert_eq!(records.len(), keys.len());
    assert!(records.is_sorted_by_key(|record| record["eventTime"].as_str().unwrap().to_owned()));
    let left = house.store.scan(DUE, Scan { prefix: "", after: None, limit: 10 }).await.unwrap();
    assert!(left.is_empty());
    assert_eq!(house.ok("ListKeys", serde_json::json!({})).await["Keys"], serde_json::json!([]));
}
