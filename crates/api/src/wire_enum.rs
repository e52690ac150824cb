//! Closed sets of the wire, each with `ALL`, `as_str` and AWS's text for a value outside it.

/// Declares a closed set: `wire_enum! { pub enum KeyState { Enabled = "Enabled", … } }`.
///
/// The type reads and writes itself as its text, in requests ([`crate::WireField`]), answers and stored records.
#[macro_export]
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }
        impl ::std::str::FromStr for $name {
            type Err = $crate::wire_enum::NotAMember;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok($name::$variant),)* _ => Err($crate::wire_enum::NotAMember) }
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(|_| ::serde::de::Error::unknown_variant(&text, &[$($text),*]))
            }
        }
        impl $crate::WireField for $name {
            type Raw = String;
            fn describe() -> $crate::describe::Shape {
                $crate::describe::Shape::of($crate::describe::Kind::Enum(&[$($text),*]))
            }
            fn from_raw(raw: String, at: $crate::At<'_>, violations: &mut $crate::Violations) -> Option<Self> {
                let member = raw.parse().ok();
                if member.is_none() {
                    violations.enumeration(&raw, at, &[$($text),*]);
                }
                member
            }
        }
    };
}

/// A text outside the closed set that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a member of the closed set")]
pub struct NotAMember;
