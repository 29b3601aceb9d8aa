//! The resources of TAXII 2.1 (section 5 of the requirement list) as tables, and what a JSON value breaks.

use serde_json::{Map, Value};

use crate::excerpt::excerpt;
use crate::stamp;

/// One resource: its defined properties.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    properties: &'static [Property],
}

#[derive(Debug)]
struct Property {
    name: &'static str,
    required: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    /// One of a closed set of strings.
    Word(&'static [&'static str]),
    Flag,
    /// An integer of at least this.
    Integer(i64),
    Identifier,
    Stamp,
    Dictionary,
    Texts,
    /// A list of resources.
    List(&'static Shape),
    /// A list of STIX objects, whose insides are not the business of TAXII.
    Objects,
}

/// Which rule of the type section a value breaks; each has a check of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Flag,
    Identifier,
    Integer,
    EmptyList,
    Stamp,
    Spelling,
    Missing,
    Other,
}

/// One broken rule.
#[derive(Debug)]
pub(crate) struct Breach {
    pub(crate) rule: Rule,
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

const fn needs(name: &'static str, kind: Kind) -> Property {
    Property { name, required: true, kind }
}

const fn may(name: &'static str, kind: Kind) -> Property {
    Property { name, required: false, kind }
}

pub(crate) static DISCOVERY: Shape = Shape {
    name: "discovery",
    properties: &[
        needs("title", Kind::Text),
        may("description", Kind::Text),
        may("contact", Kind::Text),
        may("default", Kind::Text),
        may("api_roots", Kind::Texts),
    ],
};

pub(crate) static API_ROOT: Shape = Shape {
    name: "api-root",
    properties: &[
        needs("title", Kind::Text),
        may("description", Kind::Text),
        needs("versions", Kind::Texts),
        needs("max_content_length", Kind::Integer(1)),
    ],
};

pub(crate) static STATUS: Shape = Shape {
    name: "status",
    properties: &[
        needs("id", Kind::Identifier),
        needs("status", Kind::Word(&["complete", "pending"])),
        may("request_timestamp", Kind::Stamp),
        needs("total_count", Kind::Integer(0)),
        needs("success_count", Kind::Integer(0)),
        may("successes", Kind::List(&STATUS_DETAILS)),
        needs("failure_count", Kind::Integer(0)),
        may("failures", Kind::List(&STATUS_DETAILS)),
        needs("pending_count", Kind::Integer(0)),
        may("pendings", Kind::List(&STATUS_DETAILS)),
    ],
};

static STATUS_DETAILS: Shape = Shape {
    name: "status-details",
    properties: &[needs("id", Kind::Text), needs("version", Kind::Text), may("message", Kind::Text)],
};

pub(crate) static COLLECTIONS: Shape =
    Shape { name: "collections", properties: &[may("collections", Kind::List(&COLLECTION))] };

pub(crate) static COLLECTION: Shape = Shape {
    name: "collection",
    properties: &[
        needs("id", Kind::Identifier),
        needs("title", Kind::Text),
        may("description", Kind::Text),
        may("alias", Kind::Text),
        needs("can_read", Kind::Flag),
        needs("can_write", Kind::Flag),
        may("media_types", Kind::Texts),
    ],
};

pub(crate) static MANIFEST: Shape = Shape {
    name: "manifest",
    properties: &[may("more", Kind::Flag), may("objects", Kind::List(&MANIFEST_RECORD))],
};

static MANIFEST_RECORD: Shape = Shape {
    name: "manifest-record",
    properties: &[
        needs("id", Kind::Text),
        needs("date_added", Kind::Stamp),
        needs("version", Kind::Text),
        may("media_type", Kind::Text),
    ],
};

pub(crate) static ENVELOPE: Shape = Shape {
    name: "envelope",
    properties: &[may("more", Kind::Flag), may("next", Kind::Text), may("objects", Kind::Objects)],
};

pub(crate) static VERSIONS: Shape =
    Shape { name: "versions", properties: &[may("more", Kind::Flag), may("versions", Kind::Texts)] };

pub(crate) static ERROR: Shape = Shape {
    name: "error",
    properties: &[
        needs("title", Kind::Text),
        may("description", Kind::Text),
        may("error_id", Kind::Text),
        may("error_code", Kind::Text),
        may("http_status", Kind::Text),
        may("external_details", Kind::Text),
        may("details", Kind::Dictionary),
    ],
};

impl Shape {
    /// Everything in `value` that is not as the resource is defined.
    pub(crate) fn breaches(&self, value: &Value) -> Vec<Breach> {
        let mut found = Vec::new();
        self.look(value, "", &mut found);
        found
    }

    /// Custom property names in `value`, with their pointers. Objects inside an envelope are not looked into.
    pub(crate) fn custom_names(&self, value: &Value) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.look_for_custom(value, "", &mut found);
        found
    }

    fn look(&self, value: &Value, at: &str, found: &mut Vec<Breach>) {
        let Value::Object(map) = value else {
            let detail = format!("{} is a JSON object, this is {}", self.name, show(value));
            found.push(Breach { rule: Rule::Other, pointer: at.into(), detail });
            return;
        };
        self.look_at_names(map, at, found);
        for property in self.properties {
            let pointer = format!("{at}/{}", property.name);
            match map.get(property.name) {
                Some(value) => property.kind.look(value, &pointer, found),
                None if property.required => {
                    let detail = format!("{} needs this property", self.name);
                    found.push(Breach { rule: Rule::Missing, pointer, detail });
                }
                None => {}
            }
        }
    }

    /// `canRead` and `can-read` are no custom properties but misspellings of `can_read`.
    fn look_at_names(&self, map: &Map<String, Value>, at: &str, found: &mut Vec<Breach>) {
        for name in map.keys() {
            let same = |p: &&Property| p.name != name && plain(p.name) == plain(name);
            if let Some(property) = self.properties.iter().find(same) {
                let detail = format!("the standard spells it {:?}", property.name);
                found.push(Breach { rule: Rule::Spelling, pointer: format!("{at}/{name}"), detail });
            }
        }
    }

    fn look_for_custom(&self, value: &Value, at: &str, found: &mut Vec<(String, String)>) {
        let Value::Object(map) = value else { return };
        for (name, inner) in map {
            let pointer = format!("{at}/{name}");
            match self.properties.iter().find(|p| p.name == name) {
                None => found.push((pointer, name.clone())),
                Some(Property { kind: Kind::List(shape), .. }) => {
                    for (i, item) in inner.as_array().into_iter().flatten().enumerate() {
                        shape.look_for_custom(item, &format!("{pointer}/{i}"), found);
                    }
                }
                Some(_) => {}
            }
        }
    }
}

impl Kind {
    fn look(&self, value: &Value, at: &str, found: &mut Vec<Breach>) {
        let (rule, wanted) = match self {
            Self::Text if value.is_string() => return,
            Self::Text => (Rule::Other, "a string".to_owned()),
            Self::Word(words) if value.as_str().is_some_and(|word| words.contains(&word)) => return,
            Self::Word(words) => (Rule::Spelling, format!("one of {words:?}")),
            Self::Flag if value.is_boolean() => return,
            Self::Flag => (Rule::Flag, "true or false".to_owned()),
            Self::Integer(least) if value.as_i64().is_some_and(|n| n >= *least) => return,
            Self::Integer(least) => (Rule::Integer, format!("an integer of {least} or more")),
            Self::Identifier if value.as_str().is_some_and(is_identifier) => return,
            Self::Identifier => (Rule::Identifier, "a UUID of version 4".to_owned()),
            Self::Stamp if value.as_str().is_some_and(stamp::is_taxii_form) => return,
            Self::Stamp => (Rule::Stamp, "YYYY-MM-DDTHH:MM:SS.ssssssZ".to_owned()),
            Self::Dictionary if value.is_object() => return,
            Self::Dictionary => (Rule::Other, "a JSON object".to_owned()),
            Self::Texts | Self::List(_) | Self::Objects => return self.look_at_list(value, at, found),
        };
        let detail = format!("expected {wanted}, found {}", show(value));
        found.push(Breach { rule, pointer: at.into(), detail });
    }

    fn look_at_list(&self, value: &Value, at: &str, found: &mut Vec<Breach>) {
        let Value::Array(list) = value else {
            let detail = format!("expected a list, found {}", show(value));
            found.push(Breach { rule: Rule::Other, pointer: at.into(), detail });
            return;
        };
        if list.is_empty() {
            let detail = "a list is never empty; leave the property out".into();
            found.push(Breach { rule: Rule::EmptyList, pointer: at.into(), detail });
        }
        for (i, item) in list.iter().enumerate() {
            let at = format!("{at}/{i}");
            match self {
                Self::List(shape) => shape.look(item, &at, found),
                Self::Objects => {} // `only_stix_objects` has the say about these.
                _ => Self::Text.look(item, &at, found),
            }
        }
    }
}

/// RFC 4122 in its printed form, version 4, variant 1.
pub(crate) fn is_identifier(text: &str) -> bool {
    let uuid = uuid::Uuid::try_parse(text);
    text.len() == 36 && uuid.is_ok_and(|id| id.get_version_num() == 4 && id.as_bytes()[8] >> 6 == 0b10)
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{COLLECTIONS, ERROR, Rule, STATUS, is_identifier};

    #[test]
    fn each_rule_is_seen() {
        let value = json!({"collections": [{"id": "1", "title": "t", "canRead": true, "can_write": 1}]});
        let rules: Vec<Rule> = COLLECTIONS.breaches(&value).iter().map(|b| b.rule).collect();
        assert_eq!(rules, [Rule::Spelling, Rule::Identifier, Rule::Missing, Rule::Flag]);
        assert_eq!(COLLECTIONS.breaches(&json!({"collections": []}))[0].rule, Rule::EmptyList);
        assert_eq!(ERROR.breaches(&json!({"title": "t", "http_status": 404}))[0].pointer, "/http_status");
        assert_eq!(STATUS.breaches(&json!([]))[0].rule, Rule::Other);
    }

    #[test]
    fn identifiers_are_random_uuids() {
        assert!(is_identifier("91a7b528-80eb-42ed-a74d-c6fbd5a26116"));
        assert!(!is_identifier("91a7b528-80eb-12ed-a74d-c6fbd5a26116"));
        assert!(!is_identifier("91a7b52880eb42eda74dc6fbd5a26116"));
    }
}
