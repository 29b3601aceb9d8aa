//! What is in a text: one object, or several in something around them.

use std::borrow::Cow;
use stix_model::bundle::Form;
use stix_model::json::{Kind, Value};

/// The objects of a text.
pub(crate) struct Parts<'d> {
    /// The whole.
    pub(crate) root: Value<'d>,
    /// What the whole is.
    pub(crate) form: Form,
    list: Option<Value<'d>>,
}

impl<'d> Parts<'d> {
    /// Looks at a text. What is no form of objects is taken for one, so that a check can say what is wrong with it.
    pub(crate) fn of(root: Value<'d>) -> Self {
        // `{}` is an empty envelope from a server, but somebody who checks a file wants to hear that it is no object.
        let is_empty = root.kind() == Kind::Object && root.members().next().is_none();
        let (form, list) = Form::of(root).ok().filter(|_| !is_empty).unwrap_or((Form::Object, None));
        Self { root, form, list }
    }

    /// The objects.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Value<'d>> {
        let one = (self.form == Form::Object).then_some(self.root);
        one.into_iter().chain(self.list.into_iter().flat_map(Value::elements))
    }
}

/// A property that holds a string.
pub(crate) fn text_of<'d>(object: Value<'d>, name: &str) -> Option<Cow<'d, str>> {
    object.get(name)?.as_str()
}
