//! # Requests as policies see them
//! A **subject** is who calls, an **environment** is how and when, **condition keys** are what the service adds
//! (`kms:EncryptionContext:…`, `aws:ResourceTag/…`). The global keys (`aws:PrincipalArn`, `aws:SourceIp`, …) are derived here,
//! lazily: a policy without conditions costs nothing.
//! **Invariant:** global keys of the subject and the environment cannot be overridden by a service's own keys; only a simulation's can.
//! **Not here:** who the caller is (`credentials`), what is allowed (`evaluate`).

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;

/// The values of one condition key. Lists never satisfy operators without a set qualifier, not even with one member.
#[derive(Clone, Debug, PartialEq)]
pub enum Values<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl<'a> Values<'a> {
    pub fn one(value: impl Into<Cow<'a, str>>) -> Self {
        Self::One(value.into())
    }

    pub fn bool(value: bool) -> Self {
        Self::One(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    pub fn many<T: Into<Cow<'a, str>>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Many(values.into_iter().map(Into::into).collect())
    }

    pub(super) fn as_slice(&self) -> &[Cow<'a, str>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// The condition keys a service adds to a request.
pub trait ConditionKeys: Sync {
    /// The values of `key`, which is in lower case (condition keys are case-insensitive, the part after
    /// `kms:encryptioncontext:` and `aws:resourcetag/` included); `None` when the request has no such key.
    fn values(&self, key: &str) -> Option<Values<'_>>;

    /// Whether these keys are asked before the global ones: in simulations only, which know no caller and no connection.
    fn stand_for_global_keys(&self) -> bool {
        false
    }
}

/// No keys but the global ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl ConditionKeys for NoKeys {
    fn values(&self, _key: &str) -> Option<Values<'_>> {
        None
    }
}

/// A plain list of keys, for requests with few of them. Names are compared without regard to ASCII case.
#[derive(Clone, Debug, Default)]
pub struct KeyList<'a>(pub Vec<(Cow<'a, str>, Values<'a>)>);

impl<'a> KeyList<'a> {
    pub fn with(mut self, key: impl Into<Cow<'a, str>>, values: Values<'a>) -> Self {
        self.0.push((key.into(), values));
        self
    }
}

impl ConditionKeys for KeyList<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        let (_, values) = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        Some(values.clone())
    }
}

/// What kind of caller a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// The root user of an account.
    Root,
    User,
    /// A session of a user under another name (`GetFederationToken`).
    FederatedUser,
    /// A session of a role.
    RoleSession,
    /// An AWS service acting for itself, named by its service principal.
    Service,
    Anonymous,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    pub kind: SubjectKind,
    /// Twelve digits; empty for services and anonymous callers.
    pub account: &'a str,
    /// `arn:aws:iam::A:root`, `arn:aws:iam::A:user/p/n`, `arn:aws:sts::A:assumed-role/r/s`; a service's principal
    /// (`cloudtrail.amazonaws.com`); `anonymous`.
    pub arn: &'a str,
    /// Whose session it is: `arn:aws:iam::A:role/p/r` of a role session, `arn:aws:iam::A:user/p/u` of a federated user's.
    pub role_arn: Option<&'a str>,
    /// `aws:userid`: the account (root), `AIDA…` (user), `AROA…:session` (role session).
    pub user_id: &'a str,
    /// Users only.
    pub user_name: Option<&'a str>,
    /// Principal and session tags.
    pub tags: &'a [(String, String)],
    pub source_identity: Option<&'a str>,
    /// When the temporary credentials were issued; `None` for long-term ones.
    pub session_since: Option<Timestamp>,
}

impl Subject<'_> {
    /// A caller without credentials.
    pub const ANONYMOUS: Subject<'static> = Subject {
        kind: SubjectKind::Anonymous,
        account: "",
        arn: "anonymous",
        role_arn: None,
        user_id: "anonymous",
        user_name: None,
        tags: &[],
        source_identity: None,
        session_since: None,
    };

    /// The service principal `name`, such as `events.amazonaws.com`.
    pub fn service(name: &str) -> Subject<'_> {
        Subject { kind: SubjectKind::Service, arn: name, user_id: name, ..Subject::ANONYMOUS }
    }

    /// `AIDA…` or `AROA…` when the subject has one: what a policy may name instead of an ARN.
    pub(super) fn unique_id(&self) -> Option<&str> {
        match self.kind {
            SubjectKind::User => Some(self.user_id),
            SubjectKind::RoleSession => self.user_id.split(':').next(),
            SubjectKind::Root
            | SubjectKind::FederatedUser
            | SubjectKind::Service
            | SubjectKind::Anonymous => None,
        }
    }

    /// `aws:PrincipalArn`: the role of a session, otherwise the caller itself.
    fn principal_arn(&self) -> &str {
        match self.kind {
            SubjectKind::RoleSession => self.role_arn.unwrap_or(self.arn),
            _ => self.arn,
        }
    }
}

/// How and when the request came.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    pub now: Timestamp,
    pub region: &'a str,
    /// Absent when a service calls.
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
    pub secure_transport: bool,
    /// The service that calls for the caller, such as `s3.us-east-1.amazonaws.com`.
    pub via_service: Option<&'a str>,
}

impl Environment<'_> {
    /// The principal of the service that calls for the caller: `s3.amazonaws.com`.
    fn called_via(&self) -> Option<String> {
        let name = self.via_service?.split('.').next()?;
        Some(format!("{name}.amazonaws.com"))
    }
}

/// One question: may this subject do that?
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub subject: &'a Subject<'a>,
    /// `service:Action`, as the operation table spells it.
    pub action: &'a str,
    /// An ARN, or `*` for actions without a resource.
    pub resource: &'a str,
    /// The account that owns the resource; the caller's own for `*`.
    pub resource_account: &'a str,
    pub environment: &'a Environment<'a>,
    pub keys: &'a dyn ConditionKeys,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("subject", &self.subject.arn)
            .field("action", &self.action)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

impl<'a> Request<'a> {
    /// The values of a condition key given in lower case.
    pub(super) fn values(&self, key: &str) -> Option<Values<'a>> {
        if self.keys.stand_for_global_keys()
            && let Some(values) = self.keys.values(key)
        {
            return Some(values);
        }
        match key.strip_prefix("aws:").and_then(|global| self.global(global)) {
            Some(Global::Is(values)) => Some(values),
            Some(Global::Absent) => None,
            None => self.keys.values(key),
        }
    }

    /// The values of a condition key, in whatever case it is spelled.
    pub fn value(&self, key: &str) -> Option<Values<'a>> {
        self.values(&key.to_ascii_lowercase())
    }

    /// Whether the request has a condition key, in whatever case it is spelled.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The single value of a key, as policy variables take it: lists have none.
    pub(super) fn variable(&self, key: &str) -> Option<Cow<'a, str>> {
        match self.values(key)? {
            Values::One(value) => Some(value),
            Values::Many(_) => None,
        }
    }

    /// `None` when the key is not one of those derived here.
    fn global(&self, key: &str) -> Option<Global<'a>> {
        let subject = self.subject;
        if let Some(tag) = key.strip_prefix("principaltag/") {
            let tag = subject.tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag));
            return Some(Global::one(tag.map(|(_, value)| value.as_str())));
        }
        let has_account = !subject.account.is_empty();
        Some(match key {
            "principalarn" => Global::one(has_account.then(|| subject.principal_arn())),
            "principalaccount" => Global::one(has_account.then_some(subject.account)),
            "principaltype" => Global::one(principal_type(subject.kind)),
            "principalisawsservice" => Global::bool(subject.kind == SubjectKind::Service),
            "principalservicename" => {
                Global::one((subject.kind == SubjectKind::Service).then_some(subject.arn))
            }
            "userid" => Global::one(Some(subject.user_id)),
            "username" => Global::one(subject.user_name),
            "sourceidentity" => Global::one(subject.source_identity),
            "tokenissuetime" => Global::one(subject.session_since.map(rfc3339)),
            // Only temporary credentials say anything about a second factor, and ours never have one.
            "multifactorauthpresent" => Global::one(subject.session_since.map(|_| "false")),
            "multifactorauthage" => Global::Absent,
            "currenttime" => Global::one(Some(rfc3339(self.environment.now))),
            "epochtime" => Global::one(Some(self.environment.now.as_second().to_string())),
            "requestedregion" => Global::one(Some(self.environment.region)),
            "securetransport" => Global::bool(self.environment.secure_transport),
            "sourceip" => Global::one(self.environment.source_ip.map(|ip| ip.to_canonical().to_string())),
            "useragent" => Global::one(self.environment.user_agent),
            "viaawsservice" => Global::bool(self.environment.via_service.is_some()),
            "calledviafirst" | "calledvialast" => Global::one(self.environment.called_via()),
            "calledvia" => match self.environment.called_via() {
                Some(service) => Global::Is(Values::many([service])),
                None => Global::Absent,
            },
            "resourceaccount" => Global::one(Some(self.resource_account)),
            _ => return None,
        })
    }
}

enum Global<'a> {
    Is(Values<'a>),
    Absent,
}

impl<'a> Global<'a> {
    fn one<T: Into<Cow<'a, str>>>(value: Option<T>) -> Self {
        value.map_or(Self::Absent, |value| Self::Is(Values::one(value)))
    }

    fn bool(value: bool) -> Self {
        Self::Is(Values::bool(value))
    }
}

fn principal_type(kind: SubjectKind) -> Option<&'static str> {
    match kind {
        SubjectKind::Root => Some("Account"),
        SubjectKind::User => Some("User"),
        SubjectKind::FederatedUser => Some("FederatedUser"),
        SubjectKind::RoleSession => Some("AssumedRole"),
        SubjectKind::Service => None,
        SubjectKind::Anonymous => Some("Anonymous"),
    }
}

/// Whole seconds, as AWS writes `aws:CurrentTime`.
fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values_of(subject: &Subject<'_>, key: &str) -> Option<String> {
        let environment = Environment {
            now: "2026-11-22T10:11:12.9Z".parse().unwrap(),
            region: "eu-west-1",
            source_ip: Some("::ffff:192.0.2.7".parse().unwrap()),
            user_agent: None,
            secure_transport: true,
            via_service: Some("s3.eu-west-1.amazonaws.com"),
        };
        let keys = KeyList::default()
            .with("aws:PrincipalAccount", Values::one("forged"))
            .with("aws:TagKeys", Values::many(["a", "b"]))
            .with("kms:ViaService", Values::one("s3.eu-west-1.amazonaws.com"));
        let request = Request {
            subject,
            action: "kms:Decrypt",
            resource: "*",
            resource_account: "222222222222",
            environment: &environment,
            keys: &keys,
        };
        request.values(key).map(|values| values.as_slice().join("+"))
    }

    #[track_caller]
    fn check(subject: &Subject<'_>, key: &str, want: Option<&str>) {
        assert_eq!(values_of(subject, key).as_deref(), want, "{key}");
    }

    #[test]
    fn keys_of_a_role_session() {
        let tags = vec![("Team".to_owned(), "blue".to_owned())];
        let session = Subject {
            kind: SubjectKind::RoleSession,
            account: "111111111111",
            arn: "arn:aws:sts::111111111111:assumed-role/r/s",
            role_arn: Some("arn:aws:iam::111111111111:role/p/r"),
            user_id: "AROAEXAMPLE:s",
            user_name: None,
            tags: &tags,
            source_identity: Some("me"),
            session_since: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        };
        check(&session, "aws:principalarn", Some("arn:aws:iam::111111111111:role/p/r"));
        check(&session, "aws:principalaccount", Some("111111111111"));
        check(&session, "aws:principaltype", Some("AssumedRole"));
        check(&session, "aws:principaltag/team", Some("blue"));
        check(&session, "aws:principaltag/other", None);
        check(&session, "aws:userid", Some("AROAEXAMPLE:s"));
        check(&session, "aws:username", None);
        check(&session, "aws:sourceidentity", Some("me"));
        check(&session, "aws:tokenissuetime", Some("2026-11-22T10:00:00Z"));
        check(&session, "aws:multifactorauthpresent", Some("false"));
        check(&session, "aws:principalisawsservice", Some("false"));
        assert_eq!(session.unique_id(), Some("AROAEXAMPLE"));
    }

    #[test]
    fn keys_of_the_environment_and_the_service() {
        let anonymous = Subject::ANONYMOUS;
        check(&anonymous, "aws:currenttime", Some("2026-11-22T10:11:12Z"));
        check(&anonymous, "aws:epochtime", Some("1795342272"));
        check(&anonymous, "aws:requestedregion", Some("eu-west-1"));
        check(&anonymous, "aws:securetransport", Some("true"));
        check(&anonymous, "aws:sourceip", Some("192.0.2.7"));
        check(&anonymous, "aws:viaawsservice", Some("true"));
        check(&anonymous, "aws:calledvia", Some("s3.amazonaws.com"));
        check(&anonymous, "aws:calledvialast", Some("s3.amazonaws.com"));
        check(&anonymous, "aws:useragent", None);
        check(&anonymous, "aws:resourceaccount", Some("222222222222"));
        check(&anonymous, "aws:tagkeys", Some("a+b"));
        check(&anonymous, "kms:viaservice", Some("s3.eu-west-1.amazonaws.com"));
        check(&anonymous, "aws:nonsense", None);
    }

    #[test]
    fn services_cannot_forge_global_keys() {
        check(&Subject::ANONYMOUS, "aws:principalaccount", None);
        let service = Subject::service("events.amazonaws.com");
        check(&service, "aws:principalisawsservice", Some("true"));
        check(&service, "aws:principalservicename", Some("events.amazonaws.com"));
        check(&service, "aws:principalarn", None);
    }
}
