//! # Principals in policies
//! Who a statement of a resource or trust policy speaks about. **Naming an account** (`arn:aws:iam::A:root` or its number) gives
//! to that account's root user and lets the account's own identity policies give to the rest; **naming a principal** gives directly.
//! **Invariant:** a wildcard stands only for everyone (`*`), never for part of an ARN.
//! **Not here:** whether a named principal exists (`identities`).

use super::document::{PolicyError, texts};
use super::json::Json;
use super::matching::arn_parts;
use super::request::{Subject, SubjectKind};

/// The `Principal` or `NotPrincipal` element.
#[derive(Clone, Debug, PartialEq)]
pub struct Principals {
    named: Vec<PrincipalName>,
    /// `NotPrincipal`.
    negated: bool,
}

/// One principal as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalName {
    /// `*` or `{"AWS": "*"}`: everyone, with or without credentials.
    Everyone,
    /// An account, by number or root ARN; the number.
    Account(String),
    /// A user, role, assumed-role session or federated user.
    Arn(String),
    /// `AIDA…`, `AROA…`: what is left of a name once its principal is deleted.
    UniqueId(String),
    /// A service principal such as `events.amazonaws.com`.
    Service(String),
    /// Identity providers and canonical users: accepted, and nobody here is one.
    Other(String),
}

/// How closely a statement names a caller; the stronger the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// Its account: identity policies of that account decide further, except for its root user.
    Account,
    /// Its role, or everyone: a direct permission, which a session policy still limits.
    Direct,
    /// Exactly this user or session, which no session policy limits.
    Exact,
}

impl Principals {
    pub(super) fn parse(value: Json, negated: bool) -> Result<Self, PolicyError> {
        let named = match value {
            Json::Text(text) if text == "*" => vec![PrincipalName::Everyone],
            Json::Object(kinds) => {
                let mut named = Vec::new();
                for (kind, value) in kinds {
                    for name in texts(value)? {
                        named.push(principal_name(&kind, name)?);
                    }
                }
                named
            }
            _ => return Err(PolicyError::Syntax),
        };
        if named.is_empty() {
            return Err(PolicyError::Missing("Principal"));
        }
        Ok(Self { named, negated })
    }

    /// The principals as named, for checks that they exist.
    pub fn named(&self) -> &[PrincipalName] {
        &self.named
    }

    /// Whether an allowing statement speaks about `subject`, and how closely.
    pub(super) fn allows(&self, subject: &Subject<'_>) -> Option<Naming> {
        let closest = self.named.iter().filter_map(|name| name.names(subject)).max();
        if self.negated { closest.is_none().then_some(Naming::Direct) } else { closest }
    }

    /// Whether a denying statement speaks about `subject`. With `NotPrincipal` a caller is spared only when all its names are
    /// listed: its account, its role if it is a session, and itself (IAM user guide, "NotPrincipal with Deny").
    pub(super) fn denies(&self, subject: &Subject<'_>) -> bool {
        if !self.negated {
            return self.named.iter().any(|name| name.names(subject).is_some());
        }
        if self.named.contains(&PrincipalName::Everyone) {
            return false;
        }
        let listed = |naming: Naming| self.named.iter().any(|name| name.names(subject) == Some(naming));
        !match subject.kind {
            SubjectKind::Root | SubjectKind::Service => listed(Naming::Exact),
            SubjectKind::User => listed(Naming::Account) && listed(Naming::Exact),
            SubjectKind::RoleSession | SubjectKind::FederatedUser => {
                listed(Naming::Account) && listed(Naming::Direct) && listed(Naming::Exact)
            }
            SubjectKind::Anonymous => false,
        }
    }
}

impl PrincipalName {
    fn names(&self, subject: &Subject<'_>) -> Option<Naming> {
        match self {
            Self::Everyone => Some(Naming::Direct),
            Self::Account(account) => (account == subject.account).then_some(match subject.kind {
                SubjectKind::Root => Naming::Exact,
                _ => Naming::Account,
            }),
            Self::Arn(arn) if arn == subject.arn => Some(Naming::Exact),
            Self::Arn(arn) => (Some(arn.as_str()) == subject.role_arn).then_some(Naming::Direct),
            Self::UniqueId(id) => (Some(id.as_str()) == subject.unique_id()).then_some(match subject.kind {
                SubjectKind::RoleSession => Naming::Direct,
                _ => Naming::Exact,
            }),
            Self::Service(name) => {
                (subject.kind == SubjectKind::Service && name == subject.arn).then_some(Naming::Exact)
            }
            Self::Other(_) => None,
        }
    }
}

fn principal_name(kind: &str, name: String) -> Result<PrincipalName, PolicyError> {
    let invalid = |name: &str| PolicyError::Principal(format!("\"{kind}\":\"{name}\""));
    match kind {
        "AWS" => aws_principal(&name).ok_or_else(|| invalid(&name)),
        "Service" if name.contains('.') && !name.contains(['*', '?', ' ']) => {
            Ok(PrincipalName::Service(name))
        }
        "Federated" | "CanonicalUser" if !name.is_empty() => Ok(PrincipalName::Other(name)),
        "Service" | "Federated" | "CanonicalUser" => Err(invalid(&name)),
        _ => Err(PolicyError::Syntax),
    }
}

fn aws_principal(name: &str) -> Option<PrincipalName> {
    if name == "*" {
        return Some(PrincipalName::Everyone);
    }
    if is_account(name) {
        return Some(PrincipalName::Account(name.to_owned()));
    }
    if is_unique_id(name) {
        return Some(PrincipalName::UniqueId(name.to_owned()));
    }
    let [_, partition, service, region, account, resource] = arn_parts(name)?;
    if !partition.starts_with("aws") || !region.is_empty() || !is_account(account) {
        return None;
    }
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    match (service, kind) {
        ("iam", "root") if rest.is_empty() => Some(PrincipalName::Account(account.to_owned())),
        ("iam", "user" | "role") | ("sts", "assumed-role" | "federated-user")
            if !rest.is_empty() && !rest.contains(['*', '?']) =>
        {
            Some(PrincipalName::Arn(name.to_owned()))
        }
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_unique_id(text: &str) -> bool {
    (text.starts_with("AIDA") || text.starts_with("AROA"))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, want: Result<&[PrincipalName], &str>) {
        let parsed = Principals::parse(Json::parse(json).unwrap(), false);
        let got = parsed.as_ref().map(Principals::named).map_err(ToString::to_string);
        assert_eq!(got, want.map_err(ToOwned::to_owned), "{json}");
    }

    #[test]
    fn names() {
        use PrincipalName::*;
        check(r#""*""#, Ok(&[Everyone]));
        check(r#"{"AWS":"*"}"#, Ok(&[Everyone]));
        check(r#"{"AWS":"123456789012"}"#, Ok(&[Account("123456789012".into())]));
        check(r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, Ok(&[Account("123456789012".into())]));
        let user = "arn:aws:iam::123456789012:user/p/u";
        check(&format!(r#"{{"AWS":["{user}"]}}"#), Ok(&[Arn(user.into())]));
        check(r#"{"AWS":"AROA1234567890123456"}"#, Ok(&[UniqueId("AROA1234567890123456".into())]));
        check(
            r#"{"Service":"events.amazonaws.com","Federated":"x"}"#,
            Ok(&[Service("events.amazonaws.com".into()), Other("x".into())]),
        );
    }

    #[test]
    fn not_names() {
        check(r#"{"AWS":"Alice"}"#, Err(r#"Invalid principal in policy: "AWS":"Alice""#));
        for name in [
            "12345678901",
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:iam::*:root",
            "arn:aws:iam::123456789012:group/g",
            "arn:aws:iam::123456789012:user/",
            "arn:aws:s3:::b",
            "arn:aws:iam:us-east-1:123456789012:user/u",
            "",
            "arn:aws:iam::123456789012:root/x",
        ] {
            let text = format!(r#"Invalid principal in policy: "AWS":"{name}""#);
            check(&format!(r#"{{"AWS":"{name}"}}"#), Err(&text));
        }
        check(r#"{"Service":"*"}"#, Err(r#"Invalid principal in policy: "Service":"*""#));
        check(r#""Alice""#, Err("Syntax errors in policy."));
        check(r#"{"Everyone":"*"}"#, Err("Syntax errors in policy."));
        check(r#"{"AWS":[]}"#, Err("Missing required field Principal"));
        check("{}", Err("Missing required field Principal"));
    }
}
