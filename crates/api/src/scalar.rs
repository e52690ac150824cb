//! Blobs, secrets, times and numbers: one type each, whatever the protocol.
//!
//! Serde tells JSON and the query protocol (human readable) from CBOR. The query protocol's XML and CloudTrail's records
//! want times and blobs in forms of their own: they recognise the names [`TIME`], [`BLOB`] and [`SECRET`] of the
//! newtypes below.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ciborium::tag::{Accepted, Required};
use jiff::Timestamp;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Newtype name of [`WireTime`].
pub const TIME: &str = "$keywatch::Time";
/// Newtype name of [`Blob`].
pub const BLOB: &str = "$keywatch::Blob";
/// Newtype name of [`SecretBlob`] and [`SecretText`].
pub const SECRET: &str = "$keywatch::Secret";

/// Bytes that are no secret: base64 text, or a CBOR byte string.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Blob(pub Vec<u8>);

/// Bytes that nothing prints and that wipe themselves.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct SecretBlob(Vec<u8>);

/// A text that nothing prints and that wipes itself.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretBlob {
    pub fn new(bytes: Vec<u8>) -> Self {
        SecretBlob(bytes)
    }
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl SecretText {
    pub fn new(text: String) -> Self {
        SecretText(text)
    }
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}
impl fmt::Debug for SecretBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBlob(..)")
    }
}
impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// Bytes in the form of the protocol at hand.
struct BytesForm<'a>(&'a [u8]);

impl Serialize for BytesForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut text = BASE64.encode(self.0);
            let done = serializer.serialize_str(&text);
            text.zeroize();
            done
        } else {
            serializer.serialize_bytes(self.0)
        }
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(BLOB, &BytesForm(&self.0))
    }
}
impl Serialize for SecretBlob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SECRET, &BytesForm(&self.0))
    }
}
impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SECRET, &self.0)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 text or a byte string")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        // The decoder's own error would repeat bytes of the input, which may be a secret.
        BASE64.decode(text).map_err(|_| E::custom("not base64"))
    }
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

fn deserialize_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(BytesVisitor)
    } else {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_bytes(deserializer).map(Blob)
    }
}
impl<'de> Deserialize<'de> for SecretBlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_bytes(deserializer).map(SecretBlob)
    }
}
impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(SecretText)
    }
}

/// A moment: epoch seconds in JSON, tag 1 in CBOR, ISO 8601 in the query protocol. Milliseconds are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireTime(pub Timestamp);

impl WireTime {
    /// Epoch seconds with their milliseconds.
    pub fn epoch_seconds(self) -> f64 {
        self.0.as_millisecond() as f64 / 1000.0
    }

    /// The moment of that many epoch seconds; `None` outside the years that can be named.
    pub fn from_epoch_seconds(seconds: f64) -> Option<Self> {
        let millis = seconds * 1000.0;
        if !millis.is_finite() || millis.abs() > 9.0e15 {
            return None;
        }
        Timestamp::from_millisecond(millis.round() as i64).ok().map(WireTime)
    }
}

impl From<Timestamp> for WireTime {
    fn from(timestamp: Timestamp) -> Self {
        WireTime(timestamp)
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_newtype_struct(TIME, &self.epoch_seconds())
        } else {
            Required::<f64, 1>(self.epoch_seconds()).serialize(serializer)
        }
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = WireTime;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("epoch seconds or an ISO 8601 time")
    }
    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<WireTime, E> {
        WireTime::from_epoch_seconds(seconds).ok_or_else(|| E::custom("a time out of range"))
    }
    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<WireTime, E> {
        self.visit_f64(seconds as f64)
    }
    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<WireTime, E> {
        self.visit_f64(seconds as f64)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<WireTime, E> {
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Ok(WireTime(timestamp));
        }
        let seconds: f64 = text.parse().map_err(|_| E::custom("not a time"))?;
        self.visit_f64(seconds)
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TimeVisitor)
        } else {
            let seconds = Accepted::<Number, 1>::deserialize(deserializer)?.0;
            WireTime::from_epoch_seconds(seconds.0).ok_or_else(|| de::Error::custom("a time out of range"))
        }
    }
}

/// A double that may arrive as an integer, or as text in the query protocol.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }
    /// `NaN`, `Infinity` and `-Infinity` arrive as text in JSON too.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        text.parse().map(Number).map_err(|_| E::custom("not a number"))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_json_are_epoch_seconds() {
        let time = WireTime("2026-03-11T18:23:45.56Z".parse().unwrap());
        assert_eq!(serde_json::to_string(&time).unwrap(), "1773253425.56");
        for json in ["1773253425.56", "\"2026-03-11T18:23:45.560Z\""] {
            assert_eq!(serde_json::from_str::<WireTime>(json).unwrap(), time);
        }
        for bad in ["1e300", "\"tomorrow\"", "null", "[]"] {
            assert!(serde_json::from_str::<WireTime>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_in_cbor_carry_tag_1() {
        let time = WireTime("2026-03-11T18:23:45.56Z".parse().unwrap());
        let mut bytes = Vec::new();
        ciborium::into_writer(&time, &mut bytes).unwrap();
        assert_eq!(bytes[0], 0xc1);
        assert_eq!(ciborium::from_reader::<WireTime, _>(&bytes[..]).unwrap(), time);
        let mut untagged = Vec::new();
        ciborium::into_writer(&1773253425_i64, &mut untagged).unwrap();
        assert_eq!(
            ciborium::from_reader::<WireTime, _>(&untagged[..]).unwrap().epoch_seconds(),
            1773253425.0
        );
    }

    #[test]
    fn bytes_are_base64_in_text_and_bytes_in_cbor() {
        assert_eq!(serde_json::to_string(&Blob(b"hi".to_vec())).unwrap(), "\"aGk=\"");
        assert_eq!(serde_json::from_str::<SecretBlob>("\"aGk=\"").unwrap().expose(), b"hi");
        let error = serde_json::from_str::<SecretBlob>("\"%secret%\"").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        let mut bytes = Vec::new();
        ciborium::into_writer(&Blob(b"hi".to_vec()), &mut bytes).unwrap();
        assert_eq!(bytes, [0x42, b'h', b'i']);
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", SecretBlob::new(b"x".to_vec())), "SecretBlob(..)");
        assert_eq!(format!("{:?}", SecretText::new("x".into())), "SecretText(..)");
    }
}
