//! Where names stand in a list, found by hashing.

/// An open hash table from names to their places in a list. Built by the compiler, and never full.
pub(crate) struct Places {
    /// Places, counted from 1; 0 is free.
    slots: [u8; SLOTS],
    length: u8,
}

const SLOTS: usize = 128;

impl Places {
    pub(crate) const EMPTY: Self = Self { slots: [0; SLOTS], length: 0 };

    /// Adds the next name of the list.
    pub(crate) const fn add(&mut self, key: Key) {
        let mut slot = key.first_slot();
        while self.slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        self.length += 1;
        self.slots[slot] = self.length;
    }

    pub(crate) fn find(&self, key: Key, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut slot = key.first_slot();
        loop {
            let index = usize::from(self.slots[slot].checked_sub(1)?);
            if is_it(index) {
                return Some(index);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

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

    const fn first_slot(self) -> usize {
        let mixed = self.first ^ self.last.rotate_left(29) ^ self.length as u64;
        (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as usize
    }
}
