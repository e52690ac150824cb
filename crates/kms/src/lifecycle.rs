//! # States and what they permit
//! Which act a key's state and origin permit, and the transitions between states; a transition consumes the key it changes.
//! Source: KMS developer guide, "Key states of AWS KMS keys", its table and its footnotes.
//! **Not here:** material and its rotation (`materials`), who may act (`access`).

use jiff::Timestamp;
use keywatch_api::kms::sets::Origin;

use crate::due::days_after;
use crate::error::KmsError;
use crate::key::{Key, State};

/// What callers do to keys, as far as states tell acts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A cryptographic operation.
    Use,
    GetPublicKey,
    /// `EnableKey`, `DisableKey`
    EnableOrDisable,
    /// `EnableKeyRotation`, `DisableKeyRotation`
    SetRotation,
    ReadRotationStatus,
    RotateOnDemand,
    GetImportParameters,
    ImportMaterial,
    DeleteMaterial,
    ScheduleDeletion,
    CancelDeletion,
    /// An alias that is created for or moved to the key, its tags, its description.
    Change,
    /// `ReplicateKey`
    Replicate,
    /// `UpdatePrimaryRegion`
    UpdatePrimary,
}

/// Why a key does not permit an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Disabled,
    PendingDeletion,
    NotPendingDeletion,
    PendingImport,
    PendingReplicaDeletion,
    Creating,
    Updating,
    WrongOrigin(Origin),
}

impl Refusal {
    /// The error, in the words of the footnotes.
    pub(crate) fn of(self, key: &Key) -> KmsError {
        let arn = key.arn();
        match self {
            Refusal::Disabled => KmsError::Disabled(format!("{arn} is disabled.")),
            Refusal::PendingDeletion => KmsError::InvalidState(format!("{arn} is pending deletion.")),
            Refusal::NotPendingDeletion => KmsError::InvalidState(format!("{arn} is not pending deletion.")),
            Refusal::PendingImport => KmsError::InvalidState(format!("{arn} is pending import.")),
            Refusal::PendingReplicaDeletion => {
                KmsError::InvalidState(format!("{arn} is pending replica deletion."))
            }
            Refusal::Creating => KmsError::InvalidState(format!("{arn} is creating.")),
            Refusal::Updating => KmsError::InvalidState(format!("{arn} is updating.")),
            Refusal::WrongOrigin(origin) => KmsError::Unsupported(format!(
                "{arn} origin is {origin} which is not valid for this operation."
            )),
        }
    }
}

/// Whether a key in `state` and of `origin` permits `act`.
pub(crate) fn permit(act: Act, state: &State, origin: Origin) -> Result<(), Refusal> {
    let imported = origin == Origin::External;
    match act {
        Act::SetRotation if imported => return Err(Refusal::WrongOrigin(origin)),
        Act::GetImportParameters | Act::ImportMaterial | Act::DeleteMaterial if !imported => {
            return Err(Refusal::WrongOrigin(origin));
        }
        _ => {}
    }
    match (state, act) {
        (State::Creating { .. }, Act::DeleteMaterial) => Err(Refusal::Creating),
        (State::Updating { .. }, Act::DeleteMaterial) => Err(Refusal::Updating),
        (_, Act::DeleteMaterial) => Ok(()),
        (State::PendingDeletion { .. }, Act::CancelDeletion | Act::ReadRotationStatus) => Ok(()),
        (State::PendingDeletion { .. }, _) => Err(Refusal::PendingDeletion),
        (State::PendingReplicaDeletion { .. }, Act::CancelDeletion | Act::ReadRotationStatus) => Ok(()),
        (State::PendingReplicaDeletion { .. }, _) => Err(Refusal::PendingReplicaDeletion),
        (_, Act::CancelDeletion) => Err(Refusal::NotPendingDeletion),
        (State::Enabled, _) => Ok(()),
        (State::Creating { .. } | State::Updating { .. }, Act::Change | Act::ReadRotationStatus) => Ok(()),
        (State::Creating { .. }, Act::ScheduleDeletion) => Ok(()),
        (State::Creating { .. }, _) => Err(Refusal::Creating),
        (
            State::Updating { .. },
            Act::EnableOrDisable | Act::GetImportParameters | Act::ScheduleDeletion | Act::Replicate,
        ) => Err(Refusal::Updating),
        (State::Updating { .. }, _) => Ok(()),
        (
            State::Disabled,
            Act::Use | Act::SetRotation | Act::RotateOnDemand | Act::Replicate | Act::UpdatePrimary,
        ) => Err(Refusal::Disabled),
        (
            State::PendingImport,
            Act::Use
            | Act::EnableOrDisable
            | Act::SetRotation
            | Act::RotateOnDemand
            | Act::Replicate
            | Act::UpdatePrimary,
        ) => Err(Refusal::PendingImport),
        (State::PendingImport, Act::ReadRotationStatus) => Err(Refusal::WrongOrigin(origin)),
        (
            State::Disabled | State::PendingImport,
            Act::GetPublicKey
            | Act::EnableOrDisable
            | Act::ReadRotationStatus
            | Act::GetImportParameters
            | Act::ImportMaterial
            | Act::ScheduleDeletion
            | Act::Change,
        ) => Ok(()),
    }
}

impl State {
    pub(crate) fn is_pending_deletion(&self) -> bool {
        matches!(self, State::PendingDeletion { .. } | State::PendingReplicaDeletion { .. })
    }
}

impl Key {
    /// The refusal of `act`, if it is refused.
    pub(crate) fn permit(&self, act: Act) -> Result<(), KmsError> {
        // Footnote 7, whose text AWS leaves empty: only symmetric encryption keys rotate.
        if !self.is_symmetric() && matches!(act, Act::SetRotation | Act::RotateOnDemand) {
            return Err(KmsError::Unsupported(String::new()));
        }
        let for_primaries = match act {
            Act::Replicate | Act::UpdatePrimary => !self.is_primary(),
            Act::SetRotation | Act::RotateOnDemand => self.is_replica(),
            _ => false,
        };
        if for_primaries {
            return Err(self.not_primary());
        }
        permit(act, &self.state, self.origin).map_err(|refusal| refusal.of(self))
    }

    pub(crate) fn enable(self) -> Result<Self, KmsError> {
        self.permit(Act::EnableOrDisable)?;
        Ok(Key { state: State::Enabled, ..self })
    }

    pub(crate) fn disable(self) -> Result<Self, KmsError> {
        self.permit(Act::EnableOrDisable)?;
        Ok(Key { state: State::Disabled, ..self })
    }

    /// A primary with replicas waits for them before its own waiting period begins.
    pub(crate) fn schedule_deletion(self, window_days: i32, now: Timestamp) -> Result<Self, KmsError> {
        self.permit(Act::ScheduleDeletion)?;
        let state = if self.has_replicas() {
            State::PendingReplicaDeletion { window_days }
        } else {
            State::PendingDeletion { due: days_after(now, window_days) }
        };
        Ok(Key { state, ..self })
    }

    /// After a replica has gone: nothing, or the waiting period of a primary that waited for the last of them.
    pub(crate) fn begin_own_period(self, now: Timestamp) -> Self {
        match self.state {
            State::PendingReplicaDeletion { window_days } if !self.has_replicas() => {
                Key { state: State::PendingDeletion { due: days_after(now, window_days) }, ..self }
            }
            _ => self,
        }
    }

    /// Whether this replica is in a state to become the primary.
    pub(crate) fn permit_becoming_primary(&self) -> Result<(), KmsError> {
        permit(Act::UpdatePrimary, &self.state, self.origin).map_err(|refusal| refusal.of(self))
    }

    /// The key is disabled afterwards whatever it was before; enabling it is the caller's next step. A key that lacks material
    /// pends its import, since it could not be enabled.
    pub(crate) fn cancel_deletion(self) -> Result<Self, KmsError> {
        self.permit(Act::CancelDeletion)?;
        let state = if self.lacks_material() { State::PendingImport } else { State::Disabled };
        Ok(Key { state, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One column of the guide's table for one origin: `ok`, or the number of the footnote.
    #[track_caller]
    fn check(state: &State, origin: Origin, want: &[(Act, &str)]) {
        for (act, want) in want {
            let got = match permit(*act, state, origin) {
                Ok(()) => "ok",
                Err(Refusal::Disabled) => "1",
                Err(Refusal::PendingDeletion | Refusal::PendingReplicaDeletion) => "3",
                Err(Refusal::Creating) => "14",
                Err(Refusal::Updating) => "15",
                Err(Refusal::NotPendingDeletion) => "4",
                Err(Refusal::PendingImport) => "5",
                Err(Refusal::WrongOrigin(Origin::External)) => "6",
                Err(Refusal::WrongOrigin(_)) => "9",
            };
            assert_eq!(got, *want, "{act:?} of {state:?} with origin {origin}");
        }
    }

    const PENDING: State = State::PendingDeletion { due: Timestamp::UNIX_EPOCH };

    fn rows(cells: [&'static str; 13]) -> Vec<(Act, &'static str)> {
        let acts = [
            Act::Use,
            Act::EnableOrDisable,
            Act::SetRotation,
            Act::ReadRotationStatus,
            Act::RotateOnDemand,
            Act::GetImportParameters,
            Act::ImportMaterial,
            Act::DeleteMaterial,
            Act::ScheduleDeletion,
            Act::CancelDeletion,
            Act::Change,
            Act::Replicate,
            Act::UpdatePrimary,
        ];
        acts.into_iter().zip(cells).collect()
    }

    #[test]
    fn keys_with_generated_material() {
        let origin = Origin::AwsKms;
        check(
            &State::Enabled,
            origin,
            &rows(["ok", "ok", "ok", "ok", "ok", "9", "9", "9", "ok", "4", "ok", "ok", "ok"]),
        );
        check(
            &State::Disabled,
            origin,
            &rows(["1", "ok", "1", "ok", "1", "9", "9", "9", "ok", "4", "ok", "1", "1"]),
        );
        check(&PENDING, origin, &rows(["3", "3", "3", "ok", "3", "9", "9", "9", "3", "ok", "3", "3", "3"]));
    }

    #[test]
    fn keys_with_imported_material() {
        let origin = Origin::External;
        check(
            &State::Enabled,
            origin,
            &rows(["ok", "ok", "6", "ok", "ok", "ok", "ok", "ok", "ok", "4", "ok", "ok", "ok"]),
        );
        check(
            &State::Disabled,
            origin,
            &rows(["1", "ok", "6", "ok", "1", "ok", "ok", "ok", "ok", "4", "ok", "1", "1"]),
        );
        // An import into a key that pends deletion is footnote 8, whose text is that of 3.
        check(&PENDING, origin, &rows(["3", "3", "6", "ok", "3", "3", "3", "ok", "3", "ok", "3", "3", "3"]));
        check(
            &State::PendingImport,
            origin,
            &rows(["5", "5", "6", "6", "5", "ok", "ok", "ok", "ok", "4", "ok", "5", "5"]),
        );
    }

    #[test]
    fn keys_of_families() {
        let (creating, updating) = (
            State::Creating { until: Timestamp::UNIX_EPOCH },
            State::Updating { until: Timestamp::UNIX_EPOCH },
        );
        let waiting = State::PendingReplicaDeletion { window_days: 7 };
        let origin = Origin::AwsKms;
        check(
            &creating,
            origin,
            &rows(["14", "14", "14", "ok", "14", "9", "9", "9", "ok", "4", "ok", "14", "14"]),
        );
        check(
            &updating,
            origin,
            &rows(["ok", "15", "ok", "ok", "ok", "9", "9", "9", "15", "4", "ok", "15", "ok"]),
        );
        check(&waiting, origin, &rows(["3", "3", "3", "ok", "3", "9", "9", "9", "3", "ok", "3", "3", "3"]));
        check(
            &updating,
            Origin::External,
            &rows(["ok", "15", "6", "ok", "ok", "15", "ok", "15", "15", "4", "ok", "15", "ok"]),
        );
    }

    #[test]
    fn refusals_read_as_recorded_from_aws() {
        let key = crate::testing::key();
        let arn = key.arn();
        for (refusal, code, text) in [
            (Refusal::Disabled, "DisabledException", "is disabled."),
            (Refusal::PendingDeletion, "KMSInvalidStateException", "is pending deletion."),
            (Refusal::NotPendingDeletion, "KMSInvalidStateException", "is not pending deletion."),
            (Refusal::PendingImport, "KMSInvalidStateException", "is pending import."),
            (Refusal::PendingReplicaDeletion, "KMSInvalidStateException", "is pending replica deletion."),
            (Refusal::Creating, "KMSInvalidStateException", "is creating."),
            (Refusal::Updating, "KMSInvalidStateException", "is updating."),
            (
                Refusal::WrongOrigin(Origin::AwsKms),
                "UnsupportedOperationException",
                "origin is AWS_KMS which is not valid for this operation.",
            ),
        ] {
            let error = refusal.of(&key);
            assert_eq!(keywatch_api::WireError::code(&error), code);
            assert_eq!(error.to_string(), format!("{arn} {text}"));
        }
    }

    #[test]
    fn transitions() {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let due = "2026-12-22T00:00:00Z".parse().unwrap();
        let key = crate::testing::key();
        let disabled = key.disable().unwrap();
        assert_eq!(disabled.state, State::Disabled);
        let enabled = disabled.enable().unwrap();
        assert_eq!(enabled.state, State::Enabled);
        let pending = enabled.schedule_deletion(30, now).unwrap();
        assert_eq!(pending.state, State::PendingDeletion { due });
        let cancelled = pending.cancel_deletion().unwrap();
        assert_eq!(cancelled.state, State::Disabled);
        let empty = Key { materials: Vec::new(), origin: Origin::External, ..cancelled };
        let pending = empty.schedule_deletion(30, now).unwrap();
        assert_eq!(pending.cancel_deletion().unwrap().state, State::PendingImport);
    }
}
