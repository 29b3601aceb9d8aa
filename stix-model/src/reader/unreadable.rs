//! What the reader cannot hand out as a text.

use super::Foreign;
use crate::finding::{Code, Finding, Severity};
use std::fmt;

/// Something in an input that is no JSON text that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What it is.
    pub kind: UnreadableKind,
}

/// Why something is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadableKind {
    /// A line has more bytes than [`Bounds::line`](super::Bounds::line).
    LineTooLong {
        /// The bound.
        bound: usize,
    },
    /// A text has more bytes than [`Bounds::text`](super::Bounds::text).
    TextTooLong {
        /// The bound.
        bound: usize,
    },
    /// The input is in another format.
    Foreign(Foreign),
}

impl UnreadableKind {
    /// The finding about it: what is wrong, and what to do.
    pub fn finding(self) -> Finding {
        let (code, message, fix) = match self {
            Self::LineTooLong { bound } => {
                let message = format!("a line of more than {} MiB", bound >> 20);
                (Code::TooLarge, message, "write one object on each line")
            }
            Self::TextTooLong { bound } => {
                let message = format!("a text of more than {} MiB", bound >> 20);
                (Code::TooLarge, message, "write it as JSON lines, one object on each line")
            }
            Self::Foreign(foreign) => (foreign.code(), foreign.to_string(), foreign.fix()),
        };
        Finding { fix: Some(fix.into()), ..Finding::new(Severity::Error, code, "", message) }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = self.kind.finding();
        write!(f, "{}", finding.message)?;
        finding.fix.map_or(Ok(()), |fix| write!(f, "; {fix}"))
    }
}
