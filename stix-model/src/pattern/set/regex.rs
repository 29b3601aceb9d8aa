//! Texts that every match of a regular expression contains.

use super::key::fold_character;
use super::requirement::{Requirement, Text, all_of};
use crate::pattern::like::normalized;
use crate::pattern::pcre::{self, Haystack};
use crate::pattern::value::{Encoding, latin1};
use regex_syntax::hir::{Class, Hir, HirKind};

/// The requirement of `MATCHES`.
pub(super) fn required(regex: &str, encoding: Encoding, node: u32) -> Requirement {
    let regex = normalized(regex);
    let haystack = if encoding == Encoding::Plain { Haystack::Text } else { Haystack::Bytes };
    if haystack == Haystack::Bytes && latin1(&regex).is_none() {
        return Requirement::Any(Vec::new());
    }
    match pcre::tree(&regex, haystack) {
        Ok(tree) => Texts::of(&tree, haystack, node),
        // It has been refused before.
        Err(_) => Requirement::Any(Vec::new()),
    }
}

/// What has been found in a part of the expression.
struct Texts {
    haystack: Haystack,
    node: u32,
    parts: Vec<Requirement>,
    /// Characters that follow each other up to here.
    run: Vec<u8>,
}

impl Texts {
    fn of(tree: &Hir, haystack: Haystack, node: u32) -> Requirement {
        let mut texts = Self { haystack, node, parts: Vec::new(), run: Vec::new() };
        texts.add(tree);
        texts.end_run();
        all_of(texts.parts, node)
    }

    fn add(&mut self, tree: &Hir) {
        match tree.kind() {
            HirKind::Literal(literal) => self.add_literal(&literal.0),
            HirKind::Class(class) => match only_letter(class) {
                Some(Letter::Character(letter)) => {
                    self.run.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(Letter::Byte(letter)) => self.run.push(letter),
                None => self.end_run(),
            },
            // These take no characters.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(members) => members.iter().for_each(|member| self.add(member)),
            HirKind::Alternation(members) => {
                self.end_run();
                let branches = members.iter().map(|member| Self::of(member, self.haystack, self.node));
                self.parts.push(Requirement::Any(branches.collect()));
            }
            HirKind::Repetition(repetition) => {
                self.end_run();
                if repetition.min > 0 {
                    self.add(&repetition.sub);
                    self.end_run();
                }
            }
        }
    }

    fn add_literal(&mut self, literal: &[u8]) {
        match std::str::from_utf8(literal) {
            Ok(text) if self.haystack == Haystack::Text => {
                for character in text.chars() {
                    let folded = fold_character(character);
                    self.run.extend_from_slice(folded.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            _ => self.run.extend(literal.iter().map(u8::to_ascii_lowercase)),
        }
    }

    fn end_run(&mut self) {
        if !self.run.is_empty() {
            self.parts.push(Requirement::Contains(Text::new(self.node, &self.run)));
            self.run.clear();
        }
    }
}

enum Letter {
    Character(char),
    Byte(u8),
}

/// The one character that is left of a class when upper and lower case are the same.
fn only_letter(class: &Class) -> Option<Letter> {
    // No letter has more than three forms.
    match class {
        Class::Unicode(class) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let first = fold_character(letters.next()?);
            letters.all(|letter| fold_character(letter) == first).then_some(Letter::Character(first))
        }
        Class::Bytes(class) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let first = letters.next()?.to_ascii_lowercase();
            letters.all(|letter| letter.to_ascii_lowercase() == first).then_some(Letter::Byte(first))
        }
    }
}
