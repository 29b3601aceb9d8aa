//! One feed: where it is, how it is written, what it means, and under which terms.

use crate::archive::Members;
use crate::span::Span;
use crate::value::{FileHash, Kind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
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
    /// Where it is fetched: `https`, or `file` for a file of this machine. That of the metadata of a CSAF provider stands for all
    /// of its documents.
    pub url: Option<String>,
    /// The body of the request, for a source that is asked by POST, in the form of a web form.
    pub post: Option<String>,
    /// The pages of an interface; without them the URL is that of one file. In the URL and in the body, `{offset}`, `{page}`
    /// (from 1), `{size}`, `{since}`, `{until}` and `{since-seconds}` stand for what is asked for.
    pub pages: Option<Paging>,
    /// The URL is that of the manifest of a MISP feed, beside which its events are.
    #[serde(default)]
    pub is_manifest: bool,
    /// The URL is that of a collection of a TAXII server, 2.1 or 2.0.
    #[serde(default)]
    pub is_taxii: bool,
    /// The name of the account at a TAXII server, whose password is the key.
    pub username: Option<String>,
    /// Whether the source asks for a key.
    #[serde(default)]
    pub needs_key: bool,
    /// The header that carries the key. `{key}` in the URL is replaced by it, too.
    pub key_header: Option<String>,
    /// The environment variable that has the key.
    pub key_env: Option<String>,
    /// The file that has the key.
    pub key_file: Option<PathBuf>,
    /// The collection that gets the objects, unless that of the server does.
    pub collection: Option<String>,
    /// The largest file that is fetched, in bytes.
    #[serde(default = "max_bytes")]
    pub max_bytes: u64,
    /// The largest file that is read, in bytes after decompression.
    #[serde(default = "max_unpacked")]
    pub max_unpacked_bytes: u64,
    /// Which members count where a file is an archive (ZIP, tar): patterns such as `*.yml`; all when absent.
    #[serde(default)]
    pub members: Members,
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
    /// What becomes of a record whose value is on a warning list.
    #[serde(default)]
    pub on_warninglist: OnWarninglist,
    /// The list of those that count: what is not in it any more is withdrawn.
    #[serde(default)]
    pub is_complete: bool,
    /// The largest share of a complete list that is withdrawn in one run, in percent.
    #[serde(default = "max_withdrawn")]
    pub max_withdrawn_percent: u8,
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

impl Feed {
    /// Whether its URL is that of the metadata of a provider of CSAF, which names the lists of its documents.
    pub fn is_provider(&self) -> bool {
        let path = self.url.as_deref().and_then(|url| url.split(['?', '#']).next());
        self.format == Format::Csaf && path.is_some_and(|path| path.ends_with("/provider-metadata.json"))
    }
}

fn clear() -> Tlp {
    Tlp::Clear
}

/// What becomes of a record whose value is on a warning list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnWarninglist {
    /// Its indicator gets a confidence of 10 at most, and the list as a label.
    #[default]
    Lower,
    /// It becomes no object.
    Hold,
}

/// How the pages of an interface follow each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Paging {
    /// Records of a page.
    pub size: u64,
    /// Where the number of all records is in a page: a JSON pointer. Without it, a page that is not full is the last one.
    pub total: Option<String>,
    /// Where the records of a page are: a JSON pointer.
    pub list: String,
    /// The longest span of time that can be asked for.
    pub window: Option<Span>,
    /// Time between two pages.
    pub pause: Option<Span>,
}

fn max_withdrawn() -> u8 {
    50
}

fn max_bytes() -> u64 {
    256 << 20
}

fn max_unpacked() -> u64 {
    2 << 30
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
    /// The catalogue of known exploited vulnerabilities of CISA.
    CisaKev,
    /// A page of the National Vulnerability Database (API 2.0).
    Nvd,
    /// Scores of EPSS.
    Epss,
    /// STIX 2.0 or 2.1: bundles, envelopes, lists, JSON lines.
    Stix,
    /// Packages of STIX 1.1 and 1.2.
    #[serde(rename = "stix1")]
    Stix1,
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
    /// OSV documents.
    Osv,
    /// Documents of CSAF 2.0.
    Csaf,
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
pub(crate) enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

impl From<OneOrSeveral> for Vec<String> {
    fn from(texts: OneOrSeveral) -> Self {
        match texts {
            OneOrSeveral::One(text) => vec![text],
            OneOrSeveral::Several(texts) => texts,
        }
    }
}

impl Pick {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }
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
                Self { fields: field.into(), split, join, strip, format, map }
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
            Self::CisaKev => "the JSON catalogue of CISA",
            Self::Nvd => "JSON of the NVD API 2.0",
            Self::Epss => "the table of EPSS",
            Self::Stix => "STIX",
            Self::Stix1 => "STIX 1.x",
            Self::Sigma => "Sigma rules",
            Self::Yara => "YARA rules",
            Self::Suricata => "Suricata rules",
            Self::Snort => "Snort rules",
            Self::Misp => "MISP events",
            Self::Osv => "OSV",
            Self::Csaf => "CSAF 2.0",
            Self::Otx => "OTX pulses",
            Self::OpenIoc => "OpenIOC",
            Self::MispGalaxy => "clusters of a MISP galaxy",
        })
    }
}
