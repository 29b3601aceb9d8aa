//! Whether an input is one JSON text or JSON lines.

use super::{WINDOW, is_blank};
use crate::json::{Document, Limits};

/// The beginning of an input that is no other format.
pub(super) struct Head<'t> {
    pub(super) text: &'t [u8],
    /// Length of the first line that is not blank, as far as it is there.
    pub(super) first: usize,
    /// That line has ended.
    pub(super) has_first: bool,
    pub(super) is_at_end: bool,
    pub(super) is_stream: bool,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Lines,
    Whole,
}

impl Head<'_> {
    /// What the beginning tells; `None` when more of it is needed.
    pub(super) fn form(&self) -> Option<Seen> {
        if !self.has_first {
            return None;
        }
        let (first, rest) = self.text.split_at(self.first);
        // No line at all is fine on a stream.
        if self.is_stream && (first.is_empty() || is_whole(first)) {
            return Some(Seen::Lines);
        }
        // A whole value with more behind it is no single JSON text.
        if is_blank(rest) {
            return self.is_at_end.then_some(Seen::Whole);
        }
        if is_whole(first) {
            return Some(Seen::Lines);
        }
        if !self.is_at_end && self.text.len() < WINDOW {
            return None;
        }
        let window = &self.text[..self.text.len().min(WINDOW)];
        Some(if are_mostly_whole(window) { Seen::Lines } else { Seen::Whole })
    }
}

/// Only most, because a broken line must not hide the others; and a text over many lines has few whole ones.
fn are_mostly_whole(text: &[u8]) -> bool {
    let (mut lines, mut whole) = (0, 0);
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        lines += 1;
        let is_object = line.starts_with(b"{") && line.ends_with(b"}");
        whole += usize::from(is_object || is_whole(line));
    }
    lines > 1 && whole > lines / 2
}

fn is_whole(line: &[u8]) -> bool {
    Document::read(line, Limits::NONE).is_ok()
}
