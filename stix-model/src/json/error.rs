//! What the strict reader refuses, and where.

use super::lines::after;
use std::fmt;

/// Why a text was refused, with the place: byte offset, line, column and JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub(super) kind: JsonErrorKind,
    pub(super) offset: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    /// Innermost first, because they are added while the reader unwinds.
    pub(super) path: Vec<String>,
}

impl JsonError {
    pub(super) fn new(kind: JsonErrorKind, offset: usize) -> Self {
        Self { kind, offset, line: 0, column: 0, path: Vec::new() }
    }

    /// Counts lines once, when the error leaves the reader.
    #[cold]
    pub(super) fn located(mut self, text: &[u8]) -> Self {
        (self.line, self.column) = after((1, 1), &text[..self.offset.min(text.len())]);
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> JsonErrorKind {
        self.kind
    }

    /// Byte offset from the start of the text.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The JSON pointer of the value in which reading stopped; empty for the whole text.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.path.iter().rev().for_each(|segment| super::push_step(segment, &mut pointer));
        pointer
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.kind, self.line, self.column)?;
        let pointer = self.pointer();
        if pointer.is_empty() { Ok(()) } else { write!(f, " ({pointer})") }
    }
}

impl std::error::Error for JsonError {}

/// The rule that a text broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Longer than the limit, or than the 4 GiB that the reader can index.
    #[error("the text is longer than the limit")]
    TooLong,
    /// RFC 7493, section 2.1.
    #[error("not UTF-8")]
    NotUtf8,
    /// RFC 8259, section 8.1: JSON on the network has no byte order mark.
    #[error("starts with a byte order mark")]
    ByteOrderMark,
    /// The text ends inside a value.
    #[error("the text ends too early")]
    UnexpectedEnd,
    /// Something else was due here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// More text after the value.
    #[error("more text after the end of the value")]
    TrailingText,
    /// Nested deeper than the limit.
    #[error("nested too deep")]
    TooDeep,
    /// A list has more elements than the limit.
    #[error("more elements in one list than are allowed")]
    TooMany,
    /// RFC 7493, section 2.3.
    #[error("this member name occurs twice in one object")]
    DuplicateName,
    /// A raw control character inside a string.
    #[error("a control character inside a string must be escaped")]
    ControlCharacter,
    /// A backslash followed by something undefined.
    #[error("unknown escape sequence")]
    BadEscape,
    /// RFC 7493, section 2.1.
    #[error("half of a surrogate pair")]
    LoneSurrogate,
    /// Not a number by the JSON grammar.
    #[error("malformed number")]
    BadNumber,
    /// RFC 7493, section 2.2.
    #[error("an integer outside ±(2^53 − 1)")]
    UnsafeInteger,
    /// Too large for an IEEE 754 double.
    #[error("a number too large for a double")]
    NotFinite,
}
