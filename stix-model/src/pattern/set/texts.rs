//! Texts that are looked for anywhere in a value: by one piece of each, and then in full length.

use super::key::{Kind, Seed};
use super::requirement::Text;
use super::table::Table;
use super::trie::Probes;

/// Finds all texts that a value contains.
#[derive(Debug)]
pub(super) struct Texts {
    /// One piece of each text, with the number of the text.
    grams: Table,
    entries: Box<[Entry]>,
    /// The texts, one after another.
    bytes: Box<[u8]>,
}

#[derive(Debug)]
struct Entry {
    /// The expression.
    id: u32,
    /// Where the text ends. It starts where the one before it ends.
    end: u32,
    /// Where the piece stands in the text.
    at: u8,
}

#[derive(Debug, Default)]
pub(super) struct TextsBuilder {
    grams: Vec<(u64, u32)>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

impl TextsBuilder {
    /// Adds a text with the piece that starts at a place in it. Texts are parts of those of the expressions, so their
    /// lengths and numbers stay below 2^32; none is longer than 255 bytes.
    pub(super) fn add(&mut self, id: u32, text: &Text, at: usize) {
        if let Some(hash) = text.grams().nth(at) {
            self.grams.push((hash, self.entries.len() as u32));
            self.bytes.extend_from_slice(&text.bytes);
            self.entries.push(Entry { id, end: self.bytes.len() as u32, at: at as u8 });
        }
    }

    pub(super) fn build(self) -> Texts {
        Texts { grams: Table::new(self.grams), entries: self.entries.into(), bytes: self.bytes.into() }
    }
}

impl Texts {
    /// Calls a function with the expression of each text that a value at a node contains.
    pub(super) fn find(&self, node: u32, probes: &Probes, value: &[u8], mut visit: impl FnMut(u32)) {
        let seed = Seed::new(Kind::Gram, node);
        for length in probes.gram_lengths() {
            for (place, hash) in seed.grams(value, length).enumerate() {
                for entry in self.grams.get(hash) {
                    let Entry { id, end, at } = self.entries[entry as usize];
                    let start = if entry == 0 { 0 } else { self.entries[entry as usize - 1].end };
                    let text = &self.bytes[start as usize..end as usize];
                    let is_found =
                        place.checked_sub(at.into()).is_some_and(|start| value[start..].starts_with(text));
                    if is_found {
                        visit(id);
                    }
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.grams.memory() + size_of_val(&*self.entries) + self.bytes.len()
    }
}
