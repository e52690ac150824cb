//! The built binary through its front door: a real store in a temporary directory, requests over real sockets, and the
//! answers and records that callers see. One binary; modules by subject.

mod auth;
mod client;
mod clock;
mod command_line;
mod connections;
mod key_evidence;
mod outbox;
mod protocols;
mod records;
mod search_trail;
mod server;
mod sweeps;
mod tls;
