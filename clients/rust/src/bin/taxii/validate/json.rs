//! Verdicts for programs.

use super::verdict::Verdict;
use crate::failure::Failure;
use crate::out::Out;
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    id: Option<&'a str>,
    valid: bool,
    findings: Vec<Fault<'a>>,
    file: &'a str,
}

#[derive(Serialize)]
struct Fault<'a> {
    code: &'static str,
    severity: &'static str,
    pointer: Cow<'a, str>,
    rule: &'static str,
    message: &'a str,
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

pub(super) fn show(verdict: &Verdict<'_>, out: &mut Out) -> Result<(), Failure> {
    let findings = verdict.findings.iter().map(|finding| {
        let (line, column) = verdict.place(finding);
        Fault {
            code: finding.code.as_str(),
            severity: finding.severity.as_str(),
            pointer: verdict.pointer(finding),
            rule: verdict.rule(finding),
            message: &finding.message,
            line,
            column,
            fix: finding.fix.as_deref(),
        }
    });
    let id = verdict.id();
    Ok(out.json(&Row {
        line: verdict.line(),
        id: id.as_deref(),
        valid: verdict.errors() == 0,
        findings: findings.collect(),
        file: verdict.text.file,
    })?)
}
