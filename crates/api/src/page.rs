//! Paging markers: opaque to callers, versioned, bound to what was asked, and always "after this key" over a stable
//! order, so that rows added or removed between two pages neither repeat nor vanish.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: &str = "1";
/// Markers longer than this are none of ours.
const MARKER_LENGTH_MAX: usize = 4096;

/// A marker that was not made by [`encode`] for the same question.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the marker does not belong to this request")]
pub struct InvalidMarker;

/// Makes the marker that continues after `last` of the list that `question` describes (operation and filters).
pub fn encode(question: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION}\n{question}\n{last}"))
}

/// Reads the key to continue after.
pub fn decode(question: &str, marker: &str) -> Result<String, InvalidMarker> {
    if marker.len() > MARKER_LENGTH_MAX {
        return Err(InvalidMarker);
    }
    let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| InvalidMarker)?;
    let text = String::from_utf8(bytes).map_err(|_| InvalidMarker)?;
    let (version, rest) = text.split_once('\n').ok_or(InvalidMarker)?;
    let last = rest.strip_prefix(question).and_then(|rest| rest.strip_prefix('\n')).ok_or(InvalidMarker)?;
    if version == VERSION { Ok(last.to_owned()) } else { Err(InvalidMarker) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn belongs_to_its_question() {
        let marker = encode("ListKeys", "a/b/c");
        assert_eq!(decode("ListKeys", &marker).unwrap(), "a/b/c");
        assert_eq!(decode("ListAliases", &marker), Err(InvalidMarker));
        for bad in ["", "!!!", "AAAA", &"A".repeat(5000)] {
            assert_eq!(decode("ListKeys", bad), Err(InvalidMarker), "{bad}");
        }
    }
}
