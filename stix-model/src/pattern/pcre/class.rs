//! Sets of characters.

use super::{Haystack, RegexFault};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use std::collections::BTreeMap;

/// Looks up named sets, and keeps those of Unicode, which are long.
pub(super) struct Classes {
    haystack: Haystack,
    kept: BTreeMap<String, ClassUnicode>,
}

impl Classes {
    pub(super) fn new(haystack: Haystack) -> Self {
        Self { haystack, kept: BTreeMap::new() }
    }

    /// The set that a letter behind a backslash stands for; the capital letter is its complement.
    pub(super) fn escape(&mut self, letter: char) -> Option<ClassUnicode> {
        let is_text = self.haystack == Haystack::Text;
        let mut class = match letter.to_ascii_lowercase() {
            'd' if is_text => self.unicode(r"\d"),
            'w' if is_text => self.unicode(r"\w"),
            's' if is_text => self.unicode(r"\s"),
            'd' => ranges(&[('0', '9')]),
            'w' => ranges(&[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')]),
            's' => ranges(&[('\t', '\r'), (' ', ' ')]),
            'h' => ranges(&[
                ('\t', '\t'),
                (' ', ' '),
                ('\u{A0}', '\u{A0}'),
                ('\u{1680}', '\u{1680}'),
                ('\u{180E}', '\u{180E}'),
                ('\u{2000}', '\u{200A}'),
                ('\u{202F}', '\u{202F}'),
                ('\u{205F}', '\u{205F}'),
                ('\u{3000}', '\u{3000}'),
            ]),
            'v' => ranges(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')]),
            'n' if letter == 'N' => ranges(&[('\n', '\n')]),
            _ => return None,
        };
        if letter.is_ascii_uppercase() {
            class.negate();
        }
        Some(class)
    }

    /// The set of a Unicode property, named as in `\p{…}`.
    pub(super) fn property(&mut self, name: &str) -> Result<ClassUnicode, RegexFault> {
        let (is_negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
        let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let mut class = match name {
            "Any" => any(),
            "L&" => self.union_of(&["Lu", "Ll", "Lt"]),
            "Xan" => self.union_of(&["L", "N"]),
            _ if is_word(name) && !name.is_empty() => {
                let spelled = format!("\\p{{{name}}}");
                self.look_up(&spelled).ok_or(RegexFault::Unsupported("unknown Unicode property"))?
            }
            _ => return Err(RegexFault::Unsupported("unknown Unicode property")),
        };
        if is_negated {
            class.negate();
        }
        Ok(class)
    }

    /// The set of a POSIX class, named as in `[:…:]`.
    pub(super) fn posix(&mut self, name: &str) -> Result<ClassUnicode, RegexFault> {
        let is_text = self.haystack == Haystack::Text;
        Ok(match name {
            "ascii" => ranges(&[('\0', '\x7F')]),
            "xdigit" => ranges(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
            "digit" => self.named('d'),
            "word" => self.named('w'),
            "space" => self.named('s'),
            "blank" if is_text => self.named('h'),
            "blank" => ranges(&[('\t', '\t'), (' ', ' ')]),
            "alpha" if is_text => self.union_of(&["L"]),
            "lower" if is_text => self.union_of(&["Ll"]),
            "upper" if is_text => self.union_of(&["Lu"]),
            "alnum" if is_text => self.union_of(&["L", "N"]),
            "cntrl" if is_text => self.union_of(&["Cc"]),
            "graph" if is_text => self.graph(),
            "print" if is_text => {
                let mut class = self.graph();
                class.union(&self.union_of(&["Zs"]));
                class
            }
            "punct" if is_text => {
                let mut class = self.union_of(&["S"]);
                class.intersect(&ranges(&[('\0', '\x7F')]));
                class.union(&self.union_of(&["P"]));
                class
            }
            "alpha" => ranges(&[('A', 'Z'), ('a', 'z')]),
            "lower" => ranges(&[('a', 'z')]),
            "upper" => ranges(&[('A', 'Z')]),
            "alnum" => ranges(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
            "cntrl" => ranges(&[('\0', '\x1F'), ('\x7F', '\x7F')]),
            "graph" => ranges(&[('!', '~')]),
            "print" => ranges(&[(' ', '~')]),
            "punct" => ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
            _ => return Err(RegexFault::Invalid("unknown POSIX class")),
        })
    }

    /// The set with all other cases of its members.
    pub(super) fn fold(&self, mut class: ClassUnicode) -> ClassUnicode {
        if self.haystack == Haystack::Bytes {
            // Without Unicode only the letters of ASCII have two cases.
            let letters = ranges(&[('A', 'Z'), ('a', 'z')]);
            let mut folded = class.clone();
            folded.intersect(&letters);
            folded.case_fold_simple();
            folded.intersect(&letters);
            class.union(&folded);
            return class;
        }
        class.case_fold_simple();
        class
    }

    fn named(&mut self, letter: char) -> ClassUnicode {
        self.escape(letter).unwrap_or_else(|| ranges(&[]))
    }

    /// What leaves ink on paper, as PCRE2 defines it.
    fn graph(&mut self) -> ClassUnicode {
        let mut class = self.union_of(&["L", "M", "N", "P", "S", "Cf"]);
        let without = [('\u{61C}', '\u{61C}'), ('\u{180E}', '\u{180E}'), ('\u{2066}', '\u{2069}')];
        class.difference(&ranges(&without));
        class
    }

    fn union_of(&mut self, categories: &[&str]) -> ClassUnicode {
        let mut class = ranges(&[]);
        for category in categories {
            class.union(&self.unicode(&format!("\\p{{{category}}}")));
        }
        class
    }

    fn unicode(&mut self, spelled: &str) -> ClassUnicode {
        self.look_up(spelled).unwrap_or_else(|| ranges(&[]))
    }

    fn look_up(&mut self, spelled: &str) -> Option<ClassUnicode> {
        if let Some(class) = self.kept.get(spelled) {
            return Some(class.clone());
        }
        let tree = regex_syntax::Parser::new().parse(spelled).ok()?;
        let class = match tree.into_kind() {
            HirKind::Class(Class::Unicode(class)) => class,
            // A property with one character, or none.
            HirKind::Literal(literal) => {
                let character = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
                ranges(&[(character, character)])
            }
            _ => return None,
        };
        self.kept.insert(spelled.to_owned(), class.clone());
        Some(class)
    }
}

/// Every character.
pub(super) fn any() -> ClassUnicode {
    ranges(&[('\0', char::MAX)])
}

/// A set of ranges, with both ends.
pub(super) fn ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(start, end)| ClassUnicodeRange::new(start, end)))
}
