//! An object of any type, read on demand.

use crate::json::Key;
use crate::json::Value;
use crate::model::common::Shared;
use crate::model::extension;
use crate::schema::places::Places;
use crate::schema::table::Schema;
use crate::{Common, ObjectError, ObjectErrorKind, Ref, StixId, StixType, to};

macro_rules! any_object {
    ($($module:ident: $($name:ident = $stix:literal),+;)+) => {
        /// The tables of all types.
        pub(crate) const SCHEMAS: &[&Schema] = &[$($(crate::model::$module::$name::SCHEMA),+),+];

        /// An object of any type that the standard defines.
        ///
        /// ```
        /// use stix_model::{AnyObject, Object};
        /// let object = Object::parse(r#"{"type": "mutex", "id": "mutex--eba44954-d4e4-5d3b-814c-2b17dd8de300", "name": "m"}"#)?;
        /// let document = object.document();
        /// let AnyObject::Mutex(mutex) = AnyObject::read(document.root())? else { panic!("a mutex") };
        /// assert_eq!(mutex.name, "m");
        /// # Ok::<(), stix_model::ObjectError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum AnyObject<'a> {
            $($(#[doc = concat!("`", $stix, "`")] $name(crate::model::$module::$name<'a>),)+)+
        }

        impl<'a> AnyObject<'a> {
            /// Reads an object as its type says.
            ///
            /// # Errors
            /// When the type is not one of the standard's, a required property is missing, or a value has another
            /// type or form.
            pub fn read(value: Value<'a>) -> Result<Self, ObjectError> {
                let object_type = value.get("type").and_then(Value::as_str);
                match object_type.as_deref() {
                    $($(Some($stix) => StixType::read(value).map(Self::$name),)+)+
                    Some(_) => Err(ObjectError::here(ObjectErrorKind::UnknownType)),
                    None => Err(ObjectError::missing("type")),
                }
            }

            /// Copies what is borrowed from the text, so that the value outlives it.
            pub fn into_owned(self) -> AnyObject<'static> {
                match self {
                    $($(Self::$name(object) => AnyObject::$name(object.into_owned()),)+)+
                }
            }

            fn shared(&self) -> &dyn Shared<'a> {
                match self {
                    $($(Self::$name(object) => &object.common,)+)+
                }
            }

            /// Writes the object as JSON.
            pub fn to_json(&self) -> String {
                match self {
                    $($(Self::$name(object) => object.to_json(),)+)+
                }
            }
        }
    };
}

any_object! {
    sdo: AttackPattern = "attack-pattern", Campaign = "campaign", CourseOfAction = "course-of-action", Grouping = "grouping", Identity = "identity", Incident = "incident", Indicator = "indicator", Infrastructure = "infrastructure", IntrusionSet = "intrusion-set", Location = "location", Malware = "malware", MalwareAnalysis = "malware-analysis", Note = "note", ObservedData = "observed-data", Opinion = "opinion", Report = "report", ThreatActor = "threat-actor", Tool = "tool", Vulnerability = "vulnerability";
    sro: Relationship = "relationship", Sighting = "sighting";
    sco: Artifact = "artifact", AutonomousSystem = "autonomous-system", Directory = "directory", DomainName = "domain-name", EmailAddress = "email-addr", EmailMessage = "email-message", File = "file", Ipv4Address = "ipv4-addr", Ipv6Address = "ipv6-addr", MacAddress = "mac-addr", Mutex = "mutex", NetworkTraffic = "network-traffic", Process = "process", Software = "software", Url = "url", UserAccount = "user-account", WindowsRegistryKey = "windows-registry-key", X509Certificate = "x509-certificate";
    meta: LanguageContent = "language-content", MarkingDefinition = "marking-definition", ExtensionDefinition = "extension-definition";
}

impl<'a> AnyObject<'a> {
    /// The identifier; `None` for an observable whose identifier is yet to follow from its content (STIX 2.1, section
    /// 2.9).
    ///
    /// ```
    /// # use stix_model::Object;
    /// let object = Object::parse(r#"{"type": "mutex", "id": "mutex--eba44954-d4e4-5d3b-814c-2b17dd8de300", "name": "m"}"#)?;
    /// let any = object.read_any()?;
    /// assert_eq!(any.id(), Some(object.id()));
    /// assert!(any.common().is_none() && any.created_by_ref().is_none(), "a mutex has no creator");
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    pub fn id(&self) -> Option<&StixId> {
        self.shared().id()
    }

    /// The common properties (STIX 2.1, section 3.2); `None` for observables and marking definitions, which have fewer.
    pub fn common(&self) -> Option<&Common<'a>> {
        self.shared().common()
    }

    /// The identity that made the object (STIX 2.1, section 3.2), if it is named. Observables never name one.
    pub fn created_by_ref(&self) -> Option<&Ref<to::Identity>> {
        self.shared().created_by_ref()
    }
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

/// The names of all types that the standard defines.
///
/// ```
/// assert!(stix_model::schema::types().any(|name| name == "malware"));
/// ```
pub fn types() -> impl Iterator<Item = &'static str> {
    SCHEMAS.iter().map(|schema| schema.name)
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

#[cfg(test)]
mod tests {
    use super::SCHEMAS;
    use crate::class::Class;

    #[test]
    fn the_class_of_each_type_is_that_of_its_table() {
        for schema in SCHEMAS {
            assert_eq!(Class::of(schema.name), Some(schema.class), "{}", schema.name);
        }
    }
}
