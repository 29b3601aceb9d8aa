//! What is in a text: one object, or several in something around them.

use std::borrow::Cow;
use stix_model::json::{Kind, Value};

/// The objects of a text.
pub(crate) struct Parts<'d> {
    /// The whole.
    pub(crate) root: Value<'d>,
    /// What the whole is.
    pub(crate) whole: Whole,
    list: Option<Value<'d>>,
}

/// What a text is as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// A STIX bundle.
    Bundle,
    /// A TAXII envelope (TAXII 2.1, section 3.7).
    Envelope,
    /// A list.
    List,
    /// Anything else, which is taken for one object.
    Object,
}

impl<'d> Parts<'d> {
    /// Looks at a text.
    pub(crate) fn of(root: Value<'d>) -> Self {
        if root.kind() == Kind::Array {
            return Self { root, whole: Whole::List, list: Some(root) };
        }
        let objects = root.get("objects");
        let list = objects.filter(|objects| objects.kind() == Kind::Array);
        let object_type = text_of(root, "type");
        let whole = match object_type.as_deref() {
            Some("bundle") if list.is_some() || objects.is_none() => Whole::Bundle,
            // A page with nothing on it is `{"more":false}`.
            None if root.get("type").is_none() && (list.is_some() || root.get("more").is_some()) => {
                Whole::Envelope
            }
            _ => Whole::Object,
        };
        Self { root, whole, list: list.filter(|_| whole != Whole::Object) }
    }

    /// The objects.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Value<'d>> {
        let one = (self.whole == Whole::Object).then_some(self.root);
        one.into_iter().chain(self.list.into_iter().flat_map(Value::elements))
    }

    /// JSON pointer of the list in which the objects stand.
    pub(crate) fn prefix(&self) -> &'static str {
        if self.whole == Whole::List { "" } else { "/objects" }
    }
}

/// A property that holds a string.
pub(crate) fn text_of<'d>(object: Value<'d>, name: &str) -> Option<Cow<'d, str>> {
    object.get(name)?.as_str()
}
