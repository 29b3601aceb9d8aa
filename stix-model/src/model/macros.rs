//! The macros that turn one table of properties into a struct, its reader, its writer, its setters and its
//! [`Schema`](crate::schema::Schema).

/// Declares a STIX object type, a predefined extension or an embedded type.
///
/// The first word is the class: `sdo`, `sro`, `sco`, `meta`, `marking` or `part`; then come the name in Rust, the name in
/// JSON, and the section of the standard with the place of its page where it begins. Properties in `required` become
/// arguments of `new`; those in `optional` and `lists` get setters. An empty list stands for an absent one.
macro_rules! stix_type {
    (
        $(#[$doc:meta])*
        $class:ident $name:ident $stix:literal $section:literal $anchor:literal
        required { $($(#[$required_doc:meta])* $required:ident: $required_type:ty $(= $rmin:literal..=$rmax:literal)?;)* }
        optional { $($(#[$optional_doc:meta])* $optional:ident $($json:literal)?: $optional_type:ty $(= $omin:literal..=$omax:literal)?;)* }
        lists { $($(#[$list_doc:meta])* $list:ident: $list_type:ty;)* }
        $(reserved [$($reserved:ident),*])?
        $(constraints [$($constraint:expr),* $(,)?])?
        $(extensions [$($extension:ident),* $(,)?])?
    ) => {
        $(#[$doc])*
        #[doc = concat!(
            "\n\n`", $stix, "`: [STIX 2.1, section ", $section,
            "](https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html#", $anchor, ").",
        )]
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name<'a> {
            /// The properties that all objects of the class share.
            pub common: class!(common $class 'a),
            $($(#[$required_doc])* pub $required: $required_type,)*
            $($(#[$optional_doc])* pub $optional: Option<$optional_type>,)*
            $($(#[$list_doc])* pub $list: Vec<$list_type>,)*
            /// What the standard does not define: custom properties and those of top-level extensions.
            pub other: crate::model::data_type::Dictionary<'a, crate::model::data_type::Json<'a>>,
        }

        impl<'a> $name<'a> {
            const OWN: &'static [crate::schema::table::Property] = &[
                $(property!(Required $required: $required_type $(, $rmin, $rmax)?),)*
                $(property!(Optional $optional $($json)?: $optional_type $(, $omin, $omax)?),)*
                $(property!(Optional $list: Vec<$list_type>),)*
                $($(crate::schema::table::Property::new(
                    stringify!($reserved),
                    crate::schema::table::Presence::Reserved,
                    crate::schema::table::Shape::Any,
                    None,
                ),)*)?
            ];

            /// The table of this type.
            pub const SCHEMA: &'static crate::schema::table::Schema = &crate::schema::table::Schema {
                name: $stix,
                class: class!(class $class),
                section: $section,
                common: class!(properties $class $stix),
                places: crate::schema::table::places(class!(properties $class $stix), Self::OWN),
                required: crate::schema::table::required(class!(properties $class $stix), Self::OWN),
                own: Self::OWN,
                constraints: &[$($($constraint),*)?],
                extensions: &[$($(crate::model::extension::$extension::SCHEMA),*)?],
            };

            /// Reads an object of this type; what it does not define lands in `other`.
            ///
            /// # Errors
            /// When a required property is missing or a value has another type or form. Rules between properties
            /// are the business of [`crate::validate`].
            pub fn read(value: crate::json::Value<'a>) -> Result<Self, crate::ObjectError> {
                $(let mut $required: Option<$required_type> = None;)*
                $(let mut $optional: Option<$optional_type> = None;)*
                $(let mut $list: Vec<$list_type> = Vec::new();)*
                let mut other = crate::model::data_type::Dictionary::default();
                let common = class!(read $class $stix value);
                for (name, value) in value.members() {
                    let read = match &*name {
                        $(stringify!($required) => crate::model::data_type::read_into(&mut $required, value),)*
                        $(name!($optional $($json)?) => crate::model::data_type::read_into(&mut $optional, value),)*
                        $(stringify!($list) => crate::model::data_type::DataType::read(value).map(|list| $list = list),)*
                        _ if class!(is_common $class name) => Ok(()),
                        _ => {
                            other.push(name, crate::model::data_type::Json::of(value));
                            continue;
                        }
                    };
                    read.map_err(|error| error.within(&name))?;
                }
                Ok(Self {
                    common,
                    $($required: $required.ok_or_else(|| crate::ObjectError::missing(stringify!($required)))?,)*
                    $($optional,)*
                    $($list,)*
                    other,
                })
            }

            /// Copies what is borrowed from the text, so that the value outlives it.
            pub fn into_owned(self) -> $name<'static> {
                $name {
                    common: class!(owned $class self.common),
                    $($required: crate::model::data_type::DataType::into_owned(self.$required),)*
                    $($optional: self.$optional.map(crate::model::data_type::DataType::into_owned),)*
                    $($list: crate::model::data_type::DataType::into_owned(self.$list),)*
                    other: crate::model::data_type::DataType::into_owned(self.other),
                }
            }

            fn write_json(&self, out: &mut String) {
                class!(write $class $stix self out);
                $(crate::model::data_type::write_property(stringify!($required), &self.$required, out);)*
                $(if let Some(value) = &self.$optional {
                    crate::model::data_type::write_property(name!($optional $($json)?), value, out);
                })*
                $(if !self.$list.is_empty() {
                    crate::model::data_type::write_property(stringify!($list), &self.$list, out);
                })*
                for (name, value) in self.other.iter() {
                    crate::model::data_type::write_property(name, value, out);
                }
                out.push('}');
            }

            $(
                #[doc = concat!("Sets `", name!($optional $($json)?), "`.")]
                #[must_use]
                pub fn $optional(mut self, value: impl Into<$optional_type>) -> Self {
                    self.$optional = Some(value.into());
                    self
                }
            )*
            $(
                #[doc = concat!("Sets `", stringify!($list), "`.")]
                #[must_use]
                pub fn $list<T: Into<$list_type>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
                    self.$list = values.into_iter().map(Into::into).collect();
                    self
                }
            )*

            /// Adds a property that the standard does not define.
            #[must_use]
            pub fn custom(mut self, name: impl Into<crate::Text<'a>>, value: crate::Json<'a>) -> Self {
                self.other.set(name, value);
                self
            }
        }

        class!(construct $class $name $stix
            [$($required: $required_type,)*] [$($optional,)*] [$($list,)*]);
    };
}

/// The name of a property in JSON; it stands beside a field whose name would be a word of Rust.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $json:literal) => {
        $json
    };
}

macro_rules! property {
    ($presence:ident $name:ident $($json:literal)?: $type:ty $(, $min:literal, $max:literal)?) => {
        crate::schema::table::Property::new(
            name!($name $($json)?),
            crate::schema::table::Presence::$presence,
            <$type as crate::model::data_type::DataType>::SHAPE,
            property!(range $($min, $max)?),
        )
    };
    (range) => { None };
    (range $min:literal, $max:literal) => { Some(($min, $max)) };
}

/// What differs between the classes of STIX types.
macro_rules! class {
    (common part $a:lifetime) => { () };
    (common sco $a:lifetime) => { crate::model::common::ScoCommon<$a> };
    (common marking $a:lifetime) => { crate::model::common::MarkingCommon<$a> };
    (common $versioned:ident $a:lifetime) => { crate::model::common::Common<$a> };

    (class part) => { crate::class::Class::Part };
    (class sco) => { crate::class::Class::Sco };
    (class sdo) => { crate::class::Class::Sdo };
    (class sro) => { crate::class::Class::Sro };
    (class $meta:ident) => { crate::class::Class::Meta };

    (properties part $stix:literal) => { &[] };
    (properties sco $stix:literal) => { crate::model::common::ScoCommon::PROPERTIES };
    (properties marking $stix:literal) => { crate::model::common::MarkingCommon::PROPERTIES };
    (properties language $stix:literal) => { crate::model::common::LANGUAGE_CONTENT_PROPERTIES };
    (properties extension $stix:literal) => { crate::model::common::EXTENSION_DEFINITION_PROPERTIES };
    (properties $versioned:ident $stix:literal) => { crate::model::common::Common::PROPERTIES };

    (is_common part $name:ident) => { false };
    (is_common sco $name:ident) => { crate::model::common::ScoCommon::has(&$name) };
    (is_common marking $name:ident) => { crate::model::common::MarkingCommon::has(&$name) };
    (is_common $versioned:ident $name:ident) => { crate::model::common::Common::has(&$name) };

    (read part $stix:literal $value:ident) => { crate::model::data_type::expect_object($value)? };
    (read sco $stix:literal $value:ident) => { crate::model::common::ScoCommon::read($value, $stix)? };
    (read marking $stix:literal $value:ident) => { crate::model::common::MarkingCommon::read($value, $stix)? };
    (read $versioned:ident $stix:literal $value:ident) => { crate::model::common::Common::read($value, $stix)? };

    (owned part $common:expr) => { () };
    (owned $object:ident $common:expr) => { $common.into_owned() };

    (write part $stix:literal $self:ident $out:ident) => { $out.push('{') };
    (write $object:ident $stix:literal $self:ident $out:ident) => { $self.common.write($stix, $out) };

    (construct part $name:ident $stix:literal
        [$($required:ident: $required_type:ty,)*] [$($optional:ident,)*] [$($list:ident,)*]
    ) => {
        class!(new $name "A part with its required properties."
            [] (), [$($required: $required_type,)*] [$($optional,)*] [$($list,)*]);

        impl<'a> crate::model::data_type::DataType<'a> for $name<'a> {
            const SHAPE: crate::schema::table::Shape = crate::schema::table::Shape::Part(Self::SCHEMA);

            type Owned = $name<'static>;

            fn read(value: crate::json::Value<'a>) -> Result<Self, crate::ObjectError> {
                Self::read(value)
            }

            fn write(&self, out: &mut String) {
                self.write_json(out);
            }

            fn into_owned(self) -> $name<'static> {
                Self::into_owned(self)
            }
        }
    };
    (construct sco $name:ident $stix:literal
        [$($required:ident: $required_type:ty,)*] [$($optional:ident,)*] [$($list:ident,)*]
    ) => {
        class!(new $name "An observable with its required properties. Its identifier follows from its content when it is \
            written (section 2.9), unless [`id`](Self::id) sets another."
            [] Default::default(), [$($required: $required_type,)*] [$($optional,)*] [$($list,)*]);
        class!(object $name crate::model::common::with_id);
        common_setters!($name optional { defanged: bool } lists { object_marking_refs: crate::Ref<crate::to::MarkingDefinition>, granular_markings: crate::model::common::GranularMarking<'a> });
        impl $name<'_> {
            /// Sets the identifier by its UUID, instead of letting it follow from the content.
            #[must_use]
            pub fn id(mut self, uuid: uuid::Uuid) -> Self {
                self.common.id = Some(crate::StixId::new($stix, uuid));
                self
            }
        }
    };
    (construct marking $name:ident $stix:literal
        [$($required:ident: $required_type:ty,)*] [$($optional:ident,)*] [$($list:ident,)*]
    ) => {
        class!(new $name "A first version with its required properties; `stamp` gives its identifier and its time."
            [stamp: crate::Stamp] crate::model::common::MarkingCommon::new($stix, stamp.into()),
            [$($required: $required_type,)*] [$($optional,)*] [$($list,)*]);
        class!(object $name std::convert::identity);
        common_setters!($name optional { created_by_ref: crate::Ref<crate::to::Identity> } lists { external_references: crate::model::common::ExternalReference<'a>, object_marking_refs: crate::Ref<crate::to::MarkingDefinition>, granular_markings: crate::model::common::GranularMarking<'a> });
    };
    (construct $versioned:ident $name:ident $stix:literal
        [$($required:ident: $required_type:ty,)*] [$($optional:ident,)*] [$($list:ident,)*]
    ) => {
        class!(new $name "A first version with its required properties; `stamp` gives its identifier and its time."
            [stamp: crate::Stamp] crate::model::common::Common::new($stix, stamp.into()),
            [$($required: $required_type,)*] [$($optional,)*] [$($list,)*]);
        class!(object $name std::convert::identity);
        common_setters!($name optional { created_by_ref: crate::Ref<crate::to::Identity>, revoked: bool, confidence: i64, lang: crate::Text<'a> } lists { labels: crate::Text<'a>, external_references: crate::model::common::ExternalReference<'a>, object_marking_refs: crate::Ref<crate::to::MarkingDefinition>, granular_markings: crate::model::common::GranularMarking<'a> });
    };

    (new $name:ident $doc:literal [$($stamp:ident: $stamp_type:ty)?] $common:expr,
        [$($required:ident: $required_type:ty,)*] [$($optional:ident,)*] [$($list:ident,)*]
    ) => {
        impl<'a> $name<'a> {
            #[doc = $doc]
            #[allow(clippy::new_without_default, reason = "one without properties is rarely meant")]
            pub fn new($($stamp: impl Into<$stamp_type>,)? $($required: impl Into<$required_type>),*) -> Self {
                Self {
                    common: $common,
                    $($required: $required.into(),)*
                    $($optional: None,)*
                    $($list: Vec::new(),)*
                    other: Default::default(),
                }
            }
        }
    };

    (object $name:ident $finish:path) => {
        impl<'a> crate::StixType<'a> for $name<'a> {
            const SCHEMA: &'static crate::schema::table::Schema = $name::SCHEMA;

            fn read(value: crate::json::Value<'a>) -> Result<Self, crate::ObjectError> {
                Self::read(value)
            }

            fn read_owned(value: crate::json::Value<'_>) -> Result<Self, crate::ObjectError> {
                $name::read(value).map($name::into_owned)
            }

            fn id(&self) -> Option<&crate::StixId> {
                crate::model::common::Shared::id(&self.common)
            }

            fn to_json(&self) -> String {
                let mut out = String::new();
                self.write_json(&mut out);
                $finish(out)
            }
        }

        impl<T: crate::Targets> TryFrom<&$name<'_>> for crate::Ref<T> {
            type Error = crate::ObjectError;

            fn try_from(object: &$name<'_>) -> Result<Self, crate::ObjectError> {
                let id = crate::StixType::id(object).ok_or_else(|| crate::ObjectError::missing("id"))?;
                id.try_into()
            }
        }

        impl $name<'_> {
            /// Sets the TLP level of the whole object: the marking of TLP 2.0 with this level, instead of other TLP
            /// markings in `object_marking_refs` (STIX 2.1, section 7.2.1.4). Other markings stay.
            #[must_use]
            pub fn tlp(mut self, level: crate::Tlp) -> Self {
                self.common.object_marking_refs.retain(|marking| crate::Tlp::of_marking(marking.id().as_str()).is_none());
                self.common.object_marking_refs.push(level.into());
                self
            }
        }
    };
}

macro_rules! common_setters {
    ($name:ident optional { $($optional:ident: $optional_type:ty),* } lists { $($list:ident: $list_type:ty),* }) => {
        impl<'a> $name<'a> {
            $(
                #[doc = concat!("Sets the common property `", stringify!($optional), "`.")]
                #[must_use]
                pub fn $optional(mut self, value: impl Into<$optional_type>) -> Self {
                    self.common.$optional = Some(value.into());
                    self
                }
            )*
            $(
                #[doc = concat!("Sets the common property `", stringify!($list), "`.")]
                #[must_use]
                pub fn $list<T: Into<$list_type>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
                    self.common.$list = values.into_iter().map(Into::into).collect();
                    self
                }
            )*

            /// Sets an extension: a predefined one by [`Json::from_typed`](crate::Json::from_typed), another by its
            /// text.
            #[must_use]
            pub fn extension(mut self, name: impl Into<crate::Text<'a>>, value: crate::Json<'a>) -> Self {
                self.common.extensions.set(name, value);
                self
            }
        }
    };
}
