//! The property tables of STIX 2.1 as data: what the typed model declares and the validator walks.
//!
//! ```
//! use stix_model::schema::{self, Class, Presence};
//! let indicator = schema::of("indicator").unwrap();
//! assert_eq!((indicator.class, indicator.section), (Class::Sdo, "4.7"));
//! assert_eq!(indicator.property("pattern").unwrap().presence, Presence::Required);
//! assert!(schema::of("x-custom").is_none());
//! ```

use crate::validate::Subject;
use crate::vocab::Vocabulary;
use crate::{extension, meta, sco, sdo, sro};

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
    /// Its own properties, in the order of the standard.
    pub own: &'static [Property],
    /// The common properties that apply to it (section 3.2).
    pub common: &'static [Property],
    /// What must hold between its properties.
    pub(crate) rules: &'static [Rule],
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
        let key = key(name);
        let mut slot = first_slot(key);
        loop {
            let index = usize::from(self.places[slot].checked_sub(1)?);
            let property = match index.checked_sub(self.common.len()) {
                None => &self.common[index],
                Some(own) => &self.own[own],
            };
            if property.key == key && property.name == name {
                return Some((index, property));
            }
            slot = (slot + 1) % PLACES;
        }
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
    /// See [`key`].
    key: u64,
}

impl Property {
    pub(crate) const fn new(
        name: &'static str,
        presence: Presence,
        shape: Shape,
        range: Option<(i64, i64)>,
    ) -> Self {
        Self { name, presence, shape, range, key: key(name) }
    }

    pub(crate) const fn required(self) -> Self {
        Self { presence: Presence::Required, ..self }
    }

    pub(crate) const fn optional(self) -> Self {
        Self { presence: Presence::Optional, ..self }
    }
}

/// An open hash table from names to places among the properties, counted from 1; 0 is free. Built by the compiler,
/// and never full.
pub(crate) type Places = [u8; PLACES];

const PLACES: usize = 128;

const fn first_slot(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as usize
}

pub(crate) const fn places(common: &[Property], own: &[Property]) -> Places {
    assert!(common.len() + own.len() <= MOST_PROPERTIES);
    let mut places = [0; PLACES];
    let mut index = 0;
    while index < common.len() + own.len() {
        let property = if index < common.len() { &common[index] } else { &own[index - common.len()] };
        let mut slot = first_slot(property.key);
        while places[slot] != 0 {
            slot = (slot + 1) % PLACES;
        }
        index += 1;
        places[slot] = index as u8;
    }
    places
}

/// No table is longer.
pub(crate) const MOST_PROPERTIES: usize = 40;

/// Seven bytes from both ends of a name and its length: tells names apart nearly always, in one comparison.
const fn key(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut key = bytes.len() as u64;
    let mut at = 0;
    while at < bytes.len() && at < 4 {
        key = key << 8 | bytes[at] as u64;
        at += 1;
    }
    at = 0;
    while at < bytes.len() && at < 3 {
        key = key << 8 | bytes[bytes.len() - 1 - at] as u64;
        at += 1;
    }
    key
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

/// A rule between the properties of one object, and its number.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// The second is no earlier than the first.
    Order(&'static str, &'static str, &'static str),
    /// The second is later than the first.
    StrictOrder(&'static str, &'static str, &'static str),
    /// At least one of these is there.
    OneOf(&'static [&'static str], &'static str),
    /// Exactly one of these is there.
    ExactlyOne(&'static [&'static str], &'static str),
    /// At least one property of its own (or an extension) is there.
    AnyOwn(&'static str),
    /// The first needs the others.
    Needs(&'static str, &'static [&'static str], &'static str),
    /// What no table can say.
    Check(fn(&mut Subject<'_, '_>)),
}

/// The table of an object type that the standard defines.
pub fn of(object_type: &str) -> Option<&'static Schema> {
    sdo::schema(object_type)
        .or_else(|| sco::schema(object_type))
        .or_else(|| sro::schema(object_type))
        .or_else(|| meta::schema(object_type))
}

/// The table of a predefined extension.
pub fn of_extension(name: &str) -> Option<&'static Schema> {
    extension::schema(name)
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
