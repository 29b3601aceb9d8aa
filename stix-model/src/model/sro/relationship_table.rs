//! The relationships that STIX 2.1 defines (sections 3.7, 4 and 6; where the summary in appendix B differs,
//! the object sections hold).

use crate::class::Class;

/// What the standard says of a relationship between objects of two types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationshipDefinition {
    /// The source type defines it for this target type.
    Specified,
    /// One of `derived-from`, `duplicate-of` (both for objects of one type) and `related-to`, which all have.
    Common,
    /// The former name of a relationship: read it, but write this one (Errata 01).
    Renamed(&'static str),
    /// `derived-from` or `duplicate-of` between objects of two types.
    TypesDiffer,
    /// The standard does not define it. Any relationship may be used, but a defined one should be where it
    /// fits (section 5.1).
    NotDefined,
    /// An end is of a type that the standard does not know, so only its definition can say.
    CustomType,
    /// An end is of a type that cannot be one: relationships stand between domain and cyber-observable
    /// objects.
    ImpossibleEnd,
}

/// Says whether the standard defines a relationship.
///
/// ```
/// use stix_model::graph::{RelationshipDefinition, is_defined};
/// assert_eq!(is_defined("indicator", "indicates", "malware"), RelationshipDefinition::Specified);
/// assert_eq!(is_defined("malware", "indicates", "indicator"), RelationshipDefinition::NotDefined);
/// assert_eq!(is_defined("tool", "derived-from", "malware"), RelationshipDefinition::TypesDiffer);
/// ```
pub fn is_defined(source_type: &str, relationship_type: &str, target_type: &str) -> RelationshipDefinition {
    use RelationshipDefinition as Is;
    let ends = [End::of(source_type), End::of(target_type)];
    if ends.contains(&End::Impossible) {
        return Is::ImpossibleEnd;
    }
    match relationship_type {
        "related-to" => return Is::Common,
        "derived-from" | "duplicate-of" if source_type == target_type => return Is::Common,
        "derived-from" | "duplicate-of" => return Is::TypesDiffer,
        "analysis-of" if (source_type, target_type) == ("malware-analysis", "malware") => {
            return Is::Renamed("av-analysis-of");
        }
        _ => {}
    }
    if ends.contains(&End::Custom) {
        return Is::CustomType;
    }
    let row = TABLE.binary_search_by_key(&(source_type, relationship_type), |row| (row.0, row.1));
    let targets = row.map_or(&[][..], |row| TABLE[row].2);
    let fits = |target: &&str| *target == target_type || (*target == ANY_SCO && ends[1] == End::Observable);
    if targets.iter().any(fits) { Is::Specified } else { Is::NotDefined }
}

/// The rows behind [`is_defined`]: source type, relationship type, target types; `@sco` is any
/// cyber-observable type.
pub fn specified_relationships() -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])>
{
    TABLE.iter().copied()
}

/// Whether an object can be an end of a relationship, as far as its type says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Domain,
    Observable,
    Impossible,
    Custom,
}

impl End {
    fn of(object_type: &str) -> Self {
        match Class::of(object_type) {
            Some(Class::Sdo) => Self::Domain,
            Some(Class::Sco) => Self::Observable,
            Some(_) => Self::Impossible,
            None if object_type == "bundle" => Self::Impossible,
            None => Self::Custom,
        }
    }
}

const ANY_SCO: &str = "@sco";

type Row = (&'static str, &'static str, &'static [&'static str]);

/// In the order of source and relationship type.
#[rustfmt::skip]
static TABLE: [Row; 63] = [
    ("attack-pattern", "delivers", &["malware"]),
    ("attack-pattern", "targets", &["identity", "location", "vulnerability"]),
    ("attack-pattern", "uses", &["malware", "tool"]),
    ("campaign", "attributed-to", &["intrusion-set", "threat-actor"]),
    ("campaign", "compromises", &["infrastructure"]),
    ("campaign", "originates-from", &["location"]),
    ("campaign", "targets", &["identity", "location", "vulnerability"]),
    ("campaign", "uses", &["attack-pattern", "infrastructure", "malware", "tool"]),
    ("course-of-action", "investigates", &["indicator"]),
    ("course-of-action", "mitigates", &["attack-pattern", "indicator", "malware", "tool", "vulnerability"]),
    ("course-of-action", "remediates", &["malware", "vulnerability"]),
    ("domain-name", "resolves-to", &["domain-name", "ipv4-addr", "ipv6-addr"]),
    ("identity", "located-at", &["location"]),
    ("indicator", "based-on", &["observed-data"]),
    ("indicator", "indicates", &["attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool"]),
    ("infrastructure", "communicates-with", &["infrastructure", "ipv4-addr", "ipv6-addr", "domain-name", "url"]),
    ("infrastructure", "consists-of", &["infrastructure", "observed-data", "@sco"]),
    ("infrastructure", "controls", &["infrastructure", "malware"]),
    ("infrastructure", "delivers", &["malware"]),
    ("infrastructure", "has", &["vulnerability"]),
    ("infrastructure", "hosts", &["tool", "malware"]),
    ("infrastructure", "located-at", &["location"]),
    ("infrastructure", "uses", &["infrastructure"]),
    ("intrusion-set", "attributed-to", &["threat-actor"]),
    ("intrusion-set", "compromises", &["infrastructure"]),
    ("intrusion-set", "hosts", &["infrastructure"]),
    ("intrusion-set", "originates-from", &["location"]),
    ("intrusion-set", "owns", &["infrastructure"]),
    ("intrusion-set", "targets", &["identity", "location", "vulnerability"]),
    ("intrusion-set", "uses", &["attack-pattern", "infrastructure", "malware", "tool"]),
    ("ipv4-addr", "belongs-to", &["autonomous-system"]),
    ("ipv4-addr", "resolves-to", &["mac-addr"]),
    ("ipv6-addr", "belongs-to", &["autonomous-system"]),
    ("ipv6-addr", "resolves-to", &["mac-addr"]),
    ("malware", "authored-by", &["threat-actor", "intrusion-set"]),
    ("malware", "beacons-to", &["infrastructure"]),
    ("malware", "communicates-with", &["ipv4-addr", "ipv6-addr", "domain-name", "url"]),
    ("malware", "controls", &["malware"]),
    ("malware", "downloads", &["malware", "tool", "file"]),
    ("malware", "drops", &["malware", "tool", "file"]),
    ("malware", "exfiltrates-to", &["infrastructure"]),
    ("malware", "exploits", &["vulnerability"]),
    ("malware", "originates-from", &["location"]),
    ("malware", "targets", &["identity", "infrastructure", "location", "vulnerability"]),
    ("malware", "uses", &["attack-pattern", "infrastructure", "malware", "tool"]),
    ("malware", "variant-of", &["malware"]),
    ("malware-analysis", "av-analysis-of", &["malware"]),
    ("malware-analysis", "characterizes", &["malware"]),
    ("malware-analysis", "dynamic-analysis-of", &["malware"]),
    ("malware-analysis", "static-analysis-of", &["malware"]),
    ("threat-actor", "attributed-to", &["identity"]),
    ("threat-actor", "compromises", &["infrastructure"]),
    ("threat-actor", "hosts", &["infrastructure"]),
    ("threat-actor", "impersonates", &["identity"]),
    ("threat-actor", "located-at", &["location"]),
    ("threat-actor", "owns", &["infrastructure"]),
    ("threat-actor", "targets", &["identity", "location", "vulnerability"]),
    ("threat-actor", "uses", &["attack-pattern", "infrastructure", "malware", "tool"]),
    ("tool", "delivers", &["malware"]),
    ("tool", "drops", &["malware"]),
    ("tool", "has", &["vulnerability"]),
    ("tool", "targets", &["identity", "infrastructure", "location", "vulnerability"]),
    ("tool", "uses", &["infrastructure"]),
];
