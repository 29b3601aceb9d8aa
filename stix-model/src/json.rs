//! The strict JSON reader: I-JSON (RFC 7493) with explicit limits, and nothing copied.
//!
//! [`Document::read`] checks a whole text once and keeps an index of its parts; a [`Value`] is a view of one
//! part that still knows its own slice of the text. So an envelope can be split into objects, an object's
//! header read and its digest taken from one pass over the bytes.
//!
//! ```
//! use stix_model::json::{Change, Document, Limits, edit};
//! let document = Document::read(br#"{"name": "x", "score": 1.50, "tags": ["a"]}"#, Limits::default())?;
//! let root = document.root();
//! assert_eq!(root.get("score").unwrap().raw(), "1.50");
//! let edited = edit(root, &[Change::set_text("name", "y")])?;
//! assert_eq!(edited, r#"{"name": "y", "score": 1.50, "tags": ["a"]}"#);
//!
//! let twice = Document::read(br#"{"a": 1, "a": 2}"#, Limits::default()).unwrap_err();
//! assert_eq!(twice.to_string(), "this member name occurs twice in one object at line 1, column 10 (/a)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod edit;
mod error;
mod key;
mod lines;
mod names;
mod path;
mod pointer;
mod scan;
mod string;
mod wide;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

pub use canonical::{Digest, DigestError, canonicalize, write_canonical, write_string};
pub use edit::{Change, EditError, edit};
pub(crate) use edit::{Rewriter, apply};
pub use error::{JsonError, JsonErrorKind};
pub(crate) use key::Key;
pub use lines::Lines;
pub(crate) use names::compare_names;
pub(crate) use path::Path;
pub(crate) use pointer::push_step;

/// The largest integer up to which every reader agrees (RFC 7493, section 2.2).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// What the reader accepts at most.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Levels of nesting; a scalar has none. Default: 64.
    pub depth: u8,
    /// Bytes of the whole text. Default: 64 MiB.
    pub bytes: usize,
    /// Elements of one list. The memory that each costs grows with its own bytes, so by default only the bytes of the text
    /// are limited. Default: `usize::MAX`.
    pub elements: usize,
    /// Refuse integers outside ±(2^53 − 1), which other readers would round (RFC 7493, section 2.2). Default: true.
    pub safe_integers: bool,
}

setters!(Limits { depth: u8, bytes: usize, elements: usize, safe_integers: bool });

impl Limits {
    /// For a text that was read before.
    pub(crate) const NONE: Self =
        Self { depth: u8::MAX, bytes: usize::MAX, elements: usize::MAX, safe_integers: false };
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, bytes: 64 << 20, elements: usize::MAX, safe_integers: true }
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
    /// A string with an escape in it.
    escaped: bool,
    /// A scalar that is written in its canonical form.
    canonical: bool,
}

impl Node {
    /// What stands between the quotes of a string, as it was written.
    #[inline]
    fn inner(self, text: &str) -> &str {
        &text[self.start as usize + 1..self.end as usize - 1]
    }

    /// What stands between the quotes of a string.
    #[inline]
    fn unescaped(self, text: &str) -> Cow<'_, str> {
        let inner = self.inner(text);
        if self.escaped { Cow::Owned(string::unescape(inner)) } else { Cow::Borrowed(inner) }
    }
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
    /// Where the parts of large values stand, so that finding one does not mean to pass all others.
    wide: wide::Index,
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
        Value { document: self, at: 0 }
    }
}

/// A view of one value inside a [`Document`], as cheap to copy as a slice.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    /// Where its node stands; those of everything inside it follow.
    at: usize,
}

/// See [`Value::place`].
#[derive(Clone, Copy)]
pub(crate) struct Place(NonZeroU32);

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
        &self.document.text[self.range()]
    }

    /// The string it holds, unescaped; `None` for other types.
    #[inline]
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
        match self.parts(Kind::Object) {
            Some(names) => {
                let order = |at: &u32| Value { at: *at as usize, ..self }.compare_text(name);
                let found = names.binary_search_by(order).ok()?;
                Some(Value { at: names[found] as usize + 1, ..self })
            }
            None => self.named_members().find(|(found, _)| found.is_text(name)).map(|(_, value)| value),
        }
    }

    /// The element of a list at an index, from 0; `None` behind its end, or when this is no list.
    pub fn element(self, index: usize) -> Option<Value<'d>> {
        match self.parts(Kind::Array) {
            Some(elements) => elements.get(index).map(|at| Value { at: *at as usize, ..self }),
            None => self.elements().nth(index),
        }
    }

    /// How many members an object or elements a list has; 0 for other types.
    pub fn count(self) -> usize {
        match self.parts(self.kind()) {
            Some(parts) => parts.len(),
            None => self.elements().count() + self.named_members().count(),
        }
    }

    /// Where the names of a large object, in canonical order, or the elements of a large list stand.
    fn parts(self, kind: Kind) -> Option<&'d [u32]> {
        let is_large = self.kind() == kind && self.node().span as usize > wide::LARGE;
        if is_large { self.document.wide.parts(self.at) } else { None }
    }

    /// The members of an object in the order of the text; nothing for other types.
    pub fn members(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> {
        self.named_members().map(|(name, value)| (name.unescaped(), value))
    }

    /// The elements of a list; nothing for other types.
    pub fn elements(self) -> impl Iterator<Item = Value<'d>> {
        let mut rest = self.inside(Kind::Array);
        std::iter::from_fn(move || {
            let element = Value { document: self.document, at: rest.start };
            (!rest.is_empty()).then(|| {
                rest.start = element.after();
                element
            })
        })
    }

    /// The members in the order of the canonical form (RFC 8785, section 3.2.3), each name as a value.
    pub(crate) fn canonical_members(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let large = self.parts(Kind::Object);
        let nodes = &self.document.nodes[self.at..self.inside(Kind::Object).end.max(self.at)];
        let (few, count) = match large {
            Some(names) => ([0; names::FEW], names.len()),
            None => names::order(self.document.text, nodes),
        };
        (0..count).map(move |rank| match large {
            Some(names) => self.member_at(names[rank] as usize),
            None => self.member_at(self.at + few[rank] as usize),
        })
    }

    fn named_members(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let mut rest = self.inside(Kind::Object);
        std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| {
                let member = self.member_at(rest.start);
                rest.start = member.1.after();
                member
            })
        })
    }

    /// The name whose node stands there, and the value after it.
    fn member_at(self, at: usize) -> (Value<'d>, Value<'d>) {
        (Value { at, ..self }, Value { at: at + 1, ..self })
    }

    /// Where it stands in its document, to be kept in little space; `None` for the root.
    #[expect(clippy::cast_possible_truncation, reason = "the reader counts nodes in 32 bits")]
    pub(crate) fn place(self) -> Option<Place> {
        NonZeroU32::new(self.at as u32).map(Place)
    }

    /// The value at a place of the same document.
    pub(crate) fn beside(self, place: Place) -> Self {
        Self { at: place.0.get() as usize, ..self }
    }

    /// Where the nodes inside a value of this type stand; nowhere for other types.
    fn inside(self, kind: Kind) -> Range<usize> {
        let end = if self.kind() == kind { self.after() } else { 0 };
        self.at + 1..end
    }

    /// Where the nodes go on behind this value.
    fn after(self) -> usize {
        self.at + self.node().span as usize
    }

    fn node(self) -> &'d Node {
        &self.document.nodes[self.at]
    }

    /// What stands between the quotes of a string.
    fn inner(self) -> &'d str {
        self.node().inner(self.document.text)
    }

    #[inline]
    fn unescaped(self) -> Cow<'d, str> {
        self.node().unescaped(self.document.text)
    }

    /// Whether this string is that text.
    fn is_text(self, text: &str) -> bool {
        if self.node().escaped {
            return self.compare_text(text).is_eq();
        }
        self.inner() == text
    }

    /// The order of this string and a text in the canonical form. Looks no further than the first difference.
    fn compare_text(self, text: &str) -> Ordering {
        let inner = self.inner();
        if !self.node().escaped {
            return compare_names(inner, text);
        }
        string::unescaped(inner).flat_map(utf16).cmp(text.chars().flat_map(utf16))
    }
}

/// The code units of a character in UTF-16, by which the canonical form sorts names.
fn utf16(character: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let length = character.encode_utf16(&mut units).len();
    units.into_iter().take(length)
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}
