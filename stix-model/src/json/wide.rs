//! Places of the parts of large objects and lists.
//!
//! Values are searched one after the other, which is fastest for the few parts that most have. In a large value
//! it would make each search as long as the text, and a text with many searches square.

/// How many nodes an object or a list covers at most that is not large. An object of few names is none either.
pub(super) const LARGE: usize = 64;

/// The places of the parts of all large values of a document.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// For each large value, in the order of the text: its node, and where its parts begin in `parts`.
    values: Vec<(u32, u32)>,
    /// Nodes of names in canonical order, or of elements in the order of the text; before those of each value, how many
    /// there are.
    parts: Vec<u32>,
}

impl Index {
    /// Adds a value whose parts stand at these nodes.
    pub(super) fn add(&mut self, node: u32, parts: impl Iterator<Item = u32>) {
        let start = self.parts.len();
        // A document has more nodes than parts, and counts them in 32 bits.
        self.values.push((node, u32::try_from(start).unwrap_or(u32::MAX)));
        self.parts.push(0);
        self.parts.extend(parts);
        self.parts[start] = u32::try_from(self.parts.len() - start - 1).unwrap_or(u32::MAX);
    }

    /// Ends the building: values end in another order than they begin.
    pub(super) fn finish(&mut self) {
        self.values.sort_unstable();
    }

    /// The parts of a value.
    pub(super) fn parts(&self, node: usize) -> Option<&[u32]> {
        let node = u32::try_from(node).ok()?;
        let found = self.values.binary_search_by_key(&node, |(node, _)| *node).ok()?;
        let start = self.values[found].1 as usize;
        let length = self.parts[start] as usize;
        self.parts.get(start + 1..start + 1 + length)
    }
}
