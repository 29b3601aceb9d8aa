//! One feed: where it is, how it is written, what it means, and under which terms.

use crate::span::Span;
use crate::value::{FileHash, Kind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use stix_model::Tlp;

/// A feed, as a declaration and the settings of the operator make it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Feed {
    /// Its name in commands and settings; not part of a declaration.
    #[serde(skip)]
    pub name: String,
    /// The organisation or project that publishes it; it becomes the identity that made the objects.
    pub publisher: String,
    /// The feed, for people.
    pub title: String,
    /// What becomes of a record, for people.
    #[serde(default)]
    pub mapping: String,
    /// Where it is fetched.
    pub url: Option<String>,
    /// The form of its files.
    pub format: Format,
    /// The terms of its publisher, which become a statement marking.
    pub terms: Option<String>,
    /// Whether `run` fetches it.
    #[serde(default)]
    pub enabled: bool,
    /// Time between two fetches.
    pub interval: Option<Span>,
    /// The marking of its objects.
    #[serde(default = "clear", deserialize_with = "crate::settings::tlp")]
    pub tlp: Tlp,
    /// Confidence of what the source gives none for, 0 to 100.
    pub confidence: Option<u8>,
    /// How long an indicator is worth looking for after it was last seen.
    pub time_to_live: Option<Span>,
    /// Labels of its indicators.
    #[serde(default)]
    pub labels: Vec<String>,
    /// What its indicators mean (STIX 2.1, section 10.10).
    #[serde(default)]
    pub indicator_types: Vec<String>,
    /// The list of those that count: what is not in it any more is withdrawn.
    #[serde(default)]
    pub is_complete: bool,
    /// Where records are in a JSON document: names, or `*` for each member, with slashes before them. Of several places the
    /// first one that a file has counts.
    #[serde(default)]
    pub records: Vec<String>,
    /// The character between the columns of a table.
    pub delimiter: Option<char>,
    /// Names of the columns, where the file does not name them.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Texts that stand for no value.
    #[serde(default)]
    pub empty: Vec<String>,
    /// Records that are none, by the value of a field, such as a line of metadata.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
    /// What the fields of a record mean.
    #[serde(default)]
    pub fields: Fields,
}

fn clear() -> Tlp {
    Tlp::Clear
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One value a line; what follows a blank, a semicolon or `#` is a comment.
    Lines,
    /// A table: comma-separated values, or values with another delimiter.
    Csv,
    /// A JSON document with records in it.
    Json,
    /// A JSON object a line.
    JsonLines,
    /// Any of the three: the first bytes of the file tell.
    Table,
    /// Rules of Sigma, in one YAML file or several behind each other.
    Sigma,
    /// Rules of YARA.
    Yara,
    /// Rules of Suricata.
    Suricata,
    /// Rules of Snort.
    Snort,
    /// Events of MISP: one, a list, or what an instance answers.
    Misp,
    /// Clusters of a galaxy of MISP.
    MispGalaxy,
    /// OpenIOC 1.0 and 1.1.
    #[serde(rename = "openioc")]
    OpenIoc,
    /// Pulses of AlienVault OTX.
    Otx,
}

/// Which fields of a record say what.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fields {
    /// The value.
    pub value: Option<Pick>,
    /// What the value is; [`Kind::Any`] when absent.
    pub kind: Option<KindPick>,
    /// The port at an address.
    pub port: Option<Pick>,
    /// Hashes of a file.
    #[serde(default)]
    pub hashes: BTreeMap<FileHash, Pick>,
    /// The name of a file.
    pub file_name: Option<Pick>,
    /// The size of a file, in bytes.
    pub file_size: Option<Pick>,
    /// The media type of a file.
    pub mime_type: Option<Pick>,
    /// What the source calls the record.
    pub id: Option<Pick>,
    /// Where the source shows it.
    pub link: Option<Pick>,
    /// A sentence for people.
    pub description: Option<Pick>,
    /// Labels.
    pub labels: Option<Pick>,
    /// The malware family.
    pub malware: Option<Pick>,
    /// Its other names.
    pub malware_aliases: Option<Pick>,
    /// Where the family is described.
    pub malware_link: Option<Pick>,
    /// 0 to 100.
    pub confidence: Option<Pick>,
    /// When the source first had it.
    pub first_seen: Option<Pick>,
    /// When the source last saw it active.
    pub last_seen: Option<Pick>,
    /// A field that says that it is over, and the texts that do.
    pub over: Option<Pick>,
}

/// What a value is: for all records, or as a field says.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum KindPick {
    /// The same for all.
    All(Kind),
    /// As a field says.
    Field {
        /// The field.
        field: String,
        /// What its texts stand for.
        map: BTreeMap<String, Kind>,
    },
}

/// Where a text of a record is.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "PickForm")]
pub struct Pick {
    /// Fields; the first that has a value counts, or for labels each.
    pub fields: Vec<String>,
    /// What separates several values in one field.
    pub split: Option<String>,
    /// What is put between several fields that make one value.
    pub join: Option<String>,
    /// What is cut off at its end.
    pub strip: Option<String>,
    /// A sentence with the text in the place of `{}`.
    pub format: Option<String>,
    /// Texts that are replaced; where there are some, all others are no value.
    pub map: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PickForm {
    One(String),
    Several(Vec<String>),
    Whole(PickTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PickTable {
    field: OneOrSeveral,
    split: Option<String>,
    join: Option<String>,
    strip: Option<String>,
    format: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

impl From<PickForm> for Pick {
    fn from(form: PickForm) -> Self {
        let plain = |fields| Self {
            fields,
            split: None,
            join: None,
            strip: None,
            format: None,
            map: BTreeMap::new(),
        };
        match form {
            PickForm::One(field) => plain(vec![field]),
            PickForm::Several(fields) => plain(fields),
            PickForm::Whole(PickTable { field, split, join, strip, format, map }) => {
                let fields = match field {
                    OneOrSeveral::One(field) => vec![field],
                    OneOrSeveral::Several(fields) => fields,
                };
                Self { fields, split, join, strip, format, map }
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lines => "a value a line",
            Self::Csv => "a table",
            Self::Json => "JSON",
            Self::JsonLines => "JSON lines",
            Self::Table => "a table, JSON or JSON lines",
            Self::Sigma => "Sigma rules",
            Self::Yara => "YARA rules",
            Self::Suricata => "Suricata rules",
            Self::Snort => "Snort rules",
            Self::Misp => "MISP events",
            Self::Otx => "OTX pulses",
            Self::OpenIoc => "OpenIOC",
            Self::MispGalaxy => "clusters of a MISP galaxy",
        })
    }
}
