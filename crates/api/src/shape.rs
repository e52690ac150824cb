//! # Request shapes
//! [`shape!`](crate::shape) declares a request (or a structure inside one) once and gives two types: the raw form, in
//! which every member may be absent, and the checked form that handlers see, in which every modelled constraint holds.
//! The constraints that fail are reported together, in AWS's words:
//! `1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have …`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::Fault;
use crate::describe::{Kind, Shape};

/// A member of a request: how it arrives and what makes it valid.
pub trait WireField: Sized {
    /// What the protocol yields before any constraint is checked.
    type Raw: DeserializeOwned;

    /// What it accepts, for those who check shapes against AWS's models.
    fn describe() -> Shape;

    fn from_raw(raw: Self::Raw, at: At<'_>, violations: &mut Violations) -> Option<Self>;

    /// An absent member is a violation, unless the type says otherwise (as `Option` does).
    fn from_optional(raw: Option<Self::Raw>, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        match raw {
            Some(raw) => Self::from_raw(raw, at, violations),
            None => {
                violations.null(at);
                None
            }
        }
    }
}

/// Where in a request a member stands; rendered only for a violation (`tags.1.member.tagKey`).
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Member(usize),
    Entry(&'a str),
}

impl<'a> At<'a> {
    pub const ROOT: At<'static> = At { parent: None, step: Step::Root };

    /// A field, in the snake case of its declaration.
    pub fn field(&'a self, name: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Field(name) }
    }
    /// An element of a list, counted from 0.
    pub fn member(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Step::Member(index) }
    }
    pub fn entry(&'a self, key: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Entry(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent
            && !matches!(parent.step, Step::Root)
        {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) => f.write_str(&lower_camel(name)),
            Step::Member(index) => write!(f, "{}.member", index + 1),
            Step::Entry(key) => write!(f, "{key}.member"),
        }
    }
}

/// `number_of_bytes` → `numberOfBytes`
pub fn lower_camel(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                camel.extend(c.to_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

/// The constraints of a request that do not hold.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

/// More than these are counted and not spelled out.
const VIOLATIONS_SHOWN_MAX: usize = 50;
/// A shown value is cut here: a caller's megabyte is not echoed.
const VALUE_SHOWN_MAX: usize = 1024;

impl Violations {
    /// A constraint in AWS's words; `value` is `None` where it is sensitive.
    pub fn add(&mut self, value: Option<&str>, at: At<'_>, constraint: impl fmt::Display) {
        let shown = match value {
            Some(value) => {
                let cut: String = value.chars().take(VALUE_SHOWN_MAX).collect();
                format!("Value '{cut}' at '{at}'")
            }
            None => format!("Value at '{at}'"),
        };
        self.0.push(format!("{shown} failed to satisfy constraint: {constraint}"));
    }

    pub fn null(&mut self, at: At<'_>) {
        self.0.push(format!("Value null at '{at}' failed to satisfy constraint: Member must not be null"));
    }

    pub fn enumeration(&mut self, value: &str, at: At<'_>, set: &[&str]) {
        self.add(Some(value), at, format_args!("Member must satisfy enum value set: [{}]", set.join(", ")));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// AWS's sentence over all of them.
    pub fn into_fault(self) -> Fault {
        let count = self.0.len();
        let noun = if count == 1 { "error" } else { "errors" };
        let shown: Vec<String> = self.0.into_iter().take(VIOLATIONS_SHOWN_MAX).collect();
        Fault::validation(format!("{count} validation {noun} detected: {}", shown.join("; ")))
    }
}

/// Checks a decoded request as a whole.
pub fn check<T: WireField>(raw: T::Raw) -> Result<T, Fault> {
    let mut violations = Violations::default();
    let checked = T::from_raw(raw, At::ROOT, &mut violations);
    match checked {
        Some(checked) if violations.is_empty() => Ok(checked),
        _ => Err(violations.into_fault()),
    }
}

/// What length, range and pattern constraints need to know of a value. `None` from a method means "nothing to check".
pub trait Measured {
    /// Characters of a text, bytes of a blob, members of a list or map.
    fn length(&self) -> Option<usize> {
        None
    }
    fn number(&self) -> Option<i64> {
        None
    }
    fn text(&self) -> Option<&str> {
        None
    }
    /// The value as it may be echoed; `None` when it is sensitive.
    fn shown(&self) -> Option<String> {
        None
    }
}

/// `[len 1..=4096]`
pub fn check_length<T: Measured>(
    value: &T,
    bounds: std::ops::RangeInclusive<usize>,
    at: At<'_>,
    violations: &mut Violations,
) {
    let Some(length) = value.length() else { return };
    if length < *bounds.start() {
        let constraint = format!("Member must have length greater than or equal to {}", bounds.start());
        violations.add(value.shown().as_deref(), at, constraint);
    }
    if length > *bounds.end() {
        let constraint = format!("Member must have length less than or equal to {}", bounds.end());
        violations.add(value.shown().as_deref(), at, constraint);
    }
}

/// `[range 1..=1024]`
pub fn check_range<T: Measured>(
    value: &T,
    bounds: std::ops::RangeInclusive<i64>,
    at: At<'_>,
    violations: &mut Violations,
) {
    let Some(number) = value.number() else { return };
    if number < *bounds.start() {
        let constraint = format!("Member must have value greater than or equal to {}", bounds.start());
        violations.add(Some(&number.to_string()), at, constraint);
    }
    if number > *bounds.end() {
        let constraint = format!("Member must have value less than or equal to {}", bounds.end());
        violations.add(Some(&number.to_string()), at, constraint);
    }
}

/// `[pattern is_grant_name, "^[a-zA-Z0-9:/_-]+$"]`: the predicate decides, the text is AWS's.
pub fn check_pattern<T: Measured>(
    value: &T,
    accepts: fn(&str) -> bool,
    pattern: &str,
    at: At<'_>,
    violations: &mut Violations,
) {
    let Some(text) = value.text() else { return };
    if !accepts(text) {
        let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
        violations.add(value.shown().as_deref(), at, constraint);
    }
}

/// Declares a request shape.
///
/// ```
/// keywatch_api::shape! {
///     /// `Encrypt`
///     pub struct EncryptRequest: Pascal {
///         key_id: String [len 1..=2048],
///         plaintext: keywatch_api::SecretBlob [len 1..=4096],
///         dry_run: Option<bool>,
///     }
/// }
/// ```
/// `Pascal` or `Camel` is the case of the members on the wire; an odd one has its own `#[serde(rename = "…")]`.
/// Constraints: `[len A..=B]`, `[range A..=B]`, `[pattern predicate, "regular expression"]`, several after each other; for the
/// elements of a list or the values of a map `[each A..=B]` (a length) or `[each A..=B, predicate, "regular expression"]`, for the
/// keys of a map `[keys …]` in the same way.
#[macro_export]
macro_rules! shape {
    ($(#[$meta:meta])* pub struct $name:ident: $case:ident {
        $($(#[$fmeta:meta])* $field:ident: $type:ty $([$($constraint:tt)*])*),* $(,)?
    }) => {
        $crate::shape!(@declare $case { $(#[$meta])* } $name { $($(#[$fmeta])* $field: $type,)* });
        const _: () = {
            $crate::shape!(@raw $case { $($(#[$fmeta])* $field: $type,)* });

            impl $crate::WireField for $name {
                type Raw = $crate::Object<Raw>;
                fn describe() -> $crate::describe::Shape {
                    $crate::describe::Shape::structure::<Raw>(vec![$({
                        let shape = <$type as $crate::WireField>::describe();
                        $(let shape = $crate::shape!(@describe shape, $($constraint)*);)*
                        shape
                    }),*])
                }
                #[allow(unused_variables, reason = "a shape may have no members")]
                fn from_raw(raw: Self::Raw, at: $crate::At<'_>, violations: &mut $crate::Violations) -> Option<Self> {
                    let raw = raw.0;
                    $(
                        let here = at.field(stringify!($field));
                        let $field = <$type as $crate::WireField>::from_optional(raw.$field, here, violations);
                        $(if let Some(value) = &$field {
                            $crate::shape!(@check value, here, violations, $($constraint)*);
                        })*
                    )*
                    Some($name { $($field: $field?),* })
                }
            }
        };
    };
    (@declare Pascal { $(#[$meta:meta])* } $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, ::serde::Serialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $name { $($(#[$fmeta])* pub $field: $type),* }
    };
    (@declare Camel { $(#[$meta:meta])* } $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, ::serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$fmeta])* pub $field: $type),* }
    };
    (@raw Pascal { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(::serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        #[allow(unreachable_pub, missing_debug_implementations, reason = "never leaves this block")]
        pub struct Raw { $($(#[$fmeta])* #[serde(default = "Option::default")] $field: Option<<$type as $crate::WireField>::Raw>,)* }
    };
    (@raw Camel { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(::serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(unreachable_pub, missing_debug_implementations, reason = "never leaves this block")]
        pub struct Raw { $($(#[$fmeta])* #[serde(default = "Option::default")] $field: Option<<$type as $crate::WireField>::Raw>,)* }
    };
    (@check $value:ident, $at:ident, $violations:ident, len $bounds:expr) => {
        $crate::shape::check_length($value, $bounds, $at, $violations)
    };
    (@check $value:ident, $at:ident, $violations:ident, range $bounds:expr) => {
        $crate::shape::check_range($value, $bounds, $at, $violations)
    };
    (@check $value:ident, $at:ident, $violations:ident, pattern $accepts:expr, $pattern:literal) => {
        $crate::shape::check_pattern($value, $accepts, $pattern, $at, $violations)
    };
    (@check $value:ident, $at:ident, $violations:ident, each $bounds:expr $(, $accepts:expr, $pattern:literal)?) => {
        $crate::elements::check_each($value, &$crate::shape!(@rule $bounds $(, $accepts, $pattern)?), $at, $violations)
    };
    (@check $value:ident, $at:ident, $violations:ident, keys $bounds:expr $(, $accepts:expr, $pattern:literal)?) => {
        $crate::elements::check_keys($value, &$crate::shape!(@rule $bounds $(, $accepts, $pattern)?), $at, $violations)
    };
    (@rule $bounds:expr) => {
        $crate::elements::Rule { length: $bounds, pattern: None }
    };
    (@rule $bounds:expr, $accepts:expr, $pattern:literal) => {
        $crate::elements::Rule { length: $bounds, pattern: Some(($accepts, $pattern)) }
    };
    (@describe $shape:ident, len $bounds:expr) => { $shape.with_length($bounds) };
    (@describe $shape:ident, range $bounds:expr) => { $shape.with_range($bounds) };
    (@describe $shape:ident, pattern $accepts:expr, $pattern:literal) => { $shape.with_pattern($pattern) };
    (@describe $shape:ident, each $bounds:expr $(, $accepts:expr, $pattern:literal)?) => {
        $shape.with_each(|each| $crate::shape!(@rule $bounds $(, $accepts, $pattern)?).describe(each))
    };
    (@describe $shape:ident, keys $bounds:expr $(, $accepts:expr, $pattern:literal)?) => {
        $shape.with_keys(|keys| $crate::shape!(@rule $bounds $(, $accepts, $pattern)?).describe(keys))
    };
}

impl<T: WireField> WireField for Option<T> {
    type Raw = T::Raw;
    fn describe() -> Shape {
        T::describe().optional()
    }
    fn from_raw(raw: T::Raw, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        T::from_raw(raw, at, violations).map(Some)
    }
    fn from_optional(raw: Option<T::Raw>, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        match raw {
            Some(raw) => Self::from_raw(raw, at, violations),
            None => Some(None),
        }
    }
}

/// A list longer than this is never looked at member by member; every modelled list is shorter.
const LIST_MEMBERS_MAX: usize = 100_000;

impl<T: WireField> WireField for Vec<T> {
    type Raw = Vec<Option<T::Raw>>;
    fn describe() -> Shape {
        Shape::of(Kind::List(Box::new(T::describe())))
    }
    fn from_raw(raw: Self::Raw, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        if raw.len() > LIST_MEMBERS_MAX {
            violations.add(
                None,
                at,
                format_args!("Member must have length less than or equal to {LIST_MEMBERS_MAX}"),
            );
            return None;
        }
        let mut checked = Vec::with_capacity(raw.len());
        for (index, member) in raw.into_iter().enumerate() {
            if let Some(member) = T::from_optional(member, at.member(index), violations) {
                checked.push(member);
            }
        }
        Some(checked)
    }
}

impl<T: WireField> WireField for BTreeMap<String, T> {
    type Raw = BTreeMap<String, Option<T::Raw>>;
    fn describe() -> Shape {
        Shape::of(Kind::Map { keys: Box::new(Shape::of(Kind::Text)), values: Box::new(T::describe()) })
    }
    fn from_raw(raw: Self::Raw, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        let mut checked = BTreeMap::new();
        for (key, value) in raw {
            if let Some(value) = T::from_optional(value, at.entry(&key), violations) {
                checked.insert(key, value);
            }
        }
        Some(checked)
    }
}

macro_rules! plain_field {
    ($($type:ty => $kind:ident),* $(,)?) => { $(
        impl WireField for $type {
            type Raw = $type;
            fn describe() -> Shape {
                Shape::of(Kind::$kind)
            }
            fn from_raw(raw: $type, _: At<'_>, _: &mut Violations) -> Option<Self> {
                Some(raw)
            }
        }
    )* };
}
plain_field!(
    String => Text,
    bool => Boolean,
    i32 => Integer,
    i64 => Long,
    f64 => Double,
    crate::Blob => Blob,
    crate::SecretBlob => Blob,
    crate::SecretText => Text,
    crate::WireTime => Time,
    crate::Number => Double,
);

macro_rules! measured_number {
    ($($type:ty),*) => { $(
        impl Measured for $type {
            fn number(&self) -> Option<i64> { Some(i64::from(*self)) }
            fn shown(&self) -> Option<String> { Some(self.to_string()) }
        }
    )* };
}
measured_number!(i32, i64);

impl Measured for String {
    fn length(&self) -> Option<usize> {
        Some(self.chars().count())
    }
    fn text(&self) -> Option<&str> {
        Some(self)
    }
    fn shown(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl<T: Measured> Measured for Option<T> {
    fn length(&self) -> Option<usize> {
        self.as_ref().and_then(T::length)
    }
    fn number(&self) -> Option<i64> {
        self.as_ref().and_then(T::number)
    }
    fn text(&self) -> Option<&str> {
        self.as_ref().and_then(T::text)
    }
    fn shown(&self) -> Option<String> {
        self.as_ref().and_then(T::shown)
    }
}

impl<T: fmt::Debug> Measured for Vec<T> {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
    fn shown(&self) -> Option<String> {
        Some(format!("{:?}", self.iter().take(VIOLATIONS_SHOWN_MAX).collect::<Vec<_>>()))
    }
}

impl<T: fmt::Debug> Measured for BTreeMap<String, T> {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Measured for crate::Blob {
    fn length(&self) -> Option<usize> {
        Some(self.0.len())
    }
    fn shown(&self) -> Option<String> {
        Some(format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", self.0.len()))
    }
}

impl Measured for crate::SecretBlob {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Measured for crate::SecretText {
    fn length(&self) -> Option<usize> {
        Some(self.expose().chars().count())
    }
    fn text(&self) -> Option<&str> {
        Some(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::wire_enum! {
        pub enum Colour { Red = "RED", Blue = "BLUE" }
    }
    crate::shape! {
        pub struct Inner: Pascal { tag_key: String [len 1..=3] }
    }
    crate::shape! {
        pub struct Sample: Pascal {
            key_id: String [len 1..=8] [pattern |t: &str| !t.contains(' '), "^[^ ]+$"],
            number_of_bytes: Option<i32> [range 1..=1024],
            plaintext: Option<crate::SecretBlob> [len 1..=4],
            colour: Option<Colour>,
            tags: Option<Vec<Inner>> [len 0..=2],
            #[serde(rename = "AWSThing")]
            aws_thing: Option<bool>,
        }
    }

    fn check_text(json: &str) -> Result<Sample, String> {
        let raw = serde_json::from_str(json).expect("valid JSON");
        check::<Sample>(raw).map_err(|fault| fault.message.unwrap())
    }

    #[test]
    fn a_valid_request_is_typed() {
        let sample =
            check_text(r#"{"KeyId":"a","Colour":"BLUE","Tags":[{"TagKey":"k"}],"AWSThing":true,"Other":1}"#)
                .unwrap();
        assert_eq!(sample.key_id, "a");
        assert_eq!(sample.colour, Some(Colour::Blue));
        assert_eq!(sample.tags.unwrap()[0].tag_key, "k");
        assert_eq!(sample.aws_thing, Some(true));
    }

    #[test]
    fn every_member_of_a_closed_set_reads_as_its_text() {
        for colour in Colour::ALL {
            let json = format!(r#"{{"KeyId":"k","Colour":"{colour}"}}"#);
            assert_eq!(check_text(&json).unwrap().colour, Some(*colour));
        }
    }

    #[test]
    fn violations_read_as_aws_writes_them() {
        for (json, want) in [
            (
                "{}",
                "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
            ),
            (
                r#"{"KeyId":"","NumberOfBytes":0}"#,
                "2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ),
            (
                r#"{"KeyId":"k","Plaintext":"AAAAAAAA"}"#,
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4",
            ),
            (
                r#"{"KeyId":"k","Colour":"GREEN"}"#,
                "1 validation error detected: Value 'GREEN' at 'colour' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]",
            ),
            (
                r#"{"KeyId":"k","Tags":[{"TagKey":"long key"}]}"#,
                "1 validation error detected: Value 'long key' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 3",
            ),
            (
                r#"{"KeyId":"a b"}"#,
                "1 validation error detected: Value 'a b' at 'keyId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[^ ]+$",
            ),
        ] {
            assert_eq!(check_text(json).unwrap_err(), want);
        }
    }
}
