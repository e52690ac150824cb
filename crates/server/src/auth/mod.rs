//! Who is calling: the signature over the exact bytes received, and the words for refusing it.

pub mod canonical;
pub mod claim;
pub mod sigv4;
