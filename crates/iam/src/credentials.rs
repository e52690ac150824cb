//! # Credentials: who is behind an access key
//! An access key id leads to a **credential**: the caller with its policies, and the secret that verifies its signatures. Long-term keys are
//! rows, temporary ones open their session token, and the root key of the default account is given at the start.
//! **Invariants:** a credential is as fresh as the store: a cached one counts only while no user, group, role, policy, access key or
//! revocation has changed since it was made; an expired session is refused whatever is cached.
//! **Not here:** signatures (`server`), what the caller may do (`policy`).

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::iam::access_keys::AccessKeyStatus;
use keywatch_api::{AccountId, Arn, SecretText};
use keywatch_crypto::RootKeyring;
use keywatch_crypto::digest::{constant_time_eq, sha256};
use keywatch_store::{Kind, Store, StoreError, Versioned, decode};
use quick_cache::sync::Cache;

use crate::identity::{
    ACCESS_KEY, AccessKeyRecord, GROUP, GroupRecord, InlinePolicies, POLICY, PolicyRecord, ROLE, RoleRecord,
    USER, UserRecord, aws_managed, name_key,
};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::revocation::{REVOKED, RevokedRecord};
use crate::session::{Session, SessionIdentity};
use crate::{Caller, CallerKind};

/// Credentials kept at hand; each takes a few kilobytes with its policies.
const CACHED_MAX: usize = 10_000;

const EVERYTHING: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The root access key of an account, which is not in the store.
#[derive(Debug)]
pub struct RootAccessKey {
    pub account: AccountId,
    pub access_key_id: String,
    pub secret: SecretText,
}

/// A caller and the secret its requests are signed with.
pub struct Credential {
    pub caller: Arc<Caller>,
    pub secret: SecretText,
    /// When a session ends.
    expires: Option<Timestamp>,
    /// SHA-256 of the session token.
    token: Option<[u8; 32]>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("caller", &self.caller.arn).finish_non_exhaustive()
    }
}

/// Why an access key leads to nobody.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// No such key, an inactive or revoked one, a token that is missing or not the key's, or whose identity is gone
    /// (`InvalidClientTokenId`, `UnrecognizedClientException`).
    #[error("The security token included in the request is invalid.")]
    Invalid,
    /// `ExpiredToken`, `ExpiredTokenException`
    #[error("The security token included in the request is expired")]
    Expired,
    /// Our own trouble: nobody can be told apart now.
    #[error("credentials cannot be read: {0}")]
    Unavailable(String),
}

impl From<StoreError> for CredentialError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Finds credentials; see the module documentation. One for the whole server.
pub struct Credentials {
    store: Store,
    keyring: Arc<RootKeyring>,
    root: Arc<Credential>,
    root_access_key_id: String,
    cache: Cache<String, (Generations, Arc<Credential>)>,
}

/// What the store had seen when a credential was made.
type Generations = [u64; 6];

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("root", &self.root_access_key_id).finish_non_exhaustive()
    }
}

impl Credentials {
    pub fn new(store: Store, keyring: Arc<RootKeyring>, root: RootAccessKey) -> Self {
        let caller = Caller::root(&root.account, Some(root.access_key_id.clone()));
        Self {
            store,
            keyring,
            root: Arc::new(Credential {
                caller: Arc::new(caller),
                secret: root.secret,
                expires: None,
                token: None,
            }),
            root_access_key_id: root.access_key_id,
            cache: Cache::new(CACHED_MAX),
        }
    }

    /// The credential of `access_key_id` at `now`. `token` is what came as `X-Amz-Security-Token`.
    pub async fn resolve(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<Credential>, CredentialError> {
        if access_key_id == self.root_access_key_id {
            return if token.is_none() { Ok(self.root.clone()) } else { Err(CredentialError::Invalid) };
        }
        // Taken before anything is read: a change in between makes the entry stale, never the other way round.
        let generations =
            [USER, GROUP, ROLE, POLICY, ACCESS_KEY, REVOKED].map(|kind| self.store.generation(kind));
        let cached = self.cache.get(access_key_id).filter(|(made, _)| *made == generations);
        let found = match cached {
            Some((_, credential)) if credential.is_of(token) => credential,
            _ => {
                let made = Arc::new(self.make(access_key_id, token, now).await?);
                self.cache.insert(access_key_id.to_owned(), (generations, made.clone()));
                made
            }
        };
        match found.expires {
            Some(expires) if expires <= now => Err(CredentialError::Expired),
            _ => Ok(found),
        }
    }

    async fn make(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Credential, CredentialError> {
        match token {
            None => self.long_term(access_key_id).await,
            Some(token) => {
                let opened = Session::open(token, access_key_id, &self.keyring);
                let (session, secret) = opened.map_err(|_| CredentialError::Invalid)?;
                // Before its identity is looked for: an expired session of a deleted role is expired.
                if session.expires <= now {
                    return Err(CredentialError::Expired);
                }
                if self.read::<RevokedRecord>(REVOKED, access_key_id).await?.is_some() {
                    return Err(CredentialError::Invalid);
                }
                let expires = Some(session.expires);
                let caller = Arc::new(self.session_caller(access_key_id, session).await?);
                Ok(Credential { caller, secret, expires, token: Some(sha256(token.as_bytes())) })
            }
        }
    }

    async fn long_term(&self, access_key_id: &str) -> Result<Credential, CredentialError> {
        let key: AccessKeyRecord =
            self.read(ACCESS_KEY, access_key_id).await?.ok_or(CredentialError::Invalid)?;
        if key.status != AccessKeyStatus::Active {
            return Err(CredentialError::Invalid);
        }
        let user = self.user(&key.account, &key.user_name, &key.user_id).await?;
        let caller = self.user_caller(&key.account, user, access_key_id).await?;
        let secret = key.secret(access_key_id, &self.keyring);
        let secret = secret.map_err(|cause| CredentialError::Unavailable(cause.to_string()))?;
        Ok(Credential { caller: Arc::new(caller), secret, expires: None, token: None })
    }

    async fn session_caller(&self, access_key_id: &str, session: Session) -> Result<Caller, CredentialError> {
        let account = &session.account;
        let mut limits = Vec::new();
        let mut caller = match session.identity {
            SessionIdentity::Root => Caller::root(account, Some(access_key_id.to_owned())),
            SessionIdentity::User { name, id } => {
                let user = self.user(account, &name, &id).await?;
                self.user_caller(account, user, access_key_id).await?
            }
            SessionIdentity::Federated { name, id, federated_name } => {
                let user = self.user(account, &name, &id).await?;
                let caller = self.user_caller(account, user, access_key_id).await?;
                federated(caller, name, federated_name)
            }
            SessionIdentity::RootFederated { federated_name } => {
                // Root may everything, and so may its federated users within their session policies.
                let everything = self.managed(account, EVERYTHING).await?.into_iter().collect();
                let root = Caller::root(account, Some(access_key_id.to_owned()));
                federated(Caller { identity_policies: everything, ..root }, "root".to_owned(), federated_name)
            }
            SessionIdentity::Role { name, id, session_name } => {
                let role: Option<RoleRecord> = self.read(ROLE, &name_key(account, &name)).await?;
                let role = role.filter(|role| role.id == id).ok_or(CredentialError::Invalid)?;
                self.role_caller(account, role, session_name, access_key_id).await?
            }
        };
        for text in &session.policies {
            let document = PolicyDocument::parse(PolicyKind::Identity, text).map_err(unreadable)?;
            limits.push(Arc::new(document));
        }
        for arn in &session.policy_arns {
            // What a deleted policy denied must not become allowed: the session ends with it.
            limits.push(self.managed(account, arn).await?.ok_or(CredentialError::Invalid)?);
        }
        // A federated user without session policies may nothing (STS API reference, "GetFederationToken").
        let is_limited = !limits.is_empty() || matches!(caller.kind, CallerKind::Federated { .. });
        caller.session_policies = is_limited.then_some(limits);
        caller.session_since = Some(session.issued);
        caller.source_identity = session.source_identity;
        // Session tags take the place of the identity's own tags of the same key.
        caller.tags.retain(|(key, _)| !session.tags.iter().any(|(new, _)| new.eq_ignore_ascii_case(key)));
        caller.tags.extend(session.tags);
        caller.transitive_tag_keys = session.transitive_tag_keys;
        Ok(caller)
    }

    /// The user with its own policies and those of its groups.
    async fn user_caller(
        &self,
        account: &AccountId,
        user: UserRecord,
        access_key_id: &str,
    ) -> Result<Caller, CredentialError> {
        let mut identity_policies = self.policies(account, &user.policies, &user.attached).await?;
        for name in &user.groups {
            let group: Option<GroupRecord> = self.read(GROUP, &name_key(account, name)).await?;
            // Between a change of the group and that of its members the caller is not known.
            let group =
                group.ok_or_else(|| CredentialError::Unavailable(format!("group {name} is missing")))?;
            identity_policies.extend(self.policies(account, &group.policies, &group.attached).await?);
        }
        Ok(Caller {
            account: account.clone(),
            arn: user.arn(account).to_string(),
            identity_policies,
            boundary: self.boundary(account, user.boundary.as_deref()).await?,
            tags: user.tags.pairs(),
            user_id: user.id,
            kind: CallerKind::User { name: user.name },
            access_key_id: Some(access_key_id.to_owned()),
            session_since: None,
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            session_policies: None,
        })
    }

    async fn role_caller(
        &self,
        account: &AccountId,
        role: RoleRecord,
        session_name: String,
        access_key_id: &str,
    ) -> Result<Caller, CredentialError> {
        Ok(Caller {
            account: account.clone(),
            arn: session_arn(account, &role.name, &session_name).to_string(),
            user_id: format!("{}:{session_name}", role.id),
            identity_policies: self.policies(account, &role.policies, &role.attached).await?,
            boundary: self.boundary(account, role.boundary.as_deref()).await?,
            tags: role.tags.pairs(),
            kind: CallerKind::Role {
                role_arn: role.arn(account).to_string(),
                role_name: role.name,
                role_id: role.id,
                session_name,
            },
            access_key_id: Some(access_key_id.to_owned()),
            session_since: None,
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            session_policies: None,
        })
    }

    /// Inline and attached policies. One that is named and missing is our own trouble: it may deny.
    async fn policies(
        &self,
        account: &AccountId,
        inline: &InlinePolicies,
        attached: &[String],
    ) -> Result<Vec<Arc<PolicyDocument>>, CredentialError> {
        let mut documents = inline.documents().map_err(unreadable)?;
        for arn in attached {
            let document = self.managed(account, arn).await?;
            documents.push(document.ok_or_else(|| missing(arn))?);
        }
        Ok(documents)
    }

    async fn boundary(
        &self,
        account: &AccountId,
        arn: Option<&str>,
    ) -> Result<Option<Arc<PolicyDocument>>, CredentialError> {
        match arn {
            Some(arn) => self.managed(account, arn).await?.map(Some).ok_or_else(|| missing(arn)),
            None => Ok(None),
        }
    }

    /// The policy that counts of a managed policy.
    async fn managed(
        &self,
        account: &AccountId,
        arn: &str,
    ) -> Result<Option<Arc<PolicyDocument>>, CredentialError> {
        if let Some(policy) = aws_managed::find(arn) {
            return Ok(Some(policy.document.clone()));
        }
        let name = arn.rsplit('/').next().unwrap_or_default();
        let found: Option<PolicyRecord> = self.read(POLICY, &name_key(account, name)).await?;
        let found = found.filter(|policy| policy.arn(account).to_string() == arn);
        found.map(|policy| policy.document().map_err(unreadable)).transpose()
    }

    /// The user of that name if it still is the one with that id.
    async fn user(&self, account: &AccountId, name: &str, id: &str) -> Result<UserRecord, CredentialError> {
        let user: Option<UserRecord> = self.read(USER, &name_key(account, name)).await?;
        user.filter(|user| user.id == id).ok_or(CredentialError::Invalid)
    }

    async fn read<T: Versioned>(&self, kind: Kind, key: &str) -> Result<Option<T>, StoreError> {
        self.store.get(kind, key).await?.map(|row| decode(&row.bytes)).transpose()
    }
}

impl Credential {
    /// Whether this was made from that token, or from none.
    fn is_of(&self, token: Option<&str>) -> bool {
        match (&self.token, token) {
            (None, None) => true,
            (Some(known), Some(token)) => constant_time_eq(known, &sha256(token.as_bytes())),
            _ => false,
        }
    }
}

/// The user as a federated user: the same policies under another name.
fn federated(user: Caller, user_name: String, federated_name: String) -> Caller {
    Caller {
        arn: federated_arn(&user.account, &federated_name).to_string(),
        user_id: format!("{}:{federated_name}", user.account),
        kind: CallerKind::Federated {
            user_name,
            user_arn: user.arn,
            user_id: user.user_id,
            name: federated_name,
        },
        // Tags of the user are not those of its sessions.
        tags: Vec::new(),
        ..user
    }
}

/// `arn:aws:sts::A:assumed-role/Role/session`, without the role's path.
pub(crate) fn session_arn(account: &AccountId, role_name: &str, session_name: &str) -> Arn {
    Arn::new("sts", "", account.as_str(), format!("assumed-role/{role_name}/{session_name}"))
}

/// `arn:aws:sts::A:federated-user/name`
pub(crate) fn federated_arn(account: &AccountId, name: &str) -> Arn {
    Arn::new("sts", "", account.as_str(), format!("federated-user/{name}"))
}

fn missing(arn: &str) -> CredentialError {
    CredentialError::Unavailable(format!("the policy {arn} is named and missing"))
}

/// A stored policy that does not parse must not be taken for no policy: it may deny.
fn unreadable(error: crate::policy::PolicyError) -> CredentialError {
    CredentialError::Unavailable(format!("a stored policy is not one: {error}"))
}
