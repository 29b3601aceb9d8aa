//! A place inside a text, without building a string until something is found.

use super::push_step;
use std::fmt::Write as _;

/// Enough for any place that the standard knows: names and keys have at most 250 characters.
const LONGEST_POINTER: usize = 2_000;

/// A place inside a text, linked towards the root.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    /// The object of this index, or the text as a whole.
    Root(Option<usize>),
    Name(&'p str),
    Index(usize),
    /// Any number of steps.
    #[cfg(feature = "schemas")]
    Pointer(&'p str),
}

impl<'p> Path<'p> {
    /// The object that stands at an index of the list that is checked; the text as a whole when `None`.
    pub(crate) fn root(index: Option<usize>) -> Self {
        Self { parent: None, step: Step::Root(index) }
    }

    /// A member of what stands here.
    pub(crate) fn member(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    /// An element of the list that stands here.
    pub(crate) fn element(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// What a JSON pointer leads to from here.
    #[cfg(feature = "schemas")]
    pub(crate) fn at(&'p self, pointer: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Pointer(pointer) }
    }

    /// The index of the object in which this is, see [`root`](Self::root).
    pub(crate) fn index(&self) -> Option<usize> {
        match (self.parent, self.step) {
            (Some(parent), _) => parent.index(),
            (None, Step::Root(index)) => index,
            (None, _) => None,
        }
    }

    /// The name of the property that this is, or is an element of.
    pub(crate) fn name(&self) -> &'p str {
        match self.step {
            Step::Root(_) => "",
            #[cfg(feature = "schemas")]
            Step::Pointer(_) => "",
            Step::Name(name) => name,
            Step::Index(_) => self.parent.map_or("", Path::name),
        }
    }

    /// As a JSON pointer (RFC 6901) inside the object: to this place, or to the innermost one around it that a pointer
    /// of [`LONGEST_POINTER`] bytes leads to. Names may be as long as the object, and each finding has a pointer.
    pub(crate) fn pointer(&self) -> String {
        let mut out = String::with_capacity(64);
        self.write(&mut out);
        out
    }

    /// Whether all of it was written.
    fn write(&self, out: &mut String) -> bool {
        if self.parent.is_some_and(|parent| !parent.write(out)) {
            return false;
        }
        let length = match self.step {
            Step::Root(_) | Step::Index(_) => 0,
            Step::Name(name) => name.len(),
            #[cfg(feature = "schemas")]
            Step::Pointer(pointer) => pointer.len(),
        };
        if out.len() + length > LONGEST_POINTER {
            return false;
        }
        match self.step {
            Step::Root(_) => {}
            #[cfg(feature = "schemas")]
            Step::Pointer(pointer) => out.push_str(pointer),
            Step::Name(name) => push_step(name, out),
            Step::Index(index) => write!(out, "/{index}").expect("a String takes every write"),
        }
        true
    }
}
