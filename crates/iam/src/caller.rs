//! Who is calling: the identity behind a request after its signature was verified.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::{AccountId, Arn};

use crate::policy::{PolicyDocument, Subject, SubjectKind};

/// A verified caller, as policies and records see it. Built once per credential and shared.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: AccountId,
    /// `arn:aws:iam::A:user/Alice`, `arn:aws:iam::A:root`, `arn:aws:sts::A:assumed-role/R/S`, `arn:aws:sts::A:federated-user/N`; for a service its principal.
    pub arn: String,
    /// `aws:userid`: the account id of root, `AIDA…` of a user, `AROA…:session` of a role session, `A:name` of a federated user.
    pub user_id: String,
    pub kind: CallerKind,
    /// The access key that signed; `None` for a service.
    pub access_key_id: Option<String>,
    /// When temporary credentials were issued; `None` for long-term ones.
    pub session_since: Option<Timestamp>,
    /// Principal and session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of the session tags that go on to the sessions of roles this session assumes.
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    /// Inline and attached policies of the user or of the session's role, parsed once.
    pub identity_policies: Vec<Arc<PolicyDocument>>,
    /// The permissions boundary of the user or of the session's role.
    pub boundary: Option<Arc<PolicyDocument>>,
    /// Policies given when the session began; `None` when none were.
    pub session_policies: Option<Vec<Arc<PolicyDocument>>>,
}

/// What kind of identity it is, with what only that kind has.
#[derive(Clone, Debug)]
pub enum CallerKind {
    Root,
    User {
        name: String,
    },
    /// A session of a user under another name (`GetFederationToken`).
    Federated {
        user_name: String,
        /// `arn:aws:iam::A:user/path/Name`
        user_arn: String,
        /// `AIDA…`
        user_id: String,
        /// The name of the session.
        name: String,
    },
    /// A session of a role (`AssumeRole`).
    Role {
        role_name: String,
        /// `arn:aws:iam::A:role/path/Name`
        role_arn: String,
        /// `AROA…`
        role_id: String,
        session_name: String,
    },
    /// A service acting for itself: `cloudtrail.amazonaws.com`.
    Service,
}

impl Caller {
    /// The root user of an account.
    pub fn root(account: &AccountId, access_key_id: Option<String>) -> Self {
        Caller {
            account: account.clone(),
            arn: Arn::root(account).to_string(),
            user_id: account.to_string(),
            kind: CallerKind::Root,
            access_key_id,
            session_since: None,
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            identity_policies: Vec::new(),
            boundary: None,
            session_policies: None,
        }
    }

    pub fn is_root(&self) -> bool {
        matches!(self.kind, CallerKind::Root)
    }

    /// `userName` of records and `Username` of event history.
    pub fn user_name(&self) -> &str {
        match &self.kind {
            CallerKind::Root => "root",
            CallerKind::User { name } | CallerKind::Federated { name, .. } => name,
            CallerKind::Role { session_name, .. } => session_name,
            CallerKind::Service => &self.arn,
        }
    }

    /// The caller as policy evaluation takes it.
    pub fn subject(&self) -> Subject<'_> {
        let (kind, role_arn, user_name) = match &self.kind {
            CallerKind::Root => (SubjectKind::Root, None, None),
            CallerKind::User { name } => (SubjectKind::User, None, Some(name.as_str())),
            CallerKind::Federated { user_arn, .. } => {
                (SubjectKind::FederatedUser, Some(user_arn.as_str()), None)
            }
            CallerKind::Role { role_arn, .. } => (SubjectKind::RoleSession, Some(role_arn.as_str()), None),
            CallerKind::Service => return Subject::service(&self.arn),
        };
        Subject {
            kind,
            account: self.account.as_str(),
            arn: &self.arn,
            role_arn,
            user_id: &self.user_id,
            user_name,
            tags: &self.tags,
            source_identity: self.source_identity.as_deref(),
            session_since: self.session_since,
        }
    }
}
