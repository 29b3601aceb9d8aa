//! The numbers of the rules that findings name.

macro_rules! rules {
    ($($name:ident = $number:literal $section:literal $text:literal),* $(,)?) => {
        /// A rule that an object breaks. The numbers are those of this library, the [section](Self::section) is that of the
        /// standard: `S` stands for STIX 2.1, `P` for its patterns (section 9), `I` for the document on interoperability.
        ///
        /// Serde writes the number as text.
        ///
        /// ```
        /// use stix_model::validate::Rule;
        /// assert_eq!(Rule::S034.as_str(), "S-034");
        /// assert_eq!("S-034".parse(), Ok(Rule::S034));
        /// assert!("S-0".parse::<Rule>().is_err());
        /// assert_eq!(Rule::S012.section(), "2.9");
        /// assert!(Rule::S012.text().starts_with("An identifier"));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $number, "`, section ", $section, ": ", $text)] $name,)*
        }

        impl Rule {
            /// All rules that the library names.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number, as it stands in reports.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// The section of its document.
            pub fn section(self) -> &'static str {
                match self {
                    $(Self::$name => $section,)*
                }
            }

            /// What it asks, in one sentence.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    I002 = "I-002" "2.3" "A producer gives the properties that the use case asks for.",
    I003 = "I-003" "2.3" "Each object names its creator.",
    I004 = "I-004" "2.3" "The identity of the creator has an identity_class.",
    I005 = "I-005" "2.3" "Times should be given to the millisecond, not finer.",
    I006 = "I-006" "2.3" "What an object refers to travels with it, except the fixed TLP markings.",
    I014 = "I-014" "2.3" "An object has at most one TLP marking; under the strict profile it has one.",
    P012 = "P-012" "9.1" "A pattern that cannot be read, or holds an invalid constant, matches nothing.",
    P015 = "P-015" "9" "Spellings that only the reference grammar has are read and reported.",
    P021 = "P-021" "9.2" "A binary constant is base64, and line feeds in it do not count.",
    P022 = "P-022" "9.2" "A hex constant is an even number of digits; capital ones are reported.",
    P023 = "P-023" "9.2" "An integer constant has no plus sign and no leading zeros, lies in the range of STIX integers, and compares by its whole value.",
    P025 = "P-025" "9.2" "In a string a backslash stands before an apostrophe or a backslash only.",
    P026 = "P-026" "9.2" "A timestamp constant is a STIX timestamp.",
    P030 = "P-030" "9.7" "A path begins with the type of an observable and a property; what the standard does not define is reported.",
    P042 = "P-042" "9.6" "IN takes constants of one type, and is true when one of them is equal.",
    P044 = "P-044" "9.6" "MATCHES searches with a PCRE whose dot takes line ends, in normalized text or in bytes.",
    P045 = "P-045" "9.6" "ISSUBSET is true when the address or network lies in the other; another constant is reported.",
    P062 = "P-062" "9.5" "Tests of different types are joined by OR only.",
    P080 = "P-080" "9.3" "An observation has at most one qualifier of each kind.",
    P081 = "P-081" "9.3" "REPEATS needs so many different observations, a positive integer.",
    P082 = "P-082" "9.3" "WITHIN needs all observations in a window of so many seconds, a positive number.",
    P083 = "P-083" "9.3" "START and STOP need all observations from the one instant to before the other.",
    P084 = "P-084" "4.7" "In an indicator START and STOP lie within valid_from and valid_until.",
    P092 = "P-092" "D" "The work on patterns from outside is bounded.",
    S001 = "S-001" "2.1" "A binary value is base64 with padding, in a property whose name ends in _bin.",
    S002 = "S-002" "2.2" "A boolean is true or false, and no string or number.",
    S003 = "S-003" "2.3" "A dictionary is not empty and holds no null. Its keys are unique and have at most 250 characters a-z, A-Z, 0-9, hyphen and underscore.",
    S004 = "S-004" "2.4" "A value of an enumeration is one of the listed words.",
    S005 = "S-005" "2.14" "A value of an open vocabulary is a string; one that is not listed is reported, not refused.",
    S006 = "S-006" "2.5" "An external reference has a source_name and a description, a url or an external_id. Its hashes are named by the vocabulary.",
    S007 = "S-007" "4.1" "A reference to CAPEC has the source capec and the identifier `CAPEC-<number>`.",
    S008 = "S-008" "4.19" "A reference to a CVE has the source cve and the exact identifier.",
    S009 = "S-009" "2.6" "A float is a finite number.",
    S010 = "S-010" "2.7" "Hashes are named by their algorithm, with 3 to 250 characters, and have the form that the algorithm gives.",
    S011 = "S-011" "2.8" "A hex value is an even number of digits 0-9 and a-f, in a property whose name ends in _hex.",
    S012 = "S-012" "2.9" "An identifier is the type of its object, two hyphens, and a UUID of RFC 4122.",
    S013 = "S-013" "2.9" "A producer gives one UUID to objects of one type only; two in one bundle are reported.",
    S014 = "S-014" "2.9" "Domain, relationship and meta objects and bundles have random identifiers, never ones of the namespace for observables; every UUIDv5 is reported.",
    S015 = "S-015" "2.10" "An integer lies within plus and minus 2^53 - 1.",
    S016 = "S-016" "2.11" "A kill chain is named, that of Lockheed Martin lockheed-martin-cyber-kill-chain. Names should be lower case with hyphens.",
    S017 = "S-017" "2.12" "A list has at least one element, and all have one type.",
    S018 = "S-018" "2.15" "A string is Unicode, so no lone surrogate is let in.",
    S019 = "S-019" "2.16" "A timestamp has the form `YYYY-MM-DDTHH:MM:SS[.s…]Z`, in UTC, and is a time of the calendar.",
    S020 = "S-020" "3.2" "created and modified are given at least to the millisecond.",
    S022 = "S-022" "2.13" "The deprecated observable container holds observables by key, and their references to others name keys of the container.",
    S033 = "S-033" "3.1" "Names that end in _ref hold an identifier, in _refs a list of them, in _enc the encoding of the property beside them.",
    S034 = "S-034" "3.1" "Required properties are there, names are as printed, null is no value, and numbers keep to the limits of the tables.",
    S035 = "S-035" "3.1" "Reserved names of properties are not used.",
    S036 = "S-036" "3.9.1" "An encoding is named as IANA lists it.",
    S040 = "S-040" "3.2" "spec_version is 2.1; an observable may leave it out.",
    S041 = "S-041" "3.2" "The type of an object is one of the standard, of an extension, or a deprecated custom one.",
    S042 = "S-042" "3.2" "created is the same in all versions, and modified is not before it.",
    S043 = "S-043" "3.2" "No version follows a revocation.",
    S045 = "S-045" "3.2" "Confidence is an integer from 0 to 100, and is shown in a scale of the standard as its tables say.",
    S046 = "S-046" "3.2" "lang is a language tag of RFC 5646.",
    S047 = "S-047" "3.2" "created_by_ref refers to an identity.",
    S048 = "S-048" "3.2" "Markings are named by marking-definitions, which mark neither themselves nor each other in a circle.",
    S049 = "S-049" "3.2" "defanged stands on observables only; other common properties are reported where the standard does not list them.",
    S050 = "S-050" "3.2" "extensions are named by the identifier of their definition or a predefined name, and say what they are in extension_type unless they are predefined.",
    S052 = "S-052" "3.3" "A reference is resolved by its exact identifier, and refers to a type that its property allows.",
    S060 = "S-060" "2.9" "The identifier of an observable is the UUIDv5 of its contributing properties in canonical form.",
    S061 = "S-061" "2.9" "An observable without any contributing property has a random identifier, a process always.",
    S066 = "S-066" "3.6" "An observable that its producer versions has no identifier of the namespace.",
    S082 = "S-082" "3.6" "Versions are told by created_by_ref, created, modified and revoked; observables and marking definitions have none.",
    S083 = "S-083" "3.6" "Only its creator makes new versions of an object.",
    S084 = "S-084" "3.6" "One version of an object has one content; a default that is written out or left out is no difference.",
    S100 = "S-100" "8" "A bundle has a type, an id and perhaps a list of objects, and no other common property.",
    S101 = "S-101" "8" "A bundle is no STIX object: nothing refers to it, and it stands in no other bundle.",
    S110 = "S-110" "7.2.1" "A marking definition has type, spec_version, id and created, and definition_type and definition unless an extension says it all.",
    S111 = "S-111" "7.2.1" "A statement marking holds a string in statement.",
    S112 = "S-112" "7.2.1" "The four fixed objects are the only markings of TLP 1.0; they and the five of TLP 2.0 keep content and name, and bear no markings.",
    S114 = "S-114" "7.2.1" "Marking definitions have no versions.",
    S115 = "S-115" "7.2.3" "A granular marking has selectors and either marking_ref or lang.",
    S116 = "S-116" "7.2.3" "A selector is names and `[n]` joined by dots, hits what is there, and covers all below it.",
    S119 = "S-119" "7.2.3" "The lang of a granular marking is a language tag, and overrides that of the object.",
    S130 = "S-130" "7.1" "Language content refers to an object, and object_modified is the modified of the version that it translates.",
    S131 = "S-131" "7.1" "Translations stand under language tags and have the form of what they translate.",
    S140 = "S-140" "7.3" "An extension redefines no type and no property of the standard.",
    S142 = "S-142" "7.3" "An extension definition names its creator, name, schema, version and kinds; it lists properties only when it brings some to the top level.",
    S143 = "S-143" "7.3.2" "An object of a new type has the common properties of its class and one of its own.",
    S144 = "S-144" "7.3" "The properties of an extension stand inside it, those of a top-level extension beside the properties of the standard.",
    S145 = "S-145" "7.3.2" "Names that extensions bring have 3 to 250 characters, properties a-z, 0-9 and underscore, types a-z, 0-9 and single hyphens.",
    S150 = "S-150" "11.1" "Custom properties have names of 3 to 250 characters a-z, 0-9 and underscore; they are deprecated and reported.",
    S151 = "S-151" "11.2" "Custom types have names of 3 to 250 characters a-z, 0-9 and single hyphens; they are deprecated and reported.",
    S152 = "S-152" "11.3" "Custom extensions of observables have a name that ends in -ext and at least one property; they are deprecated and reported.",
    S160 = "S-160" "5.1" "A relationship stands between domain objects and observables.",
    S161 = "S-161" "5.1" "The type of a relationship has characters a-z, 0-9 and hyphen; one that the standard does not define for the ends is reported.",
    S162 = "S-162" "5.1" "The stop_time of a relationship is later than its start_time.",
    S163 = "S-163" "3.7" "derived-from and duplicate-of stand between objects of one type.",
    S165 = "S-165" "5.2" "A sighting refers to a domain object, observed data, and identities or locations; its count, times and summary are in order.",
    S166 = "S-166" "4.11" "A malware family is not a variant of an instance.",
    S200 = "S-200" "4" "last_seen is not before first_seen.",
    S201 = "S-201" "4.7" "The valid_until of an indicator is later than valid_from, and its pattern is one of its pattern_type; only STIX patterns are read.",
    S202 = "S-202" "4.10" "A location has a region, a country, or latitude and longitude within their ranges; precision needs both.",
    S203 = "S-203" "4.11" "A malware family has a name, and the samples of an instance are the same bytes.",
    S204 = "S-204" "4.12" "A malware analysis has a result or refers to observables.",
    S205 = "S-205" "4.14" "Observed data has either object_refs with an observable or objects; its times and count are in order.",
    S209 = "S-209" "6.1" "An artifact has either payload_bin or a url with hashes; a decryption_key needs its algorithm.",
    S211 = "S-211" "6.4" "The value of a domain name has labels of RFC 1034 and RFC 5890.",
    S212 = "S-212" "6.5" "The value of an email address is an address without a name around it.",
    S213 = "S-213" "6.6" "The text of a message stands in body or in body_multipart, as is_multipart says; header fields are lists, and encoded words are decoded.",
    S214 = "S-214" "6.6.2" "A part of a message has a body or refers to one.",
    S215 = "S-215" "6.7" "A file has hashes or a name, a size of 0 or more, and refers to artifacts and directories.",
    S216 = "S-216" "6" "Extensions and embedded types without required properties have at least one; a PE binary has one beside pe_type, and its time is to the second.",
    S217 = "S-217" "6.10" "A MAC address is six octets in lower case, joined by colons.",
    S218 = "S-218" "6.12" "Network traffic has protocols and a source or destination; ports, times and is_active are in order.",
    S219 = "S-219" "6.13" "A process has a property beside the common ones.",
    S220 = "S-220" "6.14" "The cpe of a software is a CPE 2.3 name, its languages are tags of RFC 5646.",
    S221 = "S-221" "6.15" "The value of a url is one of RFC 3986.",
    S222 = "S-222" "6.16" "A user account has a property beside the common ones.",
    S223 = "S-223" "6.17" "A registry key has a property beside the common ones, and its hive is spelled out.",
    S224 = "S-224" "6.18" "A certificate has a property beside the common ones.",
    S226 = "S-226" "6.8, 6.9" "The value of an IP address is an address of its version, or a network in CIDR notation.",
    S240 = "S-240" "12.1" "What a producer makes keeps the rules of its type; the official schemas are asked besides.",
}

word!(Rule, "the number of a rule");
