//! What is wrong with an object, in words for programs and for people. The reader and the validator report it, servers and
//! tools send it on.
//!
//! ```
//! use stix_model::Object;
//! use stix_model::finding::{Code, Rule, Severity};
//! let error = Object::parse(r#"{"type": "tool", "id": "tool--7"}"#).unwrap_err();
//! let finding = error.finding();
//! assert_eq!((finding.severity, finding.code, &*finding.pointer), (Severity::Error, Code::Identifier, "/id"));
//! assert_eq!(finding.rule.map(Rule::section), Some("2.9"));
//! ```

mod error;

use crate::json::Value;
pub use crate::schema::rule::Rule;
pub use crate::word::UnknownWord;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// One thing that is wrong, or not as it should be.
///
/// It is a value to be kept and sent: serde writes code, severity and rule as their words, in every format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of fault; stable.
    pub code: Code,
    /// Whether it breaks a MUST.
    pub severity: Severity,
    /// Index of the object in the list that was checked (bundle, envelope, list), from 0. `None`: the finding is about
    /// the text as a whole, or about one object by itself.
    pub index: Option<usize>,
    /// JSON pointer (RFC 6901) to the fault, inside that object.
    pub pointer: String,
    /// The rule that is broken; `None` for a limit that no standard sets.
    pub rule: Option<Rule>,
    /// What is wrong, as a sentence for a person who does not know the standard.
    pub message: String,
    /// What to do about it, where that is plain.
    pub fix: Option<Cow<'static, str>>,
}

impl Finding {
    /// What is wrong at a place. Which rule says so, which object of a list it is about and what to do are fields to set.
    ///
    /// ```
    /// use stix_model::finding::{Code, Finding, Rule, Severity};
    /// let mut finding = Finding::new(Severity::Warning, Code::Advice, "/name", "is the name of another campaign");
    /// finding.rule = Some(Rule::S034);
    /// assert_eq!(finding.to_string(), "warning advice at /name: is the name of another campaign (S-034)");
    /// ```
    pub fn new(
        severity: Severity,
        code: Code,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        Self { code, severity, index: None, pointer, rule: None, message, fix: None }
    }

    /// Byte offset of the fault from the start of `object`, the object that the finding is about: of what the pointer
    /// leads to, or else of the innermost value around it.
    ///
    /// ```
    /// use stix_model::json::{Document, Limits};
    /// use stix_model::validate::{Profile, Validator};
    /// let text = br#"  {"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": 7}"#;
    /// let document = Document::read(text, Limits::default())?;
    /// let findings = Validator::new(Profile::Stix).object(document.root());
    /// let offset = findings[0].offset(document.root());
    /// assert!(document.root().raw()[offset..].starts_with("7}"));
    /// # Ok::<(), stix_model::json::JsonError>(())
    /// ```
    pub fn offset(&self, object: Value<'_>) -> usize {
        object.nearest(&self.pointer).range().start - object.range().start
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity, self.code)?;
        if let Some(index) = self.index {
            write!(f, " in object {index}")?;
        }
        if !self.pointer.is_empty() {
            write!(f, " at {}", self.pointer)?;
        }
        write!(f, ": {}", self.message)?;
        self.rule.map_or(Ok(()), |rule| write!(f, " ({rule})"))
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Not as the standard advises (SHOULD).
    Warning,
    /// Against the standard (MUST) or the profile; the object is not valid.
    Error,
}

impl Severity {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Warning, Self::Error];

    /// `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

word!(Severity, "`warning` or `error`");

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal),* $(,)?) => {
        /// The kind of a finding. The words are stable; new ones may come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The word that stands in reports.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What findings of this kind have in common, as a sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii_start(),)*
                }
            }
        }
    };
}

codes! {
    /// Something has another JSON type than its property.
    PropertyType = "property-type",
    /// A required property is missing.
    PropertyMissing = "property-missing",
    /// A property is there that may not be, given the others.
    PropertyConflict = "property-conflict",
    /// A property needs another one beside it.
    PropertyNeeds = "property-needs",
    /// The name of a property is reserved.
    PropertyReserved = "property-reserved",
    /// The name of a property has another form than the standard allows.
    PropertyName = "property-name",
    /// A property is not defined by the standard nor by an extension.
    PropertyCustom = "property-custom",
    /// A property does not apply to this class of objects.
    PropertyClass = "property-class",
    /// A list or dictionary is empty.
    Empty = "empty",
    /// A number is out of range.
    Range = "range",
    /// A word is not in its enumeration.
    Enumeration = "enumeration",
    /// A word is not in its open vocabulary.
    Vocabulary = "vocabulary",
    /// A text is no timestamp.
    Timestamp = "timestamp",
    /// A timestamp has too few digits.
    TimestampPrecision = "timestamp-precision",
    /// One time is before another that it must follow.
    TimeOrder = "time-order",
    /// A text is no identifier.
    Identifier = "identifier",
    /// An identifier names another type than its object has.
    IdentifierType = "identifier-type",
    /// The identifier of an observable does not follow from its content.
    IdentifierContent = "identifier-content",
    /// A reference points to a type that is not allowed here.
    ReferenceType = "reference-type",
    /// A reference points to an object that is not there.
    ReferenceMissing = "reference-missing",
    /// A text is not hexadecimal.
    Hex = "hex",
    /// A text is not base64.
    Base64 = "base64",
    /// A hash has another form than its algorithm gives.
    Hash = "hash",
    /// The key of a dictionary has another form than the standard allows.
    DictionaryKey = "dictionary-key",
    /// A text has another form than its property demands, such as an address or a URL.
    Format = "format",
    /// A pattern cannot be read.
    PatternSyntax = "pattern-syntax",
    /// A pattern can be read, but asks for what cannot be.
    PatternMeaning = "pattern-meaning",
    /// An extension is not as section 7.3 says.
    Extension = "extension",
    /// A marking is not as section 7.2 says.
    Marking = "marking",
    /// A selector points to nothing.
    Selector = "selector",
    /// An external reference is not as section 2.5 says.
    ExternalReference = "external-reference",
    /// A relationship is not one that the standard defines.
    Relationship = "relationship",
    /// A type name has another form than the standard allows.
    TypeName = "type-name",
    /// The object is of another edition of STIX.
    SpecVersion = "spec-version",
    /// Two objects with one identifier cannot be versions of one object.
    VersionConflict = "version-conflict",
    /// A feature that the standard deprecates.
    Deprecated = "deprecated",
    /// Advice that is not followed.
    Advice = "advice",
    /// A demand of the profile.
    Profile = "profile",
    /// The official JSON schema refuses it.
    Schema = "schema",
    /// The text is not JSON that can be trusted.
    Json = "json",
    /// The text is in another format than STIX 2.1.
    Foreign = "other-format",
    /// An object is larger than what is taken.
    TooLarge = "too-large",
    /// There are more findings than were asked for.
    TooMany = "too-many",
}

word!(Code, "the code of a finding");
