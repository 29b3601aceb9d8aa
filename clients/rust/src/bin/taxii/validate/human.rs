//! Findings for people.

use super::verdict::Verdict;
use crate::failure::Failure;
use crate::out::{Out, Tone};
use std::collections::BTreeMap;
use stix_model::validate::{Code, Finding, Severity};

/// Findings of one kind that are shown one by one.
const SHOWN: usize = 3;

/// Kinds that are told apart; what comes after is shown one by one.
const MOST_KINDS: usize = 10_000;

/// A line that is to be shown: what it is about, in parts that may be coloured.
type Line = Vec<(Tone, String)>;

/// Collects findings, to show errors first and what repeats only a few times.
pub(super) struct Digest {
    shows_all: bool,
    lines: BTreeMap<Severity, Vec<Line>>,
    kinds: BTreeMap<Kind, Count>,
}

/// What findings that are alike have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    severity: Severity,
    code: Code,
    rule: &'static str,
    /// Pointer and message without numbers and identifiers.
    text: String,
}

/// How often something was found.
struct Count {
    times: usize,
    first: String,
    message: String,
}

impl Digest {
    pub(super) fn new(shows_all: bool) -> Self {
        Self { shows_all, lines: BTreeMap::new(), kinds: BTreeMap::new() }
    }

    pub(super) fn show(&mut self, verdict: &Verdict<'_>, out: &mut Out) -> Result<(), Failure> {
        for finding in &verdict.findings {
            if self.shows_all {
                lines(verdict, finding).iter().try_for_each(|line| show(line, out))?;
            } else if self.is_rare(verdict, finding) {
                let lines = lines(verdict, finding);
                self.lines.entry(finding.severity).or_default().extend(lines);
            }
        }
        Ok(())
    }

    /// Counts a finding, and says whether it is one of the first of its kind.
    fn is_rare(&mut self, verdict: &Verdict<'_>, finding: &Finding) -> bool {
        let pointer = verdict.pointer(finding);
        let Finding { severity, code, message, .. } = finding;
        let kind = Kind {
            severity: *severity,
            code: *code,
            rule: verdict.rule(finding),
            text: general(&format!("{pointer} {message}")),
        };
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&kind) {
            return true;
        }
        let count = self.kinds.entry(kind).or_insert_with(|| {
            let (line, column) = verdict.place(finding);
            let separator = if pointer.is_empty() { "" } else { ": " };
            Count {
                times: 0,
                first: format!("{}:{line}:{column}", verdict.text.file),
                message: format!("{pointer}{separator}{message}"),
            }
        });
        count.times += 1;
        count.times <= SHOWN
    }

    pub(super) fn finish(&self, out: &mut Out) -> Result<(), Failure> {
        for severity in [Severity::Error, Severity::Warning] {
            let lines = self.lines.get(&severity);
            lines.into_iter().flatten().try_for_each(|line| show(line, out))?;
            let of_severity = self.kinds.iter().filter(|(kind, _)| kind.severity == severity);
            for (kind, count) in of_severity.filter(|(_, count)| count.times > SHOWN) {
                let Count { times, first, message } = count;
                let more = times - SHOWN;
                show(
                    &[
                        (tone(severity), severity.as_str().to_owned()),
                        (Tone::Plain, format!(": {more} more like the one at {first}: {message}")),
                        (Tone::Faint, mark(kind.code, kind.rule)),
                    ],
                    out,
                )?;
            }
        }
        Ok(())
    }
}

fn show(line: &[(Tone, String)], out: &mut Out) -> Result<(), Failure> {
    let parts: Vec<_> = line.iter().map(|(tone, text)| (*tone, text.as_str())).collect();
    Ok(out.toned(&parts)?)
}

fn tone(severity: Severity) -> Tone {
    if severity == Severity::Error { Tone::Error } else { Tone::Warning }
}

fn mark(code: Code, rule: &str) -> String {
    let comma = if rule.is_empty() { "" } else { ", " };
    format!(" [{}{comma}{rule}]", code.as_str())
}

fn lines(verdict: &Verdict<'_>, finding: &Finding) -> Vec<Line> {
    let id = verdict.id().map_or_else(String::new, |id| format!("{id}: "));
    let (line, column) = verdict.place(finding);
    let pointer = verdict.pointer(finding);
    let separator = if pointer.is_empty() { "" } else { ": " };
    let mut lines = vec![vec![
        (Tone::Plain, format!("{}:{line}:{column}: ", verdict.text.file)),
        (tone(finding.severity), finding.severity.as_str().to_owned()),
        (Tone::Plain, format!(": {id}{pointer}{separator}{}", finding.message)),
        (Tone::Faint, mark(finding.code, verdict.rule(finding))),
    ]];
    if let Some(fix) = &finding.fix {
        lines.push(vec![(Tone::Faint, format!("  fix: {fix}"))]);
    }
    lines
}

/// A text without what differs from one object to the next: numbers, and long words of hexadecimal digits.
fn general(text: &str) -> String {
    let is_hex = |character: char| character.is_ascii_hexdigit() || character == '-';
    let mut general = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = rest.find(|character| !is_hex(character)).unwrap_or(rest.len());
        let word = &rest[..run];
        let has_digit = word.contains(|character: char| character.is_ascii_digit());
        if has_digit {
            general.push('#');
            rest = &rest[run..];
        } else {
            let length = run.max(first.len_utf8());
            general.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    general
}
