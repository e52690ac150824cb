//! The query protocol's forms: `Dimensions.member.1.Name=KeyId` read as a tree, and the tree as any shape.
//!
//! Everything in a form is text; numbers and Booleans are read from it as AWS reads them (`true|false|1|0`, leading zeros
//! and `+` accepted). Lists are `Name.member.N` or flattened `Name.N`, maps `Name.entry.N.key/value` (or `Name`/`Value`,
//! as message attributes spell it). Order is by index, which need not be dense.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

const PARAMETERS_MAX: usize = 20_000;
const DEPTH_MAX: usize = 16;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormError {
    #[error("the form is not UTF-8 text in percent-encoding")]
    NotText,
    #[error("the form has more than {PARAMETERS_MAX} parameters")]
    TooMany,
    #[error("a parameter is nested deeper than {DEPTH_MAX}")]
    TooDeep,
    #[error("{0}")]
    Shape(String),
}

impl de::Error for FormError {
    fn custom<T: Display>(message: T) -> Self {
        FormError::Shape(message.to_string())
    }
}

/// Reads a form into a shape.
pub fn from_form<T: DeserializeOwned>(form: &[u8]) -> Result<T, FormError> {
    from_form_with(form, |step| step)
}

/// Reads a form whose members have other names than the shape's: `named` gives the shape's name for a step of a member's path.
pub fn from_form_with<T: DeserializeOwned>(
    form: &[u8],
    named: impl Fn(&str) -> &str,
) -> Result<T, FormError> {
    T::deserialize(&Node::parse(form, named)?)
}

/// One parameter of a form, without building the tree: `Action`, `Version`.
pub fn parameter(form: &[u8], name: &str) -> Option<String> {
    pairs(form).flatten().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// A parameter and the parameters below it.
#[derive(Debug, Default)]
struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn parse(form: &[u8], named: impl Fn(&str) -> &str) -> Result<Node, FormError> {
        let mut root = Node::default();
        for (count, pair) in pairs(form).enumerate() {
            if count >= PARAMETERS_MAX {
                return Err(FormError::TooMany);
            }
            let (key, value) = pair?;
            let mut node = &mut root;
            for (depth, step) in key.split('.').enumerate() {
                if depth >= DEPTH_MAX {
                    return Err(FormError::TooDeep);
                }
                node = node.children.entry(named(step).to_owned()).or_default();
            }
            node.value = Some(value);
        }
        Ok(root)
    }

    fn text(&self) -> Result<&str, FormError> {
        match (&self.value, self.children.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(FormError::Shape("a plain value is expected".to_owned())),
        }
    }

    /// The members of a list, by index.
    fn members(&self, wrapper: &str) -> Result<Vec<&Node>, FormError> {
        let holder = self.children.get(wrapper).unwrap_or(self);
        let mut members = Vec::with_capacity(holder.children.len());
        for (index, node) in &holder.children {
            let index: u32 =
                index.parse().map_err(|_| FormError::Shape("a list has numbered members".to_owned()))?;
            members.push((index, node));
        }
        members.sort_by_key(|(index, _)| *index);
        Ok(members.into_iter().map(|(_, node)| node).collect())
    }
}

fn pairs(form: &[u8]) -> impl Iterator<Item = Result<(String, String), FormError>> + '_ {
    form.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let key = unescape(halves.next().unwrap_or_default())?;
        let value = unescape(halves.next().unwrap_or_default())?;
        Ok((key, value))
    })
}

fn unescape(text: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit =
                    |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16)).ok_or(FormError::NotText);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                bytes.push((high * 16 + low) as u8);
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| FormError::NotText)
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
            let text = self.text()?;
            let text = text.strip_prefix('+').unwrap_or(text);
            visitor.$visit(text.parse::<$type>().map_err(|_| FormError::Shape("a number is expected".to_owned()))?)
        }
    )* };
}

impl<'de> Deserializer<'de> for &Node {
    type Error = FormError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        if self.children.is_empty() { visitor.visit_str(self.text()?) } else { self.deserialize_map(visitor) }
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        match self.text()? {
            "true" | "1" => visitor.visit_bool(true),
            "false" | "0" => visitor.visit_bool(false),
            _ => Err(FormError::Shape("true or false is expected".to_owned())),
        }
    }
    parsed!(deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64, deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64);

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        visitor.visit_str(self.text()?)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        visitor.visit_str(self.text()?)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        visitor.visit_seq(Members(self.members("member")?.into_iter()))
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        visitor.visit_map(Entries { entries: self.members("entry")?.into_iter(), value: None })
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormError> {
        visitor.visit_map(Fields { node: self, fields: fields.iter(), value: None })
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormError> {
        visitor.visit_unit()
    }
    forward_to_deserialize_any! { char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier }
}

struct Members<'a>(std::vec::IntoIter<&'a Node>);

impl<'de> SeqAccess<'de> for Members<'_> {
    type Error = FormError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, FormError> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'a> {
    entries: std::vec::IntoIter<&'a Node>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = FormError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FormError> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        let child = |names: &[&str]| names.iter().find_map(|name| entry.children.get(*name));
        let key =
            child(&["key", "Key", "Name"]).ok_or(FormError::Shape("a map entry has a key".to_owned()))?;
        self.value = child(&["value", "Value"]);
        seed.deserialize(key).map(Some)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, FormError> {
        let value = self.value.take().ok_or(FormError::Shape("a map entry has a value".to_owned()))?;
        seed.deserialize(value)
    }
}

/// The members of a structure that the form names.
struct Fields<'a> {
    node: &'a Node,
    fields: std::slice::Iter<'static, &'static str>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = FormError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FormError> {
        for field in self.fields.by_ref() {
            if let Some(child) = self.node.children.get(*field) {
                self.value = Some(child);
                let name: StrDeserializer<'_, FormError> = (*field).into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, FormError> {
        let value = self.value.take().ok_or(FormError::Shape("a member has a value".to_owned()))?;
        seed.deserialize(value)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Sample {
        name: Option<String>,
        number: Option<i32>,
        flag: Option<bool>,
        list: Option<Vec<Member>>,
        flat: Option<Vec<String>>,
        attributes: Option<BTreeMap<String, String>>,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Member {
        key: String,
    }

    #[test]
    fn a_form_is_a_tree() {
        let form = b"Name=a+b%2Fc&Number=%2B007&Flag=1&List.member.2.Key=second&List.member.10.Key=tenth&List.member.01.Key=first&Flat.1=x&Attributes.entry.1.key=k&Attributes.entry.1.value=v&Unknown.1=u";
        let sample: Sample = from_form(form).unwrap();
        assert_eq!(sample.name.as_deref(), Some("a b/c"));
        assert_eq!((sample.number, sample.flag), (Some(7), Some(true)));
        let keys: Vec<_> = sample.list.unwrap().into_iter().map(|m| m.key).collect();
        assert_eq!(keys, ["first", "second", "tenth"]);
        assert_eq!(sample.flat.unwrap(), ["x"]);
        assert_eq!(sample.attributes.unwrap()["k"], "v");
    }

    #[test]
    fn an_empty_list_is_empty() {
        assert_eq!(from_form::<Sample>(b"List=").unwrap().list, Some(vec![]));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let deep = format!("{}=1", vec!["a"; 17].join("."));
        for form in
            [&b"Number=x"[..], b"Flag=yes", b"List.member.x.Key=1", b"Name=%zz", b"Name.a=1", deep.as_bytes()]
        {
            assert!(from_form::<Sample>(form).is_err(), "{}", String::from_utf8_lossy(form));
        }
    }
}
