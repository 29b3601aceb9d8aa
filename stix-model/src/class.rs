//! The classes of object types, and what a reference may point to.

/// The class of a STIX object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl Class {
    /// The class of an object type that the standard defines.
    ///
    /// ```
    /// use stix_model::schema::Class;
    /// assert_eq!(Class::of("sighting"), Some(Class::Sro));
    /// assert_eq!(Class::of("x-custom"), None);
    /// ```
    pub fn of(object_type: &str) -> Option<Self> {
        Some(match object_type {
            "attack-pattern" | "campaign" | "course-of-action" | "grouping" | "identity" | "incident"
            | "indicator" | "infrastructure" | "intrusion-set" | "location" | "malware"
            | "malware-analysis" | "note" | "observed-data" | "opinion" | "report" | "threat-actor"
            | "tool" | "vulnerability" => Self::Sdo,
            "relationship" | "sighting" => Self::Sro,
            "artifact"
            | "autonomous-system"
            | "directory"
            | "domain-name"
            | "email-addr"
            | "email-message"
            | "file"
            | "ipv4-addr"
            | "ipv6-addr"
            | "mac-addr"
            | "mutex"
            | "network-traffic"
            | "process"
            | "software"
            | "url"
            | "user-account"
            | "windows-registry-key"
            | "x509-certificate" => Self::Sco,
            "language-content" | "marking-definition" | "extension-definition" => Self::Meta,
            _ => return None,
        })
    }
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
        Class::of(object_type).is_none_or(|found| found == class)
    }
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
