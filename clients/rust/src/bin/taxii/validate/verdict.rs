//! What was found about one object, or about a text that cannot be read.

use crate::input::{Fault, Text, text_of};
use std::borrow::Cow;
use stix_model::bundle::Parts;
use stix_model::json::{Lines, Value};
use stix_model::validate::{Finding, Rule, Severity};

/// What was found about one object.
pub(super) struct Verdict<'v> {
    pub(super) text: &'v Text<'v>,
    pub(super) lines: &'v Lines<'v>,
    subject: Result<Subject<'v>, Unreadable>,
    pub(super) findings: Vec<Finding>,
}

/// An object in its text, or the text as a whole.
pub(super) struct Subject<'v> {
    value: Value<'v>,
    /// Which of the objects it is; `None` for the text as a whole.
    index: Option<usize>,
    /// JSON pointer of the list in which the objects of the text stand.
    list: &'static str,
}

/// A text that cannot be read as objects.
struct Unreadable {
    /// Line and column where reading stopped.
    place: (usize, usize),
    /// Where it is written that such a text cannot be taken.
    rule: &'static str,
}

impl<'v> Subject<'v> {
    /// A text as a whole.
    pub(super) fn whole(parts: &Parts<'v>) -> Self {
        Self { value: parts.root, index: None, list: parts.form.prefix() }
    }

    /// One object of a text.
    pub(super) fn part(parts: &Parts<'v>, value: Value<'v>, index: usize) -> Self {
        Self { value, index: Some(index), list: parts.form.prefix() }
    }

    /// The pointer of a finding from the start of the text.
    fn pointer_of_text<'f>(&self, finding: &'f Finding) -> Cow<'f, str> {
        match finding.index {
            Some(index) => format!("{}/{index}{}", self.list, finding.pointer).into(),
            None => Cow::Borrowed(&finding.pointer),
        }
    }

    /// The pointer of a finding from the start of the subject.
    fn pointer<'f>(&self, finding: &'f Finding) -> Cow<'f, str> {
        if self.index.is_none() { self.pointer_of_text(finding) } else { Cow::Borrowed(&finding.pointer) }
    }
}

impl<'v> Verdict<'v> {
    /// What was found about an object.
    pub(super) fn new(
        text: &'v Text<'v>,
        lines: &'v Lines<'v>,
        subject: Subject<'v>,
        findings: Vec<Finding>,
    ) -> Self {
        Self { text, lines, subject: Ok(subject), findings }
    }

    /// The text cannot be read as objects.
    pub(super) fn of_unreadable(text: &'v Text<'v>, fault: Fault, lines: &'v Lines<'v>) -> Self {
        let Fault { line, column, finding, rule } = fault;
        let unreadable = Unreadable { place: (line, column), rule };
        Self { text, lines, subject: Err(unreadable), findings: vec![*finding] }
    }

    pub(super) fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// The `id` of the object.
    pub(super) fn id(&self) -> Option<Cow<'v, str>> {
        text_of(self.subject.as_ref().ok()?.value, "id")
    }

    /// The line on which the object begins, or on which reading stopped.
    pub(super) fn line(&self) -> usize {
        match &self.subject {
            // An object that begins somewhere in a text of many lines.
            Ok(subject) if !self.text.is_line => self.lines.at(subject.value.range().start).0,
            Ok(_) => self.text.line,
            Err(unreadable) => unreadable.place.0,
        }
    }

    /// The pointer of a finding, from the object on.
    pub(super) fn pointer<'f>(&self, finding: &'f Finding) -> Cow<'f, str> {
        match &self.subject {
            Ok(subject) => subject.pointer(finding),
            Err(_) => Cow::Borrowed(&finding.pointer),
        }
    }

    /// The pointer of a finding, from the start of the text on.
    pub(super) fn pointer_of_text<'f>(&self, finding: &'f Finding) -> Cow<'f, str> {
        match &self.subject {
            Ok(subject) => subject.pointer_of_text(finding),
            Err(_) => Cow::Borrowed(&finding.pointer),
        }
    }

    /// The rule of a finding; empty for a limit that no standard sets.
    pub(super) fn rule(&self, finding: &Finding) -> &'static str {
        match &self.subject {
            Ok(_) => finding.rule.map_or("", Rule::as_str),
            Err(unreadable) => unreadable.rule,
        }
    }

    /// Line and column of a finding: of what the pointer names, else of the innermost value that is there.
    pub(super) fn place(&self, finding: &Finding) -> (usize, usize) {
        match &self.subject {
            Ok(subject) => self.lines.at(subject.value.nearest(&subject.pointer(finding)).range().start),
            Err(unreadable) => unreadable.place,
        }
    }
}
