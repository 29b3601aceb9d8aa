//! Numbers that follow from a seed.
//!
//! By hand: a seed is to repeat the same run also with later versions of libraries.

use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Clones draw from the same sequence.
#[derive(Clone, Debug)]
pub(crate) struct Dice(Arc<Mutex<u64>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))))
    }

    /// A sequence of its own.
    pub(crate) fn split(&self) -> Self {
        Self::new(self.next())
    }

    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn draw(&self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start).max(1)
    }

    pub(crate) fn percent(&self, chance: u64) -> bool {
        self.draw(0..100) < chance
    }

    pub(crate) fn pick<T: Clone>(&self, from: &[T]) -> Option<T> {
        let index = self.draw(0..from.len().max(1) as u64) as usize;
        from.get(index).cloned()
    }
}
