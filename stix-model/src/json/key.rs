//! What a name is looked for by in hash tables.

/// The first and the last eight bytes of a name, and its length: tells names of up to sixteen bytes apart for sure,
/// without looking at each byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    first: u64,
    last: u64,
    length: usize,
}

impl Key {
    pub(crate) const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let length = bytes.len();
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return Self { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last), length };
        }
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let (first, last) = (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64);
            return Self { first, last, length };
        }
        let mut first = 0;
        let mut at = 0;
        while at < length {
            first = first << 8 | bytes[at] as u64;
            at += 1;
        }
        Self { first, last: 0, length }
    }

    /// Whether equal keys are those of equal names.
    pub(crate) const fn is_whole(self) -> bool {
        self.length <= 16
    }

    /// Where a name is looked for first in a table.
    pub(crate) const fn first_slot(self) -> usize {
        let mixed = self.first ^ self.last.rotate_left(29) ^ self.length as u64;
        (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as usize
    }
}
