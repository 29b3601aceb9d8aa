//! Objects with known versions: the run adds its own ([`Seed`]), and filters and pages are asked over a small
//! known set ([`Sample`]), so that a collection of any size can be tested.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::exchange::{Exchange, text};

/// What this run added to the writable collection. Each field is a STIX id.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) collection: String,
    /// Three versions, oldest added first: [`VERSIONS`].
    pub(crate) indicator: String,
    /// Two versions, the newer one added first: the last and the middle of [`VERSIONS`].
    pub(crate) backdated: String,
    /// One version, with custom properties.
    pub(crate) malware: String,
    /// A cyber-observable: neither `created` nor `modified`.
    pub(crate) process: String,
    /// Has `created` only.
    pub(crate) marking: String,
    /// The final status of each envelope.
    pub(crate) statuses: Vec<Arc<Exchange>>,
}

/// The `modified` times of the indicator.
pub(crate) const VERSIONS: [&str; 3] =
    ["2024-03-01T00:00:00.000Z", "2024-03-02T12:30:00.500Z", "2024-03-03T00:00:00.000Z"];

impl Seed {
    /// What is to be added, with ids that `fresh` makes for a type.
    pub(crate) fn new(collection: &str, fresh: impl Fn(&str) -> String) -> Self {
        Self {
            collection: collection.to_owned(),
            indicator: fresh("indicator"),
            backdated: fresh("indicator"),
            malware: fresh("malware"),
            process: fresh("process"),
            marking: fresh("marking-definition"),
            statuses: Vec::new(),
        }
    }

    pub(crate) fn ids(&self) -> [&str; 5] {
        [&self.indicator, &self.backdated, &self.malware, &self.process, &self.marking].map(String::as_str)
    }

    /// One envelope each, so that a server has the chance to give each its own `date_added`.
    pub(crate) fn envelopes(&self) -> [Vec<Value>; 6] {
        [
            vec![indicator(&self.indicator, VERSIONS[0])],
            vec![malware(&self.malware), process(&self.process), marking(&self.marking)],
            vec![indicator(&self.indicator, VERSIONS[1])],
            vec![indicator(&self.backdated, VERSIONS[2])],
            vec![indicator(&self.indicator, VERSIONS[2])],
            vec![indicator(&self.backdated, VERSIONS[1])],
        ]
    }
}

/// A version of an object, as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) date_added: String,
    pub(crate) version: String,
}

/// A few objects of one collection with all their versions, in the order of the server.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) collection: String,
    /// The value of `match[id]` that selects exactly these objects.
    pub(crate) ids: String,
    pub(crate) records: Vec<Record>,
}

pub(crate) fn record(value: &Value) -> Option<Record> {
    Some(Record {
        id: text(value, "id")?.to_owned(),
        date_added: text(value, "date_added")?.to_owned(),
        version: text(value, "version")?.to_owned(),
    })
}

pub(crate) fn envelope(objects: &[Value]) -> Vec<u8> {
    json!({ "objects": objects }).to_string().into_bytes()
}

pub(crate) fn indicator(id: &str, modified: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id,
        "created": VERSIONS[0], "modified": modified, "name": "conformance sample",
        "pattern": "[file:name = 'conformance-sample.bin']", "pattern_type": "stix",
        "valid_from": "2024-03-01T00:00:00Z",
    })
}

pub(crate) fn malware(id: &str) -> Value {
    json!({
        "type": "malware", "spec_version": "2.1", "id": id,
        "created": VERSIONS[0], "modified": VERSIONS[0], "name": "conformance sample", "is_family": false,
        "x_conformance_note": "kept as sent", "x_conformance_nested": {"list": [1, 2], "dictionary": {"three": 3.5}},
    })
}

fn process(id: &str) -> Value {
    json!({"type": "process", "spec_version": "2.1", "id": id, "pid": 4242})
}

fn marking(id: &str) -> Value {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id, "created": VERSIONS[0],
        "definition_type": "statement", "definition": {"statement": "conformance sample"},
    })
}
