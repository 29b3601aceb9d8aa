//! The parts of a table.

use super::check::Check;
use super::places::Places;
use super::rule::Rule;
use super::vocabulary::Vocabulary;
use crate::class::{Class, Target};
use crate::json::Key;

/// The table of one object type, predefined extension or embedded type.
#[non_exhaustive]
pub struct Schema {
    /// The name as it stands in `type`, in `extensions`, or in the standard.
    pub name: &'static str,
    /// Its class.
    pub class: Class,
    /// The section of STIX 2.1 that defines it.
    pub section: &'static str,
    /// Its own properties: what is required, what is optional, then the lists.
    pub own: &'static [Property],
    /// The common properties that apply to it (section 3.2).
    pub common: &'static [Property],
    /// What must hold between its properties.
    pub(crate) constraints: &'static [Constraint],
    /// The predefined extensions that it may carry.
    pub extensions: &'static [&'static Schema],
    /// Where each property stands; see [`places`].
    pub(crate) places: Places,
    /// A bit for each required property, in the order of [`properties`](Self::properties); see [`required`].
    pub(crate) required: u64,
}

impl Schema {
    /// A property by its name, own or common.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.position(name).map(|(_, property)| property)
    }

    /// A property and its place among [`properties`](Self::properties).
    pub(crate) fn position(&self, name: &str) -> Option<(usize, &'static Property)> {
        let key = Key::of(name);
        let at = |index: usize| match index.checked_sub(self.common.len()) {
            None => &self.common[index],
            Some(own) => &self.own[own],
        };
        let index = self.places.find(key, |index| {
            let property = at(index);
            property.key == key && (key.is_whole() || property.name == name)
        })?;
        Some((index, at(index)))
    }

    /// All properties: the common ones first.
    pub fn properties(&self) -> impl Iterator<Item = &'static Property> {
        self.common.iter().chain(self.own)
    }
}

/// One property in a [`Schema`].
#[non_exhaustive]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub presence: Presence,
    /// The type of its value.
    pub shape: Shape,
    /// The least and the greatest number, both allowed.
    pub range: Option<(i64, i64)>,
    key: Key,
}

impl Property {
    pub(crate) const fn new(
        name: &'static str,
        presence: Presence,
        shape: Shape,
        range: Option<(i64, i64)>,
    ) -> Self {
        Self { name, presence, shape, range, key: Key::of(name) }
    }

    pub(crate) const fn required(self) -> Self {
        Self { presence: Presence::Required, ..self }
    }

    pub(crate) const fn optional(self) -> Self {
        Self { presence: Presence::Optional, ..self }
    }
}

/// Where the properties of a table stand.
pub(crate) const fn places(common: &[Property], own: &[Property]) -> Places {
    assert!(common.len() + own.len() <= MOST_PROPERTIES);
    let mut places = Places::EMPTY;
    let mut index = 0;
    while index < common.len() {
        places.add(common[index].key);
        index += 1;
    }
    index = 0;
    while index < own.len() {
        places.add(own[index].key);
        index += 1;
    }
    places
}

/// Which properties of a table are required.
pub(crate) const fn required(common: &[Property], own: &[Property]) -> u64 {
    let mut bits = 0;
    let mut index = 0;
    while index < common.len() + own.len() {
        let property = if index < common.len() { &common[index] } else { &own[index - common.len()] };
        if matches!(property.presence, Presence::Required) {
            bits |= 1 << index;
        }
        index += 1;
    }
    bits
}

/// No table is longer.
pub(crate) const MOST_PROPERTIES: usize = 40;

/// Whether a property must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always.
    Required,
    /// Or not.
    Optional,
    /// Never: the name is reserved (section 3.1).
    Reserved,
}

/// The type of a value (section 2).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Shape {
    /// `string`, perhaps of a known format.
    String(Format),
    /// `boolean`
    Boolean,
    /// `integer`
    Integer,
    /// `float`
    Float,
    /// `timestamp`
    Timestamp,
    /// `timestamp` with at least three digits of fraction (section 3.2, `created` and `modified`).
    PreciseTimestamp,
    /// `identifier`, and what it may point to; nothing listed means that it names the object itself.
    Identifier(&'static [Target]),
    /// `binary`
    Binary,
    /// `hex`
    Hex,
    /// `hashes`
    Hashes,
    /// `dictionary` with values of one shape.
    Dictionary(&'static Shape),
    /// An integer or a string.
    IntegerOrString,
    /// `list`
    List(&'static Shape),
    /// `open-vocab` or `enum`
    Vocabulary(&'static Vocabulary),
    /// An embedded type.
    Part(&'static Schema),
    /// `extensions` (section 7.3).
    Extensions,
    /// `observable-container` (section 2.13, deprecated).
    ObservableContainer,
    /// A whole STIX object, in a bundle.
    Object,
    /// Anything.
    Any,
}

/// The format of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Any text.
    Any,
    /// A language tag of RFC 5646.
    Language,
}

/// What must hold between the properties of one object, and the rule that says so.
#[derive(Clone, Copy)]
pub(crate) enum Constraint {
    /// The second is no earlier than the first.
    Order(&'static str, &'static str, Rule),
    /// The second is later than the first.
    StrictOrder(&'static str, &'static str, Rule),
    /// At least one of these is there.
    OneOf(&'static [&'static str], Rule),
    /// Exactly one of these is there.
    ExactlyOne(&'static [&'static str], Rule),
    /// At least one property of its own (or an extension) is there.
    AnyOwn(Rule),
    /// The first needs the others.
    Needs(&'static str, &'static [&'static str], Rule),
    /// What no table can say.
    Check(Check),
}
