//! # Policies: the language and its decisions
//! A **policy document** says who may do what to which resource under which conditions; **evaluation** turns a request and the
//! documents that apply into a decision. Everything here is pure: values in, values out.
//! **Not here:** where documents are stored (`identities`, and the services for their resources), grants (`kms`).

mod condition;
mod document;
mod evaluate;
mod json;
mod matching;
mod position;
mod principal;
mod request;

pub use condition::Condition;
pub use document::{DOCUMENT_BYTES_MAX, Effect, PolicyDocument, PolicyError, PolicyKind, Statement};
pub use evaluate::{Decision, Policies, Reason, ResourceSide, Side, evaluate, matched};
pub use position::{Place, Span, statement_spans};
pub use principal::{Naming, PrincipalName, Principals};
pub use request::{ConditionKeys, Environment, KeyList, NoKeys, Request, Subject, SubjectKind, Values};
