//! What was found about one object, or about a text that cannot be read.

use crate::input::{Text, text_of};
use std::borrow::Cow;
use stix_model::json::{JsonError, Lines, Value};
use stix_model::validate::{Finding, Severity};

/// What was found about one object.
pub(super) struct Verdict<'v> {
    pub(super) text: &'v Text<'v>,
    pub(super) lines: &'v Lines<'v>,
    /// The object; nothing when the text cannot be read.
    pub(super) subject: Option<Subject<'v>>,
    /// Where reading stopped.
    pub(super) offset: usize,
    /// With pointers that begin at the text.
    pub(super) findings: Vec<Finding>,
}

/// An object in its text.
pub(super) struct Subject<'v> {
    pub(super) value: Value<'v>,
    pub(super) pointer: &'v str,
}

impl<'v> Verdict<'v> {
    /// What was found about an object.
    pub(super) fn new(
        text: &'v Text<'v>,
        lines: &'v Lines<'v>,
        subject: Subject<'v>,
        findings: Vec<Finding>,
    ) -> Self {
        Self { text, lines, subject: Some(subject), offset: 0, findings }
    }

    /// The strict reader refused the text.
    pub(super) fn of_unreadable(text: &'v Text<'v>, error: &JsonError, lines: &'v Lines<'v>) -> Self {
        Self { text, lines, subject: None, offset: error.offset(), findings: vec![error.finding()] }
    }

    pub(super) fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// The `id` of the object.
    pub(super) fn id(&self) -> Option<Cow<'v, str>> {
        text_of(self.subject.as_ref()?.value, "id")
    }

    /// The line on which the object begins, or on which reading stopped.
    pub(super) fn line(&self) -> usize {
        match &self.subject {
            // An object that begins somewhere in a text of many lines.
            Some(subject) if !self.text.is_line => self.lines.at(subject.value.range().start).0,
            Some(_) => self.text.line,
            None => self.lines.at(self.offset).0,
        }
    }

    /// The pointer of a finding, from the object on.
    pub(super) fn pointer<'f>(&self, finding: &'f Finding) -> &'f str {
        let start = self.subject.as_ref().map_or("", |subject| subject.pointer);
        finding.pointer.strip_prefix(start).unwrap_or(&finding.pointer)
    }

    /// Line and column of a finding: of what the pointer names, else of the innermost value that is there.
    pub(super) fn place(&self, finding: &Finding) -> (usize, usize) {
        let offset = match &self.subject {
            Some(subject) => subject.value.nearest(self.pointer(finding)).range().start,
            None => self.offset,
        };
        self.lines.at(offset)
    }
}
