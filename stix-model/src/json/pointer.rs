//! JSON pointers (RFC 6901).

use super::{Kind, Value};
use std::borrow::Cow;

impl<'d> Value<'d> {
    /// What a JSON pointer (RFC 6901) leads to from here; `None` when nothing stands there.
    ///
    /// ```
    /// use stix_model::json::{Document, Limits};
    /// let document = Document::read(br#"{"a/b": [10, {"~": 20}]}"#, Limits::default())?;
    /// assert_eq!(document.root().pointer("/a~1b/1/~0").unwrap().raw(), "20");
    /// assert_eq!(document.root().pointer("/a~1b/2").is_none(), true);
    /// assert_eq!(document.root().nearest("/a~1b/1/x/y").raw(), r#"{"~": 20}"#);
    /// # Ok::<(), stix_model::json::JsonError>(())
    /// ```
    pub fn pointer(self, pointer: &str) -> Option<Value<'d>> {
        steps(pointer)?.try_fold(self, |value, step| value.step(&step))
    }

    /// Like [`pointer`](Self::pointer), but stops at the innermost value that is there: the place at which to show
    /// that something is missing.
    pub fn nearest(self, pointer: &str) -> Value<'d> {
        let mut value = self;
        for step in steps(pointer).into_iter().flatten() {
            let Some(inside) = value.step(&step) else { break };
            value = inside;
        }
        value
    }

    fn step(self, step: &str) -> Option<Value<'d>> {
        if self.kind() == Kind::Object {
            return self.get(step);
        }
        // RFC 6901, section 4: an index has no leading zeros.
        let is_index = step == "0" || !step.starts_with(['0', '+']);
        self.element(step.parse().ok().filter(|_| is_index)?)
    }
}

/// Appends a step to a JSON pointer.
pub(crate) fn push_step(name: &str, pointer: &mut String) {
    pointer.push('/');
    let mut rest = name;
    while let Some(at) = memchr::memchr2(b'~', b'/', rest.as_bytes()) {
        pointer.push_str(&rest[..at]);
        pointer.push_str(if rest.as_bytes()[at] == b'~' { "~0" } else { "~1" });
        rest = &rest[at + 1..];
    }
    pointer.push_str(rest);
}

/// The unescaped steps; `None` when the text is no pointer.
fn steps(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let rest = if pointer.is_empty() { None } else { Some(pointer.strip_prefix('/')?) };
    Some(rest.into_iter().flat_map(|rest| rest.split('/')).map(|step| match step.contains('~') {
        true => Cow::Owned(step.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(step),
    }))
}
