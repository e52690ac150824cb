//! Text that stays where it is: in the record it was read from.
//!
//! `Option<Cow<str>>` never borrows when serde reads it (only a bare `Cow` with `#[serde(borrow)]` does), so that every
//! member of every record would be allocated. A **text** borrows unless the string holds escapes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A string of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_copied_only_for_its_escapes() {
        check(r#""plain""#, Some(("plain", true)));
        check(r#""a\nb""#, Some(("a\nb", false)));
        check("5", None);

        fn check(json: &str, want: Option<(&str, bool)>) {
            let got = serde_json::from_str::<Text<'_>>(json).ok();
            let got = got.as_ref().map(|text| (&**text, matches!(text.0, Cow::Borrowed(_))));
            assert_eq!(got, want, "{json}");
        }
    }
}
