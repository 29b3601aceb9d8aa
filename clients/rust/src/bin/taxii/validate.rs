//! `taxii validate`

mod human;
mod json;
mod sarif;
mod verdict;

use crate::failure::Failure;
use crate::input::{InputOptions, LIMITS, Text};
use crate::out::Out;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use stix_model::bundle::{Form, Parts};
use stix_model::json::{Lines, Value};
use stix_model::validate::{Code, Finding, Profile, Rule, Severity, Validator, Versions};
use verdict::{Subject, Verdict};

/// The most findings about one bundle, however many objects it has; stops a text that is made to fill the memory.
const MOST_FINDINGS: usize = 1_000_000;

/// The most findings about one object of it, as about an object by itself.
const MOST_OF_OBJECT: usize = 1_000;

/// Check STIX objects: strict JSON, every rule of STIX 2.1, and the demands of a profile
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An error breaks a MUST of the standard or a demand of the profile, and makes the object invalid; a warning is advice
(SHOULD). What is wrong is shown as FILE:LINE:COLUMN, the object, a JSON pointer inside the object, what is wrong, the
code of the finding and the number of the rule. Errors come first, and of many that are alike the first three are shown
with their number; --all shows each. Other formats are named, and STIX 2.0, which `taxii convert` turns into STIX 2.1.

With --json, each object has one line, in the order of the input; a bundle has a line of its own before those of its
objects:
  {\"line\",\"id\",\"valid\",\"findings\":[{\"code\",\"severity\",\"pointer\",\"rule\",\"message\",\"line\",\"column\",\"fix\"}],\"file\"}
In JSON lines, each line of the input has one line, whether it is an object or a bundle, and pointers begin at the line;
versions of one object are held against each other over all lines of a file, of which the last 100,000 or more are
remembered.
A line that is not JSON has a finding with the code `json`, a file in another format one with `other-format`.

Exit codes: 0 all objects are valid; 1 some are not; 2 the command was not understood, or a file cannot be read.

Examples:
  taxii validate bundle.json feed.jsonl.gz
  taxii pull -c feed | taxii validate --profile strict --no-warnings
  taxii validate --json bundle.json | jq 'select(.valid | not)'
  taxii validate --format sarif *.json > findings.sarif")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputOptions,
    /// What objects are held against: the standard, the interoperability use cases, or what sharing communities ask
    #[arg(long, value_name = "PROFILE", default_value_t, value_parser = profiles())]
    profile: Profile,
    /// How findings are shown [default: human, json with --json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Leave warnings out
    #[arg(long)]
    no_warnings: bool,
    /// Show each finding, as it comes, instead of the first ones of each kind with errors first
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for each finding
    Human,
    /// One JSON value for each object
    Json,
    /// One SARIF 2.1.0 log of all findings
    Sarif,
}

fn profiles() -> impl clap::builder::TypedValueParser<Value = Profile> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    let names = PossibleValuesParser::new(Profile::ALL.map(Profile::as_str));
    names.map(|name| name.parse().expect("one of the possible values"))
}

/// What was counted.
#[derive(Default)]
struct Summary {
    objects: usize,
    invalid: usize,
    errors: usize,
    warnings: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { objects, invalid, errors, warnings } = self;
        write!(f, "{objects} objects, {invalid} invalid; {errors} errors, {warnings} warnings")
    }
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let format = arguments.format.unwrap_or(if out.is_json() { Format::Json } else { Format::Human });
    if out.is_json() && format != Format::Json {
        return Err(Failure::Usage("--json is --format json; give one of them".into()));
    }
    let mut report = Report {
        format,
        no_warnings: arguments.no_warnings,
        summary: Summary::default(),
        digest: human::Digest::new(arguments.all),
        log: sarif::Log::default(),
        versions: ("".into(), Versions::default()),
    };
    let validator = Validator::new(arguments.profile);
    let read = arguments.input.each(out, |text, out| check(text, validator, &mut report, out));
    let shown = match format {
        Format::Human => report.digest.finish(out),
        Format::Sarif => report.log.finish(out),
        Format::Json => Ok(()),
    };
    let told = read.and(shown).and_then(|()| Ok(out.flush()?));
    if told.is_ok() {
        out.remark(&report.summary);
    }
    Failure::verdict(told, report.summary.invalid == 0)
}

/// Shows verdicts as they come, and counts.
struct Report {
    format: Format,
    no_warnings: bool,
    summary: Summary,
    digest: human::Digest,
    log: sarif::Log,
    /// Of the lines of one file.
    versions: (Arc<str>, Versions),
}

fn check(text: &Text<'_>, validator: Validator, report: &mut Report, out: &mut Out) -> Result<(), Failure> {
    let lines = text.lines();
    let document = match text.read(LIMITS) {
        Ok(document) => document,
        Err(fault) => return report.show(Verdict::of_unreadable(text, fault, &lines), out),
    };
    let parts = match text.parts(document.root()) {
        Ok(parts) => parts,
        Err(fault) => return report.show(Verdict::of_unreadable(text, fault, &lines), out),
    };
    // In JSON, a line has one verdict; people want to know which object of it is meant.
    if parts.form == Form::Object || (text.is_line && report.format == Format::Json) {
        report.summary.objects += if parts.form == Form::Object { 1 } else { parts.objects().count() };
        let mut findings = validator.document(parts.root);
        findings.extend(report.between_lines(text, &parts, &findings));
        let subject = Subject::whole(&parts);
        return report.show(Verdict::new(text, &lines, subject, findings), out);
    }
    check_parts(text, &parts, validator, &lines, report, out)
}

/// Shows one verdict for each object, after one for the bundle.
fn check_parts(
    text: &Text<'_>,
    parts: &Parts<'_>,
    validator: Validator,
    lines: &Lines<'_>,
    report: &mut Report,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut all = validator.most_findings(MOST_FINDINGS).document(parts.root);
    let too_many = all.pop_if(|last| last.code == Code::TooMany);
    all.extend(report.between_lines(text, parts, &all));
    // Those about the bundle itself have no index and come first.
    all.sort_by_key(|finding| finding.index);
    let mut findings = all.into_iter().peekable();
    if parts.form == Form::Bundle {
        let mut of_bundle = Vec::new();
        while let Some(finding) = findings.next_if(|finding| finding.index.is_none()) {
            of_bundle.push(finding);
        }
        of_bundle.extend(too_many.clone());
        let subject = Subject::whole(parts);
        report.show(Verdict::new(text, lines, subject, of_bundle), out)?;
    }
    for (index, object) in parts.objects().enumerate() {
        let mut found = Vec::new();
        while let Some(finding) = findings.next_if(|finding| finding.index == Some(index)) {
            found.push(finding);
        }
        // There may be others about this object among those that are left out.
        if found.is_empty() {
            found.extend(too_many.clone());
            found.iter_mut().for_each(|finding| finding.index = Some(index));
        }
        found = bounded(found, index);
        report.summary.objects += 1;
        let subject = Subject::part(parts, object, index);
        report.show(Verdict::new(text, lines, subject, found), out)?;
    }
    Ok(())
}

/// No more findings about one object than the validator would give, errors before warnings.
fn bounded(mut findings: Vec<Finding>, index: usize) -> Vec<Finding> {
    if findings.len() <= MOST_OF_OBJECT {
        return findings;
    }
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let severity = findings[MOST_OF_OBJECT].severity;
    findings.truncate(MOST_OF_OBJECT);
    let message = format!("there are more than {MOST_OF_OBJECT} findings; the rest is left out");
    let mut too_many = Finding::new(severity, Code::TooMany, "", message);
    (too_many.index, too_many.rule) = (Some(index), Some(Rule::S240));
    findings.push(too_many);
    findings
}

impl Report {
    /// What the objects of a line are against those of the lines before. Objects that do not fit others of their own line have
    /// `findings` about it.
    fn between_lines(&mut self, text: &Text<'_>, parts: &Parts<'_>, findings: &[Finding]) -> Vec<Finding> {
        if !text.is_line {
            return Vec::new();
        }
        let conflicts = findings.iter().filter(|finding| finding.code == Code::VersionConflict);
        let reported: BTreeSet<_> = conflicts.filter_map(|finding| finding.index).collect();
        let id = |object: Value<'_>| object.get("id").and_then(|id| id.as_str().map(Cow::into_owned));
        let at_fault = parts.objects().enumerate().filter(|(index, _)| reported.contains(index));
        let at_fault: BTreeSet<_> = at_fault.filter_map(|(_, object)| id(object)).collect();
        let versions = self.versions_of(text);
        let mut between = Vec::new();
        for (index, object) in parts.objects().enumerate() {
            let Some(mut finding) = versions.add(object) else { continue };
            if at_fault.is_empty() || id(object).is_none_or(|id| !at_fault.contains(&id)) {
                finding.index = (parts.form != Form::Object).then_some(index);
                between.push(finding);
            }
        }
        between
    }

    /// What came before of the file to which the text belongs.
    fn versions_of(&mut self, text: &Text<'_>) -> &mut Versions {
        if !Arc::ptr_eq(&self.versions.0, text.file) {
            self.versions = (Arc::clone(text.file), Versions::default());
        }
        &mut self.versions.1
    }

    fn show(&mut self, mut verdict: Verdict<'_>, out: &mut Out) -> Result<(), Failure> {
        if self.no_warnings {
            verdict.findings.retain(|finding| finding.severity == Severity::Error);
        }
        let errors = verdict.errors();
        self.summary.errors += errors;
        self.summary.warnings += verdict.findings.len() - errors;
        self.summary.invalid += usize::from(errors > 0);
        match self.format {
            Format::Human => self.digest.show(&verdict, out),
            Format::Json => json::show(&verdict, out),
            Format::Sarif => self.log.show(&verdict, out),
        }
    }
}
