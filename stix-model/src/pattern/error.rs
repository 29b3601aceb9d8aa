//! Why a text is no pattern, and where; why a pattern cannot be matched.

use super::check::PatternIssue;
use crate::TimestampError;

/// Why a text is no pattern, with the place where reading stopped.
///
/// ```
/// use stix_model::pattern::Pattern;
/// let error = Pattern::parse("[file:name like 'x%']").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected an operator, found `like` at line 1, column 12: keywords are in capitals (LIKE)"
/// );
/// assert_eq!(error.offset(), 11);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}{}", hint.as_deref().map(|hint| format!(": {hint}")).unwrap_or_default())]
pub struct PatternError {
    kind: PatternErrorKind,
    hint: Option<Box<str>>,
    offset: usize,
    line: usize,
    column: usize,
}

impl PatternError {
    #[cold]
    pub(super) fn new(fault: Fault, text: &str) -> Self {
        let before = text.get(..fault.offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            kind: fault.kind,
            hint: fault.hint,
            offset: fault.offset,
            line: 1 + before.bytes().filter(|&byte| byte == b'\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }

    /// What is wrong.
    pub fn kind(&self) -> &PatternErrorKind {
        &self.kind
    }

    /// What the author may have meant, where that can be guessed.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where it stands, in bytes from the start of the pattern.
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
}

/// The rule of the grammar that a text broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternErrorKind {
    /// Something else was due.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What was due.
        expected: &'static str,
        /// What stands there, shortened.
        found: Box<str>,
    },
    /// A string or other quoted constant without its closing apostrophe.
    #[error("this apostrophe is never closed")]
    Unterminated,
    /// A comment without its end.
    #[error("this comment is never closed")]
    UnterminatedComment,
    /// STIX 2.1, section 9.1, string.
    #[error("in a string, a backslash stands only before an apostrophe or another backslash")]
    BadEscape,
    /// STIX 2.1, section 9.1, hex.
    #[error("a hex constant is an even number of hexadecimal digits")]
    BadHex,
    /// STIX 2.1, section 9.1, binary.
    #[error("a binary constant is base64 with padding (RFC 4648)")]
    BadBase64,
    /// STIX 2.1, section 9.1, timestamp.
    #[error("{0}")]
    BadTimestamp(TimestampError),
    /// A number that no variable of this kind can hold.
    #[error("this number is out of range")]
    NumberRange,
    /// Longer than [`PatternLimits::bytes`](super::PatternLimits::bytes).
    #[error("the pattern is longer than {0} bytes")]
    TooLong(usize),
    /// Deeper than [`PatternLimits::depth`](super::PatternLimits::depth).
    #[error("more than {0} levels of parentheses or steps of one path")]
    TooDeep(usize),
    /// More than [`PatternLimits::comparisons`](super::PatternLimits::comparisons).
    #[error("the pattern has more than {0} comparisons")]
    TooMany(usize),
}

/// An error on its way out of the parser, before lines are counted.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: PatternErrorKind,
    pub(super) hint: Option<Box<str>>,
    pub(super) offset: usize,
}

/// Why a pattern cannot be matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// By the standard it matches nothing.
    #[error("{0}")]
    Invalid(PatternIssue),
    /// It would match something, but no automaton can find it.
    #[error("{0}")]
    Unsupported(PatternIssue),
    /// The automaton would exceed [`MatchLimits::regex_bytes`](super::MatchLimits::regex_bytes).
    #[error("{0}: the regular expression needs more memory than allowed")]
    RegexTooLarge(Box<str>),
}
