//! What a rule sees: one object or part, and where to put findings.

use super::profile::Profile;
use crate::finding::{Code, Finding, Severity};
use crate::json::{Path, Place, Value};
use crate::schema::rule::Rule;
use crate::schema::table::{MOST_PROPERTIES, Schema};
use std::borrow::Cow;

/// Collects findings up to a bound, errors before warnings: a flood of advice hides no error.
pub(crate) struct Sink {
    profile: Profile,
    /// Index of the object that all findings are about.
    index: Option<usize>,
    /// Apart from the warnings, so that an error that comes late costs no search for one that makes room. Each with the
    /// number of warnings before it; once a warning has made room, no other comes.
    errors: Vec<(usize, Finding)>,
    warnings: Vec<Finding>,
    most: usize,
    /// The worst of what is left out.
    left_out: Option<Severity>,
    /// What is not taken, and what comes after the bound.
    spare: Option<Finding>,
    /// Which findings are taken while a part is checked; all when `None`.
    is_taken: Option<fn(&Finding) -> bool>,
}

impl Sink {
    pub(crate) fn new(profile: Profile, most: usize, index: Option<usize>) -> Self {
        let (errors, warnings) = (Vec::new(), Vec::new());
        Self { profile, index, errors, warnings, most, left_out: None, spare: None, is_taken: None }
    }

    /// In the order of the reports.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.warnings;
        if !self.errors.is_empty() {
            let mut warnings = std::mem::take(&mut findings).into_iter();
            let mut taken = 0;
            for (before, error) in self.errors {
                findings.extend(warnings.by_ref().take(before.saturating_sub(taken)));
                taken = taken.max(before);
                findings.push(error);
            }
            findings.extend(warnings);
        }
        if let Some(severity) = self.left_out {
            let message = format!("there are more than {} findings; the rest is left out", self.most);
            findings.push(finding(
                severity,
                Code::TooMany,
                &Path::root(self.index),
                Some(Rule::S240),
                message,
            ));
        }
        findings
    }

    /// How many errors are kept.
    #[cfg(feature = "schemas")]
    pub(crate) fn errors(&self) -> usize {
        self.errors.len()
    }

    /// Whether a finding of this weight would be kept. Ask before a costly search for what to do about it.
    pub(crate) fn has_room(&self, severity: Severity) -> bool {
        let is_full = self.errors.len() + self.warnings.len() >= self.most;
        !is_full || (severity == Severity::Error && !self.warnings.is_empty())
    }

    /// The places of the errors after the first so many.
    #[cfg(feature = "schemas")]
    pub(crate) fn places_since(&self, before: usize) -> impl Iterator<Item = &str> {
        self.errors[before..].iter().map(|(_, error)| &*error.pointer)
    }

    #[cold]
    pub(crate) fn report(
        &mut self,
        severity: Severity,
        code: Code,
        path: &Path<'_>,
        rule: impl Into<Option<Rule>>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let rule = rule.into();
        let severity = if self.profile.forbids(code) { Severity::Error } else { severity };
        if !self.has_room(severity) {
            return self.leave_out(severity, code, rule);
        }
        let finding = finding(severity, code, path, rule, shortened(message.into()));
        if self.is_taken.is_some_and(|is_taken| !is_taken(&finding)) {
            return self.spare.insert(finding);
        }
        // The last warning makes room for an error.
        if self.errors.len() + self.warnings.len() >= self.most {
            self.warnings.pop();
            self.left_out = self.left_out.max(Some(Severity::Warning));
        }
        if severity == Severity::Error {
            self.errors.push((self.warnings.len(), finding));
            return &mut self.errors.last_mut().expect("just pushed").1;
        }
        self.warnings.push(finding);
        self.warnings.last_mut().expect("just pushed")
    }

    /// Runs a check of which only some findings are taken.
    pub(crate) fn only(&mut self, is_taken: fn(&Finding) -> bool, check: impl FnOnce(&mut Self)) {
        let before = self.is_taken.replace(is_taken);
        check(self);
        self.is_taken = before;
    }

    /// Counts a finding that is not kept, and costs no more than that.
    fn leave_out(&mut self, severity: Severity, code: Code, rule: Option<Rule>) -> &mut Finding {
        self.left_out = self.left_out.max(Some(severity));
        let none = || finding(severity, code, &Path::root(None), rule, String::new());
        self.spare.get_or_insert_with(none)
    }
}

/// A message that quotes a part of the object is as long as the part, and a few words show which it is.
fn shortened(mut message: String) -> String {
    const LONGEST: usize = 1_000;
    const KEPT: usize = 200;
    if message.len() > LONGEST {
        let boundary = |at: usize| (0..=at).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        let (start, end) = (boundary(LONGEST - KEPT), boundary(message.len() - KEPT));
        message.replace_range(start..end, " … ");
    }
    message
}

fn finding(severity: Severity, code: Code, path: &Path<'_>, rule: Option<Rule>, message: String) -> Finding {
    let (index, pointer) = (path.index(), path.pointer());
    Finding { code, severity, index, pointer, rule, message, fix: None }
}

/// Where the properties of an object are, in the order of its table, and the names of those that are in no table.
pub(crate) struct Slots<'d> {
    places: [Option<Place>; MOST_PROPERTIES],
    /// A bit for each place that is taken.
    present: u64,
    pub(crate) custom: Vec<Cow<'d, str>>,
}

impl Slots<'_> {
    pub(crate) fn empty() -> Self {
        Self { places: [None; MOST_PROPERTIES], present: 0, custom: Vec::new() }
    }

    pub(crate) fn set(&mut self, index: usize, member: Value<'_>) {
        self.places[index] = member.place();
        self.present |= 1 << index;
    }

    /// Those of these places, a bit for each, that are not taken.
    pub(crate) fn missing(&self, places: u64) -> u64 {
        places & !self.present
    }
}

/// One object or part under validation.
pub(crate) struct Subject<'s, 'd> {
    pub(crate) value: Value<'d>,
    pub(crate) schema: &'static Schema,
    pub(crate) slots: Slots<'d>,
    pub(crate) path: Path<'s>,
    pub(crate) sink: &'s mut Sink,
}

impl<'d> Subject<'_, 'd> {
    /// A property.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'d>> {
        let place = self.slots.places[self.schema.position(name)?.0]?;
        Some(self.value.beside(place))
    }

    /// Whether a property is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A string property.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'d, str>> {
        self.get(name)?.as_str()
    }

    /// Reports a broken MUST at a property, or at the subject itself when it has none of that name.
    #[cold]
    pub(crate) fn must(
        &mut self,
        code: Code,
        property: &str,
        rule: Rule,
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
        rule: Rule,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.report(Severity::Warning, code, property, rule, message)
    }

    fn report(
        &mut self,
        severity: Severity,
        code: Code,
        property: &str,
        rule: Rule,
        message: impl Into<String>,
    ) -> &mut Finding {
        if property.is_empty() || self.value.get(property).is_none() {
            return self.sink.report(severity, code, &self.path, rule, message);
        }
        self.sink.report(severity, code, &self.path.member(property), rule, message)
    }
}

impl Finding {
    /// Adds what to do about it.
    pub(crate) fn fix(&mut self, fix: impl Into<Cow<'static, str>>) {
        self.fix = Some(fix.into());
    }
}
