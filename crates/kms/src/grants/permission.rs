//! What grants permit: the terms against a wish, purely; and the search among the grants of a caller.

use std::collections::BTreeMap;

use keywatch_api::Arn;
use keywatch_api::kms::grants::GrantConstraints;
use keywatch_api::kms::sets::GrantOperation;
use keywatch_iam::Caller;
use keywatch_store::{Kind, Store};

use super::{Grant, grantee_prefix, list};
use crate::error::KmsError;

/// Grants looked at in one go.
const GRANTS_READ: usize = 200;

type Pairs = BTreeMap<String, String>;

/// What a caller wants to do by a grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'w> {
    pub(crate) operation: GrantOperation,
    pub(crate) context: Option<&'w Pairs>,
    /// The resource for whose sake a service calls.
    pub(crate) source_arn: Option<&'w str>,
}

/// How a caller and a party of a grant belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// The party is the caller, or the role of its session.
    Itself,
    /// The party is the caller's account, which has to delegate by its own policies.
    Account,
}

impl Bond {
    /// `party` names an ARN or a service.
    pub(crate) fn of(caller: &Caller, party: &str) -> Option<Bond> {
        names(caller).find(|(name, _)| name == party).map(|(_, bond)| bond)
    }
}

/// Every name by which a grant may mean the caller.
fn names(caller: &Caller) -> impl Iterator<Item = (String, Bond)> {
    let subject = caller.subject();
    let role = subject.role_arn.map(|role| (role.to_owned(), Bond::Itself));
    let account = (!subject.account.is_empty() && !caller.is_root())
        .then(|| (Arn::root(&caller.account).to_string(), Bond::Account));
    [Some((caller.arn.clone(), Bond::Itself)), role, account].into_iter().flatten()
}

/// How the caller is bound to a grant on the key that `accepts` takes; a bond of its own before one of its account.
pub(crate) async fn permitting(
    store: &Store,
    index: Kind,
    key_row: &str,
    caller: &Caller,
    accepts: impl Fn(&Grant) -> bool,
) -> Result<Option<Bond>, KmsError> {
    for (name, bond) in names(caller) {
        let prefix = grantee_prefix(key_row, &name);
        let mut after: Option<String> = None;
        // Ends with the grantee's last grant, of which a key's limit allows only so many.
        loop {
            let grants = list(store, index, &prefix, after.as_deref(), GRANTS_READ).await?;
            if grants.iter().any(|(_, grant)| accepts(grant)) {
                return Ok(Some(bond));
            }
            if grants.len() < GRANTS_READ {
                break;
            }
            after = grants.into_iter().next_back().map(|(row, _)| row);
        }
    }
    Ok(None)
}

impl Grant {
    pub(crate) fn permits(&self, wish: &Wish<'_>) -> bool {
        self.terms.operations.contains(&wish.operation) && meets(&self.terms.constraints, wish)
    }

    /// Whether who holds this grant may give one with those operations and constraints: no more than it has itself.
    pub(crate) fn permits_child(
        &self,
        operations: impl IntoIterator<Item = GrantOperation>,
        constraints: &GrantConstraints,
    ) -> bool {
        self.terms.operations.contains(&GrantOperation::CreateGrant)
            && operations.into_iter().all(|operation| self.terms.operations.contains(&operation))
            && is_as_strict(constraints, &self.terms.constraints)
    }
}

/// Constraints on the context speak about operations that have one.
fn meets(constraints: &GrantConstraints, wish: &Wish<'_>) -> bool {
    use GrantOperation::*;
    let sourced = match (&constraints.source_arn, wish.operation) {
        (None, _) | (_, RetireGrant) => true,
        (Some(wanted), _) => wish.source_arn == Some(wanted.as_str()),
    };
    let contextual = match wish.operation {
        DescribeKey | RetireGrant | GetPublicKey => true,
        _ => {
            let empty = Pairs::new();
            let context = wish.context.unwrap_or(&empty);
            let equal = constraints.encryption_context_equals.as_ref().is_none_or(|pairs| pairs == context);
            let within =
                constraints.encryption_context_subset.as_ref().is_none_or(|pairs| contains(context, pairs));
            equal && within
        }
    };
    sourced && contextual
}

fn contains(whole: &Pairs, part: &Pairs) -> bool {
    part.iter().all(|(key, value)| whole.get(key) == Some(value))
}

/// Whether every request that meets `child` meets `parent`.
fn is_as_strict(child: &GrantConstraints, parent: &GrantConstraints) -> bool {
    let equals = child.encryption_context_equals.as_ref();
    let subset = child.encryption_context_subset.as_ref();
    let equal_kept = parent.encryption_context_equals.as_ref().is_none_or(|pairs| equals == Some(pairs));
    let subset_kept = parent
        .encryption_context_subset
        .as_ref()
        .is_none_or(|pairs| equals.or(subset).is_some_and(|own| contains(own, pairs)));
    let source_kept = parent.source_arn.is_none() || child.source_arn == parent.source_arn;
    equal_kept && subset_kept && source_kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::{Party, Terms};
    use GrantOperation::*;

    fn pairs(text: &str) -> Option<Pairs> {
        let pair = |pair: &str| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        (!text.is_empty()).then(|| text.split(',').filter_map(pair).collect())
    }

    fn constraints(equals: &str, subset: &str, source: Option<&str>) -> GrantConstraints {
        GrantConstraints {
            encryption_context_equals: pairs(equals),
            encryption_context_subset: pairs(subset),
            source_arn: source.map(str::to_owned),
        }
    }

    fn grant(operations: &[GrantOperation], constraints: GrantConstraints) -> Grant {
        let terms = Terms {
            name: None,
            grantee: Party::Principal("arn:aws:iam::111122223333:user/a".to_owned()),
            retiring: None,
            operations: operations.iter().copied().collect(),
            constraints,
        };
        let now = jiff::Timestamp::UNIX_EPOCH;
        Grant::new(&crate::testing::key(), "111122223333".parse().unwrap(), terms, now)
    }

    #[track_caller]
    fn check(grant: &Grant, operation: GrantOperation, context: &str, source_arn: Option<&str>, want: bool) {
        let context = pairs(context);
        let wish = Wish { operation, context: context.as_ref(), source_arn };
        assert_eq!(grant.permits(&wish), want, "{operation} {context:?} {source_arn:?}");
    }

    #[test]
    fn operations_and_constraints() {
        let free = grant(&[Encrypt], GrantConstraints::default());
        check(&free, Encrypt, "", None, true);
        check(&free, Encrypt, "a=1", None, true);
        check(&free, Decrypt, "", None, false);

        let equal = grant(&[Encrypt, DescribeKey], constraints("a=1,b=2", "", None));
        check(&equal, Encrypt, "b=2,a=1", None, true);
        check(&equal, Encrypt, "a=1", None, false);
        check(&equal, Encrypt, "a=1,b=2,c=3", None, false);
        check(&equal, Encrypt, "", None, false);
        check(&equal, DescribeKey, "", None, true);

        let subset = grant(&[Decrypt], constraints("", "a=1", None));
        check(&subset, Decrypt, "a=1,c=3", None, true);
        check(&subset, Decrypt, "A=1", None, false);
        check(&subset, Decrypt, "", None, false);

        let sourced = grant(&[Sign, DescribeKey, RetireGrant], constraints("", "", Some("arn:x")));
        check(&sourced, Sign, "", Some("arn:x"), true);
        check(&sourced, Sign, "", Some("arn:y"), false);
        check(&sourced, DescribeKey, "", None, false);
        check(&sourced, RetireGrant, "", None, true);
    }

    #[track_caller]
    fn child(parent: &Grant, operations: &[GrantOperation], limits: GrantConstraints, want: bool) {
        assert_eq!(parent.permits_child(operations.iter().copied(), &limits), want, "{limits:?}");
    }

    #[test]
    fn a_grant_gives_no_more_than_it_has() {
        let free = grant(&[CreateGrant, Encrypt], GrantConstraints::default());
        child(&free, &[Encrypt], GrantConstraints::default(), true);
        child(&free, &[Encrypt], constraints("", "a=1", None), true);
        child(&free, &[Encrypt, Decrypt], GrantConstraints::default(), false);
        child(&grant(&[Encrypt], GrantConstraints::default()), &[Encrypt], constraints("", "", None), false);

        let subset = grant(&[CreateGrant, Encrypt], constraints("", "a=1", None));
        child(&subset, &[Encrypt], GrantConstraints::default(), false);
        child(&subset, &[Encrypt], constraints("", "a=1,b=2", None), true);
        child(&subset, &[Encrypt], constraints("a=1,b=2", "", None), true);
        child(&subset, &[Encrypt], constraints("b=2", "", None), false);

        let equal = grant(&[CreateGrant, Encrypt], constraints("a=1", "", Some("arn:x")));
        child(&equal, &[Encrypt], constraints("a=1", "", Some("arn:x")), true);
        child(&equal, &[Encrypt], constraints("a=1", "", None), false);
        child(&equal, &[Encrypt], constraints("", "a=1", Some("arn:x")), false);
    }

    #[test]
    fn bonds() {
        let user = crate::testing::user("111122223333", "a", &[], "*");
        for (party, want) in [
            ("arn:aws:iam::111122223333:user/a", Some(Bond::Itself)),
            ("arn:aws:iam::111122223333:root", Some(Bond::Account)),
            ("arn:aws:iam::444455556666:root", None),
            ("arn:aws:iam::111122223333:user/b", None),
        ] {
            assert_eq!(Bond::of(&user, party), want, "{party}");
        }
        let root = crate::testing::root("111122223333");
        assert_eq!(Bond::of(&root, "arn:aws:iam::111122223333:root"), Some(Bond::Itself));
    }
}
