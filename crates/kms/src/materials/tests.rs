//! Cases of rotation and import.

use super::*;
use crate::testing::{external_key, key};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn arriving(id: &str) -> Arriving {
    Arriving { id: id.to_owned(), sealed: Sealed::new(id.as_bytes()), valid_to: None, description: None }
}

fn fresh(id: &str) -> (String, Sealed) {
    (id.to_owned(), Sealed::new(id.as_bytes()))
}

/// `id:standing:present` of each material.
fn shown(key: &Key) -> String {
    let one = |material: &Material| {
        let standing = match material.standing {
            Standing::Current => "current",
            Standing::NonCurrent => "former",
            Standing::PendingRotation => "pending",
        };
        format!("{}:{standing}{}", material.id, if material.sealed.is_some() { "" } else { ":gone" })
    };
    key.materials.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn rotation_on_demand_keeps_former_material() {
    let now = at("2026-11-22T10:00:00Z");
    let (key, rotation) = key().rotate_on_demand(Some(fresh("b")), now).unwrap();
    assert_eq!(rotation, Rotation { previous: "a".into(), current: "b".into() });
    assert_eq!(shown(&key), "a:former b:current");
    let rotated = Rotated { at: now, kind: RotationType::OnDemand };
    assert_eq!(key.material("b").unwrap().rotated, Some(rotated));
    assert_eq!(key.material("a").unwrap().rotated, None);
}

#[test]
fn rotations_on_demand_are_limited_and_automatic_ones_do_not_count() {
    let now = at("2026-11-22T10:00:00Z");
    let (mut key, _) = key().rotate_automatically(fresh("auto"), now);
    for number in 0..ROTATIONS_ON_DEMAND_MAX {
        key = key.rotate_on_demand(Some(fresh(&format!("m{number}"))), now).unwrap().0;
    }
    let error = key.rotate_on_demand(Some(fresh("z")), now).unwrap_err();
    assert!(
        matches!(&error, KmsError::LimitExceeded(text) if text.starts_with("The on-demand rotations limit"))
    );
}

#[test]
fn rotation_on_demand_conflicts_with_an_automatic_one_nearby() {
    let enabled = at("2026-01-01T00:00:00Z");
    let key = key().rotate_every(90, enabled).unwrap();
    assert_eq!(key.rotation.unwrap().next, at("2026-04-01T00:00:00Z"));
    assert!(matches!(key.check_on_demand(at("2026-03-31T23:40:00Z")), Err(KmsError::Conflict(_))));
    assert_eq!(key.check_on_demand(at("2026-03-31T23:00:00Z")), Ok(()));
}

#[test]
fn automatic_rotation_plans_the_next_one_after_now() {
    for (now, next) in [
        ("2026-04-01T00:00:00Z", "2026-06-30T00:00:00Z"),
        ("2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z"),
        ("2027-01-01T00:00:00Z", "2027-04-01T00:00:00Z"),
    ] {
        let key = key().rotate_every(90, at("2026-01-01T00:00:00Z")).unwrap();
        let (key, _) = key.rotate_automatically(fresh("b"), at(now));
        assert_eq!(key.rotation.unwrap().next, at(next), "{now}");
        assert_eq!(shown(&key), "a:former b:current");
    }
}

#[test]
fn the_first_import_enables_and_the_next_waits_for_its_rotation() {
    let now = at("2026-11-22T10:00:00Z");
    let key = external_key();
    assert_eq!(key.import_type(None), ImportType::New);
    let key = key.import(ImportType::New, arriving("a")).unwrap();
    assert_eq!((shown(&key).as_str(), &key.state), ("a:current", &State::Enabled));
    assert_eq!(key.import_type(None), ImportType::Existing);
    assert_eq!(
        key.check_on_demand(now).unwrap_err().to_string(),
        format!("No available key material pending rotation for the key: {}.", key.arn())
    );
    let key = key.import(ImportType::New, arriving("b")).unwrap();
    assert_eq!(shown(&key), "a:current b:pending");
    let error = key.clone().import(ImportType::New, arriving("c")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "New key material (id: c) cannot be imported into KMS key {}, because another key material (id: b) is pending rotation.",
            key.arn()
        )
    );
    let (key, rotation) = key.rotate_on_demand(None, now).unwrap();
    assert_eq!(rotation, Rotation { previous: "a".into(), current: "b".into() });
    assert_eq!(shown(&key), "a:former b:current");
}

#[test]
fn only_known_material_comes_back() {
    let key = external_key().import(ImportType::New, arriving("a")).unwrap();
    for (kind, id) in [(ImportType::Existing, "b"), (ImportType::New, "a")] {
        let refused = key.clone().import(kind, arriving(id));
        assert!(matches!(refused, Err(KmsError::IncorrectKeyMaterial(_))), "{kind} {id}");
    }
    assert!(key.import(ImportType::Existing, arriving("a")).is_ok());
}

#[test]
fn a_reimport_keeps_the_description_unless_given_and_replaces_the_expiry() {
    let first = Arriving {
        description: Some("old".into()),
        valid_to: Some(at("2027-01-01T00:00:00Z")),
        ..arriving("a")
    };
    let key = external_key().import(ImportType::New, first).unwrap();
    let key = key.import(ImportType::Existing, arriving("a")).unwrap();
    let kept = Imported { valid_to: None, description: Some("old".into()) };
    assert_eq!(key.material("a").unwrap().imported, Some(kept));
    let renamed = Arriving { description: Some("new".into()), ..arriving("a") };
    let key = key.import(ImportType::Existing, renamed).unwrap();
    assert_eq!(key.material("a").unwrap().imported.as_ref().unwrap().description.as_deref(), Some("new"));
}

#[test]
fn every_material_is_needed() {
    let now = at("2026-11-22T10:00:00Z");
    let key = external_key().import(ImportType::New, arriving("a")).unwrap();
    let key = key.import(ImportType::New, arriving("b")).unwrap();
    let (key, _) = key.rotate_on_demand(None, now).unwrap();
    let (key, gone) = key.delete_material(Some("a")).unwrap();
    assert_eq!((shown(&key).as_str(), gone.as_deref()), ("a:former:gone b:current", Some("a")));
    assert_eq!(key.state, State::PendingImport);
    let (key, gone) = key.delete_material(None).unwrap();
    assert_eq!((shown(&key).as_str(), gone.as_deref()), ("a:former:gone b:current:gone", Some("b")));
    let key = key.import(ImportType::Existing, arriving("b")).unwrap();
    assert_eq!(key.state, State::PendingImport);
    let key = key.import(ImportType::Existing, arriving("a")).unwrap();
    assert_eq!(key.state, State::Enabled);
}

#[test]
fn material_that_pends_rotation_is_forgotten_without_a_change_of_state() {
    let key = external_key().import(ImportType::New, arriving("a")).unwrap();
    let key = key.import(ImportType::New, arriving("b")).unwrap();
    let (key, gone) = key.delete_material(Some("b")).unwrap();
    assert_eq!((shown(&key).as_str(), gone.as_deref()), ("a:current", Some("b")));
    assert_eq!(key.state, State::Enabled);
}

#[test]
fn deleting_from_an_empty_key_succeeds_and_an_unknown_material_is_not_found() {
    let (key, gone) = external_key().delete_material(None).unwrap();
    assert_eq!((key.state.clone(), gone), (State::PendingImport, None));
    assert!(matches!(key.delete_material(Some("x")), Err(KmsError::NotFound(_))));
}

#[test]
fn a_key_that_pends_deletion_stays_so_without_its_material() {
    let key = external_key().import(ImportType::New, arriving("a")).unwrap();
    let key = key.schedule_deletion(30, at("2026-11-22T00:00:00Z")).unwrap();
    let (key, _) = key.delete_material(None).unwrap();
    assert!(matches!(key.state, State::PendingDeletion { .. }));
}

#[test]
fn the_earliest_expiry_comes_first() {
    let expiring = |id: &str, to: &str| Arriving { valid_to: Some(at(to)), ..arriving(id) };
    let key = external_key().import(ImportType::New, expiring("a", "2027-02-01T00:00:00Z")).unwrap();
    let key = key.import(ImportType::New, expiring("b", "2027-01-01T00:00:00Z")).unwrap();
    // `ValidTo` speaks of materials that are the key's for good.
    assert_eq!(key.metadata().valid_to.unwrap().0, at("2027-02-01T00:00:00Z"));
    for (now, want) in [
        ("2026-12-31T00:00:00Z", None),
        ("2027-01-01T00:00:00Z", Some("b")),
        ("2027-03-01T00:00:00Z", Some("b")),
    ] {
        assert_eq!(key.expired_material(at(now)).map(|material| material.id.as_str()), want, "{now}");
    }
}
