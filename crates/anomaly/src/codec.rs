//! State as bytes: one description of a part's fields serves writing and reading.
//!
//! The form is a version byte and then the fields one after another, little endian. Lengths are never stored: they are
//! the program's. Reading stops at the first thing that is wrong, and the caller gets [`NotAState`].

use std::fmt;

/// Bytes are not a state of this version of the detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAState;

impl fmt::Display for NotAState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these bytes are not the state of a detector of this version")
    }
}

impl std::error::Error for NotAState {}

/// Writes fields, or reads them into their places.
#[derive(Debug)]
pub(crate) enum Codec<'a> {
    Write(Vec<u8>),
    /// What is left to read, or `None` once something was wrong.
    Read(Option<&'a [u8]>),
}

impl Codec<'_> {
    fn take<const N: usize>(&mut self, put: [u8; N]) -> Option<[u8; N]> {
        match self {
            Self::Write(bytes) => {
                bytes.extend_from_slice(&put);
                None
            }
            Self::Read(left) => {
                let split = left.and_then(|bytes| bytes.split_first_chunk::<N>());
                *left = split.map(|(_, rest)| rest);
                split.map(|(taken, _)| *taken)
            }
        }
    }

    fn refuse(&mut self) {
        if let Self::Read(left) = self {
            *left = None;
        }
    }

    pub(crate) fn f64(&mut self, value: &mut f64) {
        if let Some(read) = self.take(value.to_le_bytes()).map(f64::from_le_bytes) {
            if read.is_finite() { *value = read } else { self.refuse() }
        }
    }

    pub(crate) fn u64(&mut self, value: &mut u64) {
        if let Some(read) = self.take(value.to_le_bytes()) {
            *value = u64::from_le_bytes(read);
        }
    }

    pub(crate) fn version(&mut self, version: u8) {
        if self.take([version]).is_some_and(|read| read != [version]) {
            self.refuse();
        }
    }

    pub(crate) fn f32s(&mut self, values: &mut [f32]) {
        for value in values {
            if let Some(read) = self.take(value.to_le_bytes()).map(f32::from_le_bytes) {
                if read.is_finite() { *value = read } else { self.refuse() }
            }
        }
    }

    /// Whether everything was read, and nothing is left.
    pub(crate) fn whole(&self) -> bool {
        matches!(self, Self::Write(_) | Self::Read(Some([])))
    }
}
