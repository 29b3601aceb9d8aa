//! One text of an input, and what keeps it from being read.

use bytes::Bytes;
use std::sync::Arc;
use stix_model::bundle::{Form, Parts};
use stix_model::json::{Document, JsonErrorKind, Limits, Lines, Value};
use stix_model::reader::{self, Unreadable};
use stix_model::taxii::FilePlace;
use stix_model::validate::Finding;

/// A text, the whole of a file or one line of it.
pub(crate) struct Text<'i> {
    /// The file, for messages.
    pub(crate) file: &'i Arc<str>,
    /// The line on which the text begins, from 1.
    pub(crate) line: usize,
    /// The text; empty when the reader refused it.
    pub(crate) bytes: Bytes,
    /// One line of many; what is found in it is told in one result.
    pub(crate) is_line: bool,
    /// Why the reader refused it.
    refusal: Option<Unreadable>,
}

/// What keeps a text from being used as a whole.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) finding: Box<Finding>,
    /// Where it is written that such a text cannot be taken; empty for what no standard says.
    pub(crate) rule: &'static str,
}

impl Fault {
    /// What is wrong, and where, for a message that names the file already.
    pub(crate) fn message(&self) -> String {
        let Self { line, column, finding, .. } = self;
        let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!("; {fix}"));
        format!("{} at line {line}, column {column}{fix}", finding.message)
    }
}

impl<'i> Text<'i> {
    pub(super) fn new(file: &'i Arc<str>, text: reader::Text) -> Self {
        let reader::Text { line, is_line, bytes, .. } = text;
        Self { file, line, bytes, is_line, refusal: None }
    }

    pub(super) fn refused(file: &'i Arc<str>, refusal: Unreadable) -> Self {
        Self { file, line: refusal.line, bytes: Bytes::new(), is_line: true, refusal: Some(refusal) }
    }

    /// Lines and columns of the text, as those of its file.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines::new(&self.bytes).starting_at(self.line, 1)
    }

    /// The place of a byte of the text.
    pub(crate) fn place(&self, (line, column): (usize, usize)) -> FilePlace {
        FilePlace { file: self.file.clone(), line, column }
    }

    /// Says why the reader refused the text, if it did.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Some(Unreadable { line, column, kind }) = self.refusal else { return Ok(()) };
        Err(Fault { line, column, finding: kind.finding().into(), rule: "" })
    }

    /// Reads the text as JSON.
    pub(crate) fn read(&self, limits: Limits) -> Result<Document<'_>, Fault> {
        self.check()?;
        Document::read(&self.bytes, limits).map_err(|error| {
            let (line, column) = self.lines().at(error.offset());
            Fault { line, column, finding: error.finding().into(), rule: json_rule(error.kind()) }
        })
    }

    /// The parts of the text, unless it is JSON of another kind.
    pub(crate) fn parts<'d>(&self, root: Value<'d>) -> Result<Parts<'d>, Fault> {
        let parts = Parts::of(root);
        let is_odd = parts.form == Form::Object || parts.form == Form::List || parts.form == Form::Envelope;
        let Some(foreign) = parts.foreign().filter(|_| is_odd) else { return Ok(parts) };
        let (line, column) = self.lines().at(root.range().start);
        let finding = reader::UnreadableKind::Foreign(foreign).finding().into();
        Err(Fault { line, column, finding, rule: "" })
    }
}

/// The rule that says that such a text cannot be taken; empty for a limit that no standard sets.
fn json_rule(kind: JsonErrorKind) -> &'static str {
    match kind {
        JsonErrorKind::NotUtf8 | JsonErrorKind::LoneSurrogate => "RFC 7493, section 2.1",
        JsonErrorKind::UnsafeInteger | JsonErrorKind::NotFinite => "RFC 7493, section 2.2",
        JsonErrorKind::DuplicateName => "RFC 7493, section 2.3",
        JsonErrorKind::ByteOrderMark => "RFC 8259, section 8.1",
        JsonErrorKind::TooLong | JsonErrorKind::TooDeep | JsonErrorKind::TooMany => "",
        _ => "RFC 8259",
    }
}
