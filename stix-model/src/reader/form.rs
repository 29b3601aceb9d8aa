//! Whether an input is one JSON text or JSON lines.

use super::WINDOW;
use super::foreign::is_prose;
use crate::json::{Document, Limits};

/// What is known of the beginning of an input that is no other format. No byte is looked at twice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beginning {
    /// Whether the first line that is not blank is a JSON text by itself, once it has ended.
    is_first_whole: Option<bool>,
    /// Bytes behind the first line that are known to be blank.
    blank: usize,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Lines,
    Whole,
}

impl Beginning {
    /// The first line has ended, and was looked at.
    pub(super) fn has_first(&self) -> bool {
        self.is_first_whole.is_some()
    }

    /// What a text tells whose first line ends at `first`; `None` when more of it is needed. Each call adds to the text of
    /// the one before.
    pub(super) fn look(
        &mut self,
        text: &[u8],
        first: usize,
        is_stream: bool,
        is_at_end: bool,
    ) -> Option<Seen> {
        let (line, rest) = text.split_at(first);
        let is_first_whole = *self.is_first_whole.get_or_insert_with(|| is_whole(line));
        // No line at all is fine on a stream.
        if is_stream && (line.is_empty() || is_first_whole) {
            return Some(Seen::Lines);
        }
        self.blank += rest[self.blank..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        // A whole value with more behind it is no single JSON text.
        if self.blank == rest.len() {
            return is_at_end.then_some(Seen::Whole);
        }
        if is_first_whole {
            return Some(Seen::Lines);
        }
        if !is_at_end && text.len() < WINDOW {
            return None;
        }
        let window = &text[..text.len().min(WINDOW)];
        Some(if are_mostly_whole(window) { Seen::Lines } else { Seen::Whole })
    }
}

/// Only most, because a broken line must not hide the others; and a text over many lines has few whole ones. Prose in
/// front belongs to neither form.
fn are_mostly_whole(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let (mut prose, mut json, mut whole) = (0, 0, 0);
    for line in lines {
        if json == 0 && is_prose(line) {
            prose += 1;
            continue;
        }
        json += 1;
        let is_object = line.starts_with(b"{") && line.ends_with(b"}");
        whole += usize::from(is_object || is_whole(line));
    }
    prose + json > 1 && whole > json / 2
}

fn is_whole(line: &[u8]) -> bool {
    Document::read(line, Limits::NONE).is_ok()
}
