//! Event history: which records a look-up asks for ([`Filter`]) and what it shows of them ([`Facts`]). Pure.

mod facts;
mod filter;

pub(crate) use facts::Facts;
pub(crate) use filter::Filter;
