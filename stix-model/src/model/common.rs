//! The properties that all objects of a class share (STIX 2.1, section 3.2), and the types in them.

use crate::class::Class;
use crate::json::{Document, Limits, Value};
use crate::model::data_type::{
    DataType, Dictionary, Json, Text, expect_object, expect_text, read_into, write_property,
};
use crate::model::hashes::Hashes;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::{Constraint, Format, Presence, Property, Schema, Shape, places, required};
use crate::{ObjectError, ScoId, Stamp, StixId, Timestamp, sco_id};

stix_type! {
    /// A pointer to information outside STIX, such as a report or an entry in a catalogue.
    part ExternalReference "external-reference" "2.5" "_72bcfr3t79jx"
    required {
        /// The source, such as `cve`, `capec` or `mitre-attack`.
        source_name: Text<'a>;
    }
    optional {
        /// A text for people.
        description: Text<'a>;
        /// Where the information is.
        url: Text<'a>;
        /// Hashes of what is found at `url`.
        hashes: Hashes<'a>;
        /// The identifier in the source, such as `CVE-2016-1234`.
        external_id: Text<'a>;
    }
    lists {}
    constraints [
        Constraint::OneOf(&["description", "url", "external_id"], Rule::S006),
        Constraint::Check(Check::ExternalReference),
    ]
}

stix_type! {
    /// A phase of an attack, in the words of one kill chain.
    part KillChainPhase "kill-chain-phase" "2.11" "_i4tjv75ce50h"
    required {
        /// The kill chain, such as `lockheed-martin-cyber-kill-chain`.
        kill_chain_name: Text<'a>;
        /// The phase in it.
        phase_name: Text<'a>;
    }
    optional {}
    lists {}
    constraints [Constraint::Check(Check::KillChainPhase)]
}

stix_type! {
    /// A marking or a language for parts of an object.
    part GranularMarking "granular-marking" "7.2.3" "_robezi5egfdr"
    required {
        /// Which parts; see [`crate::marking`].
        selectors: Vec<Text<'a>>;
    }
    optional {
        /// The language of the parts, a tag of RFC 5646.
        lang: Text<'a>;
        /// The marking of the parts.
        marking_ref: Ref<to::MarkingDefinition>;
    }
    lists {}
    constraints [
        Constraint::ExactlyOne(&["lang", "marking_ref"], Rule::S115),
        Constraint::Check(Check::GranularMarking),
    ]
}

/// `extensions` (section 7.3), each kept as its text.
///
/// A predefined one is read on demand:
/// ```
/// use stix_model::{extension::UnixAccountExt, json::{Document, Limits}, sco::UserAccount};
/// let text = br#"{"type": "user-account", "id": "user-account--0d5b424b-93b8-5cd8-ac36-306e1789d63c",
///     "user_id": "1001", "extensions": {"unix-account-ext": {"gid": 1001, "shell": "/bin/bash"}}}"#;
/// let document = Document::read(text, Limits::default())?;
/// let account = UserAccount::read(document.root())?;
/// let extension = account.common.extensions.document("unix-account-ext").unwrap();
/// assert_eq!(UnixAccountExt::read(extension.root())?.gid, Some(1001));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extensions<'a>(Dictionary<'a, Json<'a>>);

impl<'a> Extensions<'a> {
    /// An index of the text of one extension.
    pub fn document(&self, name: &str) -> Option<Document<'_>> {
        self.0.get(name).map(Json::document)
    }

    /// Sets an extension that is known by its text.
    pub fn set(&mut self, name: impl Into<Text<'a>>, value: Json<'a>) {
        self.0.set(name, value);
    }

    /// The extensions in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> DataType<'a> for Extensions<'a> {
    const SHAPE: Shape = Shape::Extensions;

    type Owned = Extensions<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        Dictionary::read(value).map(Self)
    }

    fn write(&self, out: &mut String) {
        self.0.write(out);
    }

    fn into_owned(self) -> Self::Owned {
        Extensions(self.0.into_owned())
    }
}

/// What is written after the type of every object.
const AFTER_TYPE: &str = r#","spec_version":"2.1""#;

/// Declares the common properties of one class.
macro_rules! common {
    (
        $(#[$doc:meta])*
        $name:ident
        required { $($(#[$required_doc:meta])* $required:ident: $required_type:ty;)* }
        optional { $($(#[$optional_doc:meta])* $optional:ident: $optional_type:ty;)* }
        lists { $($(#[$list_doc:meta])* $list:ident: $list_type:ty;)* }
        table [$($table:expr),* $(,)?]
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name<'a> {
            $($(#[$required_doc])* pub $required: $required_type,)*
            $($(#[$optional_doc])* pub $optional: Option<$optional_type>,)*
            $($(#[$list_doc])* pub $list: Vec<$list_type>,)*
            /// Extensions (section 7.3).
            pub extensions: Extensions<'a>,
        }

        impl<'a> $name<'a> {
            pub(crate) const PROPERTIES: &'static [Property] = &[$($table),*];

            pub(crate) fn has(name: &str) -> bool {
                matches!(name, "type" | "spec_version" | "extensions"
                    $(| stringify!($required))* $(| stringify!($optional))* $(| stringify!($list))*)
            }

            pub(crate) fn read(value: Value<'a>, object_type: &'static str) -> Result<Self, ObjectError> {
                $(let mut $required: Option<$required_type> = None;)*
                $(let mut $optional: Option<$optional_type> = None;)*
                $(let mut $list: Vec<$list_type> = Vec::new();)*
                let mut extensions = Extensions::default();
                let mut has_type = false;
                expect_object(value)?;
                for (name, value) in value.members() {
                    let read = match &*name {
                        $(stringify!($required) => read_into(&mut $required, value),)*
                        $(stringify!($optional) => read_into(&mut $optional, value),)*
                        $(stringify!($list) => DataType::read(value).map(|list| $list = list),)*
                        "extensions" => DataType::read(value).map(|all| extensions = all),
                        "type" => expect_text(value, object_type).map(|()| has_type = true),
                        "spec_version" => expect_text(value, "2.1"),
                        _ => Ok(()),
                    };
                    read.map_err(|error| error.within(&name))?;
                }
                if !has_type {
                    return Err(ObjectError::missing("type"));
                }
                Ok(Self {
                    $($required: $required.ok_or_else(|| ObjectError::missing(stringify!($required)))?,)*
                    $($optional,)*
                    $($list,)*
                    extensions,
                })
            }

            /// Copies what is borrowed from the text, so that the value outlives it.
            pub fn into_owned(self) -> $name<'static> {
                $name {
                    $($required: DataType::into_owned(self.$required),)*
                    $($optional: self.$optional.map(DataType::into_owned),)*
                    $($list: DataType::into_owned(self.$list),)*
                    extensions: self.extensions.into_owned(),
                }
            }

            pub(crate) fn write(&self, object_type: &str, out: &mut String) {
                out.push_str(r#"{"type":""#);
                out.push_str(object_type);
                out.push('"');
                out.push_str(AFTER_TYPE);
                $(write_property(stringify!($required), &self.$required, out);)*
                $(if let Some(value) = &self.$optional {
                    write_property(stringify!($optional), value, out);
                })*
                $(if !self.$list.is_empty() {
                    write_property(stringify!($list), &self.$list, out);
                })*
                if !self.extensions.is_empty() {
                    write_property("extensions", &self.extensions, out);
                }
            }
        }
    };
}

const TYPE: Property = property("type", Presence::Required, Shape::String(Format::Any));
const SPEC_VERSION: Property = property("spec_version", Presence::Required, Shape::String(Format::Any));
const ID: Property = property("id", Presence::Required, Shape::Identifier(&[]));
const CREATED_BY: Property = property("created_by_ref", Presence::Optional, <Ref<to::Identity>>::SHAPE);
const CREATED: Property = property("created", Presence::Required, Shape::PreciseTimestamp);
const MODIFIED: Property = property("modified", Presence::Required, Shape::PreciseTimestamp);
const REVOKED: Property = property("revoked", Presence::Optional, Shape::Boolean);
const LABELS: Property = property("labels", Presence::Optional, <Vec<Text<'static>>>::SHAPE);
const CONFIDENCE: Property = Property::new("confidence", Presence::Optional, Shape::Integer, Some((0, 100)));
const LANG: Property = property("lang", Presence::Optional, Shape::String(Format::Language));
const REFERENCES: Property =
    property("external_references", Presence::Optional, <Vec<ExternalReference<'static>>>::SHAPE);
const MARKINGS: Property =
    property("object_marking_refs", Presence::Optional, <Vec<Ref<to::MarkingDefinition>>>::SHAPE);
const GRANULAR: Property =
    property("granular_markings", Presence::Optional, <Vec<GranularMarking<'static>>>::SHAPE);
const EXTENSIONS: Property = property("extensions", Presence::Optional, Shape::Extensions);

const fn property(name: &'static str, presence: Presence, shape: Shape) -> Property {
    Property::new(name, presence, shape, None)
}

common! {
    /// Common properties of domain objects, relationship objects, language content and extension definitions.
    Common
    required {
        /// Identifier; it stays the same in all versions.
        id: StixId;
        /// When the first version was made.
        created: Timestamp;
        /// When this version was made.
        modified: Timestamp;
    }
    optional {
        /// The identity that made the object.
        created_by_ref: Ref<to::Identity>;
        /// Whether the object was withdrawn; final when true.
        revoked: bool;
        /// 0 to 100; see [`crate::confidence`].
        confidence: i64;
        /// The language of the text properties, a tag of RFC 5646; English when absent.
        lang: Text<'a>;
    }
    lists {
        /// Words of the object's maker.
        labels: Text<'a>;
        /// Information outside STIX.
        external_references: ExternalReference<'a>;
        /// Markings of the whole object.
        object_marking_refs: Ref<to::MarkingDefinition>;
        /// Markings of parts of the object.
        granular_markings: GranularMarking<'a>;
    }
    table [
        TYPE, SPEC_VERSION, ID, CREATED_BY, CREATED, MODIFIED, REVOKED, LABELS, CONFIDENCE, LANG, REFERENCES,
        MARKINGS, GRANULAR, EXTENSIONS,
    ]
}

/// Language content has no `lang` of its own (section 7.1).
pub(crate) const LANGUAGE_CONTENT_PROPERTIES: &[Property] = &[
    TYPE,
    SPEC_VERSION,
    ID,
    CREATED_BY,
    CREATED,
    MODIFIED,
    REVOKED,
    LABELS,
    CONFIDENCE,
    REFERENCES,
    MARKINGS,
    GRANULAR,
    EXTENSIONS,
];

/// An extension definition names its creator, and carries no extensions itself (section 7.3).
pub(crate) const EXTENSION_DEFINITION_PROPERTIES: &[Property] = &[
    TYPE,
    SPEC_VERSION,
    ID,
    CREATED_BY.required(),
    CREATED,
    MODIFIED,
    REVOKED,
    LABELS,
    REFERENCES,
    MARKINGS,
    GRANULAR,
];

common! {
    /// Common properties of cyber-observable objects.
    #[derive(Default)]
    ScoCommon
    required {}
    optional {
        /// Identifier; absent while it shall follow from the content (section 2.9).
        id: StixId;
        /// Whether the content was made harmless to click on.
        defanged: bool;
    }
    lists {
        /// Markings of the whole object.
        object_marking_refs: Ref<to::MarkingDefinition>;
        /// Markings of parts of the object.
        granular_markings: GranularMarking<'a>;
    }
    table [
        TYPE,
        SPEC_VERSION.optional(),
        ID,
        MARKINGS,
        GRANULAR,
        property("defanged", Presence::Optional, Shape::Boolean),
        EXTENSIONS,
    ]
}

common! {
    /// Common properties of marking definitions, which have no versions.
    MarkingCommon
    required {
        /// Identifier.
        id: StixId;
        /// When it was made.
        created: Timestamp;
    }
    optional {
        /// The identity that made it.
        created_by_ref: Ref<to::Identity>;
    }
    lists {
        /// Information outside STIX.
        external_references: ExternalReference<'a>;
        /// Markings of the whole object.
        object_marking_refs: Ref<to::MarkingDefinition>;
        /// Markings of parts of the object.
        granular_markings: GranularMarking<'a>;
    }
    table [TYPE, SPEC_VERSION, ID, CREATED_BY, CREATED, REFERENCES, MARKINGS, GRANULAR, EXTENSIONS]
}

/// Puts the identifier that follows from the content into an observable that was written without one
/// (section 2.9). One that has none stays without.
pub(crate) fn with_id(json: String) -> String {
    let document = Document::read(json.as_bytes(), Limits::NONE).expect("written by this crate");
    let root = document.root();
    let Ok(ScoId::Deterministic { id, .. }) = sco_id(root) else { return json };
    if root.get("id").is_some() {
        return json;
    }
    let (head, rest) = json.split_at(json.find(AFTER_TYPE).expect("every object has it") + AFTER_TYPE.len());
    format!(r#"{head},"id":"{id}"{rest}"#)
}

/// Objects of types that an extension, or nobody, defines.
pub(crate) static CUSTOM_OBJECT: Schema = custom(Class::Sdo, Common::PROPERTIES);
pub(crate) static DEFINED_OBJECT: Schema = custom(Class::Sdo, Common::PROPERTIES);
pub(crate) static OBSERVABLE: Schema = custom(Class::Sco, ScoCommon::PROPERTIES);

const fn custom(class: Class, common: &'static [Property]) -> Schema {
    Schema {
        name: "",
        class,
        section: "7.3",
        own: &[],
        common,
        constraints: &[],
        extensions: &[],
        places: places(common, &[]),
        required: required(common, &[]),
    }
}

/// The common property of this name that some class of objects has.
pub(crate) fn find(name: &str) -> Option<&'static Property> {
    // Of the properties of observables, the others lack this one alone.
    let table = if name == "defanged" { &OBSERVABLE } else { &CUSTOM_OBJECT };
    table.property(name)
}

impl Common<'_> {
    pub(crate) fn new(object_type: &'static str, stamp: Stamp) -> Self {
        Self {
            id: StixId::new(object_type, stamp.uuid),
            created: stamp.created.clone(),
            modified: stamp.created,
            created_by_ref: None,
            revoked: None,
            confidence: None,
            lang: None,
            labels: Vec::new(),
            external_references: Vec::new(),
            object_marking_refs: Vec::new(),
            granular_markings: Vec::new(),
            extensions: Extensions::default(),
        }
    }
}

impl MarkingCommon<'_> {
    pub(crate) fn new(object_type: &'static str, stamp: Stamp) -> Self {
        Self {
            id: StixId::new(object_type, stamp.uuid),
            created: stamp.created,
            created_by_ref: None,
            external_references: Vec::new(),
            object_marking_refs: Vec::new(),
            granular_markings: Vec::new(),
            extensions: Extensions::default(),
        }
    }
}

/// What the common properties of all classes have.
pub(crate) trait Shared<'a> {
    fn id(&self) -> Option<&StixId>;

    fn created_by_ref(&self) -> Option<&Ref<to::Identity>> {
        None
    }

    fn common(&self) -> Option<&Common<'a>> {
        None
    }
}

impl<'a> Shared<'a> for Common<'a> {
    fn id(&self) -> Option<&StixId> {
        Some(&self.id)
    }

    fn created_by_ref(&self) -> Option<&Ref<to::Identity>> {
        self.created_by_ref.as_ref()
    }

    fn common(&self) -> Option<&Common<'a>> {
        Some(self)
    }
}

impl<'a> Shared<'a> for ScoCommon<'a> {
    fn id(&self) -> Option<&StixId> {
        self.id.as_ref()
    }
}

impl<'a> Shared<'a> for MarkingCommon<'a> {
    fn id(&self) -> Option<&StixId> {
        Some(&self.id)
    }

    fn created_by_ref(&self) -> Option<&Ref<to::Identity>> {
        self.created_by_ref.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{CUSTOM_OBJECT, OBSERVABLE};

    #[test]
    fn observables_have_one_property_of_their_own() {
        let own = OBSERVABLE.properties().filter(|property| CUSTOM_OBJECT.property(property.name).is_none());
        assert_eq!(own.map(|property| property.name).collect::<Vec<_>>(), ["defanged"]);
    }
}
