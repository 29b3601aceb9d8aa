//! The member names inside one object: duplicates, and the order of the canonical form.
//!
//! Duplicates among few names are found by hashing, and their order is made when it is asked for, as for a digest. Many
//! names are sorted once, for the search among them too.

use super::string::unescaped;
use super::{Key, Node, utf16};
use std::cmp::Ordering;

/// How many names are few.
pub(super) const FEW: usize = 32;

/// A member name on its way through the sort.
#[derive(Clone, Copy, Default)]
pub(super) struct Name {
    /// The first eight bytes as a number, which decides most comparisons.
    prefix: u64,
    /// Where its node stands, counted from that of the object.
    node: u32,
}

impl Name {
    #[expect(clippy::cast_possible_truncation, reason = "the reader counts nodes in 32 bits")]
    fn new(text: &str, object: &[Node], node: usize) -> Self {
        let name = object[node];
        let prefix = if name.escaped {
            let plain = name.unescaped(text);
            prefix(plain.as_bytes(), plain.len())
        } else {
            prefix(&text.as_bytes()[name.start as usize + 1..], name.inner(text).len())
        };
        Self { prefix, node: node as u32 }
    }

    /// Where its node stands, counted from that of the object.
    pub(super) fn node(self) -> u32 {
        self.node
    }

    fn order(self, other: Self, text: &str, object: &[Node]) -> Ordering {
        let node = |name: Self| object[name.node as usize];
        self.prefix.cmp(&other.prefix).then_with(|| compare(text, node(self), node(other)))
    }
}

/// Where the names of an object stand, counted from its own node.
fn names(object: &[Node]) -> impl Iterator<Item = usize> {
    let mut next = 1;
    std::iter::from_fn(move || {
        let name = next;
        next = name + 1 + object.get(name + 1)?.span as usize;
        Some(name)
    })
}

/// Whether an object has more than [`FEW`] names.
pub(super) fn are_many(object: &[Node]) -> bool {
    object.len() > 2 * FEW && names(object).nth(FEW).is_some()
}

/// The first name of an object of few that occurred before: a hash table that is never full holds the names so far.
#[expect(clippy::cast_possible_truncation, reason = "the reader counts nodes in 32 bits")]
pub(super) fn repeated(text: &str, object: &[Node]) -> Option<usize> {
    let mut seen = [0_u32; 2 * FEW];
    names(object).find(|&at| {
        let name = object[at];
        let mut slot = Key::of(&name.unescaped(text)).first_slot() % seen.len();
        while seen[slot] != 0 {
            if compare(text, object[seen[slot] as usize], name).is_eq() {
                return true;
            }
            slot = (slot + 1) % seen.len();
        }
        seen[slot] = at as u32;
        false
    })
}

/// The few names of an object in the order of UTF-16 code units (RFC 8785, section 3.2.3): where they stand, counted from
/// its own node, and how many there are.
pub(super) fn order(text: &str, object: &[Node]) -> ([u32; FEW], usize) {
    let (mut sorted, mut count) = ([Name::default(); FEW], 0);
    for (name, slot) in names(object).zip(&mut sorted) {
        *slot = Name::new(text, object, name);
        count += 1;
    }
    sorted[..count].sort_unstable_by(|a, b| a.order(*b, text, object));
    (sorted.map(Name::node), count)
}

/// Sorts the names of a complete object in the same order.
///
/// # Errors
/// The place of the first name that occurred before.
pub(super) fn sort(text: &str, object: &[Node], sorted: &mut Vec<Name>) -> Result<(), usize> {
    sorted.clear();
    sorted.extend(names(object).map(|name| Name::new(text, object, name)));
    sorted.sort_unstable_by(|a, b| a.order(*b, text, object).then(a.node.cmp(&b.node)));
    let repeated = sorted.windows(2).filter(|pair| pair[0].order(pair[1], text, object).is_eq());
    repeated.map(|pair| pair[1].node as usize).min().map_or(Ok(()), Err)
}

/// The order of two names of a text; looks no further than the first difference.
fn compare(text: &str, a: Node, b: Node) -> Ordering {
    let (plain, other) = (a.inner(text), b.inner(text));
    if a.escaped || b.escaped {
        return unescaped(plain).flat_map(utf16).cmp(unescaped(other).flat_map(utf16));
    }
    compare_names(plain, other)
}

/// The first eight bytes of a name as a number that sorts like them; `text` may go on after the name.
fn prefix(text: &[u8], length: usize) -> u64 {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let mut word = [0; 8];
    match text.first_chunk() {
        Some(chunk) => word = *chunk,
        None => word[..text.len()].copy_from_slice(text),
    }
    let behind = if length < 8 { u64::MAX >> (8 * length) } else { 0 };
    let number = u64::from_be_bytes(word) & !behind;
    if number & HIGH_BITS == 0 { number } else { u64::from_be_bytes(number.to_be_bytes().map(utf16_rank)) }
}

/// The order of UTF-16 code units.
pub(crate) fn compare_names(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let same = 8 * words.take_while(|(a, b)| a == b).count();
    let differing = a[same..].iter().zip(&b[same..]).find(|(a, b)| a != b);
    differing.map_or(a.len().cmp(&b.len()), |(a, b)| utf16_rank(*a).cmp(&utf16_rank(*b)))
}

/// UTF-8 sorts like UTF-16 but for U+E000 to U+FFFF, which begin with EE or EF: surrogates stand before them.
fn utf16_rank(byte: u8) -> u8 {
    if byte >= 0xEE { byte | 0x10 } else { byte }
}
