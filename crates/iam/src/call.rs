//! # A call
//! One request on its way through an operation: who asks, when and where; the [`Transaction`] it reads through and writes
//! into; and the [`Notes`] for its record. An operation returns its answer and leaves its changes in the transaction; the
//! server commits changes and record together and only then answers.
//!
//! **Invariant:** an operation does nothing to the world but through its transaction.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::describe::Shape;
use keywatch_api::{AccountId, Region, WireError, WireField};
use keywatch_store::{Partition, Transaction};

use crate::Caller;
use crate::notes::Notes;
use crate::policy::{ConditionKeys, Environment, NoKeys, Policies, Request, ResourceSide, evaluate};

/// One request, authenticated, while its operation runs.
#[derive(Debug)]
pub struct Call<'a> {
    pub now: Timestamp,
    pub region: Region,
    pub caller: Arc<Caller>,
    pub origin: Origin<'a>,
    pub tx: Transaction<'a>,
    pub notes: Notes,
}

/// Where a request came from and how it is told apart.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// A UUID: `x-amzn-RequestId`.
    pub request_id: &'a str,
    /// A UUID: `eventID` of the record.
    pub event_id: &'a str,
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
    pub secure_transport: bool,
    /// The server's own base URL (`http://127.0.0.1:4599`), for links in answers and mails.
    pub endpoint: &'a str,
    /// The service that calls for the caller (`kms:ViaService`), such as `s3.us-east-1.amazonaws.com`.
    pub via_service: Option<&'a str>,
}

/// The shape of the requests that a handler takes, for the tables' `request_shapes`.
pub fn request_shape_of<S, R: WireField, A>(_: impl AsyncFn(&mut Call<'_>, &S, R) -> A) -> Shape {
    R::describe()
}

/// A refusal, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessDenied(pub String);

/// What an authorisation asks, besides who asks.
#[derive(Clone, Copy)]
pub struct Question<'q> {
    /// `kms:Decrypt`
    pub action: &'q str,
    /// An ARN, or `*`.
    pub resource: &'q str,
    /// The account that owns the resource.
    pub owner: &'q AccountId,
    pub side: ResourceSide<'q>,
    /// A grant allows it.
    pub granted: bool,
    pub keys: &'q dyn ConditionKeys,
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question")
            .field("action", &self.action)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    /// The caller's account.
    pub fn account(&self) -> &AccountId {
        &self.caller.account
    }

    /// The name space of the caller's account in this Region.
    pub fn partition(&self) -> Partition {
        Partition::new(self.caller.account.as_str(), self.region.as_str())
    }

    /// Asks the policies that apply. Public text on refusal.
    pub fn authorize(&self, question: &Question<'_>) -> Result<(), AccessDenied> {
        self.ask(question, |request, policies| evaluate(request, policies).check(request))
            .map_err(AccessDenied)
    }

    /// Looks at a question and the policies that apply to it.
    pub(crate) fn ask<R>(
        &self,
        question: &Question<'_>,
        look: impl FnOnce(&Request<'_>, &Policies<'_>) -> R,
    ) -> R {
        let subject = self.caller.subject();
        let environment = Environment {
            now: self.now,
            region: self.region.as_str(),
            source_ip: self.origin.source_ip,
            user_agent: self.origin.user_agent,
            secure_transport: self.origin.secure_transport,
            via_service: self.origin.via_service,
        };
        let request = Request {
            subject: &subject,
            action: question.action,
            resource: question.resource,
            resource_account: question.owner.as_str(),
            environment: &environment,
            keys: question.keys,
        };
        let policies = Policies {
            identity: &self.caller.identity_policies,
            boundary: self.caller.boundary.as_deref(),
            session: self.caller.session_policies.as_deref(),
            resource: question.side,
            granted: question.granted,
        };
        look(&request, &policies)
    }

    /// For resources of the caller's own account without a policy of their own, and for actions on `*`.
    pub fn authorize_own(&self, action: &str, resource: &str) -> Result<(), AccessDenied> {
        self.authorize(&Question {
            action,
            resource,
            owner: &self.caller.account,
            side: ResourceSide::None,
            granted: false,
            keys: &NoKeys,
        })
    }
}

/// `AccessDeniedException` is 400 with JSON protocols, `AccessDenied` 403 with the query protocol; the wire layer knows.
impl WireError for AccessDenied {
    fn code(&self) -> Cow<'static, str> {
        "AccessDeniedException".into()
    }
    fn status(&self) -> u16 {
        400
    }
    fn message(&self) -> Option<String> {
        Some(self.0.clone())
    }
    fn query_code(&self) -> Option<Cow<'static, str>> {
        Some("AccessDenied".into())
    }
}
