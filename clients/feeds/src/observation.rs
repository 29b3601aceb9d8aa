//! What one record of a source says of something that can be observed.

use crate::value::{FileHash, Value};
use std::collections::BTreeMap;
use stix_model::Timestamp;

/// What a record says. Most sources come down to this; those that do not make their objects themselves.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What was seen.
    pub value: Value,
    /// The port at the address.
    pub port: Option<u16>,
    /// Further facts about a file.
    pub file: FileFacts,
    /// What the source calls the record.
    pub external_id: Option<String>,
    /// Where the source shows it.
    pub links: Vec<String>,
    /// A sentence for people.
    pub description: Option<String>,
    /// Words of the source.
    pub labels: Vec<String>,
    /// What it means, in words of the standard (section 10.10).
    pub indicator_types: Vec<String>,
    /// The malware that it points to.
    pub malware: Option<MalwareName>,
    /// 0 to 100.
    pub confidence: Option<i64>,
    /// When the source first had it.
    pub first_seen: Option<Timestamp>,
    /// When the source last saw it active.
    pub last_seen: Option<Timestamp>,
    /// Whether the source says that it is over.
    pub is_over: bool,
}

impl Observation {
    /// A value of which nothing else is known.
    pub fn new(value: Value) -> Self {
        Self {
            value,
            port: None,
            file: FileFacts::default(),
            external_id: None,
            links: Vec::new(),
            description: None,
            labels: Vec::new(),
            indicator_types: Vec::new(),
            malware: None,
            confidence: None,
            first_seen: None,
            last_seen: None,
            is_over: false,
        }
    }
}

/// What is known of a file beside the hash that names it.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Its hashes.
    pub hashes: BTreeMap<FileHash, String>,
    /// Its name.
    pub name: Option<String>,
    /// Its size in bytes.
    pub size: Option<i64>,
    /// Its media type.
    pub mime_type: Option<String>,
}

/// A malware family, as a source names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalwareName {
    /// The name for people.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Where it is described.
    pub link: Option<String>,
}
