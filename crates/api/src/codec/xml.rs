//! Answers of the query protocol: structures as elements, lists as `<member>`, maps as `<entry><key/><value/></entry>`,
//! times in ISO 8601. Members that are absent are left out; empty lists are empty elements.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use crate::scalar::TIME;
use crate::{Fault, WireTime};

/// `<OpResponse xmlns="…"><OpResult>…</OpResult><ResponseMetadata>…`; without a result for operations without output.
pub fn answer<T: Serialize>(operation: &str, namespace: &str, request_id: &str, response: &T) -> Vec<u8> {
    let mut inner = String::with_capacity(256);
    let wrote =
        response.serialize(Element { out: &mut inner, tag: None }).expect("answers have a form in XML");
    let mut out = format!("<{operation}Response xmlns=\"{namespace}\">");
    if wrote {
        out.push_str(&format!("<{operation}Result>{inner}</{operation}Result>"));
    }
    out.push_str("<ResponseMetadata><RequestId>");
    push_text(&mut out, request_id);
    out.push_str(&format!("</RequestId></ResponseMetadata></{operation}Response>"));
    out.into_bytes()
}

/// `<ErrorResponse xmlns="…"><Error>…`
pub fn fault(namespace: &str, request_id: &str, fault: &Fault) -> Vec<u8> {
    fault_with(namespace, request_id, fault, "")
}

/// A fault with more elements, already written, inside `<Error>`.
pub fn fault_with(namespace: &str, request_id: &str, fault: &Fault, more: &str) -> Vec<u8> {
    let blamed = if fault.is_sender() { "Sender" } else { "Receiver" };
    let mut out = format!("<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{blamed}</Type><Code>");
    push_text(&mut out, fault.code_in_query());
    out.push_str("</Code>");
    if let Some(message) = &fault.message {
        out.push_str("<Message>");
        push_text(&mut out, message);
        out.push_str("</Message>");
    }
    out.push_str(more);
    out.push_str("</Error><RequestId>");
    push_text(&mut out, request_id);
    out.push_str("</RequestId></ErrorResponse>");
    out.into_bytes()
}

/// Character data; control characters that XML 1.0 cannot hold become `U+FFFD`.
pub fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoXmlForm(String);

impl ser::Error for NoXmlForm {
    fn custom<T: Display>(message: T) -> Self {
        NoXmlForm(message.to_string())
    }
}

/// A value inside `<tag>`, or at the top where there is none. `Ok(false)` means nothing was written.
struct Element<'a> {
    out: &'a mut String,
    tag: Option<&'a str>,
}

impl<'a> Element<'a> {
    fn text(self, text: &str) -> Result<bool, NoXmlForm> {
        let Some(tag) = self.tag else { return Err(ser::Error::custom("an answer is a structure")) };
        self.out.push_str(&format!("<{tag}>"));
        push_text(self.out, text);
        self.out.push_str(&format!("</{tag}>"));
        Ok(true)
    }

    fn open(self) -> Inside<'a> {
        if let Some(tag) = self.tag {
            self.out.push_str(&format!("<{tag}>"));
        }
        Inside { out: self.out, tag: self.tag }
    }
}

/// Between `<tag>` and `</tag>`.
struct Inside<'a> {
    out: &'a mut String,
    tag: Option<&'a str>,
}

impl Inside<'_> {
    fn close(self) -> Result<bool, NoXmlForm> {
        if let Some(tag) = self.tag {
            self.out.push_str(&format!("</{tag}>"));
        }
        Ok(true)
    }
}

macro_rules! displayed {
    ($($method:ident $type:ty),*) => { $(
        fn $method(self, value: $type) -> Result<bool, NoXmlForm> { self.text(&value.to_string()) }
    )* };
}

impl<'a> Serializer for Element<'a> {
    type Ok = bool;
    type Error = NoXmlForm;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Impossible<bool, NoXmlForm>;
    type SerializeTupleStruct = Impossible<bool, NoXmlForm>;
    type SerializeTupleVariant = Impossible<bool, NoXmlForm>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Impossible<bool, NoXmlForm>;

    displayed!(serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_f32 f32, serialize_char char);

    /// Doubles as AWS prints them: `1.0`, `0.25`, `1.0E10` reads back everywhere, so plain digits serve.
    fn serialize_f64(self, value: f64) -> Result<bool, NoXmlForm> {
        self.text(&format!("{value:?}"))
    }
    fn serialize_str(self, value: &str) -> Result<bool, NoXmlForm> {
        self.text(value)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<bool, NoXmlForm> {
        Err(ser::Error::custom("bytes are text in XML"))
    }
    fn serialize_none(self) -> Result<bool, NoXmlForm> {
        Ok(false)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, NoXmlForm> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<bool, NoXmlForm> {
        Ok(false)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<bool, NoXmlForm> {
        Ok(false)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<bool, NoXmlForm> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<bool, NoXmlForm> {
        if name != TIME {
            return value.serialize(self);
        }
        let mut seconds = String::new();
        value.serialize(Element { out: &mut seconds, tag: Some("t") })?;
        let number = seconds.trim_start_matches("<t>").trim_end_matches("</t>");
        let time = number.parse().ok().and_then(WireTime::from_epoch_seconds);
        let time = time.ok_or_else(|| NoXmlForm("a time out of range".to_owned()))?;
        self.text(&iso8601(time))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<bool, NoXmlForm> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, NoXmlForm> {
        Ok(self.open())
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, NoXmlForm> {
        Ok(self.open())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, NoXmlForm> {
        Ok(self.open())
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NoXmlForm> {
        Err(ser::Error::custom("a tuple has no form in XML"))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NoXmlForm> {
        Err(ser::Error::custom("a tuple has no form in XML"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoXmlForm> {
        Err(ser::Error::custom("a tuple has no form in XML"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoXmlForm> {
        Err(ser::Error::custom("a variant with members has no form in XML"))
    }
}

/// `2026-09-14T12:18:46Z`, with milliseconds where there are any.
fn iso8601(time: WireTime) -> String {
    let millis = time.0.as_millisecond().rem_euclid(1000);
    let format = if millis == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%3fZ" };
    time.0.strftime(format).to_string()
}

impl SerializeSeq for Inside<'_> {
    type Ok = bool;
    type Error = NoXmlForm;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoXmlForm> {
        value.serialize(Element { out: self.out, tag: Some("member") }).map(drop)
    }
    fn end(self) -> Result<bool, NoXmlForm> {
        self.close()
    }
}

impl SerializeMap for Inside<'_> {
    type Ok = bool;
    type Error = NoXmlForm;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoXmlForm> {
        self.out.push_str("<entry>");
        key.serialize(Element { out: self.out, tag: Some("key") }).map(drop)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoXmlForm> {
        value.serialize(Element { out: self.out, tag: Some("value") })?;
        self.out.push_str("</entry>");
        Ok(())
    }
    fn end(self) -> Result<bool, NoXmlForm> {
        self.close()
    }
}

impl SerializeStruct for Inside<'_> {
    type Ok = bool;
    type Error = NoXmlForm;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoXmlForm> {
        value.serialize(Element { out: self.out, tag: Some(name) }).map(drop)
    }
    fn end(self) -> Result<bool, NoXmlForm> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        arn: &'static str,
        absent: Option<i32>,
        when: WireTime,
        list: Vec<i32>,
        empty: Vec<i32>,
        attributes: BTreeMap<&'static str, &'static str>,
        value: f64,
    }

    #[test]
    fn an_answer_with_a_result() {
        let answer_value = Answer {
            arn: "a&b",
            absent: None,
            when: WireTime("2026-09-14T12:18:46Z".parse().unwrap()),
            list: vec![1, 2],
            empty: vec![],
            attributes: BTreeMap::from([("k", "v")]),
            value: 3.0,
        };
        let xml = String::from_utf8(answer("Get", "urn:x", "id", &answer_value)).unwrap();
        assert_eq!(
            xml,
            "<GetResponse xmlns=\"urn:x\"><GetResult><Arn>a&amp;b</Arn><When>2026-09-14T12:18:46Z</When><List><member>1</member><member>2</member></List><Empty></Empty><Attributes><entry><key>k</key><value>v</value></entry></Attributes><Value>3.0</Value></GetResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetResponse>"
        );
    }

    #[test]
    fn an_answer_without_output() {
        let xml = String::from_utf8(answer("Put", "urn:x", "id", &())).unwrap();
        assert_eq!(
            xml,
            "<PutResponse xmlns=\"urn:x\"><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></PutResponse>"
        );
    }
}
