//! Lines and columns in a text.

use super::{Document, Limits};
use std::cell::OnceCell;

/// Bytes between two noted places. Notes at the starts of lines would not do, because a line may be very long.
const STEP: usize = 1024;

/// Finds lines and columns in a text, both from 1; columns count characters.
///
/// Nothing is counted before the first place is asked for. From then on each costs the same, wherever it lies.
///
/// ```
/// use stix_model::json::Lines;
/// let text = "{\n  \"é\": 1}".as_bytes();
/// let lines = Lines::new(text);
/// assert_eq!(lines.at(0), (1, 1));
/// assert_eq!(lines.at(text.len() - 2), (2, 8));
/// assert_eq!(lines.nearest("/é"), (2, 8));
///
/// // A part of a larger text.
/// let lines = Lines::new(b"[7,\n8]").starting_at(5, 20);
/// assert_eq!([lines.at(1), lines.at(4)], [(5, 21), (6, 1)]);
/// ```
#[derive(Clone, Debug)]
pub struct Lines<'t> {
    text: &'t [u8],
    start: (usize, usize),
    /// The place of the byte at each multiple of [`STEP`].
    marks: OnceCell<Vec<(usize, usize)>>,
}

impl<'t> Lines<'t> {
    /// Those of a text that begins at line 1, column 1.
    pub fn new(text: &'t [u8]) -> Self {
        Self { text, start: (1, 1), marks: OnceCell::new() }
    }

    /// The same for a text that begins at this line and column of a larger one.
    #[must_use]
    pub fn starting_at(self, line: usize, column: usize) -> Self {
        Self { start: (line, column), marks: OnceCell::new(), ..self }
    }

    /// Line and column of a byte; of the end of the text when it lies beyond.
    pub fn at(&self, offset: usize) -> (usize, usize) {
        let marks = self.marks.get_or_init(|| {
            let steps = self.text.chunks(STEP);
            let next = |place: &mut (usize, usize), step: &[u8]| {
                let here = *place;
                *place = after(here, step);
                Some(here)
            };
            steps.scan(self.start, next).collect()
        });
        let offset = offset.min(self.text.len());
        let mark = (offset / STEP).min(marks.len().saturating_sub(1));
        after(marks.get(mark).copied().unwrap_or(self.start), &self.text[mark * STEP..offset])
    }

    /// Line and column of what a JSON pointer leads to, else of the innermost value that is there, as with
    /// [`Value::nearest`](super::Value::nearest); where reading stops when the text is no JSON.
    pub fn nearest(&self, pointer: &str) -> (usize, usize) {
        match Document::read(self.text, Limits::NONE) {
            Ok(document) => self.at(document.root().nearest(pointer).range().start),
            Err(error) => self.at(error.offset()),
        }
    }
}

/// The place behind some bytes that begin at a place.
pub(super) fn after((line, column): (usize, usize), bytes: &[u8]) -> (usize, usize) {
    // In UTF-8, each character has one byte that is no continuation.
    let characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    let breaks = memchr::memchr_iter(b'\n', bytes);
    match memchr::memrchr(b'\n', bytes) {
        None => (line, column + characters(bytes)),
        Some(last) => (line + breaks.count(), 1 + characters(&bytes[last + 1..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_however_long_the_lines() {
        let text = format!("é{}\n{}x", "a".repeat(10_000), "ü".repeat(3000));
        let lines = Lines::new(text.as_bytes()).starting_at(7, 1);
        let end = text.len();
        let found = [0, 2, 10_001, 10_002, 10_003, end - 1, end].map(|offset| lines.at(offset));
        let expected = [(7, 1), (7, 2), (7, 10_001), (7, 10_002), (8, 1), (8, 3001), (8, 3002)];
        assert_eq!(found, expected);
        assert_eq!(Lines::new(b"").at(5), (1, 1));
    }

    #[test]
    fn pointers_lead_to_what_is_there() {
        let lines = Lines::new(b" {\"a\":\n [1, 2]}").starting_at(3, 10);
        let found = ["", "/a/1", "/a/7", "/b", "no pointer"].map(|pointer| lines.nearest(pointer));
        assert_eq!(found, [(3, 11), (4, 6), (4, 2), (3, 11), (3, 11)]);
        assert_eq!(Lines::new(b"[1,\n}").nearest("/0"), (2, 1));
    }
}
