//! The order of member names inside one object: it finds duplicates and is that of the canonical form.

use super::Node;
use super::string::unescape;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A member name on its way through the sort.
pub(super) struct Name<'t> {
    /// The first eight bytes as a number, which decides most comparisons.
    prefix: u64,
    /// Where its node stands, counted from that of the object.
    node: u32,
    plain: Cow<'t, str>,
}

impl Name<'_> {
    /// Where its node stands, counted from that of the object.
    pub(super) fn node(&self) -> u32 {
        self.node
    }

    fn order(&self, other: &Self) -> Ordering {
        self.prefix.cmp(&other.prefix).then_with(|| compare_names(&self.plain, &other.plain))
    }
}

/// Sorts the names of a complete object by UTF-16 code units (RFC 8785, section 3.2.3) and leaves the order in
/// their nodes: the first name learns where the least name stands, the second name where the next one stands.
///
/// # Errors
/// The place of the first name that occurred before.
#[expect(clippy::cast_possible_truncation, reason = "the reader counts nodes in 32 bits")]
pub(super) fn sort<'t>(text: &'t str, object: &mut [Node], names: &mut Vec<Name<'t>>) -> Result<(), usize> {
    names.clear();
    let mut at = 1;
    while at < object.len() {
        let name = object[at];
        let inner = &text[name.start as usize + 1..name.end as usize - 1];
        let (prefix, plain) = if name.escaped {
            let plain = unescape(inner);
            (prefix(plain.as_bytes(), plain.len()), Cow::Owned(plain))
        } else {
            (prefix(&text.as_bytes()[name.start as usize + 1..], inner.len()), Cow::Borrowed(inner))
        };
        names.push(Name { prefix, node: at as u32, plain });
        at += 1;
        at += object[at].span as usize;
    }

    names.sort_unstable_by(|a, b| a.order(b).then(a.node.cmp(&b.node)));
    let repeated = names.windows(2).filter(|pair| pair[0].order(&pair[1]).is_eq());
    if let Some(node) = repeated.map(|pair| pair[1].node).min() {
        return Err(node as usize);
    }

    let mut at = 1;
    for name in names {
        object[at].span = name.node;
        at += 1;
        at += object[at].span as usize;
    }
    Ok(())
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
