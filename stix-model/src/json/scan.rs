//! The scanner behind [`Document::read`](super::Document::read): one pass, bounded recursion.

use super::error::{JsonError, JsonErrorKind as Refusal};
use super::{Document, Kind, Limits, MAX_SAFE_INTEGER, Node};
use std::borrow::Cow;

pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Document<'_>, JsonError> {
    let refuse = |kind, offset| Err(JsonError::new(kind, offset).located(bytes));
    if bytes.len() > limits.bytes || u32::try_from(bytes.len()).is_err() {
        return refuse(Refusal::TooLong, 0);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return refuse(Refusal::NotUtf8, error.valid_up_to()),
    };
    if text.starts_with('\u{feff}') {
        return refuse(Refusal::ByteOrderMark, 0);
    }
    let mut scanner = Scanner { text, at: 0, depth: limits.depth, limits, nodes: Vec::new() };
    scanner.document().map_err(|error| error.located(bytes))?;
    Ok(Document { text, nodes: scanner.nodes })
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Levels that may still be opened.
    depth: u8,
    limits: Limits,
    nodes: Vec<Node>,
}

type Scan<T = ()> = Result<T, JsonError>;

impl Scanner<'_> {
    fn document(&mut self) -> Scan {
        self.skip_whitespace();
        self.value()?;
        self.skip_whitespace();
        if self.at < self.text.len() { self.refuse(Refusal::TrailingText) } else { Ok(()) }
    }

    fn value(&mut self) -> Scan {
        match self.peek() {
            Some(b'{') => self.nested(Kind::Object, Self::members),
            Some(b'[') => self.nested(Kind::Array, Self::elements),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Kind::Bool),
            Some(b'f') => self.word("false", Kind::Bool),
            Some(b'n') => self.word("null", Kind::Null),
            _ => self.expected("a value"),
        }
    }

    fn nested(&mut self, kind: Kind, inside: fn(&mut Self, usize) -> Scan) -> Scan {
        let Some(depth) = self.depth.checked_sub(1) else { return self.refuse(Refusal::TooDeep) };
        self.depth = depth;
        let node = self.open(kind);
        self.at += 1;
        inside(self, node)?;
        self.close(node);
        self.depth += 1;
        Ok(())
    }

    fn members(&mut self, object: usize) -> Scan {
        self.skip_whitespace();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.skip_whitespace();
            if self.peek() != Some(b'"') {
                return self.expected("a member name in quotes");
            }
            let name = self.nodes.len();
            self.string()?;
            self.member_value().map_err(|error| error.within(self.name(name)))?;
            self.skip_whitespace();
            if self.eat(b'}') {
                return self.refuse_duplicate_names(object);
            }
            if !self.eat(b',') {
                return self.expected("`,` or `}`");
            }
        }
    }

    fn member_value(&mut self) -> Scan {
        self.skip_whitespace();
        if !self.eat(b':') {
            return self.expected("`:`");
        }
        self.skip_whitespace();
        self.value()
    }

    fn elements(&mut self, _array: usize) -> Scan {
        self.skip_whitespace();
        if self.eat(b']') {
            return Ok(());
        }
        for index in 0_usize.. {
            self.skip_whitespace();
            if index == self.limits.elements {
                return self.refuse(Refusal::TooMany);
            }
            self.value().map_err(|error| error.within(index))?;
            self.skip_whitespace();
            if self.eat(b']') {
                break;
            }
            if !self.eat(b',') {
                return self.expected("`,` or `]`");
            }
        }
        Ok(())
    }

    fn string(&mut self) -> Scan {
        let node = self.open(Kind::String);
        self.at += 1;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.peek() {
                Some(b'"') => break self.at += 1,
                Some(b'\\') => {
                    self.nodes[node].escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.refuse(Refusal::ControlCharacter),
                None => return self.refuse(Refusal::UnexpectedEnd),
            }
        }
        self.close(node);
        Ok(())
    }

    fn escape(&mut self) -> Scan {
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let width = match self.code_unit(self.at)? {
                    0xD800..0xDC00 => match self.code_unit(self.at + 6) {
                        Ok(0xDC00..0xE000) => 12,
                        _ => return self.refuse(Refusal::LoneSurrogate),
                    },
                    0xDC00..0xE000 => return self.refuse(Refusal::LoneSurrogate),
                    _ => 6,
                };
                self.at += width;
                Ok(())
            }
            Some(_) => self.refuse(Refusal::BadEscape),
            None => self.refuse(Refusal::UnexpectedEnd),
        }
    }

    /// Reads `\uXXXX` at `at` without moving.
    fn code_unit(&self, at: usize) -> Scan<u32> {
        let digits = self.text.as_bytes().get(at..at + 6).and_then(|escape| escape.strip_prefix(b"\\u"));
        digits.and_then(hex).ok_or_else(|| JsonError::new(Refusal::BadEscape, at))
    }

    fn number(&mut self) -> Scan {
        let node = self.open(Kind::Number);
        let is_negative = self.eat(b'-');
        let digits_start = self.at;
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let digits_end = self.at;
        if self.eat(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let start = digits_start - usize::from(is_negative);
        if self.at == digits_end {
            let is_safe = || {
                let digits = &self.text[digits_start..digits_end];
                digits.len() <= 16 && digits.parse().is_ok_and(|value: u64| value <= MAX_SAFE_INTEGER)
            };
            if self.limits.safe_integers && !is_safe() {
                return Err(JsonError::new(Refusal::UnsafeInteger, start));
            }
        }
        // Fewer than 300 characters without exponent cannot overflow a double.
        if self.at > digits_end || self.at - digits_start >= 300 {
            let is_finite = self.text[start..self.at].parse().is_ok_and(f64::is_finite);
            if !is_finite {
                return Err(JsonError::new(Refusal::NotFinite, start));
            }
        }
        self.close(node);
        Ok(())
    }

    fn digits(&mut self) -> Scan {
        let digits = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { self.refuse(Refusal::BadNumber) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Scan {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.refuse(Refusal::Expected("true, false or null"));
        }
        let node = self.open(kind);
        self.at += word.len();
        self.close(node);
        Ok(())
    }

    /// Checked when the object is complete, so that small objects cost a few comparisons and large ones a sort.
    fn refuse_duplicate_names(&self, object: usize) -> Scan {
        let mut names = Vec::new();
        let mut at = object + 1;
        while at < self.nodes.len() {
            names.push(at);
            at += 1;
            at += self.nodes[at].span as usize;
        }
        let duplicate = if names.len() <= 12 {
            let same =
                |(i, &name): (usize, &usize)| names[..i].iter().any(|&other| self.same_name(name, other));
            names.iter().enumerate().find(|&entry| same(entry)).map(|(_, &name)| name)
        } else {
            names.sort_by_cached_key(|&name| self.name(name).into_owned());
            names.windows(2).find(|pair| self.same_name(pair[0], pair[1])).map(|pair| pair[1])
        };
        let Some(name) = duplicate else { return Ok(()) };
        let offset = self.nodes[name].start as usize;
        Err(JsonError::new(Refusal::DuplicateName, offset).within(self.name(name)))
    }

    fn same_name(&self, a: usize, b: usize) -> bool {
        let (left, right) = (self.nodes[a], self.nodes[b]);
        if left.escaped || right.escaped {
            return self.name(a) == self.name(b);
        }
        let text = self.text.as_bytes();
        text[left.start as usize..left.end as usize] == text[right.start as usize..right.end as usize]
    }

    fn name(&self, node: usize) -> Cow<'_, str> {
        let Node { start, end, escaped, .. } = self.nodes[node];
        let inner = &self.text[start as usize + 1..end as usize - 1];
        if escaped { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) }
    }

    /// `read` has checked that offsets and so node counts fit into 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "the length of the text is checked in `read`")]
    fn open(&mut self, kind: Kind) -> usize {
        let start = self.at as u32;
        self.nodes.push(Node { start, end: start, span: 1, kind, escaped: false });
        self.nodes.len() - 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "the length of the text is checked in `read`")]
    fn close(&mut self, node: usize) {
        self.nodes[node].end = self.at as u32;
        self.nodes[node].span = (self.nodes.len() - node) as u32;
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    #[cold]
    fn refuse(&self, kind: Refusal) -> Scan {
        Err(JsonError::new(kind, self.at))
    }

    #[cold]
    fn expected(&self, what: &'static str) -> Scan {
        self.refuse(if self.at < self.text.len() { Refusal::Expected(what) } else { Refusal::UnexpectedEnd })
    }
}

/// How many bytes pass before a quote, a backslash or a control character, eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let special = control | zero_bytes(word ^ (ONES * 0x22)) | zero_bytes(word ^ (ONES * 0x5C));
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let start = words.len() * 8;
    let is_special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    start + bytes[start..].iter().position(is_special).unwrap_or(bytes.len() - start)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + (digit as char).to_digit(16)?))
}

/// Resolves the escapes of a string that the scanner accepted.
pub(super) fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(backslash) = rest.find('\\') {
        out.push_str(&rest[..backslash]);
        let escape = &rest.as_bytes()[backslash + 1..];
        let mut width = 2;
        out.push(match escape[0] {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = |at: usize| escape.get(at..at + 4).and_then(hex).unwrap_or_default();
                let high = unit(1);
                let code = if (0xD800..0xDC00).contains(&high) {
                    width = 12;
                    0x10000 + ((high - 0xD800) << 10) + (unit(7).wrapping_sub(0xDC00) & 0x3FF)
                } else {
                    width = 6;
                    high
                };
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            plain => plain as char,
        });
        rest = &rest[backslash + width..];
    }
    out.push_str(rest);
    out
}
