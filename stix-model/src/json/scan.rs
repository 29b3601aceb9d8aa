//! The scanner behind [`Document::read`](super::Document::read): one pass, bounded recursion.

use super::error::{JsonError, JsonErrorKind as Refusal};
use super::names::{self, Name};
use super::string::{hex, plain_length};
use super::{Document, Kind, Limits, MAX_SAFE_INTEGER, Node, wide};
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
    // About what STIX objects need, so that reading a single one does not grow the list step by step.
    let (nodes, names) = (Vec::with_capacity(bytes.len() / 24), Vec::new());
    let wide = wide::Index::default();
    let mut scanner = Scanner { text, at: 0, depth: limits.depth, limits, nodes, names, wide };
    scanner.document().map_err(|error| error.located(bytes))?;
    scanner.wide.finish();
    Ok(Document { text, nodes: scanner.nodes, wide: scanner.wide })
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Levels that may still be opened.
    depth: u8,
    limits: Limits,
    nodes: Vec<Node>,
    /// The many names of the object that ends now; kept so that only the first such object pays for it.
    names: Vec<Name>,
    wide: wide::Index,
}

/// Boxed, because every value returns one and hardly any is an error.
type Scan<T = ()> = Result<T, Box<JsonError>>;

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
        let node = self.nodes.len();
        self.nodes.push(Node { canonical: false, ..self.leaf(kind) });
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
            if self.peek() != Some(b'"') {
                return self.expected("a member name in quotes");
            }
            let name = self.nodes.len();
            self.string()?;
            self.member_value().map_err(|error| within(error, self.name(name)))?;
            self.skip_whitespace();
            if self.eat(b'}') {
                return self.compare_names(object);
            }
            if !self.eat(b',') {
                return self.expected("`,` or `}`");
            }
            self.skip_whitespace();
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

    fn elements(&mut self, array: usize) -> Scan {
        self.skip_whitespace();
        if self.eat(b']') {
            return Ok(());
        }
        for index in 0_usize.. {
            if index == self.limits.elements {
                return self.refuse(Refusal::TooMany);
            }
            self.value().map_err(|error| within(error, index))?;
            self.skip_whitespace();
            if self.eat(b']') {
                break;
            }
            if !self.eat(b',') {
                return self.expected("`,` or `]`");
            }
            self.skip_whitespace();
        }
        if self.nodes.len() - array > wide::LARGE {
            let (nodes, mut next) = (&self.nodes, array + 1);
            let elements = std::iter::from_fn(|| {
                let element = next;
                next += nodes.get(element)?.span as usize;
                u32::try_from(element).ok()
            });
            self.wide.add(u32::try_from(array).unwrap_or(u32::MAX), elements);
        }
        Ok(())
    }

    fn string(&mut self) -> Scan {
        let mut node = self.leaf(Kind::String);
        self.at += 1;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.peek() {
                Some(b'"') => break self.at += 1,
                Some(b'\\') => {
                    node.escaped = true;
                    node.canonical &= self.escape()?;
                }
                Some(_) => return self.refuse(Refusal::ControlCharacter),
                None => return self.refuse(Refusal::UnexpectedEnd),
            }
        }
        self.push(node);
        Ok(())
    }

    /// Whether the canonical form has this very escape, too. Apart from [`string`](Self::string), which is short without it.
    #[inline(never)]
    fn escape(&mut self) -> Scan<bool> {
        match self.text.as_bytes().get(self.at + 1) {
            Some(escape @ (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => {
                self.at += 2;
                Ok(*escape != b'/')
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
                Ok(false)
            }
            Some(_) => self.refuse(Refusal::BadEscape),
            None => self.refuse(Refusal::UnexpectedEnd),
        }
    }

    /// Reads `\uXXXX` at `at` without moving.
    fn code_unit(&self, at: usize) -> Scan<u32> {
        let digits = self.text.as_bytes().get(at..at + 6).and_then(|escape| escape.strip_prefix(b"\\u"));
        digits.and_then(hex).ok_or_else(|| refusal(Refusal::BadEscape, at))
    }

    fn number(&mut self) -> Scan {
        let mut node = self.leaf(Kind::Number);
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
                return Err(refusal(Refusal::UnsafeInteger, start));
            }
        }
        // Fewer than 300 characters without exponent cannot overflow a double.
        if self.at > digits_end || self.at - digits_start >= 300 {
            let is_finite = self.text[start..self.at].parse().is_ok_and(f64::is_finite);
            if !is_finite {
                return Err(refusal(Refusal::NotFinite, start));
            }
        }
        // Fifteen digits survive as a double, and an integer has no other canonical form; but -0 becomes 0.
        let is_minus_zero = is_negative && self.text.as_bytes()[digits_start] == b'0';
        node.canonical = self.at == digits_end && self.at - digits_start <= 15 && !is_minus_zero;
        self.push(node);
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
        let node = self.leaf(kind);
        self.at += word.len();
        self.push(node);
        Ok(())
    }

    /// Looks for equal names in a complete object.
    fn compare_names(&mut self, object: usize) -> Scan {
        let nodes = &self.nodes[object..];
        let are_many = names::are_many(nodes);
        let repeated = if are_many {
            names::sort(self.text, nodes, &mut self.names).err()
        } else {
            names::repeated(self.text, nodes)
        };
        if let Some(name) = repeated {
            let name = object + name;
            let refusal = refusal(Refusal::DuplicateName, self.nodes[name].start as usize);
            return Err(within(refusal, self.name(name)));
        }
        if are_many {
            let object = u32::try_from(object).unwrap_or(u32::MAX);
            self.wide.add(object, self.names.iter().map(|name| object + name.node()));
        }
        Ok(())
    }

    fn name(&self, node: usize) -> Cow<'_, str> {
        self.nodes[node].unescaped(self.text)
    }

    /// A node that begins here; `read` has checked that offsets and so node counts fit into 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "the length of the text is checked in `read`")]
    fn leaf(&self, kind: Kind) -> Node {
        let start = self.at as u32;
        Node { start, end: start, span: 1, kind, escaped: false, canonical: true }
    }

    /// Ends a node without inner nodes here.
    #[expect(clippy::cast_possible_truncation, reason = "the length of the text is checked in `read`")]
    fn push(&mut self, node: Node) {
        self.nodes.push(Node { end: self.at as u32, ..node });
    }

    #[expect(clippy::cast_possible_truncation, reason = "the length of the text is checked in `read`")]
    fn close(&mut self, node: usize) {
        let span = (self.nodes.len() - node) as u32;
        let node = &mut self.nodes[node];
        node.end = self.at as u32;
        node.span = span;
    }

    fn skip_whitespace(&mut self) {
        if matches!(self.peek(), Some(..=b' ')) {
            self.skip_indentation();
        }
    }

    fn skip_indentation(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
            while self.text.as_bytes()[self.at..].starts_with(&[b' '; 8]) {
                self.at += 8;
            }
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
    fn refuse<T>(&self, kind: Refusal) -> Scan<T> {
        Err(refusal(kind, self.at))
    }

    #[cold]
    fn expected(&self, what: &'static str) -> Scan {
        self.refuse(if self.at < self.text.len() { Refusal::Expected(what) } else { Refusal::UnexpectedEnd })
    }
}

#[cold]
fn refusal(kind: Refusal, offset: usize) -> Box<JsonError> {
    Box::new(JsonError::new(kind, offset))
}

/// Names the member or element in which the error happened.
#[cold]
fn within(mut error: Box<JsonError>, segment: impl ToString) -> Box<JsonError> {
    error.path.push(segment.to_string());
    error
}
