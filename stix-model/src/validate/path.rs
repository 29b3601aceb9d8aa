//! Where the validator stands, without building a string until something is found.

use crate::json::push_step;
use std::fmt::Write as _;

/// A place inside an object, linked towards the root.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root(&'p str),
    Name(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The object itself, below a JSON pointer.
    pub(crate) fn root(pointer: &'p str) -> Self {
        Self { parent: None, step: Step::Root(pointer) }
    }

    /// A member of what stands here.
    pub(crate) fn member(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    /// An element of the list that stands here.
    pub(crate) fn element(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// The name of the property that this is, or is an element of.
    pub(crate) fn name(&self) -> &'p str {
        match self.step {
            Step::Root(_) => "",
            Step::Name(name) => name,
            Step::Index(_) => self.parent.map_or("", Path::name),
        }
    }

    /// As a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        let mut out = String::with_capacity(64);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.step {
            Step::Root(pointer) => out.push_str(pointer),
            Step::Name(name) => push_step(name, out),
            Step::Index(index) => write!(out, "/{index}").expect("a String takes every write"),
        }
    }
}
