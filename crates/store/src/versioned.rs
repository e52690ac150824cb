//! Stored records carry the version of their form and are upgraded when read.
//!
//! A row's bytes are the marker of the form, a line feed, and the value as JSON: `kms.key/2⏎{"id":…}`. The marker comes
//! first so that one look chooses the reader and the JSON is parsed once. **Invariant:** a form that was released stays
//! readable: its type is kept, frozen, in a `mod v1` beside the current one.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// A value that can be a state row. The first form needs only a marker:
///
/// ```
/// # use keywatch_store::Versioned;
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct AliasRecord { target: String }
///
/// impl Versioned for AliasRecord {
///     const MARKER: &'static str = "kms.alias/1";
/// }
/// ```
///
/// A later form says how to read the one before it, which knows how to read the one before that:
///
/// ```
/// # use keywatch_store::{Stored, StoreError, Versioned};
/// # mod v1 {
/// #     #[derive(serde::Serialize, serde::Deserialize)]
/// #     pub struct AliasRecord { pub target: String }
/// #     impl keywatch_store::Versioned for AliasRecord { const MARKER: &'static str = "kms.alias/1"; }
/// # }
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct AliasRecord { target: String, region: String }
///
/// impl Versioned for AliasRecord {
///     const MARKER: &'static str = "kms.alias/2";
///     fn upgrade(older: Stored<'_>) -> Result<Self, StoreError> {
///         let old: v1::AliasRecord = older.decode()?;
///         Ok(Self { target: old.target, region: "us-east-1".into() })
///     }
/// }
/// ```
pub trait Versioned: Serialize + DeserializeOwned {
    /// Names the record and the version of its form; without line feeds, unique in the program, never reused.
    const MARKER: &'static str;

    /// Reads a row whose marker is not this form's.
    fn upgrade(older: Stored<'_>) -> Result<Self, StoreError> {
        Err(older.unknown())
    }
}

/// A row's bytes, split into marker and value.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    marker: &'a str,
    json: &'a [u8],
}

impl<'a> Stored<'a> {
    fn split(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        Some(Self { marker: std::str::from_utf8(&bytes[..end]).ok()?, json: &bytes[end + 1..] })
    }

    /// The marker the row was written with.
    pub fn marker(&self) -> &'a str {
        self.marker
    }

    /// Reads the value as `T`, upgrading it when it is older still.
    pub fn decode<T: Versioned>(self) -> Result<T, StoreError> {
        if self.marker != T::MARKER {
            return T::upgrade(self);
        }
        // The cause is not kept: its text may quote the value, which may be a secret's neighbour.
        serde_json::from_slice(self.json).map_err(|cause| {
            StoreError::corrupt(format!(
                "a {} record at line {} column {}",
                T::MARKER,
                cause.line(),
                cause.column()
            ))
        })
    }

    /// The error of a marker nobody knows.
    pub fn unknown(&self) -> StoreError {
        StoreError::corrupt(format!("a record of the unknown form {:?}", self.marker))
    }
}

/// The bytes of a record in its current form. Fails only for a value JSON cannot express, such as a map whose keys are
/// not strings.
pub fn encode<T: Versioned>(record: &T) -> Result<Bytes, StoreError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(T::MARKER.as_bytes());
    bytes.push(b'\n');
    serde_json::to_writer(&mut bytes, record)
        .map_err(|cause| StoreError::database("encode a record", cause))?;
    Ok(bytes.into())
}

/// Reads a record written in this form or an older one.
pub fn decode<T: Versioned>(bytes: &[u8]) -> Result<T, StoreError> {
    Stored::split(bytes).ok_or_else(|| StoreError::corrupt("a record without a marker"))?.decode()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct First {
        on: bool,
    }
    impl Versioned for First {
        const MARKER: &'static str = "t/1";
    }

    #[derive(Serialize, Deserialize)]
    struct Second {
        state: String,
    }
    impl Versioned for Second {
        const MARKER: &'static str = "t/2";
        fn upgrade(older: Stored<'_>) -> Result<Self, StoreError> {
            let first: First = older.decode()?;
            Ok(Self { state: if first.on { "on" } else { "off" }.into() })
        }
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Third {
        state: String,
        since: u64,
    }
    impl Versioned for Third {
        const MARKER: &'static str = "t/3";
        fn upgrade(older: Stored<'_>) -> Result<Self, StoreError> {
            let second: Second = older.decode()?;
            Ok(Self { state: second.state, since: 0 })
        }
    }

    #[track_caller]
    fn check(bytes: &[u8], want: Result<Third, &str>) {
        match (decode::<Third>(bytes), want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(got), Err(want)) => assert_eq!(got.to_string(), want),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn every_form_reads_as_the_last() {
        check(&encode(&First { on: true }).unwrap(), Ok(Third { state: "on".into(), since: 0 }));
        check(&encode(&Second { state: "x\n".into() }).unwrap(), Ok(Third { state: "x\n".into(), since: 0 }));
        check(b"t/3\n{\"state\":\"y\",\"since\":7}", Ok(Third { state: "y".into(), since: 7 }));
    }

    #[test]
    fn damage_is_named_and_not_quoted() {
        check(b"", Err("the stored data is corrupt: a record without a marker"));
        check(b"t/4\n{}", Err("the stored data is corrupt: a record of the unknown form \"t/4\""));
        check(
            b"t/3\n{\"state\":\"secret\",",
            Err("the stored data is corrupt: a t/3 record at line 1 column 18"),
        );
    }
}
