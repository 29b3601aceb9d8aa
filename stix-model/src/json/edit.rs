//! Small edits of a JSON text that leave every other byte as it was.

use super::{Document, JsonError, Kind, Limits, Value, write_string};
use std::collections::BTreeMap;
use std::ops::Range;

/// What is to become of one member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gives the member this value, a JSON text; a new member goes to the end.
    Set(String, String),
    /// Takes the member out, if it is there.
    Remove(String),
}

impl Change {
    /// Sets a member to a JSON text: `Change::set("confidence", "75")`.
    pub fn set(name: impl Into<String>, json: impl Into<String>) -> Self {
        Self::Set(name.into(), json.into())
    }

    /// Sets a member to a string: `Change::set_text("name", "Bank Attack")`.
    pub fn set_text(name: impl Into<String>, text: &str) -> Self {
        let mut json = String::with_capacity(text.len() + 2);
        write_string(text, &mut json);
        Self::Set(name.into(), json)
    }

    /// Takes a member out.
    pub fn remove(name: impl Into<String>) -> Self {
        Self::Remove(name.into())
    }

    /// The member it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Remove(name) => name,
        }
    }
}

/// Writes an object anew with some members changed. All other members keep their bytes, their order and the
/// white space around them; new ones are written in the manner of the last one.
///
/// Of several changes to one member the last counts.
///
/// ```
/// use stix_model::json::{Change, Document, Limits, edit};
/// let document = Document::read(br#"{ "a": 1.0, "b": 2, "c": 3 }"#, Limits::default())?;
/// let changes = [Change::set("b", "[]"), Change::remove("c"), Change::set_text("d", "x")];
/// assert_eq!(edit(document.root(), &changes)?, r#"{ "a": 1.0, "b": [], "d": "x" }"#);
/// # Ok::<(), stix_model::json::EditError>(())
/// ```
///
/// # Errors
/// When the value is no object, or a new value is not strict JSON.
pub fn edit(object: Value<'_>, changes: &[Change]) -> Result<String, EditError> {
    if object.kind() != Kind::Object {
        return Err(EditError::NotAnObject(object.kind()));
    }
    for change in changes {
        if let Change::Set(name, json) = change {
            Document::read(json.as_bytes(), Limits::default())
                .map_err(|error| EditError::Value { name: name.clone(), error: Box::new(error) })?;
        }
    }
    Ok(apply(object, changes))
}

/// [`edit`] without its checks: for changes of an object whose values are JSON texts for certain.
pub(crate) fn apply(object: Value<'_>, changes: &[Change]) -> String {
    let last: BTreeMap<&str, usize> =
        changes.iter().enumerate().map(|(index, change)| (change.name(), index)).collect();
    let mut text = Rewriter::new(object);
    for (name, value) in object.members() {
        match last.get(&*name).map(|index| &changes[*index]) {
            None => text.keep(value),
            Some(Change::Set(_, json)) => text.replace(value, json),
            Some(Change::Remove(_)) => text.drop(value),
        }
    }
    for (index, change) in changes.iter().enumerate() {
        if let Change::Set(name, json) = change
            && last.get(&**name) == Some(&index)
            && object.get(name).is_none()
        {
            text.append_member(name, json);
        }
    }
    text.finish()
}

/// Copies a list or an object item by item.
///
/// An item begins where the one before it, or the opening bracket, ends: with white space, a comma and, in an
/// object, the name.
pub(crate) struct Rewriter<'d> {
    source: Value<'d>,
    out: String,
    /// Where the last item that was looked at ends, in the text of `source`.
    at: usize,
    has_items: bool,
    /// The white space that stood before the last item.
    space: &'d str,
    /// What stood between its name and its value.
    colon: &'d str,
}

impl<'d> Rewriter<'d> {
    pub(crate) fn new(source: Value<'d>) -> Self {
        let out = String::with_capacity(source.raw().len() + 64);
        let mut rewriter = Self { source, out, at: 1, has_items: false, space: "", colon: ":" };
        rewriter.out.push_str(&source.raw()[..1]);
        rewriter
    }

    pub(crate) fn keep(&mut self, value: Value<'d>) {
        self.replace(value, value.raw());
    }

    pub(crate) fn replace(&mut self, value: Value<'d>, json: &str) {
        let head = self.step(value);
        // The first item that stays has no comma before it; all others keep theirs, with the space around it.
        self.out.push_str(if self.has_items { head.whole } else { head.after_comma });
        self.has_items = true;
        self.out.push_str(json);
    }

    pub(crate) fn drop(&mut self, value: Value<'d>) {
        self.step(value);
    }

    pub(crate) fn append(&mut self, json: &str) {
        self.begin_item();
        self.out.push_str(json);
    }

    fn append_member(&mut self, name: &str, json: &str) {
        self.begin_item();
        write_string(name, &mut self.out);
        self.out.push_str(self.colon);
        self.out.push_str(json);
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push_str(&self.source.raw()[self.at..]);
        self.out
    }

    fn begin_item(&mut self) {
        if self.has_items {
            self.out.push(',');
        }
        self.has_items = true;
        self.out.push_str(self.space);
    }

    /// Moves behind an item; gives what stands before its value.
    fn step(&mut self, value: Value<'d>) -> Head<'d> {
        let raw = self.source.raw();
        let Range { start, end } = value.range();
        let base = self.source.range().start;
        let whole = &raw[self.at..start - base];
        self.at = end - base;
        let after_comma = match whole.find(',') {
            // A comma before any quote stands between two items; one inside a name does not.
            Some(comma) if !whole[..comma].contains('"') => &whole[comma + 1..],
            _ => whole,
        };
        self.space = &after_comma[..after_comma.find('"').unwrap_or(after_comma.len())];
        if let Some(quote) = after_comma.rfind('"') {
            self.colon = &after_comma[quote + 1..];
        }
        Head { whole, after_comma }
    }
}

struct Head<'d> {
    whole: &'d str,
    after_comma: &'d str,
}

/// Why an object could not be edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Only objects have members.
    #[error("only an object has members to change, not {}", .0.name())]
    NotAnObject(Kind),
    /// A new value is not strict JSON.
    #[error("the new value of `{name}` is not strict JSON: {error}")]
    Value {
        /// The member it was meant for.
        name: String,
        /// What the reader says.
        error: Box<JsonError>,
    },
    /// Reading the text that was to be edited.
    #[error("{0}")]
    Json(#[from] JsonError),
}
