//! The edition of STIX that an object is written in; bundles mix them, and some objects do not say it.

use stix_model::json::Value;

/// Members that no object of STIX 2.0 has.
const NEW_MEMBERS: [&str; 9] = [
    "pattern_type",
    "is_family",
    "indicator_types",
    "malware_types",
    "report_types",
    "threat_actor_types",
    "tool_types",
    "confidence",
    "lang",
];

/// Types that STIX 2.0 does not have.
const NEW_TYPES: [&str; 9] = [
    "extension-definition",
    "grouping",
    "incident",
    "infrastructure",
    "language-content",
    "location",
    "malware-analysis",
    "note",
    "opinion",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    V2_0,
    V2_1,
    /// STIX 2.1 by what it has, but `spec_version` is missing.
    Unsaid,
}

impl Edition {
    /// `frame` is what the bundle says, as those of STIX 2.0 do.
    pub(super) fn of(object: Value<'_>, frame: Option<&str>) -> Self {
        let has = |name: &&str| object.get(name).is_some();
        match object.get("spec_version").and_then(Value::as_str).as_deref() {
            Some("2.0") => return Self::V2_0,
            Some(_) => return Self::V2_1,
            // Only observables have no `created`, and these may leave `spec_version` out.
            None if !has(&"created") => return Self::V2_1,
            None => {}
        }
        let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_new = NEW_MEMBERS.iter().any(has) || NEW_TYPES.contains(&&*object_type);
        if is_new && frame != Some("2.0") { Self::Unsaid } else { Self::V2_0 }
    }
}
