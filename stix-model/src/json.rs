//! The strict JSON reader: I-JSON (RFC 7493) with explicit limits, and nothing copied.
//!
//! [`Document::read`] checks a whole text once and keeps an index of its parts; a [`Value`] is a view of one
//! part that still knows its own slice of the text. So an envelope can be split into objects, an object's
//! header read and its digest taken from one pass over the bytes.

mod canonical;
mod edit;
mod error;
mod scan;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use canonical::compare_names;
pub use canonical::{Digest, canonicalize, write_canonical, write_string};
pub(crate) use edit::Rewriter;
pub use edit::{Change, EditError, edit};
pub use error::{JsonError, JsonErrorKind};

/// The largest integer up to which every reader agrees (RFC 7493, section 2.2).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// What the reader accepts at most. The defaults are those of the Concord server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Levels of nesting; a scalar has none.
    pub depth: u8,
    /// Bytes of the whole text.
    pub bytes: usize,
    /// Elements of one list. Each costs some memory, however short it is.
    pub elements: usize,
    /// Refuse integers outside ±(2^53 − 1), which other readers would round (RFC 7493, section 2.2).
    pub safe_integers: bool,
}

impl Limits {
    /// For a text that was read before.
    pub(crate) const NONE: Self =
        Self { depth: u8::MAX, bytes: usize::MAX, elements: usize::MAX, safe_integers: false };
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, bytes: 64 << 20, elements: 100_000, safe_integers: true }
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The word that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "a list",
            Kind::Object => "an object",
        }
    }
}

/// One value or member name: where it stands, and how many nodes it covers with all that is inside it.
#[derive(Clone, Copy, Debug)]
struct Node {
    start: u32,
    end: u32,
    span: u32,
    kind: Kind,
    escaped: bool,
}

/// A text that passed the strict reader, with an index of its values.
///
/// ```
/// use stix_model::json::{Document, Limits};
/// let document = Document::read(br#"{"objects": [{"id": "a"}, {"id": "b"}]}"#, Limits::default())?;
/// let objects = document.root().get("objects").unwrap();
/// assert_eq!(objects.elements().nth(1).unwrap().raw(), r#"{"id": "b"}"#);
///
/// let error = Document::read(br#"{"a": {"b": 1, "b": 2}}"#, Limits::default()).unwrap_err();
/// assert_eq!(error.pointer(), "/a/b");
/// # Ok::<(), stix_model::json::JsonError>(())
/// ```
#[derive(Debug)]
pub struct Document<'t> {
    text: &'t str,
    nodes: Vec<Node>,
}

impl<'t> Document<'t> {
    /// Reads one JSON value that fills the whole text.
    ///
    /// # Errors
    /// Anything but I-JSON within the limits: bad UTF-8, bad syntax, duplicate member names, lone surrogates,
    /// numbers that do not survive as IEEE 754 doubles, too deep, too long.
    pub fn read(bytes: &'t [u8], limits: Limits) -> Result<Self, JsonError> {
        scan::read(bytes, limits)
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { text: self.text, nodes: &self.nodes }
    }
}

/// A view of one value inside a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'d> {
    text: &'d str,
    /// The node of this value first, then those of everything inside it.
    nodes: &'d [Node],
}

impl<'d> Value<'d> {
    /// Its type.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Where it stands in the text, in bytes.
    pub fn range(self) -> Range<usize> {
        self.node().start as usize..self.node().end as usize
    }

    /// Its own slice of the text, as it was written.
    pub fn raw(self) -> &'d str {
        &self.text[self.range()]
    }

    /// The string it holds, unescaped; `None` for other types.
    pub fn as_str(self) -> Option<Cow<'d, str>> {
        (self.kind() == Kind::String).then(|| self.unescaped())
    }

    /// The boolean it holds; `None` for other types.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// The number it holds, as IEEE 754 double; `None` for other types.
    pub fn as_f64(self) -> Option<f64> {
        if self.kind() == Kind::Number { self.raw().parse().ok() } else { None }
    }

    /// The number it holds, when it is an integer in the range of `i64`; however it is written, as JSON knows one
    /// kind of number.
    pub fn as_i64(self) -> Option<i64> {
        if self.kind() != Kind::Number {
            return None;
        }
        if let Ok(integer) = self.raw().parse() {
            return Some(integer);
        }
        let float = self.as_f64()?;
        let is_exact = float.fract() == 0.0 && float.abs() <= MAX_SAFE_INTEGER as f64;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be an integer of 53 bits")]
        is_exact.then_some(float as i64)
    }

    /// The member with this name; `None` when there is none, or when this is no object.
    pub fn get(self, name: &str) -> Option<Value<'d>> {
        self.members().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// The members of an object in the order of the text; nothing for other types.
    pub fn members(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> {
        let mut rest = Children::of(self, Kind::Object);
        std::iter::from_fn(move || {
            let name = rest.next()?;
            Some((name.unescaped(), rest.next()?))
        })
    }

    /// The elements of a list; nothing for other types.
    pub fn elements(self) -> impl Iterator<Item = Value<'d>> {
        Children::of(self, Kind::Array)
    }

    fn node(self) -> Node {
        self.nodes[0]
    }

    fn unescaped(self) -> Cow<'d, str> {
        let range = self.range();
        let inner = &self.text[range.start + 1..range.end - 1];
        if self.node().escaped { Cow::Owned(scan::unescape(inner)) } else { Cow::Borrowed(inner) }
    }
}

struct Children<'d> {
    text: &'d str,
    nodes: &'d [Node],
}

impl<'d> Children<'d> {
    fn of(value: Value<'d>, kind: Kind) -> Self {
        let nodes = if value.kind() == kind { &value.nodes[1..] } else { &[] };
        Self { text: value.text, nodes }
    }
}

impl<'d> Iterator for Children<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Value<'d>> {
        let (nodes, rest) = self.nodes.split_at_checked(self.nodes.first()?.span as usize)?;
        self.nodes = rest;
        Some(Value { text: self.text, nodes })
    }
}
