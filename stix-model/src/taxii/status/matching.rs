//! Which object of a request a row of a status is about.

use crate::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// The objects of a request that have no row yet. Each is passed over once, however many rows there are.
pub(super) struct Unmatched<'o> {
    has_row: Vec<bool>,
    by_version: BTreeMap<(&'o str, Version<'o>), VecDeque<usize>>,
    by_id: BTreeMap<&'o str, VecDeque<usize>>,
}

impl<'o> Unmatched<'o> {
    /// `objects` holds `id` and version of each object.
    pub(super) fn new<S: AsRef<str>>(objects: &'o [(S, S)]) -> Self {
        let mut by_version: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        let mut by_id: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for (index, (id, version)) in objects.iter().enumerate() {
            by_version.entry((id.as_ref(), Version::of(version.as_ref()))).or_default().push_back(index);
            by_id.entry(id.as_ref()).or_default().push_back(index);
        }
        Self { has_row: vec![false; objects.len()], by_version, by_id }
    }

    /// Notes that the object at this index has a row.
    pub(super) fn take(&mut self, index: usize) {
        self.has_row[index] = true;
    }

    /// The first object of this identifier and version, else of this identifier. It has a row from now on.
    pub(super) fn find(&mut self, id: &'o str, version: &'o str) -> Option<usize> {
        let key = (id, Version::of(version));
        let of_version = self.by_version.get_mut(&key).and_then(|queue| first(queue, &self.has_row));
        let index = of_version.or_else(|| first(self.by_id.get_mut(id)?, &self.has_row))?;
        self.take(index);
        Some(index)
    }
}

/// The first in the queue that has no row.
fn first(queue: &mut VecDeque<usize>, has_row: &[bool]) -> Option<usize> {
    std::iter::from_fn(|| queue.pop_front()).find(|index| !has_row[*index])
}

/// A version. Timestamps are compared as instants, because a server may write them anew.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Version<'t> {
    Instant(Timestamp),
    Text(&'t str),
}

impl<'t> Version<'t> {
    fn of(text: &'t str) -> Self {
        text.parse().map_or(Self::Text(text), Self::Instant)
    }
}
