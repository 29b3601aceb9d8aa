//! Random changes of inputs that a seed repeats.

use serde_json::Value;

/// Bytes that mean something to some reader, or to none.
const BYTES: &[u8] = b"\0\n \"'\\.,:[]{}()-+/_0123456789abefEtx=\x7f\x80\xC3\xFF";

/// Words that readers stumble over.
const WORDS: [&str; 36] = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "\"\"",
    "-0",
    "0.0",
    "1e3",
    "9007199254740991",
    "9007199254740993",
    "18446744073709551615",
    "4294967296",
    "\\u0000",
    "\\u0061",
    "\\ud800",
    "é",
    "\u{2014} ",
    "\n\n",
    "\r\n",
    "log ",
    "witness ",
    "group ",
    "quorum ",
    " any ",
    " all ",
    "none",
    "tile/",
    "x000/",
    ".p/256",
    "AA==",
    "AB==",
    "\"majority\"",
    "\"submitter\"",
    "{\"members\":4294967295}",
    "{\"k_of\":{\"k\":1,\"of\":[\"majority\"]}}",
];

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A place in something of this length; 0 when that is 0.
    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length.max(1) as u64)).unwrap()
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())].clone()
    }
}

/// Half of the mutations of JSON keep it JSON, in its shortest form and with sorted names, so that they reach what lies
/// behind the reader.
pub(crate) fn mutate(corpus: &[Vec<u8>], dice: &mut Random) -> Vec<u8> {
    let mut input = dice.pick(corpus);
    if dice.index(2) == 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
    {
        for _ in 0..=dice.index(3) {
            mutate_value(&mut value, corpus, dice);
        }
        return value.to_string().into_bytes();
    }
    for _ in 0..=dice.index(4) {
        let start = dice.index(input.len() + 1);
        let end = (start + dice.index(24)).min(input.len());
        match dice.index(8) {
            0 if start < input.len() => input[start] ^= 1 << dice.index(8),
            1 => drop(input.drain(start..end)),
            2 => input.insert(start, dice.pick(BYTES)),
            3 => drop(input.splice(start..start, dice.pick(&WORDS).bytes())),
            4 => drop(input.splice(start..end, dice.pick(&WORDS).bytes())),
            // A token for a token keeps more of the structure than a byte for a byte.
            5 => {
                let (start, end) = token(&input, start);
                input.splice(start..end, dice.pick(&WORDS).bytes());
            }
            // What is given twice.
            6 => {
                let copy = input[start..end].to_vec();
                let at = dice.index(input.len() + 1);
                input.splice(at..at, copy);
            }
            _ => {
                let other = dice.pick(corpus);
                let from = dice.index(other.len() + 1);
                let to = (from + dice.index(64)).min(other.len());
                input.splice(start..end, other[from..to].iter().copied());
            }
        }
    }
    input
}

/// Goes down to some value and changes it, or its name.
fn mutate_value(value: &mut Value, corpus: &[Vec<u8>], dice: &mut Random) {
    let stays = dice.index(6) == 0;
    match value {
        Value::Object(members) if !stays && !members.is_empty() => {
            let place = dice.index(members.len());
            let name = members.keys().nth(place).unwrap().clone();
            match dice.index(10) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert(dice.pick(&WORDS).to_owned(), other_value(corpus, dice))),
                _ => mutate_value(&mut members[&name], corpus, dice),
            }
        }
        Value::Array(elements) if !stays && !elements.is_empty() => {
            let place = dice.index(elements.len());
            match dice.index(8) {
                0 => drop(elements.remove(place)),
                1 => elements.insert(place, other_value(corpus, dice)),
                2 => elements.insert(place, elements[place].clone()),
                _ => mutate_value(&mut elements[place], corpus, dice),
            }
        }
        Value::String(text) if !stays => {
            let bytes = mutate(&[text.as_bytes().into()], dice);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        _ => *value = other_value(corpus, dice),
    }
}

/// A word as a value, or some value of the corpus.
fn other_value(corpus: &[Vec<u8>], dice: &mut Random) -> Value {
    if dice.index(2) == 0 {
        let word = dice.pick(&WORDS);
        return serde_json::from_str(word).unwrap_or_else(|_| Value::from(word));
    }
    let mut value = serde_json::from_slice(&dice.pick(corpus)).unwrap_or(Value::Null);
    while dice.index(5) != 0 {
        value = match value {
            Value::Object(members) if !members.is_empty() => {
                let place = dice.index(members.len());
                members.into_iter().nth(place).unwrap().1
            }
            Value::Array(mut elements) if !elements.is_empty() => {
                elements.swap_remove(dice.index(elements.len()))
            }
            scalar => return scalar,
        };
    }
    value
}

/// The run of letters and digits around a place.
fn token(input: &[u8], at: usize) -> (usize, usize) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = input[..at].iter().rev().take_while(|byte| is_part(byte)).count();
    let after = input[at..].iter().take_while(|byte| is_part(byte)).count();
    (at - before, at + after)
}
