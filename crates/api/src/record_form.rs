//! The form in which CloudTrail records show requests and answers: lower-camel members, absent ones left out, blobs and
//! secrets withheld, times as `Aug 10, 2022, 10:38:27 PM`. Written straight into a text buffer.

use std::fmt::Display;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde::ser::{self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use crate::scalar::{BLOB, SECRET, TIME};

/// JSON text of a request or an answer as a record shows it.
///
/// A shape that cannot be shown (a map with keys that are no texts) is a mistake of ours and shows as `null`.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = String::with_capacity(128);
    match value.serialize(RecordForm { out: &mut out }) {
        Ok(Shown::Written) => out,
        Ok(Shown::Withheld) | Err(_) => "null".to_owned(),
    }
}

/// `Aug 10, 2022, 10:38:27 PM`, UTC.
pub fn java_date(timestamp: Timestamp) -> String {
    timestamp.to_zoned(TimeZone::UTC).strftime("%b %-d, %Y, %-I:%M:%S %p").to_string()
}

/// Appends a JSON string.
pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    if !needs_escapes(text) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[from..index]);
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
        from = index + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// Looks at all bytes without leaving early, which compilers turn into a few wide instructions.
fn needs_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

/// Whether a value left anything in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Written,
    Withheld,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unshowable(String);

impl ser::Error for Unshowable {
    fn custom<T: Display>(message: T) -> Self {
        Unshowable(message.to_string())
    }
}

struct RecordForm<'a> {
    out: &'a mut String,
}

/// An open `{` or `[`; the close is written by `end`.
struct Open<'a> {
    out: &'a mut String,
    first: bool,
    close: &'static str,
}

impl Open<'_> {
    fn comma(&mut self) {
        if !self.first {
            self.out.push(',');
        }
    }

    /// Writes `"name":value`, or nothing at all when the value is withheld.
    fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        lower: bool,
        value: &T,
    ) -> Result<(), Unshowable> {
        let mark = self.out.len();
        self.comma();
        let start = self.out.len();
        push_json_string(self.out, name);
        // The first character of a member's name follows its quotation mark.
        if lower && let Some(first) = self.out.get_mut(start + 1..start + 2) {
            first.make_ascii_lowercase();
        }
        self.out.push(':');
        match value.serialize(RecordForm { out: self.out })? {
            Shown::Written => self.first = false,
            Shown::Withheld => self.out.truncate(mark),
        }
        Ok(())
    }
}

macro_rules! displayed {
    ($($method:ident $type:ty),*) => { $(
        fn $method(self, value: $type) -> Result<Shown, Unshowable> {
            self.out.push_str(&value.to_string());
            Ok(Shown::Written)
        }
    )* };
}

impl<'a> Serializer for RecordForm<'a> {
    type Ok = Shown;
    type Error = Unshowable;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Impossible<Shown, Unshowable>;
    type SerializeTupleStruct = Impossible<Shown, Unshowable>;
    type SerializeTupleVariant = Impossible<Shown, Unshowable>;
    type SerializeMap = OpenMap<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Impossible<Shown, Unshowable>;

    displayed!(serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_f32 f32);

    fn serialize_f64(self, value: f64) -> Result<Shown, Unshowable> {
        if value.is_finite() {
            self.out.push_str(&value.to_string());
        } else {
            push_json_string(self.out, &value.to_string());
        }
        Ok(Shown::Written)
    }
    fn serialize_char(self, value: char) -> Result<Shown, Unshowable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<Shown, Unshowable> {
        push_json_string(self.out, value);
        Ok(Shown::Written)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Shown, Unshowable> {
        Ok(Shown::Withheld)
    }
    fn serialize_none(self) -> Result<Shown, Unshowable> {
        Ok(Shown::Withheld)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shown, Unshowable> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Shown, Unshowable> {
        Ok(Shown::Withheld)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Shown, Unshowable> {
        Ok(Shown::Withheld)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Shown, Unshowable> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Shown, Unshowable> {
        match name {
            BLOB | SECRET => Ok(Shown::Withheld),
            TIME => {
                let seconds = value.serialize(Seconds)?;
                let time =
                    crate::WireTime::from_epoch_seconds(seconds).ok_or_else(|| ser::Error::custom("time"))?;
                self.serialize_str(&java_date(time.0))
            }
            _ => value.serialize(self),
        }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Shown, Unshowable> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'a>, Unshowable> {
        self.out.push('[');
        Ok(Open { out: self.out, first: true, close: "]" })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<OpenMap<'a>, Unshowable> {
        self.out.push('{');
        Ok(OpenMap { open: Open { out: self.out, first: true, close: "}" }, key: String::new() })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, Unshowable> {
        self.out.push('{');
        Ok(Open { out: self.out, first: true, close: "}" })
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unshowable> {
        Err(ser::Error::custom("a tuple has no form in a record"))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unshowable> {
        Err(ser::Error::custom("a tuple has no form in a record"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unshowable> {
        Err(ser::Error::custom("a tuple has no form in a record"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unshowable> {
        Err(ser::Error::custom("a variant with members has no form in a record"))
    }
}

impl SerializeSeq for Open<'_> {
    type Ok = Shown;
    type Error = Unshowable;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unshowable> {
        let mark = self.out.len();
        self.comma();
        match value.serialize(RecordForm { out: self.out })? {
            Shown::Written => self.first = false,
            Shown::Withheld => self.out.truncate(mark),
        }
        Ok(())
    }
    fn end(self) -> Result<Shown, Unshowable> {
        self.out.push_str(self.close);
        Ok(Shown::Written)
    }
}

impl SerializeStruct for Open<'_> {
    type Ok = Shown;
    type Error = Unshowable;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unshowable> {
        self.member(name, true, value)
    }
    fn end(self) -> Result<Shown, Unshowable> {
        self.out.push_str(self.close);
        Ok(Shown::Written)
    }
}

/// A map: its keys are the caller's and keep their case.
struct OpenMap<'a> {
    open: Open<'a>,
    key: String,
}

impl SerializeMap for OpenMap<'_> {
    type Ok = Shown;
    type Error = Unshowable;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unshowable> {
        let mut text = String::new();
        key.serialize(RecordForm { out: &mut text })?;
        self.key =
            serde_json::from_str(&text).map_err(|_| ser::Error::custom("a map key that is no text"))?;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unshowable> {
        let key = std::mem::take(&mut self.key);
        self.open.member(&key, false, value)
    }
    fn end(self) -> Result<Shown, Unshowable> {
        SerializeStruct::end(self.open)
    }
}

/// Takes the epoch seconds out of a [`TIME`] newtype.
struct Seconds;

macro_rules! no_seconds {
    ($($method:ident($($arg:ty),*) -> $ok:ty;)*) => { $(
        fn $method(self, $(_: $arg),*) -> Result<$ok, Unshowable> { Err(ser::Error::custom("not seconds")) }
    )* };
}

impl Serializer for Seconds {
    type Ok = f64;
    type Error = Unshowable;
    type SerializeSeq = Impossible<f64, Unshowable>;
    type SerializeTuple = Impossible<f64, Unshowable>;
    type SerializeTupleStruct = Impossible<f64, Unshowable>;
    type SerializeTupleVariant = Impossible<f64, Unshowable>;
    type SerializeMap = Impossible<f64, Unshowable>;
    type SerializeStruct = Impossible<f64, Unshowable>;
    type SerializeStructVariant = Impossible<f64, Unshowable>;

    fn serialize_f64(self, seconds: f64) -> Result<f64, Unshowable> {
        Ok(seconds)
    }
    no_seconds! {
        serialize_bool(bool) -> f64; serialize_i8(i8) -> f64; serialize_i16(i16) -> f64; serialize_i32(i32) -> f64;
        serialize_i64(i64) -> f64; serialize_u8(u8) -> f64; serialize_u16(u16) -> f64; serialize_u32(u32) -> f64;
        serialize_u64(u64) -> f64; serialize_f32(f32) -> f64; serialize_char(char) -> f64; serialize_str(&str) -> f64;
        serialize_bytes(&[u8]) -> f64; serialize_none() -> f64; serialize_unit() -> f64;
        serialize_unit_struct(&'static str) -> f64;
        serialize_unit_variant(&'static str, u32, &'static str) -> f64;
        serialize_seq(Option<usize>) -> Self::SerializeSeq; serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<f64, Unshowable> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<f64, Unshowable> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<f64, Unshowable> {
        value.serialize(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Blob, SecretText, WireTime};

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(rename = "AWSAccountId")]
        account: &'static str,
        creation_date: WireTime,
        blob: Blob,
        token: Option<SecretText>,
        absent: Option<i32>,
        encryption_context: BTreeMap<&'static str, &'static str>,
        tags: Vec<Tag>,
        enabled: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tag {
        tag_key: &'static str,
    }

    #[test]
    fn shows_what_a_record_may_show() {
        let answer = Answer {
            account: "111122223333",
            creation_date: WireTime("2022-08-10T22:38:27.25Z".parse().unwrap()),
            blob: Blob(vec![1]),
            token: Some(SecretText::new("hidden".into())),
            absent: None,
            encryption_context: BTreeMap::from([("Project \"A\"", "x\ny\u{1}")]),
            tags: vec![Tag { tag_key: "k" }],
            enabled: true,
        };
        assert_eq!(
            to_json(&answer),
            r#"{"aWSAccountId":"111122223333","creationDate":"Aug 10, 2022, 10:38:27 PM","encryptionContext":{"Project \"A\"":"x\ny\u0001"},"tags":[{"tagKey":"k"}],"enabled":true}"#
        );
    }

    #[test]
    fn nothing_to_show_is_null() {
        assert_eq!(to_json(&()), "null");
        assert_eq!(to_json(&Blob(vec![1])), "null");
    }
}
