//! The strict reader against `serde_json`, on random values in random spellings and on damaged texts.

use crate::random::Random;
use proptest::prelude::*;
use serde_json::Value as Oracle;
use std::fmt::Write as _;
use stix_model::json::{self, Document, JsonErrorKind, Kind, Limits, Value};

/// Texts that share beginnings longer than a word, need escapes, or sort differently in UTF-8 and UTF-16.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "x_mitre_[a-c]{0,3}",
        "a{6,8} {0,2}",
        "[\\x00-\\x1f\"\\\\/a]{0,12}",
        "[aé\u{e000}\u{ffff}\u{10000}]{0,12}",
        any::<String>()
    ]
}

fn any_json() -> impl Strategy<Value = Oracle> {
    let leaf = prop_oneof![
        Just(Oracle::Null),
        any::<bool>().prop_map(Oracle::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Oracle::from),
        (-9_i64..=9).prop_map(Oracle::from),
        Just(Oracle::from(-0.0)),
        any::<f64>().prop_map(Oracle::from),
        any_text().prop_map(Oracle::from),
    ];
    leaf.prop_recursive(5, 64, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..16).prop_map(Oracle::from),
            prop::collection::btree_map(any_text(), inner, 0..24)
                .prop_map(|map| Oracle::Object(map.into_iter().collect())),
        ]
    })
}

/// Writes a value with white space, escapes and member order as a stream of choices wants them.
struct Speller {
    choices: Random,
    out: String,
}

impl Speller {
    fn spell(value: &Oracle, choices: u64) -> String {
        let mut speller = Self { choices: Random::new(choices), out: String::new() };
        speller.value(value);
        speller.out
    }

    fn choose(&mut self, from: u64) -> u64 {
        self.choices.below(from)
    }

    fn blank(&mut self) {
        let blank = ["", "", "", " ", "\n", "\r\n\t", "\n                     "][self.choose(7) as usize];
        self.out.push_str(blank);
    }

    fn value(&mut self, value: &Oracle) {
        self.blank();
        match value {
            Oracle::String(text) => self.text(text),
            Oracle::Array(elements) => {
                self.out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.out.push_str(if index > 0 { "," } else { "" });
                    self.value(element);
                }
                self.blank();
                self.out.push(']');
            }
            Oracle::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                let turn = self.choose(members.len().max(1) as u64) as usize;
                members.rotate_left(turn);
                self.out.push('{');
                for (index, (name, member)) in members.into_iter().enumerate() {
                    self.out.push_str(if index > 0 { "," } else { "" });
                    self.blank();
                    self.text(name);
                    self.blank();
                    self.out.push(':');
                    self.value(member);
                }
                self.blank();
                self.out.push('}');
            }
            Oracle::Number(number) if number.as_f64() == Some(0.0) => {
                let zero = ["0", "-0", "0.0", "-0E+7"][self.choose(4) as usize];
                self.out.push_str(zero);
            }
            scalar => write!(self.out, "{scalar}").unwrap(),
        }
        self.blank();
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        let escape_one_in = [2, 1 << 20][self.choose(2) as usize];
        for character in text.chars() {
            if self.choose(escape_one_in) == 0 {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04X}").unwrap();
                }
            } else if character == '/' && self.choose(2) == 0 {
                self.out.push_str("\\/");
            } else {
                let quoted = Oracle::from(character.to_string()).to_string();
                self.out.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
        self.out.push('"');
    }
}

fn is_same(ours: Value<'_>, theirs: &Oracle) -> bool {
    match theirs {
        Oracle::Null => ours.kind() == Kind::Null && ours.raw() == "null",
        Oracle::Bool(truth) => ours.as_bool() == Some(*truth),
        // By default serde_json may read a fraction one unit in the last place off.
        Oracle::Number(number) => number.as_f64().zip(ours.as_f64()).is_some_and(|(theirs, ours)| {
            theirs == ours || (theirs - ours).abs() <= f64::EPSILON * theirs.abs().max(f64::MIN_POSITIVE)
        }),
        Oracle::String(text) => ours.as_str().is_some_and(|ours| ours == *text),
        Oracle::Array(elements) => {
            ours.kind() == Kind::Array
                && ours.elements().count() == elements.len()
                && ours.elements().zip(elements).all(|(ours, theirs)| is_same(ours, theirs))
        }
        Oracle::Object(members) => {
            ours.kind() == Kind::Object
                && ours.members().count() == members.len()
                && ours
                    .members()
                    .all(|(name, value)| members.get(&*name).is_some_and(|theirs| is_same(value, theirs)))
                && members.keys().all(|name| ours.get(name).is_some())
        }
    }
}

/// RFC 8785 by the book, on a value that somebody else parsed.
fn canonical(value: &Oracle) -> String {
    match value {
        Oracle::Number(number) => ryu_js::Buffer::new().format(number.as_f64().unwrap()).to_owned(),
        Oracle::Array(elements) => {
            format!("[{}]", elements.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Oracle::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            let member = |(name, value)| format!("{}:{}", Oracle::from(Clone::clone(name)), canonical(value));
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

const NO_INTEGER_RULE: Limits = stix_model::reader::LIMITS.bytes(1 << 20).elements(1000).safe_integers(false);

proptest! {
    #[test]
    fn every_spelling_of_a_value_reads_as_that_value(value in any_json(), choices in 1_u64..) {
        let text = Speller::spell(&value, choices);
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        prop_assert_eq!(document.root().raw(), text.trim());
        prop_assert!(is_same(document.root(), &value), "{text}");
        prop_assert_eq!(json::canonicalize(text.as_bytes()).unwrap(), canonical(&value));
    }

    #[test]
    fn a_damaged_text_is_judged_as_by_serde_json(
        value in any_json(),
        choices in 1_u64..,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..3, prop::sample::select(&b"{}[]:,\"\\ue+-.019 tn\n\0\x80"[..])), 1..4),
    ) {
        let mut text = Speller::spell(&value, choices).into_bytes();
        for (at, what, byte) in damage {
            let at = at.index(text.len().max(1));
            match what {
                0 if !text.is_empty() => drop(text.remove(at)),
                1 if !text.is_empty() => text[at] = byte,
                _ => text.insert(at, byte),
            }
        }
        let shown = String::from_utf8_lossy(&text);
        let theirs = serde_json::from_slice::<Oracle>(&text);
        match Document::read(&text, NO_INTEGER_RULE) {
            Ok(ours) => prop_assert!(theirs.is_ok_and(|theirs| is_same(ours.root(), &theirs)), "{shown}"),
            Err(error) if theirs.is_ok() => prop_assert_eq!(error.kind(), JsonErrorKind::DuplicateName, "{}", shown),
            Err(error) => prop_assert!(error.offset() <= text.len()),
        }
    }

    #[test]
    fn the_first_name_that_was_there_before_is_reported(
        names in prop::collection::vec("[ab]{0,3}|a{6,8} {0,2}|x_mitre_[ab\u{e000}\u{10000}]{1,3}", 0..40),
        choices in 1_u64..,
    ) {
        let mut speller = Speller { choices: Random::new(choices), out: "{".into() };
        let mut starts = Vec::new();
        for (index, name) in names.iter().enumerate() {
            speller.out.push_str(if index > 0 { ", " } else { "" });
            starts.push(speller.out.len());
            speller.text(name);
            speller.out.push_str(": [{}]");
        }
        speller.out.push('}');
        let first = (0..names.len()).find(|&index| names[..index].contains(&names[index]));
        let read = Document::read(speller.out.as_bytes(), Limits::default());
        let found = read.err().map(|error| (error.kind(), error.offset(), error.pointer()));
        let expected = first.map(|at| (JsonErrorKind::DuplicateName, starts[at], format!("/{}", names[at])));
        prop_assert_eq!(found, expected, "{}", speller.out);
    }
}
