//! # The pack: guards as ordinary alarms, metric filters and event rules
//! A **guard** watches for one thing; it is made of **parts**, each the request that puts it: `PutRule` with the text its targets are sent,
//! `PutMetricAlarm`, or `PutMetricFilter`. Actions and targets are whoever's who applies the pack. A **sample** is what CloudTrail would
//! record when a guard's matter happens, and when something like it does that is fine (`rehearse.rs` plays both).
//! **Invariants:** names begin with [`NAME_PREFIX`]; a definition depends on nothing but the Region, the log group or the key it is for.
//! **Not here:** putting them (the command line, through the public API).

mod alarms;
mod filters;
pub mod rehearse;
mod rules;
pub mod standing;

use serde_json::Value;

/// What the names of all parts begin with.
pub const NAME_PREFIX: &str = "keywatch-guard-";

/// One thing that is watched for.
#[derive(Clone, Debug)]
pub struct Guard {
    pub name: &'static str,
    pub watches: &'static str,
    pub runbook: &'static str,
    pub parts: Vec<Part>,
    /// JSON of its samples, see [`rehearse`].
    pub samples: &'static str,
}

/// One resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub name: String,
    pub kind: PartKind,
    /// Members of the request that puts it, besides tags and actions.
    pub definition: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    Alarm,
    Filter,
    Rule,
}

impl PartKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Filter => "metric filter",
            Self::Rule => "rule",
        }
    }
}

/// What parts are for.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Log groups that trails deliver to: they get metric filters.
    pub log_groups: Vec<String>,
}

/// A guard's words.
struct Words {
    name: &'static str,
    watches: &'static str,
    runbook: &'static str,
}

macro_rules! guard {
    ($name:literal, $watches:literal, $runbook:literal, $parts:expr) => {{
        let words = Words { name: $name, watches: $watches, runbook: $runbook };
        let parts: Vec<Part> = $parts(&words);
        let samples = include_str!(concat!("samples/", $name, ".json"));
        Guard { name: words.name, watches: words.watches, runbook: words.runbook, parts, samples }
    }};
}

/// All guards, for a place.
pub fn guards(place: &Place) -> Vec<Guard> {
    let mut guards = of_states();
    guards.extend(of_rights());
    guards.extend(of_use());
    guards.extend(of_limits());
    guards[0].parts.extend(filters::unusable_key_used(&place.log_groups));
    guards
}

fn of_states() -> Vec<Guard> {
    vec![
        guard!(
            "unusable-key-used",
            "Somebody asked for a key that is pending deletion or disabled.",
            "Find out who still needs the key (keywatch usage KEY). If it is needed: CancelKeyDeletion, EnableKey. If not: move that caller to another key before the waiting period ends.",
            rules::unusable_key_used
        ),
        guard!(
            "deletion-scheduled",
            "The deletion of a key was scheduled.",
            "Check that it was meant, and keywatch deletion-readiness KEY. CancelKeyDeletion and EnableKey undo it until the waiting period ends; after that nothing does.",
            rules::deletion_scheduled
        ),
        guard!(
            "key-disabled",
            "A key was disabled.",
            "Check that it was meant; what uses the key fails from now on. EnableKey undoes it.",
            rules::key_disabled
        ),
        guard!(
            "material-deleted",
            "Imported key material was deleted, or expired.",
            "Until the same material is imported again (ImportKeyMaterial) everything encrypted under it is unreadable. Check who did it, or why nobody imported it in time.",
            rules::material_deleted
        ),
        guard!(
            "material-expires",
            "Imported key material expires within 30, 7 or 1 days.",
            "Import the same material again with a later expiry, or without one (GetParametersForImport, ImportKeyMaterial).",
            alarms::material_expires
        ),
        guard!(
            "rotation-overdue",
            "A key's material was not rotated in time: a week more than its rotation period, or than a year where none is set.",
            "EnableKeyRotation, or RotateKeyOnDemand; for imported material import new material and rotate to it.",
            rules::rotation_overdue
        ),
    ]
}

fn of_rights() -> Vec<Guard> {
    vec![
        guard!(
            "policy-changed",
            "A key policy changed who may do what.",
            "The message names who gained and who lost which actions. Undo with PutKeyPolicy what nobody asked for, and see what the new rights were used for (keywatch usage KEY).",
            rules::policy_changed
        ),
        guard!(
            "open-grant",
            "A grant binds its holder to no encryption context, or gives a key to another account.",
            "See the grant with ListGrants. RevokeGrant ends it at once; grants of services that integrate with KMS have constraints.",
            rules::open_grant
        ),
        guard!(
            "access-denied-burst",
            "A principal was refused ten times within five minutes.",
            "keywatch search --principal ARN --error AccessDenied shows which keys and from where. Either a deployment lacks a permission, or somebody tries doors.",
            alarms::access_denied_burst
        ),
        guard!(
            "first-seen-principal",
            "A principal used a key that others have used for a day or more, for the first time.",
            "Check that the principal should have access to this data. If not: take the right away (key policy, grant, IAM policy) and look at what it read.",
            rules::first_seen_principal
        ),
    ]
}

fn of_use() -> Vec<Guard> {
    vec![
        guard!(
            "runaway-use",
            "A key is used more than 10,000 times in five minutes.",
            "keywatch usage KEY shows who. Look for a loop, a missing cache of data keys, or bulk reading; a Deny in the key policy stops it.",
            alarms::runaway_use
        ),
        guard!(
            "decrypt-share",
            "What part of a key's use is decrypting differs by 25 percentage points or more from the week before, for an hour.",
            "More decrypting: a restore, a migration, or somebody carries data off. More encrypting: a new writer, or somebody locks data up. keywatch usage KEY shows who.",
            rules::decrypt_share
        ),
        guard!(
            "re-encrypt-burst",
            "Ten or more ciphertexts were re-encrypted to a key within a day of the first.",
            "Whoever holds the destination key can read the data from now on. Check that the move is planned and whose key it is; deny kms:ReEncryptFrom on the source key to stop it.",
            rules::re_encrypt_burst
        ),
        guard!(
            "silent-key-used",
            "A key was used after thirty days or more without use.",
            "Old data is being read. Check who (keywatch usage KEY) and why now.",
            rules::silent_key_used
        ),
    ]
}

fn of_limits() -> Vec<Guard> {
    vec![
        guard!(
            "quota-near",
            "KMS requests reach 80 % of the account's request quota in the Region.",
            "Cache data keys, spread the load, or ask for a higher quota before callers are throttled. AWS/Usage CallCount shows the trend.",
            alarms::quota
        ),
        guard!(
            "trail-stopped",
            "A trail was stopped, deleted or told to log less; a digest is late; or an imported log file contradicts its digest.",
            "StartLogging, or restore the trail, its bucket and selectors. Prove what was delivered with keywatch verify, and treat the gap as unseen.",
            rules::trail_stopped
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_short_enough() {
        let place = Place { log_groups: vec!["trail".into()] };
        let guards = guards(&place);
        assert_eq!(guards.len(), 16);
        let mut names = BTreeSet::new();
        for guard in &guards {
            assert!(!guard.parts.is_empty(), "{}", guard.name);
            for part in &guard.parts {
                assert!(part.name.starts_with(&format!("{NAME_PREFIX}{}", guard.name)), "{}", part.name);
                assert!(
                    part.name.len() <= 64 && names.insert((part.kind, part.name.clone())),
                    "{}",
                    part.name
                );
            }
            let described = guard.watches.len() + guard.runbook.len();
            assert!(described < 500, "a rule's description has 512 characters: {}", guard.name);
        }
    }
}
