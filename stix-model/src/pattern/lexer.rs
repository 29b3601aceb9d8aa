//! The words of a pattern: white space, names, operators and constants.

use super::ast::{Constant, KEYWORDS, Operator, is_keyword};
use super::check::{PatternIssue, PatternRule};
use super::error::{Fault, PatternErrorKind as Refusal};
use crate::Timestamp;
use base64::Engine as _;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use data_encoding::HEXLOWER_PERMISSIVE;

pub(super) type Parse<T> = Result<T, Box<Fault>>;

/// As the grammar has it, which says nothing about the bits that padding leaves over.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Spellings that are accepted but should not be written; the first of each kind.
    pub(super) spellings: Vec<PatternIssue>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, spellings: Vec::new() }
    }

    /// Where reading goes on, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Where the next word begins; limits keep texts far below 4 GiB, and beyond it no place is better than another.
    pub(super) fn begin(&mut self) -> Parse<u32> {
        self.next()?;
        Ok(u32::try_from(self.at).unwrap_or(u32::MAX))
    }

    // Single characters and words, each after white space.

    pub(super) fn eat(&mut self, byte: u8) -> Parse<bool> {
        let is_next = self.next()? == Some(byte);
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    pub(super) fn need(&mut self, byte: u8, expected: &'static str) -> Parse<()> {
        if self.eat(byte)? { Ok(()) } else { self.expected(expected) }
    }

    pub(super) fn eat_word(&mut self, word: &'static str) -> Parse<bool> {
        self.next()?;
        let rest = &self.text.as_bytes()[self.at..];
        let is_next = rest.starts_with(word.as_bytes()) && !rest.get(word.len()).is_some_and(is_word_part);
        self.at += if is_next { word.len() } else { 0 };
        Ok(is_next)
    }

    pub(super) fn need_word(&mut self, word: &'static str) -> Parse<()> {
        if self.eat_word(word)? { Ok(()) } else { self.expected(word) }
    }

    pub(super) fn end(&mut self, expected: &'static str) -> Parse<()> {
        if self.next()?.is_none() { Ok(()) } else { self.expected(expected) }
    }

    // Names.

    pub(super) fn object_type(&mut self) -> Parse<&'t str> {
        self.next()?;
        let word = self.word();
        if word.is_empty() || is_keyword(word) {
            return self.expected("an object path such as file:name");
        }
        self.at += word.len();
        Ok(word)
    }

    pub(super) fn property(&mut self) -> Parse<Box<str>> {
        if self.next()? == Some(b'\'') {
            return self.quoted_string();
        }
        let word = self.word();
        if word.is_empty() {
            return self
                .expected_hint("a property name", "a name with other characters stands in apostrophes");
        }
        if is_keyword(word) {
            return self
                .expected_hint("a property name", "a keyword that names a property stands in apostrophes");
        }
        if word.contains('-') {
            return self.expected_hint("a property name", "a name with a hyphen stands in apostrophes");
        }
        self.at += word.len();
        Ok(word.into())
    }

    pub(super) fn index(&mut self) -> Parse<u64> {
        self.positive_integer("an index (0, 1, …) or *")
    }

    pub(super) fn operator(&mut self) -> Parse<Option<Operator>> {
        let next = self.next()?;
        let (operator, width) = match (next, self.byte(1)) {
            (Some(b'='), Some(b'=')) => (Operator::Equal, 2),
            (Some(b'='), _) => (Operator::Equal, 1),
            (Some(b'!'), Some(b'=')) | (Some(b'<'), Some(b'>')) => (Operator::NotEqual, 2),
            (Some(b'<'), Some(b'=')) => (Operator::LessOrEqual, 2),
            (Some(b'>'), Some(b'=')) => (Operator::GreaterOrEqual, 2),
            (Some(b'<'), _) => (Operator::Less, 1),
            (Some(b'>'), _) => (Operator::Greater, 1),
            _ => return Ok(None),
        };
        let spelling = &self.text[self.at..self.at + width];
        if spelling == "==" || spelling == "<>" {
            self.note(PatternRule::OperatorAlias, self.at, spelling);
        }
        self.at += width;
        Ok(Some(operator))
    }

    // Constants.

    pub(super) fn constant(&mut self) -> Parse<Constant> {
        match self.next()? {
            Some(b'\'') => Ok(Constant::String(self.quoted_string()?)),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => self.number(),
            Some(b'h') if self.byte(1) == Some(b'\'') => self.hex(),
            Some(b'b') if self.byte(1) == Some(b'\'') => self.binary(),
            Some(b't') if self.byte(1) == Some(b'\'') => Ok(Constant::Timestamp(self.timestamp()?)),
            _ if self.eat_word("true")? => Ok(Constant::Boolean(true)),
            _ if self.eat_word("false")? => Ok(Constant::Boolean(false)),
            _ => self.expected("a constant"),
        }
    }

    pub(super) fn orderable_constant(&mut self) -> Parse<Constant> {
        if matches!(self.next()?, Some(b't' | b'f')) && matches!(self.word(), "true" | "false") {
            return self.expected_hint("a constant that has an order", "booleans go with = and != only");
        }
        self.constant()
    }

    pub(super) fn string(&mut self, expected: &'static str) -> Parse<Box<str>> {
        if self.next()? == Some(b'\'') { self.quoted_string() } else { self.expected(expected) }
    }

    pub(super) fn timestamp(&mut self) -> Parse<Timestamp> {
        if self.next()? != Some(b't') || self.byte(1) != Some(b'\'') {
            return self.expected_hint("a timestamp", "timestamps are written t'2016-01-20T12:31:12Z'");
        }
        let start = self.at;
        let inner = self.quoted(1)?;
        match inner.parse() {
            Ok(timestamp) => Ok(timestamp),
            Err(error) => self.refuse(start, Refusal::BadTimestamp(error)),
        }
    }

    pub(super) fn positive_integer(&mut self, expected: &'static str) -> Parse<u64> {
        let start = self.at;
        let digits = self.positive_number(expected)?;
        if digits.contains('.') {
            self.at = start;
            self.next()?;
            return self.expected(expected);
        }
        digits.parse().or_else(|_| self.refuse(self.at - digits.len(), Refusal::NumberRange))
    }

    /// The digits of a number without minus sign, with or without a fraction.
    pub(super) fn positive_number(&mut self, expected: &'static str) -> Parse<&'t str> {
        match self.next()? {
            Some(b'0'..=b'9' | b'+' | b'.') => self.digits(expected),
            _ => self.expected(expected),
        }
    }

    fn number(&mut self) -> Parse<Constant> {
        let start = self.at;
        let is_negative = self.byte(0) == Some(b'-');
        self.at += usize::from(is_negative);
        let digits = self.digits("a constant")?;
        let signed = if is_negative { &self.text[start..self.at] } else { digits };
        if !digits.contains('.') {
            let value = signed.parse().map(Constant::Integer);
            return value.or_else(|_| self.refuse(start, Refusal::NumberRange));
        }
        match signed.parse() {
            Ok(value) if f64::is_finite(value) => Ok(Constant::Float(value)),
            _ => self.refuse(start, Refusal::NumberRange),
        }
    }

    fn digits(&mut self, expected: &'static str) -> Parse<&'t str> {
        if self.byte(0) == Some(b'+') {
            self.note(PatternRule::PlusSign, self.at, "+");
            self.at += 1;
        }
        let start = self.at;
        let digit_run = |from: usize| {
            self.text.as_bytes()[from..].iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = digit_run(start);
        let fraction = match self.byte(whole) {
            Some(b'.') => digit_run(start + whole + 1),
            _ => 0,
        };
        if whole == 0 && fraction == 0 {
            return self.expected(expected);
        }
        if fraction == 0 {
            if whole > 1 && self.byte(0) == Some(b'0') {
                return self.expected_hint(expected, "an integer has no leading zeros");
            }
            self.at += whole;
            return Ok(&self.text[start..self.at]);
        }
        if whole == 0 {
            self.note(PatternRule::LeadingDot, self.at, ".");
        }
        self.at += whole + 1 + fraction;
        Ok(&self.text[start..self.at])
    }

    fn hex(&mut self) -> Parse<Constant> {
        let start = self.at;
        let digits = self.quoted(1)?;
        let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()) else {
            return self.refuse(start, Refusal::BadHex);
        };
        if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.note(PatternRule::UpperCaseHex, start + 2, digits);
        }
        Ok(Constant::Hex(bytes.into()))
    }

    fn binary(&mut self) -> Parse<Constant> {
        let start = self.at;
        let base64 = self.quoted(1)?;
        // STIX 2.1, section 9.1, binary: line feeds inside are ignored.
        let bytes = if base64.contains('\n') {
            BASE64.decode(base64.replace('\n', ""))
        } else {
            BASE64.decode(base64)
        };
        bytes.map(|bytes| Constant::Binary(bytes.into())).or_else(|_| self.refuse(start, Refusal::BadBase64))
    }

    /// What stands between apostrophes, after a prefix, when it cannot hold an escape.
    fn quoted(&mut self, prefix: usize) -> Parse<&'t str> {
        let start = self.at + prefix + 1;
        let Some(length) = self.text[start..].find('\'') else {
            return self.refuse(self.at, Refusal::Unterminated);
        };
        self.at = start + length + 1;
        Ok(&self.text[start..start + length])
    }

    fn quoted_string(&mut self) -> Parse<Box<str>> {
        let opening = self.at;
        let mut start = opening + 1;
        let mut unescaped = String::new();
        loop {
            let rest = &self.text[start..];
            let Some(length) = rest.bytes().position(|byte| byte == b'\'' || byte == b'\\') else {
                return self.refuse(opening, Refusal::Unterminated);
            };
            let end = start + length;
            if self.text.as_bytes()[end] == b'\'' {
                self.at = end + 1;
                if unescaped.is_empty() {
                    return Ok(self.text[start..end].into());
                }
                unescaped.push_str(&self.text[start..end]);
                return Ok(unescaped.into());
            }
            let escaped = match self.text.as_bytes().get(end + 1) {
                Some(b'\'') => '\'',
                Some(b'\\') => '\\',
                _ => return self.refuse(end, Refusal::BadEscape),
            };
            unescaped.push_str(&self.text[start..end]);
            unescaped.push(escaped);
            start = end + 2;
        }
    }

    // White space and comments.

    /// The first byte after white space, which is skipped.
    #[inline]
    fn next(&mut self) -> Parse<Option<u8>> {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t'..=b'\r') => self.at += 1,
                Some(b'/' | 0x80..) if self.skip_rare()? => {}
                next => return Ok(next),
            }
        }
    }

    /// Skips a comment or a blank beyond ASCII; false when there is none.
    #[cold]
    fn skip_rare(&mut self) -> Parse<bool> {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") || rest.starts_with("/*") {
            self.comment()?;
            return Ok(true);
        }
        let blank = rest.chars().next().filter(|c| c.is_whitespace());
        self.at += blank.map_or(0, char::len_utf8);
        Ok(blank.is_some())
    }

    fn comment(&mut self) -> Parse<()> {
        let rest = &self.text[self.at..];
        let length = if rest.starts_with("//") {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else {
            match rest[2..].find("*/") {
                Some(length) => 2 + length + 2,
                None => return self.refuse(self.at, Refusal::UnterminatedComment),
            }
        };
        self.note(PatternRule::Comment, self.at, &rest[..length]);
        self.at += length;
        Ok(())
    }

    /// The longest word that starts here; nothing when none does.
    fn word(&self) -> &'t str {
        let bytes = &self.text.as_bytes()[self.at..];
        if !bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            return "";
        }
        let length = bytes.iter().position(|byte| !is_word_part(byte)).unwrap_or(bytes.len());
        &self.text[self.at..self.at + length]
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    // What goes wrong, and what is not nice.

    #[cold]
    pub(super) fn note(&mut self, rule: PatternRule, offset: usize, place: &str) {
        if !self.spellings.iter().any(|issue| issue.rule() == rule) {
            self.spellings.push(PatternIssue::at(offset, rule, place));
        }
    }

    #[cold]
    pub(super) fn refuse<T>(&self, offset: usize, kind: Refusal) -> Parse<T> {
        Err(Box::new(Fault { kind, hint: None, offset }))
    }

    #[cold]
    pub(super) fn expected<T>(&self, expected: &'static str) -> Parse<T> {
        self.fault(expected, None)
    }

    /// With a hint for the case that the text itself gives none.
    #[cold]
    pub(super) fn expected_hint<T>(&self, expected: &'static str, hint: &'static str) -> Parse<T> {
        self.fault(expected, Some(hint))
    }

    fn fault<T>(&self, expected: &'static str, hint: Option<&'static str>) -> Parse<T> {
        let word = self.word();
        let rest = &self.text[self.at..];
        let is_part = |&c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let found = match rest.chars().next() {
            None => "the end of the pattern".into(),
            Some(first) if first.is_alphanumeric() || first == '_' => {
                format!("`{}`", rest.chars().take_while(is_part).take(40).collect::<String>())
            }
            Some(other) => format!("`{other}`"),
        };
        let hint = self.better_hint(word).or(hint.map(Into::into));
        let kind = Refusal::Expected { expected, found: found.into() };
        Err(Box::new(Fault { kind, hint, offset: self.at }))
    }

    /// What somebody means who writes this word or character here.
    fn better_hint(&self, word: &str) -> Option<Box<str>> {
        let hint = match (word, self.byte(0)?) {
            ("null", _) => "there is no null; `NOT EXISTS path` asks for absence",
            ("MINUTES" | "HOURS" | "minutes" | "hours", _) => "the only unit is SECONDS",
            (_, b'"') => "strings and names stand in apostrophes, not in quotation marks",
            (_, b'.') if self.text[..self.at].ends_with(|c: char| c.is_ascii_digit()) => {
                "a number has digits behind its dot"
            }
            (_, b'e' | b'E') if self.text[..self.at].ends_with(|c: char| c.is_ascii_digit()) => {
                "numbers have no exponent"
            }
            _ if is_keyword(word) => return None,
            _ if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => {
                "booleans are true and false, in small letters"
            }
            _ => {
                let keyword = KEYWORDS.iter().find(|keyword| keyword.eq_ignore_ascii_case(word))?;
                return Some(format!("keywords are in capitals ({keyword})").into());
            }
        };
        Some(hint.into())
    }
}

fn is_word_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
