//! Members of requests with a rule of their own: defaults that AWS fills in and shows, names inside lists, grant tokens.

use serde::Serialize;

use crate::describe::Shape;
use crate::shape::{Measured, check_length};
use crate::{At, SecretText, Violations, WireField};

/// A member that stands for AWS's default when it is absent. CloudTrail shows the effective value, and so does this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Defaulted<T>(pub T);

impl<T: WireField + Default> WireField for Defaulted<T> {
    type Raw = T::Raw;
    fn describe() -> Shape {
        T::describe().optional()
    }
    fn from_raw(raw: T::Raw, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        T::from_raw(raw, at, violations).map(Defaulted)
    }
    fn from_optional(raw: Option<T::Raw>, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        match raw {
            Some(raw) => Self::from_raw(raw, at, violations),
            None => Some(Self::default()),
        }
    }
}

impl<T: Measured> Measured for Defaulted<T> {
    fn length(&self) -> Option<usize> {
        self.0.length()
    }
    fn number(&self) -> Option<i64> {
        self.0.number()
    }
    fn text(&self) -> Option<&str> {
        self.0.text()
    }
    fn shown(&self) -> Option<String> {
        self.0.shown()
    }
}

/// The key of a tag, as a member of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TagKey(pub String);

impl WireField for TagKey {
    type Raw = String;
    fn describe() -> Shape {
        String::describe().with_length(1..=128)
    }
    fn from_raw(raw: String, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        check_length(&raw, 1..=128, at, violations);
        Some(TagKey(raw))
    }
}

/// A grant token: no secret by AWS's account of it, and yet never shown in a record.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct GrantToken(pub SecretText);

impl WireField for GrantToken {
    type Raw = SecretText;
    fn describe() -> Shape {
        SecretText::describe().with_length(1..=8192)
    }
    fn from_raw(raw: SecretText, at: At<'_>, violations: &mut Violations) -> Option<Self> {
        check_length(&raw, 1..=8192, at, violations);
        Some(GrantToken(raw))
    }
}

/// `[a-zA-Z0-9:/_-]+`
pub fn is_alias_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b))
}

/// `[\u0009\u000A\u000D\u0020-\u00FF]+`
pub fn is_policy_text(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'))
}

/// `[\u0020-\u00FF]*`
pub fn is_marker(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' '..='\u{ff}'))
}

/// `[\w]+`
pub fn is_policy_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `^[a-zA-Z0-9:/_\s.-]+$`. The empty text, which the model's length allows, clears a description.
pub fn is_material_description(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":/_.-".contains(c))
}

/// `^[a-f0-9]+$`
pub fn is_material_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::shape! {
        pub struct Ask: Pascal {
            window: Defaulted<i32> [range 0..=9],
            tokens: Option<Vec<GrantToken>> [len 0..=2],
            tag_keys: Vec<TagKey>,
        }
    }

    fn ask(json: &str) -> Result<Ask, String> {
        crate::shape::check(serde_json::from_str(json).expect("valid JSON")).map_err(|f| f.message.unwrap())
    }

    #[test]
    fn defaults_are_filled_in_and_checked() {
        assert_eq!(ask(r#"{"TagKeys":[]}"#).unwrap().window, Defaulted(0));
        assert_eq!(ask(r#"{"TagKeys":[],"Window":7}"#).unwrap().window, Defaulted(7));
        assert_eq!(
            ask(r#"{"TagKeys":[],"Window":10}"#).unwrap_err(),
            "1 validation error detected: Value '10' at 'window' failed to satisfy constraint: Member must have value less than or equal to 9"
        );
    }

    #[test]
    fn members_of_lists_have_lengths() {
        assert_eq!(
            ask(r#"{"TagKeys":["k",""],"Tokens":[""]}"#).unwrap_err(),
            "2 validation errors detected: Value at 'tokens.1.member' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'tagKeys.2.member' failed to satisfy constraint: Member must have length greater than or equal to 1"
        );
    }

    #[test]
    fn patterns() {
        let check = |accepts: fn(&str) -> bool, good: &[&str], bad: &[&str]| {
            for text in good {
                assert!(accepts(text), "{text:?}");
            }
            for text in bad {
                assert!(!accepts(text), "{text:?}");
            }
        };
        check(is_alias_name, &["alias/a:b_c-9"], &["", "alias/ä", "alias/a b"]);
        check(is_policy_text, &["{\n\t\"é\": 1}\r"], &["", "\u{0}", "€"]);
        check(is_marker, &["", "abc é"], &["\n"]);
        check(is_policy_name, &["default", "AWS_RAM"], &["", "a-b"]);
        check(is_material_description, &["", "v1.2: a/b_c-d e"], &["ä", "a+b"]);
        check(is_material_id, &["0af"], &["", "0AF", "g"]);
    }
}
