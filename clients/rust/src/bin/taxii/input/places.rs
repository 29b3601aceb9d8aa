//! Lines and columns in a text.

use super::Text;
use std::cell::OnceCell;

/// A line may be very long, so places are noted at every so many bytes, and not at every line.
const STEP: usize = 4096;

/// Finds lines and columns; costs nothing until the first is asked for.
pub(crate) struct Places<'t> {
    text: &'t [u8],
    first_line: usize,
    /// The place of the byte at each multiple of [`STEP`].
    marks: OnceCell<Vec<(usize, usize)>>,
}

impl<'t> Places<'t> {
    /// Those of a text, as lines of its file.
    pub(crate) fn of(text: &'t Text<'_>) -> Self {
        Self { text: &text.bytes, first_line: text.line, marks: OnceCell::new() }
    }

    /// Line and column of a byte, from 1; columns count characters.
    pub(crate) fn at(&self, offset: usize) -> (usize, usize) {
        let start = (self.first_line, 1);
        let marks = self.marks.get_or_init(|| {
            let steps = self.text.chunks(STEP);
            let next = |place: &mut (usize, usize), step: &[u8]| {
                let here = *place;
                *place = after(here, step);
                Some(here)
            };
            steps.scan(start, next).collect()
        });
        let offset = offset.min(self.text.len());
        let mark = (offset / STEP).min(marks.len().saturating_sub(1));
        after(marks.get(mark).copied().unwrap_or(start), &self.text[mark * STEP..offset])
    }
}

/// The place behind some bytes that begin at a place.
fn after((line, column): (usize, usize), bytes: &[u8]) -> (usize, usize) {
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
        let text = Text { file: "", line: 7, bytes: text.into(), is_line: false };
        let places = Places::of(&text);
        let end = text.bytes.len();
        let found = [0, 2, 10_001, 10_002, 10_003, end - 1, end].map(|offset| places.at(offset));
        let expected = [(7, 1), (7, 2), (7, 10_001), (7, 10_002), (8, 1), (8, 3001), (8, 3002)];
        assert_eq!(found, expected);
        let empty = Text { file: "", line: 1, bytes: Default::default(), is_line: true };
        assert_eq!(Places::of(&empty).at(5), (1, 1));
    }
}
