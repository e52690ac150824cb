//! Who is calling: the signature over the exact bytes received, and the words for refusing it.

pub mod authenticate;
pub mod canonical;
pub mod chunks;
pub mod claim;
pub mod signer;
pub mod sigv4;
