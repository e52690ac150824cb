//! From bytes on a socket to an operation's request, and back.
//!
//! Nouns: a [`Peer`] (who is at the other end of a connection), the three protocols (JSON, query, CBOR), a route
//! (service and operation) and a reply. No domain rule lives here.

pub mod accept;
pub mod answer;
pub mod api_call;
pub mod body;
pub mod dispatch;
pub mod header;
pub mod operation;
pub mod reply;
pub mod route;
pub mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// An IPv4 address as such, also when it came over an IPv6 socket.
    pub ip: IpAddr,
    /// The same, as records show it.
    pub ip_text: String,
    /// What was agreed for the connection; absent on plain connections.
    pub tls: Option<Arc<tls::TlsFacts>>,
}

impl Peer {
    pub fn new(address: SocketAddr, tls: Option<Arc<tls::TlsFacts>>) -> Self {
        let ip = address.ip().to_canonical();
        Self { ip, ip_text: ip.to_string(), tls }
    }
}
