//! # Shapes described
//! What a request shape accepts, as data: `cargo xtask api` holds it against AWS's models, and the sweeps make wrong
//! requests from it. A description is made when it is asked for; requests are decoded without it.
//!
//! **Not here:** the checks themselves ([`crate::shape`]).

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A member of a request, or an element of a list or a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub kind: Kind,
    /// Whether its absence is a violation.
    pub required: bool,
    /// Characters of a text, bytes of a blob, elements of a list or map.
    pub length: Option<RangeInclusive<usize>>,
    pub range: Option<RangeInclusive<i64>>,
    /// A regular expression in AWS's spelling.
    pub pattern: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Structure(Vec<Member>),
    List(Box<Shape>),
    Map { keys: Box<Shape>, values: Box<Shape> },
    Text,
    Enum(&'static [&'static str]),
    Boolean,
    Integer,
    Long,
    Double,
    Blob,
    Time,
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As the wire spells it.
    pub name: &'static str,
    pub shape: Shape,
}

impl Shape {
    /// A required value without constraints.
    pub fn of(kind: Kind) -> Self {
        Shape { kind, required: true, length: None, range: None, pattern: None }
    }

    /// A structure whose serde type is `R`; the members' shapes in the order of their declaration.
    pub fn structure<'de, R: Deserialize<'de>>(shapes: Vec<Shape>) -> Self {
        let names = field_names::<R>();
        assert_eq!(names.len(), shapes.len(), "a member of a request has one name");
        let members = names.iter().zip(shapes).map(|(name, shape)| Member { name, shape }).collect();
        Shape::of(Kind::Structure(members))
    }

    /// The same shape, which may be absent.
    pub fn optional(self) -> Self {
        Shape { required: false, ..self }
    }

    pub fn with_length(self, bounds: RangeInclusive<usize>) -> Self {
        Shape { length: Some(bounds), ..self }
    }

    pub fn with_range(self, bounds: RangeInclusive<i64>) -> Self {
        Shape { range: Some(bounds), ..self }
    }

    pub fn with_pattern(self, pattern: &'static str) -> Self {
        Shape { pattern: Some(pattern), ..self }
    }

    /// The same list or map, whose elements (of a map: values) are changed so.
    pub fn with_each(mut self, change: impl FnOnce(Shape) -> Shape) -> Self {
        if let Kind::List(element) | Kind::Map { values: element, .. } = &mut self.kind {
            **element = change((**element).clone());
        }
        self
    }

    /// The same map, whose keys are changed so.
    pub fn with_keys(mut self, change: impl FnOnce(Shape) -> Shape) -> Self {
        if let Kind::Map { keys, .. } = &mut self.kind {
            **keys = change((**keys).clone());
        }
        self
    }

    /// Its members, if it is a structure.
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Structure(members) => members,
            _ => &[],
        }
    }
}

/// The wire's names of a structure's members: serde hands them to the deserializer before it reads anything.
fn field_names<'de, R: Deserialize<'de>>() -> &'static [&'static str] {
    match R::deserialize(Names) {
        Err(Told(names)) => names,
        Ok(_) => &[],
    }
}

struct Names;

/// The names, brought back by the way of errors.
#[derive(Debug)]
struct Told(&'static [&'static str]);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Told {}

impl de::Error for Told {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Told(&[])
    }
}

impl<'de> Deserializer<'de> for Names {
    type Error = Told;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Told> {
        Err(Told(fields))
    }
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Told> {
        Err(Told(&[]))
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
