//! The property tables of STIX 2.1 as data: what the typed model declares and the validator walks.
//!
//! ```
//! use stix_model::schema::{self, Class, Presence};
//! let indicator = schema::of("indicator").unwrap();
//! assert_eq!((indicator.class, indicator.section), (Class::Sdo, "4.7"));
//! assert_eq!(indicator.property("pattern").unwrap().presence, Presence::Required);
//! assert!(schema::of("x-custom").is_none());
//! ```

use crate::any_object::SCHEMAS;
use crate::extension;
use crate::validate::Subject;
use crate::validate::rule::Rule;
use crate::vocab::Vocabulary;

/// The class of a STIX object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// STIX domain object.
    Sdo,
    /// STIX relationship object.
    Sro,
    /// STIX cyber-observable object.
    Sco,
    /// Language content, marking definition or extension definition.
    Meta,
    /// A bundle, which is no STIX object.
    Bundle,
    /// A part of an object: an extension or an embedded type.
    Part,
}

/// The table of one object type, predefined extension or embedded type.
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

/// Where the tables of the types stand among [`SCHEMAS`].
static TYPES: Places = {
    let mut places = Places::EMPTY;
    let mut index = 0;
    while index < SCHEMAS.len() {
        places.add(Key::of(SCHEMAS[index].name));
        index += 1;
    }
    places
};

/// An open hash table from names to their places in a list. Built by the compiler, and never full.
pub(crate) struct Places {
    /// Places, counted from 1; 0 is free.
    slots: [u8; SLOTS],
    length: u8,
}

const SLOTS: usize = 128;

impl Places {
    const EMPTY: Self = Self { slots: [0; SLOTS], length: 0 };

    /// Adds the next name of the list.
    const fn add(&mut self, key: Key) {
        let mut slot = key.first_slot();
        while self.slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        self.length += 1;
        self.slots[slot] = self.length;
    }

    fn find(&self, key: Key, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut slot = key.first_slot();
        loop {
            let index = usize::from(self.slots[slot].checked_sub(1)?);
            if is_it(index) {
                return Some(index);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// No table is longer.
pub(crate) const MOST_PROPERTIES: usize = 40;

/// The first and the last eight bytes of a name, and its length: tells names of up to sixteen bytes apart for sure,
/// without looking at each byte.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

impl Key {
    const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let length = bytes.len();
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return Self { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last), length };
        }
        let mut first = 0;
        let mut at = 0;
        while at < length {
            first = first << 8 | bytes[at] as u64;
            at += 1;
        }
        Self { first, last: 0, length }
    }

    /// Whether equal keys are those of equal names.
    const fn is_whole(self) -> bool {
        self.length <= 16
    }

    const fn first_slot(self) -> usize {
        let mixed = self.first ^ self.last.rotate_left(29) ^ self.length as u64;
        (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as usize
    }
}

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
pub enum Format {
    /// Any text.
    Any,
    /// A language tag of RFC 5646.
    Language,
}

/// What a reference may point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any object that may be referred to.
    Any,
    /// Any domain object, a custom one too.
    Sdo,
    /// Any relationship object, a custom one too.
    Sro,
    /// Any cyber-observable object, a custom one too.
    Sco,
    /// Objects of one type.
    Type(&'static str),
}

impl Target {
    /// Whether an object of this type is meant. A type that the standard does not define may be of any class, so
    /// every class admits it.
    pub fn admits(self, object_type: &str) -> bool {
        let class = match self {
            Self::Type(name) => return name == object_type,
            _ if object_type == "bundle" => return false,
            Self::Any => return true,
            Self::Sdo => Class::Sdo,
            Self::Sro => Class::Sro,
            Self::Sco => Class::Sco,
        };
        of(object_type).is_none_or(|schema| schema.class == class)
    }
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
    Check(fn(&mut Subject<'_, '_>)),
}

/// The table of an object type that the standard defines.
pub fn of(object_type: &str) -> Option<&'static Schema> {
    let index = TYPES.find(Key::of(object_type), |index| SCHEMAS[index].name == object_type)?;
    Some(SCHEMAS[index])
}

/// The table of a predefined extension.
pub fn of_extension(name: &str) -> Option<&'static Schema> {
    extension::SCHEMAS.into_iter().find(|schema| schema.name == name)
}

/// The names of what a reference may point to, for messages.
pub(crate) fn list_targets(targets: &[Target]) -> String {
    let names: Vec<_> = targets
        .iter()
        .map(|target| match target {
            Target::Any => "a STIX object".to_owned(),
            Target::Sdo => "a domain object".to_owned(),
            Target::Sro => "a relationship object".to_owned(),
            Target::Sco => "a cyber-observable object".to_owned(),
            Target::Type(name) => format!("`{name}`"),
        })
        .collect();
    names.join(" or ")
}
