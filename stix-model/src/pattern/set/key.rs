//! Hashes of what is looked up: a kind of key, a place in the trie of paths, and a value or a piece of one.
//!
//! Two different things may get the same hash; then a pattern is evaluated in vain. Two things that a test takes for
//! equal have the same hash, always.

use crate::pattern::value::Number;

/// The longest start or end of a text that is a key, in bytes.
pub(super) const MAX_AFFIX: usize = 64;

/// The longest piece of a text that is a key.
pub(super) const MAX_GRAM: usize = 16;

/// What kind of value a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    Number,
    Boolean,
    Time,
    Prefix,
    Suffix,
    Gram,
    Network,
}

/// What keys of one kind and one node start from.
#[derive(Clone, Copy)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn new(kind: Kind, node: u32) -> Self {
        Self(mix(u64::from(node) << 8 | kind as u64))
    }

    /// A text, or bytes.
    pub(super) fn whole(self, bytes: &[u8]) -> u64 {
        let (words, rest) = bytes.as_chunks::<8>();
        let hash = words.iter().fold(self.0 ^ bytes.len() as u64, |hash, word| {
            mix(hash ^ u64::from_le_bytes(*word)) //
        });
        mix(hash ^ word(rest))
    }

    /// A number by its value: an integer and a float may be equal.
    #[expect(clippy::cast_possible_truncation, reason = "only what fits is cast")]
    pub(super) fn number(self, number: Number) -> u64 {
        const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
        let integer = match number {
            Number::Integer(integer) => integer,
            Number::Float(float) if float.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&float) => {
                float as i64
            }
            Number::Float(float) => return mix(!self.0 ^ float.to_bits()),
        };
        mix(self.0 ^ u64::from_le_bytes(integer.to_le_bytes()))
    }

    pub(super) fn boolean(self, value: bool) -> u64 {
        mix(self.0 ^ u64::from(value))
    }

    /// The start of a text: one key for each length, the shortest first.
    pub(super) fn starts(self, bytes: &[u8]) -> impl Iterator<Item = u64> {
        self.grow(bytes.iter().take(MAX_AFFIX))
    }

    /// The end of a text: one key for each length, the shortest first.
    pub(super) fn ends(self, bytes: &[u8]) -> impl Iterator<Item = u64> {
        self.grow(bytes.iter().rev().take(MAX_AFFIX))
    }

    fn grow<'b>(self, bytes: impl Iterator<Item = &'b u8>) -> impl Iterator<Item = u64> {
        const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;
        let mut hash = self.0;
        bytes.map(move |byte| {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
            mix(hash)
        })
    }

    /// The pieces of a text that are so long: 1, 2, 4, 8 or 16 bytes.
    pub(super) fn grams(self, bytes: &[u8], length: usize) -> impl Iterator<Item = u64> {
        bytes.windows(length).map(move |gram| {
            let (start, end) = gram.split_at(length.min(8));
            mix(if end.is_empty() { self.0 } else { mix(self.0 ^ word(end)) } ^ word(start))
        })
    }

    /// A network; `bits` are those of its prefix.
    pub(super) fn network(self, prefix: u32, bits: u128) -> u64 {
        let [low, high] = [bits as u64, (bits >> 64) as u64];
        let hash = mix(self.0 ^ high ^ u64::from(prefix));
        if low == 0 { hash } else { mix(hash ^ low) }
    }
}

/// At most eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    if let Ok(word) = bytes.try_into() {
        return u64::from_le_bytes(word);
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Spreads every bit over the whole number.
fn mix(number: u64) -> u64 {
    const FACTOR: u128 = 0x9E37_79B9_7F4A_7C15;
    let product = u128::from(number ^ 0xD1B5_4A32_D192_ED03) * FACTOR;
    (product as u64 ^ (product >> 64) as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Writes a text as keys have it: without difference between upper and lower case, as far as a regular expression
/// that ignores case takes a letter outside ASCII for one inside.
pub(super) fn fold(text: &str, folded: &mut Vec<u8>) {
    folded.clear();
    if text.is_ascii() {
        folded.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        return;
    }
    for character in text.chars() {
        folded.extend_from_slice(fold_character(character).encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The same for bytes, of which only letters of ASCII have two cases.
pub(super) fn fold_bytes(bytes: &[u8], folded: &mut Vec<u8>) {
    folded.clear();
    folded.extend(bytes.iter().map(u8::to_ascii_lowercase));
}

pub(super) fn fold_character(character: char) -> char {
    match character {
        // The other cases of k and s are the Kelvin sign and the long s.
        '\u{212A}' => 'k',
        '\u{17F}' => 's',
        other => other.to_ascii_lowercase(),
    }
}
