//! What a rule sees: one object or part, and where to put findings.

use super::finding::{Code, Finding, Severity};
use super::path::Path;
use crate::json::Value;
use crate::schema::Schema;

/// Collects findings up to a bound.
pub(crate) struct Sink {
    findings: Vec<Finding>,
    most: usize,
}

impl Sink {
    pub(crate) fn new(most: usize) -> Self {
        Self { findings: Vec::new(), most }
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    #[cold]
    pub(crate) fn report(
        &mut self,
        severity: Severity,
        code: Code,
        path: &Path<'_>,
        rule: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let is_full = self.findings.len() >= self.most;
        if !is_full {
            self.findings.push(Finding {
                code,
                severity,
                pointer: path.pointer(),
                rule,
                message: message.into(),
                fix: None,
            });
        } else if self.findings.last().is_some_and(|last| last.code != Code::TooMany) {
            self.findings.push(Finding {
                code: Code::TooMany,
                severity: Severity::Error,
                pointer: String::new(),
                rule: "S-240",
                message: format!("there are more than {} findings; the rest is left out", self.most),
                fix: None,
            });
        }
        self.findings.last_mut().expect("one was pushed, or the bound was reached by pushing")
    }
}

/// One object or part under validation.
pub(crate) struct Subject<'s, 'd> {
    pub(crate) value: Value<'d>,
    pub(crate) schema: &'static Schema,
    pub(crate) path: Path<'s>,
    pub(crate) sink: &'s mut Sink,
}

impl<'d> Subject<'_, 'd> {
    /// A property.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'d>> {
        self.value.get(name)
    }

    /// Whether a property is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A string property.
    pub(crate) fn text(&self, name: &str) -> Option<std::borrow::Cow<'d, str>> {
        self.get(name)?.as_str()
    }

    /// Reports a broken MUST at a property, or at the subject itself when the name is empty.
    #[cold]
    pub(crate) fn must(
        &mut self,
        code: Code,
        property: &str,
        rule: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.report(Severity::Error, code, property, rule, message)
    }

    /// Reports advice that is not followed.
    #[cold]
    pub(crate) fn should(
        &mut self,
        code: Code,
        property: &str,
        rule: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.report(Severity::Warning, code, property, rule, message)
    }

    fn report(
        &mut self,
        severity: Severity,
        code: Code,
        property: &str,
        rule: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        if property.is_empty() {
            return self.sink.report(severity, code, &self.path, rule, message);
        }
        self.sink.report(severity, code, &self.path.member(property), rule, message)
    }
}

impl Finding {
    /// Adds what to do about it.
    pub(crate) fn fix(&mut self, fix: impl Into<String>) {
        self.fix = Some(fix.into());
    }
}
