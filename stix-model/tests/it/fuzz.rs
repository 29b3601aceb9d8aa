//! The fuzz targets of `stix-model/fuzz`, driven by random mutations of the fixtures: the same laws, on stable and in
//! every test run.
//!
//! `SEED` repeats a run, `INPUTS` makes it longer. A failure prints both numbers that repeat it, and the input.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is the root of a package")]
mod laws;

use crate::random::Random;
use crate::vectors::rows;
use laws::Target;
use serde_json::Value;
use std::collections::BTreeSet;

/// How many mutated inputs each target gets, unless `INPUTS` says otherwise.
const INPUTS: u64 = 10_000;

/// Bytes that mean something to some reader, or to none.
const BYTES: &[u8] = b"\0\n \"'\\.,:[]{}()-+*%_0123456789aeEtZ\x80\xC3\xFF";

/// Says what repeats a failure, when it is dropped in one.
struct Repeat<'a> {
    target: &'a str,
    /// None for the corpus as it is.
    seed: Option<u64>,
    input: &'a [u8],
}

impl Drop for Repeat<'_> {
    #[expect(clippy::print_stderr, reason = "a failing test says what repeats it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { target, seed, input } = self;
            let input = input.escape_ascii();
            match seed {
                Some(seed) => {
                    eprintln!("SEED={seed} INPUTS=1 repeats this failure of `{target}`, on {input}")
                }
                None => eprintln!("the corpus holds what `{target}` fails on: {input}"),
            }
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs the corpus as it is, then mutations of it. Input number n is the first one of seed + n.
fn drive(target: &str, law: Target, corpus: &[Box<[u8]>], words: &[Box<[u8]>]) {
    let seed = number("SEED").unwrap_or(1);
    let inputs = number("INPUTS").unwrap_or(INPUTS);
    assert!(!corpus.is_empty());
    if inputs > 1 {
        for input in corpus {
            let _repeat = Repeat { target, seed: None, input };
            law(input);
        }
    }
    for seed in seed..seed + inputs {
        let input = mutate(corpus, words, &mut Random::new(seed));
        let _repeat = Repeat { target, seed: Some(seed), input: &input };
        law(&input);
    }
}

/// Half of the mutations of JSON keep it JSON, so that they reach what lies behind the reader.
fn mutate(corpus: &[Box<[u8]>], words: &[Box<[u8]>], dice: &mut Random) -> Vec<u8> {
    let mut input = dice.pick(corpus).to_vec();
    if dice.index(2) == 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
    {
        for _ in 0..=dice.index(3) {
            mutate_value(&mut value, corpus, words, dice);
        }
        return value.to_string().into_bytes();
    }
    for _ in 0..=dice.index(4) {
        let start = dice.index(input.len() + 1);
        let end = (start + dice.index(24)).min(input.len());
        match dice.index(8) {
            0 if start < input.len() => input[start] ^= 1 << dice.index(8),
            1 => drop(input.drain(start..end)),
            2 => input.insert(start, BYTES[dice.index(BYTES.len())]),
            3 => drop(input.splice(start..start, dice.pick(words).iter().copied())),
            4 => drop(input.splice(start..end, dice.pick(words).iter().copied())),
            // A token for a token keeps more of the structure than a byte for a byte.
            5 => {
                let (start, end) = token(&input, start);
                input.splice(start..end, dice.pick(words).iter().copied());
            }
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
fn mutate_value(value: &mut Value, corpus: &[Box<[u8]>], words: &[Box<[u8]>], dice: &mut Random) {
    let stays = dice.index(4) == 0;
    match value {
        Value::Object(members) if !stays && !members.is_empty() => {
            let place = dice.index(members.len());
            let name = members.keys().nth(place).unwrap().clone();
            match dice.index(8) {
                0 => drop(members.remove(&name)),
                1 => {
                    let member = members.remove(&name).unwrap();
                    members.insert(word(words, dice), member);
                }
                2 => drop(members.insert(word(words, dice), other_value(corpus, words, dice))),
                _ => mutate_value(&mut members[&name], corpus, words, dice),
            }
        }
        Value::Array(elements) if !stays && !elements.is_empty() => {
            let place = dice.index(elements.len());
            match dice.index(8) {
                0 => drop(elements.remove(place)),
                1 => elements.insert(place, other_value(corpus, words, dice)),
                _ => mutate_value(&mut elements[place], corpus, words, dice),
            }
        }
        Value::String(text) if !stays => {
            let bytes = mutate(&[text.as_bytes().into()], words, dice);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        _ => *value = other_value(corpus, words, dice),
    }
}

/// A word as a value, or some value of the corpus.
fn other_value(corpus: &[Box<[u8]>], words: &[Box<[u8]>], dice: &mut Random) -> Value {
    if dice.index(2) == 0 {
        let word = word(words, dice);
        return serde_json::from_str(&word).unwrap_or(Value::String(word));
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

fn word(words: &[Box<[u8]>], dice: &mut Random) -> String {
    String::from_utf8_lossy(&dice.pick(words)).into_owned()
}

/// The run of letters and digits around a place.
fn token(input: &[u8], at: usize) -> (usize, usize) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = input[..at].iter().rev().take_while(|byte| is_part(byte)).count();
    let after = input[at..].iter().take_while(|byte| is_part(byte)).count();
    (at - before, at + after)
}

fn boxed<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Box<[u8]>> {
    texts.into_iter().map(|text| text.as_bytes().into()).collect()
}

/// The objects and bundles of all fixtures.
fn json_corpus() -> Vec<Box<[u8]>> {
    let mut corpus = Vec::new();
    for (file, member) in [
        ("object_validation.jsonl", "object"),
        ("object_mutations.jsonl", "object"),
        ("sco_ids.jsonl", "object"),
        ("versioning.jsonl", "incoming"),
        ("granular_selectors.jsonl", "object"),
        ("jcs.jsonl", "value"),
        ("pattern_matching.jsonl", "bundles"),
    ] {
        let members = rows(file).into_iter().map(|(_, row, _)| row[member].to_string());
        corpus.extend(members.map(|member| member.into_bytes().into()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/fixtures/stix_rules.jsonl");
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let values = ["object", "bundle", "json"].iter().filter_map(|member| row.get(member));
        corpus.extend(values.map(|value| value.to_string().into_bytes().into()));
    }
    corpus
}

/// The same, most of it as STIX 2.0 wrote it.
fn older_corpus() -> Vec<Box<[u8]>> {
    let older = json_corpus().into_iter().enumerate().map(|(index, input)| {
        let text = String::from_utf8_lossy(&input).into_owned();
        let text = if index % 4 == 0 { text } else { text.replace("\"spec_version\":\"2.1\",", "") };
        text.into_bytes().into()
    });
    older.collect()
}

/// Names, words and values that occur in the corpus, with what readers stumble over.
fn json_words(corpus: &[Box<[u8]>]) -> Vec<Box<[u8]>> {
    let mut words: BTreeSet<Box<[u8]>> = boxed([
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "\"\"",
        "-0.0",
        "1e308",
        "1e-400",
        "9007199254740991",
        "9007199254740992",
        "\\u0000",
        "\\ud83d\\ude00",
        "\\ud800",
        "2020-02-30T00:00:00Z",
        "2016-12-31T23:59:60.5Z",
        "9999-12-31T23:59:59.999999999Z",
        "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d",
        "toplevel-property-extension",
        "new-sco",
        "bundle",
        "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "x_fuzz",
        "x_fuzz_bin",
        "x_fuzz_hex",
        "labels.[0]",
        "revoked",
        "modified",
        "objects",
        "object_refs",
        "é",
        "/",
        "~1",
    ])
    .into_iter()
    .collect();
    for input in corpus.iter().step_by(7) {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let tokens = input.split(|byte| !is_word(byte)).filter(|token| (3..40).contains(&token.len()));
        words.extend(tokens.map(Into::into));
    }
    words.into_iter().collect()
}

fn patterns() -> Vec<Box<[u8]>> {
    let vectors = ["pattern_syntax.jsonl", "pattern_matching.jsonl"].into_iter().flat_map(rows);
    vectors.map(|(_, row, _)| row["pattern"].as_str().unwrap().as_bytes().into()).collect()
}

fn pattern_words() -> Vec<Box<[u8]>> {
    boxed([
        " AND ",
        " OR ",
        " FOLLOWEDBY ",
        " NOT ",
        " IN ",
        " LIKE ",
        " MATCHES ",
        " ISSUBSET ",
        " ISSUPERSET ",
        "EXISTS ",
        " WITHIN 5 SECONDS",
        " REPEATS 2 TIMES",
        " START t'2020-01-01T00:00:00Z' STOP t'2020-01-03T00:00:00Z'",
        "[",
        "]",
        "(",
        ")",
        "[*]",
        "[0]",
        "file:name",
        "file:parent_directory_ref.path",
        "test:int",
        "test:string",
        "test:bin_bin",
        "test:hex_hex",
        "test:list[*]",
        "directory:contains_refs[*].name",
        "'hello'",
        "'%'",
        "'h.*o'",
        "5",
        "12.5",
        "true",
        "h'ff00'",
        "b'dGhpcw=='",
        "t'2020-01-01T00:00:00Z'",
        "'198.51.100.0/24'",
        "\\'",
        "\\\\",
        "//",
        "/*",
        "*/",
        "=",
        "!=",
        "<",
        ">=",
        "==",
        "\u{a0}",
        "\u{301}",
        "'(?i)a{2,3}[^b-c]\\\\d+|x$'",
        "'(a*)*b'",
    ])
}

macro_rules! targets {
    ($($name:ident: $corpus:expr, $words:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let corpus: Vec<Box<[u8]>> = $corpus;
                let words: Vec<Box<[u8]>> = $words(&corpus);
                drive(stringify!($name), laws::$name, &corpus, &words);
            }
        )*

        #[test]
        fn every_target_is_driven() {
            let driven = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(laws::TARGETS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), driven);
            for name in driven {
                let path = format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                assert!(std::fs::read_to_string(path).unwrap().contains(&format!("stix_model_fuzz::{name}(data)")));
            }
        }
    };
}

targets! {
    reader: json_corpus(), json_words;
    jcs: json_corpus(), json_words;
    object: json_corpus(), json_words;
    model: json_corpus(), json_words;
    validate: json_corpus(), json_words;
    bundle: json_corpus(), json_words;
    convert: older_corpus(), json_words;
    pattern: patterns(), |_: &[_]| pattern_words();
    selector: selectors(), json_words;
    timestamp: timestamps(), json_words;
}

/// A selector, a line feed, its object.
fn selectors() -> Vec<Box<[u8]>> {
    let mut corpus = Vec::new();
    for (_, row, _) in rows("granular_selectors.jsonl") {
        let selectors = row["selectors"].as_array().unwrap().iter().filter_map(Value::as_str);
        corpus.extend(selectors.map(|selector| format!("{selector}\n{}", row["object"]).into_bytes().into()));
    }
    corpus
}

fn timestamps() -> Vec<Box<[u8]>> {
    let mut texts: Vec<String> = rows("timestamps.jsonl")
        .iter()
        .map(|(_, row, _)| row["value"].as_str().unwrap().to_owned())
        .collect();
    for (_, row, _) in rows("timestamp_order.jsonl") {
        texts.push(format!("{}\n{}", row["a"].as_str().unwrap(), row["b"].as_str().unwrap()));
    }
    boxed(texts.iter().map(String::as_str))
}
