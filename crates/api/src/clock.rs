//! Time is a parameter: whoever needs the time takes a [`Clock`].

use jiff::Timestamp;

/// Where the time comes from: the system, or a test that moves it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> Timestamp;
}
