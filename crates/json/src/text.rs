//! What stands between the quotes of a string, with its escapes resolved

use std::borrow::Cow;

/// The text that `written`, the inside of a JSON string, stands for. Half a surrogate pair becomes U+FFFD; what is no
/// escape stays as it is.
pub fn resolved(written: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', written.as_bytes()) else { return Cow::Borrowed(written) };
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    let mut next = Some(first);
    while let Some(at) = next {
        text.push_str(&rest[..at]);
        rest = escape(&rest[at..], &mut text);
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Resolves the escape that `rest` begins with; what follows it.
fn escape<'w>(rest: &'w str, text: &mut String) -> &'w str {
    let plain = match rest.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(plain @ (b'"' | b'\\' | b'/')) => char::from(*plain),
        Some(b'u') => {
            let Some(unit) = code_unit(rest) else {
                text.push('\\');
                return &rest[1..];
            };
            let after = &rest[6..];
            if let Some(low) = code_unit(after)
                && let Some(Ok(both)) = char::decode_utf16([unit, low]).next()
                && both.len_utf16() == 2
            {
                text.push(both);
                return &after[6..];
            }
            text.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
            return after;
        }
        _ => {
            text.push('\\');
            return &rest[1..];
        }
    };
    text.push(plain);
    &rest[2..]
}

/// The number of `\u0041`, if the text begins with such an escape.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolving() {
        for (written, want) in [
            ("", ""),
            ("plain é", "plain é"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"a\u0041\u00e9z", "aAéz"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d", "\u{FFFD}"),
            (r"\ud83dx", "\u{FFFD}x"),
            (r"\ud83d\u0041", "\u{FFFD}A"),
            (r"\ude00\ud83d", "\u{FFFD}\u{FFFD}"),
            (r"\x\u12", r"\x\u12"),
            ("\\", "\\"),
            ("\\u00é0", "\\u00é0"),
        ] {
            assert_eq!(resolved(written), want, "{written}");
        }
    }
}
