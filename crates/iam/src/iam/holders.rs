//! Who uses a managed policy: the users, groups and roles of the account with what they have attached. Read whole; an account has some
//! thousands at most.

use keywatch_store::{Kind, Scan, Versioned};

use super::IamError;
use crate::Call;
use crate::identity::{GROUP, GroupRecord, ROLE, RoleRecord, USER, UserRecord, account_prefix};

const ROWS_AT_ONCE: usize = 1000;

/// A user, group or role.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) kind: HolderKind,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) path: String,
    attached: Vec<String>,
    boundary: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HolderKind {
    Group,
    User,
    Role,
}

impl Holder {
    pub(super) fn has_attached(&self, arn: &str) -> bool {
        self.attached.iter().any(|attached| attached == arn)
    }

    pub(super) fn is_bounded_by(&self, arn: &str) -> bool {
        self.boundary.as_deref() == Some(arn)
    }
}

/// Everyone of the account.
pub(super) async fn all(call: &mut Call<'_>) -> Result<Vec<Holder>, IamError> {
    let mut holders = Vec::new();
    let groups: Vec<GroupRecord> = rows(call, GROUP).await?;
    holders.extend(groups.into_iter().map(|group| Holder {
        kind: HolderKind::Group,
        name: group.name,
        id: group.id,
        path: group.path,
        attached: group.attached,
        boundary: None,
    }));
    let users: Vec<UserRecord> = rows(call, USER).await?;
    holders.extend(users.into_iter().map(|user| Holder {
        kind: HolderKind::User,
        name: user.name,
        id: user.id,
        path: user.path,
        attached: user.attached,
        boundary: user.boundary,
    }));
    let roles: Vec<RoleRecord> = rows(call, ROLE).await?;
    holders.extend(roles.into_iter().map(|role| Holder {
        kind: HolderKind::Role,
        name: role.name,
        id: role.id,
        path: role.path,
        attached: role.attached,
        boundary: role.boundary,
    }));
    Ok(holders)
}

/// All rows of a kind of the caller's account.
pub(super) async fn rows<T: Versioned>(call: &mut Call<'_>, kind: Kind) -> Result<Vec<T>, IamError> {
    let prefix = account_prefix(call.account());
    let mut after: Option<String> = None;
    let mut all = Vec::new();
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = call.tx.scan::<T>(kind, scan).await?;
        let complete = rows.len() < ROWS_AT_ONCE;
        after = rows.last().map(|(key, _)| key.clone());
        all.extend(rows.into_iter().map(|(_, record)| record));
        if complete {
            return Ok(all);
        }
    }
}
