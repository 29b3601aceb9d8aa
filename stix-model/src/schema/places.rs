//! Where names stand in a list, found by hashing.

use crate::json::Key;

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

    // A call costs about as much as the search.
    #[inline(always)]
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
