//! What a new key policy gives to whom and takes from whom. Pure.
//!
//! Actions are compared as sets of KMS's operations, so `kms:*` instead of `kms:Decrypt` takes nothing away. Statements are told apart by
//! principal and condition; a right without condition covers the same right under one. What statements give to everyone (`*`) is
//! told as that: whether others lose by it is for a reader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use keywatch_api::kms::KmsOperation;
use serde::Serialize;
use serde_json::Value;

/// Rights listed of a change; a key policy has at most 32 KiB.
const RIGHTS_MAX: usize = 50;
/// Rights and actions named in a summary.
const SUMMARY_RIGHTS: usize = 8;
const SUMMARY_ACTIONS: usize = 6;

/// What is gained and lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub gained: Vec<Right>,
    pub lost: Vec<Right>,
}

/// Actions of a principal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    pub principal: String,
    /// `kms:Decrypt`; all of KMS's are `kms:*`.
    pub actions: Vec<String>,
    /// The statement's, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// By a statement that denies: lost when it came, gained when it went.
    pub denied: bool,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }

    /// One sentence for people.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for (verb, rights) in [("gained", &self.gained), ("lost", &self.lost)] {
            for right in rights.iter().take(SUMMARY_RIGHTS) {
                let mut actions =
                    right.actions.iter().take(SUMMARY_ACTIONS).cloned().collect::<Vec<_>>().join(", ");
                if right.actions.len() > SUMMARY_ACTIONS {
                    actions += &format!(" and {} more", right.actions.len() - SUMMARY_ACTIONS);
                }
                let condition = if right.condition.is_some() { " under a condition" } else { "" };
                let denied = if right.denied { " (by a Deny)" } else { "" };
                parts.push(format!("{} {verb} {actions}{condition}{denied}", right.principal));
            }
            if rights.len() > SUMMARY_RIGHTS {
                parts.push(format!("{} more {verb} rights", rights.len() - SUMMARY_RIGHTS));
            }
        }
        parts.join("; ")
    }
}

/// Compares policies; an unknown one before counts as one that gives nothing, and a text that is no policy too.
pub fn change(before: Option<&str>, after: &str) -> Change {
    let (before, after) = (before.map(Rights::of).unwrap_or_default(), Rights::of(after));
    let mut change = Change::default();
    change.gained.extend(after.allows.beyond(&before.allows, false));
    change.gained.extend(before.denies.beyond(&after.denies, true));
    change.lost.extend(before.allows.beyond(&after.allows, false));
    change.lost.extend(after.denies.beyond(&before.denies, true));
    change.gained.truncate(RIGHTS_MAX);
    change.lost.truncate(RIGHTS_MAX);
    change
}

#[derive(Default)]
struct Rights {
    allows: Table,
    denies: Table,
}

/// Actions by principal and condition.
#[derive(Default)]
struct Table(BTreeMap<(String, Option<String>), BTreeSet<String>>);

impl Rights {
    fn of(policy: &str) -> Self {
        let mut rights = Self::default();
        let Ok(policy) = serde_json::from_str::<Value>(policy) else { return rights };
        for statement in several(&policy["Statement"]) {
            let table = match statement["Effect"].as_str() {
                Some("Allow") => &mut rights.allows,
                Some("Deny") => &mut rights.denies,
                _ => continue,
            };
            let condition = &statement["Condition"];
            let condition = condition.as_object().filter(|members| !members.is_empty());
            let condition = condition.map(|members| Value::Object(members.clone()).to_string());
            let actions = actions(statement);
            for principal in principals(statement) {
                table.0.entry((principal, condition.clone())).or_default().extend(actions.iter().cloned());
            }
        }
        rights
    }
}

impl Table {
    /// What is in this table and not in the other one.
    fn beyond(&self, other: &Self, denied: bool) -> Vec<Right> {
        let none = BTreeSet::new();
        let mut rights = Vec::new();
        for ((principal, condition), actions) in &self.0 {
            let same = other.0.get(&(principal.clone(), condition.clone())).unwrap_or(&none);
            let without = other.0.get(&(principal.clone(), None)).unwrap_or(&none);
            let is_new = |action: &&String| !same.contains(*action) && !without.contains(*action);
            let new: Vec<String> = actions.iter().filter(is_new).cloned().collect();
            if new.is_empty() {
                continue;
            }
            let actions =
                if ALL.iter().all(|action| new.contains(action)) { vec!["kms:*".into()] } else { new };
            rights.push(Right {
                principal: principal.clone(),
                actions,
                condition: condition.clone(),
                denied,
            });
        }
        rights
    }
}

static ALL: LazyLock<Vec<String>> =
    LazyLock::new(|| KmsOperation::ALL.iter().map(|operation| operation.info().action()).collect());

/// A value or an array of values.
fn several(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn principals(statement: &Value) -> Vec<String> {
    let named = |value: &Value| -> Vec<String> {
        match value {
            Value::String(everyone) => vec![everyone.clone()],
            Value::Object(kinds) => kinds
                .values()
                .flat_map(|names| several(names).iter().filter_map(Value::as_str).map(account_root))
                .collect(),
            _ => Vec::new(),
        }
    };
    let but = named(&statement["NotPrincipal"]);
    if but.is_empty() {
        named(&statement["Principal"])
    } else {
        vec![format!("everyone but {}", but.join(", "))]
    }
}

/// An account's number means its root.
fn account_root(name: &str) -> String {
    let is_number = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("arn:aws:iam::{name}:root") } else { name.to_owned() }
}

/// The operations that `Action` or `NotAction` means; a pattern that means none stays as it is.
fn actions(statement: &Value) -> BTreeSet<String> {
    let but: Vec<&str> = several(&statement["NotAction"]).iter().filter_map(Value::as_str).collect();
    if !but.is_empty() {
        return ALL
            .iter()
            .filter(|action| !but.iter().any(|pattern| is_like(action, pattern)))
            .cloned()
            .collect();
    }
    let mut actions = BTreeSet::new();
    for pattern in several(&statement["Action"]).iter().filter_map(Value::as_str) {
        let before = actions.len();
        actions.extend(ALL.iter().filter(|action| is_like(action, pattern)).cloned());
        if actions.len() == before && !ALL.iter().any(|action| is_like(action, pattern)) {
            actions.insert(pattern.to_owned());
        }
    }
    actions
}

/// Whether an action matches a pattern with `*` and `?`; letters' case does not matter.
fn is_like(action: &str, pattern: &str) -> bool {
    let (action, pattern) = (action.as_bytes(), pattern.as_bytes());
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < action.len() {
        if pattern.get(of) == Some(&b'*') {
            star = Some((of, at));
            of += 1;
        } else if pattern
            .get(of)
            .is_some_and(|wanted| *wanted == b'?' || wanted.eq_ignore_ascii_case(&action[at]))
        {
            (at, of) = (at + 1, of + 1);
        } else if let Some((back, from)) = star {
            star = Some((back, from + 1));
            (at, of) = (from + 1, back + 1);
        } else {
            return false;
        }
    }
    pattern[of..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str =
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*"}"#;

    fn policy(statements: &[&str]) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
    }

    fn allow(principal: &str, actions: &str, more: &str) -> String {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":{actions}{more}}}"#)
    }

    #[track_caller]
    fn check(before: &[&str], after: &[&str], want: &str) {
        assert_eq!(change(Some(&policy(before)), &policy(after)).summary(), want);
    }

    #[test]
    fn who_gains_and_loses() {
        let decrypts = allow("arn:aws:iam::111122223333:role/a", r#"["kms:Decrypt","kms:Encrypt"]"#, "");
        let only = allow("arn:aws:iam::111122223333:role/a", r#""kms:Decrypt""#, "");
        check(&[ROOT], &[ROOT], "");
        check(&[ROOT], &[ROOT, &only], "arn:aws:iam::111122223333:role/a gained kms:Decrypt");
        check(&[ROOT, &decrypts], &[ROOT, &only], "arn:aws:iam::111122223333:role/a lost kms:Encrypt");
        check(&[ROOT, &only], &[&only], "arn:aws:iam::111122223333:root lost kms:*");
        let number = allow("111122223333", r#""KMS:*""#, "");
        check(&[ROOT], &[&number], "");
        let all = allow("arn:aws:iam::111122223333:role/a", r#""kms:De*""#, "");
        let change = change(Some(&policy(&[&only])), &policy(&[&all]));
        assert!(change.lost.is_empty(), "{change:?}");
        assert!(change.gained[0].actions.contains(&"kms:DescribeKey".to_owned()));
    }

    #[test]
    fn conditions_and_denials() {
        let more = r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
        let bound = allow("arn:aws:iam::111122223333:role/a", r#""kms:Decrypt""#, more);
        let free = allow("arn:aws:iam::111122223333:role/a", r#""kms:Decrypt""#, "");
        check(&[&bound], &[&free], "arn:aws:iam::111122223333:role/a gained kms:Decrypt");
        check(&[&free], &[&bound], "arn:aws:iam::111122223333:role/a lost kms:Decrypt");
        check(&[], &[&bound], "arn:aws:iam::111122223333:role/a gained kms:Decrypt under a condition");
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"kms:ScheduleKeyDeletion"}"#;
        check(&[ROOT], &[ROOT, deny], "* lost kms:ScheduleKeyDeletion (by a Deny)");
        check(&[ROOT, deny], &[ROOT], "* gained kms:ScheduleKeyDeletion (by a Deny)");
        let but = r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"kms:D*"}"#;
        let change = change(None, &policy(&[but]));
        assert_eq!(change.lost[0].principal, "everyone but arn:aws:iam::111122223333:root");
        assert!(!change.lost[0].actions.contains(&"kms:Decrypt".to_owned()));
    }

    #[test]
    fn what_is_no_policy_gives_nothing() {
        assert!(change(None, "no json").is_empty());
        assert!(change(Some("[]"), "{}").is_empty());
        check(
            &[],
            &[r#"{"Effect":"Allow","Principal":"*","Action":"kms:NoSuchThing"}"#],
            "* gained kms:NoSuchThing",
        );
    }

    #[test]
    fn patterns() {
        for (action, pattern, want) in [
            ("kms:Decrypt", "kms:*", true),
            ("kms:Decrypt", "*", true),
            ("kms:Decrypt", "KMS:decrypt", true),
            ("kms:Decrypt", "kms:?ecrypt", true),
            ("kms:Decrypt", "kms:*crypt", true),
            ("kms:Decrypt", "kms:*crypto", false),
            ("kms:Decrypt", "kms:Decryp", false),
            ("kms:ReEncryptFrom", "kms:ReEncrypt*", true),
        ] {
            assert_eq!(is_like(action, pattern), want, "{pattern}");
        }
    }
}
