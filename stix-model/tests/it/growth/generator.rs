//! Texts that can be made as long as one likes, one part of each growing.

use stix_model::schema::{self, Class, Format, Presence, Property, Schema, Shape, Target};

/// A text with a part that grows.
pub(crate) struct Growth {
    pub(crate) name: String,
    text: Box<dyn Fn(usize) -> String>,
}

impl Growth {
    pub(crate) fn new(name: impl Into<String>, text: impl Fn(usize) -> String + 'static) -> Self {
        Self { name: name.into(), text: Box::new(text) }
    }

    /// A text of about this many bytes.
    pub(crate) fn text(&self, bytes: usize) -> String {
        (self.text)(bytes)
    }
}

/// About this many bytes of parts that differ by their number.
pub(crate) fn parts(bytes: usize, separator: &str, part: impl Fn(usize) -> String) -> String {
    let mut out = part(0);
    for index in 1.. {
        if out.len() >= bytes {
            break;
        }
        out.push_str(separator);
        out.push_str(&part(index));
    }
    out
}

const TYPES: [&str; 42] = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
    "relationship",
    "sighting",
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
    "language-content",
    "marking-definition",
    "extension-definition",
];

/// Of these the common properties are grown too: one type of each class.
const WHOLE: [&str; 5] = ["tool", "url", "language-content", "marking-definition", "extension-definition"];

pub(crate) fn all() -> Vec<Growth> {
    let mut all = Vec::new();
    for object_type in TYPES {
        let schema = schema::of(object_type).unwrap();
        let common = schema.common.iter().filter(|_| WHOLE.contains(&object_type));
        for property in schema.own.iter().chain(common) {
            let others = members(schema, property.name);
            let head = format!("{{{others}\"{}\":", property.name);
            let place = format!("{object_type}/{}", property.name);
            grow(&property.shape, schema, Hole { place, head, tail: "}".into() }, &mut all);
        }
    }
    super::cases::add(&mut all);
    all
}

/// The members that an object of this type needs beside one, each with a comma behind it.
pub(crate) fn members(schema: &Schema, beside: &str) -> String {
    let required = schema.properties().filter(|property| property.presence == Presence::Required);
    let others = required.filter(|property| property.name != beside);
    others.map(|property| format!("\"{}\":{},", property.name, sample_of(property, schema))).collect()
}

fn sample_of(property: &Property, schema: &Schema) -> String {
    match property.name {
        "type" => format!("\"{}\"", schema.name),
        "id" => format!("\"{}\"", id(schema.name, 1)),
        "spec_version" => "\"2.1\"".into(),
        "pattern" => r#""[file:name = 'a']""#.into(),
        "pattern_type" => r#""stix""#.into(),
        _ => sample(&property.shape),
    }
}

pub(crate) fn id(object_type: &str, number: usize) -> String {
    format!("{object_type}--8e2e2d2b-17d4-4cbf-938f-{number:012x}")
}

/// A value that the shape lets pass, more or less.
fn sample(shape: &Shape) -> String {
    match shape {
        Shape::String(Format::Language) => r#""en""#.into(),
        Shape::Boolean => "true".into(),
        Shape::Integer | Shape::IntegerOrString => "1".into(),
        Shape::Float => "1.5".into(),
        Shape::Timestamp | Shape::PreciseTimestamp => r#""2020-01-01T00:00:00.000Z""#.into(),
        Shape::Identifier(targets) => {
            let object_type = match targets.first() {
                Some(Target::Type(name)) => name,
                Some(Target::Sco) => "file",
                Some(Target::Sro) => "relationship",
                _ => "tool",
            };
            format!("\"{}\"", id(object_type, 1))
        }
        Shape::Binary => r#""YQ==""#.into(),
        Shape::Hex => r#""61""#.into(),
        Shape::Hashes => r#"{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}"#.into(),
        Shape::Dictionary(value) => format!("{{\"abc\":{}}}", sample(value)),
        Shape::List(element) => format!("[{}]", sample(element)),
        Shape::Vocabulary(vocabulary) => format!("\"{}\"", vocabulary.words[0]),
        Shape::Part(schema) => format!("{{{}}}", members(schema, "").trim_end_matches(',')),
        Shape::Extensions => "{}".into(),
        Shape::ObservableContainer => r#"{"0":{"type":"url","value":"http://x.example/"}}"#.into(),
        _ => r#""a""#.into(),
    }
}

/// Where a value stands in a text.
#[derive(Clone)]
struct Hole {
    place: String,
    head: String,
    tail: String,
}

impl Hole {
    fn inside(&self, name: &str, head: &str, tail: &str) -> Self {
        Self {
            place: format!("{}/{name}", self.place),
            head: format!("{}{head}", self.head),
            tail: format!("{tail}{}", self.tail),
        }
    }

    /// A growth of this value: an opening, parts, and a closing.
    fn growth(
        &self,
        what: &str,
        [open, close]: [&'static str; 2],
        separator: &'static str,
        part: impl Fn(usize) -> String + 'static,
    ) -> Growth {
        let Self { place, head, tail } = self.clone();
        Growth::new(format!("{place}: {what}"), move |bytes| {
            let inner = parts(bytes, separator, &part);
            format!("{head}{open}{inner}{close}{tail}")
        })
    }
}

/// What strings are made of, by turns: parts of addresses, of encoded words, of escapes.
const TEXTS: [&str; 10] = ["a", "a.", "=?a?B?", "[.]", "a@", "a-", ":a", "\\u0061", "/%41", "{.}\\\\"];

fn grow(shape: &Shape, owner: &'static Schema, hole: Hole, all: &mut Vec<Growth>) {
    match shape {
        Shape::List(element) => {
            let good = sample(element);
            all.push(hole.growth("elements", ["[", "]"], ",", move |_| good.clone()));
            let wrong = ["{}", "null", "\"x\"", "[]"][all.len() % 4];
            all.push(hole.growth("wrong elements", ["[", "]"], ",", move |_| wrong.into()));
            if matches!(**element, Shape::Part(_)) {
                grow(element, owner, hole.inside("0", "[", "]"), all);
            }
        }
        Shape::Dictionary(value) => {
            let good = sample(value);
            all.push(hole.growth("entries", ["{", "}"], ",", move |at| format!("\"k{at}\":{good}")));
            all.push(hole.growth("wrong entries", ["{", "}"], ",", |at| format!("\"k {at}\":{{}}")));
        }
        Shape::Hashes => {
            all.push(hole.growth("hashes", ["{", "}"], ",", |at| format!("\"h-{at}\":\"a\"")));
        }
        Shape::Part(schema) => {
            for property in schema.properties() {
                let head = format!("{{{}\"{}\":", members(schema, property.name), property.name);
                grow(&property.shape, schema, hole.inside(property.name, &head, "}"), all);
            }
            let others = members(schema, "");
            let hole = hole.inside("", &format!("{{{others}"), "}");
            all.push(hole.growth("custom properties", ["", ""], ",", |at| format!("\"x {at}\":1")));
        }
        Shape::Extensions => {
            for extension in owner.extensions {
                let head = format!("{{\"{}\":", extension.name);
                grow(&Shape::Part(extension), extension, hole.inside(extension.name, &head, "}"), all);
            }
            if WHOLE.contains(&owner.name) {
                grow_extensions(&hole, all);
            }
        }
        Shape::ObservableContainer => {
            for (what, object) in [
                ("nothing", "{}"),
                ("unknown", r#"{"type":"x"}"#),
                ("urls", r#"{"type":"url","value":"http://x.example/"}"#),
                ("files", r#"{"type":"file","content_ref":"0","contains_refs":["1","a"]}"#),
                ("tools", r#"{"type":"tool","name":1}"#),
            ] {
                all.push(hole.growth(what, ["{", "}"], ",", move |at| format!("\"{at}\":{object}")));
            }
        }
        Shape::Any => grow_any(&hole, all),
        Shape::Boolean | Shape::Integer | Shape::Float | Shape::IntegerOrString => {}
        _ => {
            let text = TEXTS[all.len() % TEXTS.len()];
            all.push(hole.growth(text, ["\"", "\""], "", move |_| text.into()));
        }
    }
}

fn grow_extensions(hole: &Hole, all: &mut Vec<Growth>) {
    let key = |at: usize| id("extension-definition", at);
    let mut add = |what: &str, part: fn(usize) -> String| {
        all.push(hole.growth(what, ["{", "}"], ",", part));
    };
    add("property extensions", |at| {
        format!(
            r#""{}":{{"extension_type":"property-extension","a_b":1,"Bad":1}}"#,
            id("extension-definition", at)
        )
    });
    add("untyped extensions", |at| format!(r#""{}":{{}}"#, id("extension-definition", at)));
    add("custom extensions", |at| format!(r#""x{at}-ext":{{"ID":1}}"#));
    add("wrong extensions", |at| format!(r#""X {at}":[]"#));
    let hole = hole.inside("", &format!(r#"{{"{}":{{"extension_type":"property-extension","#, key(0)), "}}");
    all.push(hole.growth("properties of an extension", ["", ""], ",", |at| format!("\"X {at}\":null")));
}

fn grow_any(hole: &Hole, all: &mut Vec<Growth>) {
    all.push(hole.growth("null", ["[", "]"], ",", |_| "null".into()));
    all.push(hole.growth("mixed", ["[", "]"], ",", |at| ["1", "[]", "{\"\":null}"][at % 3].into()));
    all.push(hole.growth("entries", ["{", "}"], ",", |at| format!("\"k {at}\":null")));
    let close = "]".repeat(30);
    all.push(hole.growth("nested", ["[", "]"], ",", move |_| format!("{}{close}", "[".repeat(30))));
}

/// The schema of a type by its name.
pub(crate) fn of(object_type: &str) -> &'static Schema {
    let schema = schema::of(object_type).unwrap();
    assert_ne!(schema.class, Class::Part);
    schema
}
