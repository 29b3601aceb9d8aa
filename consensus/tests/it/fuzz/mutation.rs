//! Random changes of inputs that a seed repeats.

use fastrand::Rng;
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

/// Half of the mutations of JSON keep it JSON, in its shortest form and with sorted names, so that they reach what lies
/// behind the reader.
pub(crate) fn mutate(corpus: &[Vec<u8>], dice: &mut Rng) -> Vec<u8> {
    let mut input = dice.choice(corpus).unwrap().clone();
    if dice.usize(..2) == 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
    {
        for _ in 0..=dice.usize(..3) {
            mutate_value(&mut value, corpus, dice);
        }
        return value.to_string().into_bytes();
    }
    for _ in 0..=dice.usize(..4) {
        let start = dice.usize(..input.len() + 1);
        let end = (start + dice.usize(..24)).min(input.len());
        match dice.usize(..8) {
            0 if start < input.len() => input[start] ^= 1 << dice.usize(..8),
            1 => drop(input.drain(start..end)),
            2 => input.insert(start, BYTES[dice.usize(..BYTES.len())]),
            3 => drop(input.splice(start..start, WORDS[dice.usize(..WORDS.len())].bytes())),
            4 => drop(input.splice(start..end, WORDS[dice.usize(..WORDS.len())].bytes())),
            // A token for a token keeps more of the structure than a byte for a byte.
            5 => {
                let (start, end) = token(&input, start);
                input.splice(start..end, WORDS[dice.usize(..WORDS.len())].bytes());
            }
            // What is given twice.
            6 => {
                let copy = input[start..end].to_vec();
                let at = dice.usize(..input.len() + 1);
                input.splice(at..at, copy);
            }
            _ => {
                let other = dice.choice(corpus).unwrap().clone();
                let from = dice.usize(..other.len() + 1);
                let to = (from + dice.usize(..64)).min(other.len());
                input.splice(start..end, other[from..to].iter().copied());
            }
        }
    }
    input
}

/// Goes down to some value and changes it, or its name.
fn mutate_value(value: &mut Value, corpus: &[Vec<u8>], dice: &mut Rng) {
    let stays = dice.usize(..6) == 0;
    match value {
        Value::Object(members) if !stays && !members.is_empty() => {
            let place = dice.usize(..members.len());
            let name = members.keys().nth(place).unwrap().clone();
            match dice.usize(..10) {
                0 => drop(members.remove(&name)),
                1 => drop(
                    members.insert(WORDS[dice.usize(..WORDS.len())].to_owned(), other_value(corpus, dice)),
                ),
                _ => mutate_value(&mut members[&name], corpus, dice),
            }
        }
        Value::Array(elements) if !stays && !elements.is_empty() => {
            let place = dice.usize(..elements.len());
            match dice.usize(..8) {
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
fn other_value(corpus: &[Vec<u8>], dice: &mut Rng) -> Value {
    if dice.usize(..2) == 0 {
        let word = WORDS[dice.usize(..WORDS.len())];
        return serde_json::from_str(word).unwrap_or_else(|_| Value::from(word));
    }
    let mut value = serde_json::from_slice(dice.choice(corpus).unwrap()).unwrap_or(Value::Null);
    while dice.usize(..5) != 0 {
        value = match value {
            Value::Object(members) if !members.is_empty() => {
                let place = dice.usize(..members.len());
                members.into_iter().nth(place).unwrap().1
            }
            Value::Array(mut elements) if !elements.is_empty() => {
                elements.swap_remove(dice.usize(..elements.len()))
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
