//! What became of imported objects, in terms of the files that they stand in.

use crate::cli::output;
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use stix_model::taxii::StatusDetails;

/// Failures that are printed one by one.
const SHOWN_FAILURES: usize = 20;

/// Where an object stands.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) file: Arc<str>,
    pub(super) place: InFile,
}

/// The place of an object in its file.
#[derive(Clone, Copy)]
pub(super) enum InFile {
    /// In JSON lines, from 1.
    Line(usize),
    /// In the list `objects` of a bundle or an envelope, from 0.
    Element(usize),
}

/// What became of the objects.
#[derive(Default)]
pub(in crate::cli) struct Outcome {
    pub(super) total: u64,
    pub(in crate::cli) failed: u64,
    /// One row for each failed object, or for a request that was refused as a whole.
    pub(in crate::cli) failures: Vec<Failure>,
}

/// Something that is not in the collection.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Only in JSON lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    id: String,
    version: String,
    message: String,
}

impl Outcome {
    /// Takes over a failure from the status of a request that brought objects from these places.
    pub(super) fn refused_by_server(&mut self, origins: &[&Origin], row: StatusDetails) {
        let message = row.message.unwrap_or_default();
        let found = Place::read(&message).and_then(|place| Some((origins.get(place.index)?, place)));
        let failure = match found {
            Some((origin, place)) => Failure::at(origin, row.id, place.in_file(origin.place)),
            None => Failure { id: row.id, message, ..Failure::default() },
        };
        self.failures.push(Failure { version: row.version, ..failure });
    }

    /// Notes what was refused before the server could look at single objects.
    pub(super) fn refused_as_a_whole(&mut self, count: u64, failure: Failure) {
        self.total += count;
        self.failed += count;
        self.failures.push(failure);
    }

    pub(super) fn print(&self, as_json: bool) -> anyhow::Result<()> {
        let successes = self.total - self.failed;
        if as_json {
            let outcome = json!({"total": self.total, "successes": successes, "failures": self.failures});
            return output::line(&outcome.to_string());
        }
        for failure in self.failures.iter().take(SHOWN_FAILURES) {
            output::complaint(&failure.to_string());
        }
        if let Some(more) = self.failures.len().checked_sub(SHOWN_FAILURES).filter(|more| *more > 0) {
            output::complaint(&format!("… and {more} more; --json shows all"));
        }
        let Self { total, failed, .. } = self;
        output::line(&format!("{successes} of {total} objects are in the collection, {failed} failed"))
    }
}

impl Failure {
    /// Something at a known place.
    pub(super) fn at(origin: &Origin, id: String, message: String) -> Self {
        let line = match origin.place {
            InFile::Line(line) => Some(line),
            InFile::Element(_) => None,
        };
        Self { file: Some((*origin.file).to_owned()), line, id, message, ..Self::default() }
    }

    /// Many things at once.
    pub(super) fn of_many(count: usize, message: String) -> Self {
        Self { id: format!("{count} objects"), message, ..Self::default() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, id, version, message } = self;
        match (file, line) {
            (Some(file), Some(line)) => write!(f, "{file} line {line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            _ => {}
        }
        for name in [id, version].into_iter().filter(|name| !name.is_empty()) {
            write!(f, "{name} ")?;
        }
        f.write_str(message)
    }
}

/// A message of the server: `CODE at /objects/INDEX…`.
struct Place<'m> {
    code: &'m str,
    index: usize,
    rest: &'m str,
}

impl<'m> Place<'m> {
    fn read(message: &'m str) -> Option<Self> {
        let (code, tail) = message.split_once(" at /objects/")?;
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        let (index, rest) = tail.split_at(digits);
        Some(Self { code, index: index.parse().ok()?, rest })
    }

    /// The message with the pointer that it has in the file, or in the object when each line is one.
    fn in_file(&self, place: InFile) -> String {
        let Self { code, rest, .. } = self;
        match place {
            InFile::Element(index) => format!("{code} at /objects/{index}{rest}"),
            InFile::Line(_) if rest.starts_with('/') => format!("{code} at {rest}"),
            InFile::Line(_) => format!("{code}{rest}"),
        }
    }
}
