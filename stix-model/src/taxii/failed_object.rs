use super::StatusDetails;
use crate::json::Lines;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// A place in a file, shown as `FILE:LINE:COLUMN`. Of a compressed file, the text inside counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilePlace {
    /// Name of the file.
    #[serde(serialize_with = "write_file")]
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl FilePlace {
    /// The place of what a JSON pointer leads to, in a JSON text that begins at this place; see [`Lines::nearest`].
    #[must_use]
    pub fn inside(&self, text: &[u8], pointer: &str) -> Self {
        let (line, column) = Lines::new(text).starting_at(self.line, self.column).nearest(pointer);
        Self { file: self.file.clone(), line, column }
    }
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{file}:{line}:{column}")
    }
}

fn write_file<S: Serializer>(file: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(file)
}

/// An object of a file that did not get into a collection, as tools report it: a line for people, and an object of
/// JSON for programs, with `file`, `line`, `column`, `id`, `version`, `message`, and of a finding `pointer`, `code`,
/// `rule`, `fix` and `more`.
///
/// ```
/// use stix_model::taxii::{FailedObject, FilePlace};
/// let details = serde_json::from_str(r#"{
///     "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "version": "2020-01-01T00:00:00Z",
///     "x_concord_finding": {"index": 41, "pointer": "/name", "code": "property-type", "message": "must be a string"}
/// }"#)?;
/// let object = FilePlace { file: "tools.jsonl".into(), line: 7, column: 1 };
/// let failed = FailedObject { place: Some(object.inside(br#"{"name": 5}"#, "/name")), details };
/// assert_eq!(
///     failed.to_string(),
///     "failed  tools.jsonl:7:10  tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f  2020-01-01T00:00:00Z  \
///      property-type at /name: must be a string"
/// );
/// assert_eq!(serde_json::to_value(&failed)?["code"], "property-type");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedObject {
    /// The place of the fault; nothing when a server names an object that was not sent.
    pub place: Option<FilePlace>,
    /// The object and what is wrong with it.
    pub details: StatusDetails,
}

impl FailedObject {
    /// The line for people, beginning with another word than `failed`.
    ///
    /// ```
    /// use stix_model::taxii::{FailedObject, StatusDetails};
    /// let (id, message) = ("tool--1".to_owned(), Some("no answer".to_owned()));
    /// let details = StatusDetails { id, version: String::new(), message, finding: None };
    /// assert_eq!(FailedObject { place: None, details }.line("unknown"), "unknown  tool--1  no answer");
    /// ```
    #[must_use]
    pub fn line(&self, word: &str) -> String {
        let mut line = word.to_owned();
        // A string takes everything.
        let _ = self.write_after(&mut line);
        line
    }

    fn write_after(&self, f: &mut impl fmt::Write) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "  {place}")?;
        }
        let StatusDetails { id, version, message, finding } = &self.details;
        for name in [id, version].into_iter().filter(|name| !name.is_empty()) {
            write!(f, "  {name}")?;
        }
        match finding {
            Some(finding) => write!(f, "  {finding}"),
            None => write!(f, "  {}", message.as_deref().unwrap_or("(no reason given)")),
        }
    }
}

impl fmt::Display for FailedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")?;
        self.write_after(f)
    }
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    place: Option<&'a FilePlace>,
    id: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<u64>,
}

impl Serialize for FailedObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let StatusDetails { id, version, message, finding } = &self.details;
        let finding = finding.as_ref();
        let row = Row {
            place: self.place.as_ref(),
            id,
            version,
            pointer: finding.map(|finding| &*finding.pointer),
            code: finding.map(|finding| &*finding.code),
            rule: finding.and_then(|finding| finding.rule.as_deref()),
            message: finding.map(|finding| &*finding.message).or(message.as_deref()),
            fix: finding.and_then(|finding| finding.fix.as_deref()),
            more: finding.map(|finding| finding.more).filter(|more| *more > 0),
        };
        row.serialize(serializer)
    }
}
