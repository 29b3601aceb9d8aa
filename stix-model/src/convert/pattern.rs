//! Patterns of STIX 2.0 in the language of STIX 2.1.

use super::properties::{Fate, algorithm, fate, is_hashes, target};
use crate::Timestamp;

/// A pattern, and what of it STIX 2.1 cannot say.
pub(super) struct Pattern {
    pub(super) text: String,
    /// Paths to properties that no object has any more; the pattern can no longer match through them.
    pub(super) lost: Vec<String>,
}

/// Rewrites a pattern: the timestamps of `START` and `STOP` become timestamp literals, and paths get the new
/// names of properties. Everything else, white space included, stays as it is; a text that is no pattern does
/// no harm.
pub(super) fn to_2_1(pattern: &str) -> Pattern {
    let mut writer =
        Writer { rest: pattern, out: String::with_capacity(pattern.len() + 8), lost: Vec::new() };
    let mut word = "";
    while let Some(next) = writer.rest.chars().next() {
        if next == '\'' {
            let literal = writer.literal();
            let is_instant = matches!(word, "START" | "STOP") && inner(literal).parse::<Timestamp>().is_ok();
            writer.out.push_str(if is_instant { "t" } else { "" });
            writer.out.push_str(literal);
            word = "";
        } else if is_word(next) {
            word = writer.word();
            writer.out.push_str(word);
            if writer.rest.starts_with(':') {
                writer.path(word);
            } else if writer.rest.starts_with('\'') && !matches!(word, "START" | "STOP") {
                // A literal with a prefix such as t'…' or h'…'.
                let literal = writer.literal();
                writer.out.push_str(literal);
                word = "";
            }
        } else {
            word = if next.is_whitespace() { word } else { "" };
            writer.copy(next.len_utf8());
        }
    }
    Pattern { text: writer.out, lost: writer.lost }
}

struct Writer<'p> {
    rest: &'p str,
    out: String,
    lost: Vec<String>,
}

impl<'p> Writer<'p> {
    fn take(&mut self, length: usize) -> &'p str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn copy(&mut self, length: usize) {
        let taken = self.take(length);
        self.out.push_str(taken);
    }

    fn word(&mut self) -> &'p str {
        self.take(self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len()))
    }

    /// A string literal with its quotes; to the end of the text when it is not closed.
    fn literal(&mut self) -> &'p str {
        let mut is_escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '\'' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        });
        self.take(end.map_or(self.rest.len(), |(at, _)| at + 1))
    }

    /// What follows the object type of a path, from the colon on.
    fn path(&mut self, object_type: &'p str) {
        let start = self.out.len() - object_type.len();
        self.copy(1);
        // Whose properties come next, if they may have other names.
        let mut owner = Some(object_type);
        let mut before = "";
        let mut is_lost = false;
        loop {
            let component = match self.rest.chars().next() {
                Some('\'') => self.literal(),
                Some(c) if is_word(c) => self.word(),
                _ => return,
            };
            let name = inner(component);
            match owner.map(|owner| fate(owner, name)) {
                Some(Fate::Renamed(new)) => self.out.push_str(&component.replace(name, new)),
                _ if is_hashes(before) => {
                    self.out.push_str(&component.replace(name, &algorithm(name.into())))
                }
                removed => {
                    self.out.push_str(component);
                    if removed == Some(Fate::Removed) && !is_lost {
                        is_lost = true;
                        self.lost.push(self.out[start..].to_owned());
                    }
                }
            }
            owner = target(name).or(name.ends_with("-ext").then_some(name));
            before = name;
            if let Some(index) = self.rest.strip_prefix('[') {
                let is_index = |c: char| c.is_ascii_digit() || c == '*' || c == '-';
                let length = index.find(|c| !is_index(c)).unwrap_or(index.len());
                self.copy(1 + length + usize::from(index[length..].starts_with(']')));
            }
            if !self.rest.starts_with('.') {
                return;
            }
            self.copy(1);
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// A component or literal without its quotes.
fn inner(component: &str) -> &str {
    component.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(component)
}
