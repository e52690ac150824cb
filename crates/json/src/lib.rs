//! JSON where it stands: where values begin and end, without building anything.
//!
//! [`lexer`] marks the characters that structure a text, a block at a time; [`scan`] passes over strings, containers
//! and scalars; [`is_json`] looks at a whole text; [`resolved`] reads what stands between quotes.
//! **Invariants:** nothing here recurses, and nothing allocates but for escapes; no offset leads outside the text.
//! **Not here:** what values mean. Who reads them walks the text with these.

mod grammar;
pub mod lexer;
pub mod scan;
mod text;

pub use grammar::is_json;
pub use text::resolved;

/// Nesting beyond this makes a text malformed; AWS nests fewer than twenty levels.
pub const DEPTH_MAX: u32 = 128;

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("malformed JSON in a record")]
    Grammar,
    #[error("a record is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}
