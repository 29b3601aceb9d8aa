//! Findings for people.

use super::verdict::Verdict;
use crate::failure::Failure;
use crate::out::{Out, Tone};
use stix_model::validate::Severity;

pub(super) fn show(verdict: &Verdict<'_>, out: &mut Out) -> Result<(), Failure> {
    let id = verdict.id().map_or_else(String::new, |id| format!("{id}: "));
    for finding in &verdict.findings {
        let (line, column) = verdict.place(finding);
        let tone = if finding.severity == Severity::Error { Tone::Error } else { Tone::Warning };
        let pointer = verdict.pointer(finding);
        let separator = if pointer.is_empty() { "" } else { ": " };
        let rule = verdict.rule(finding);
        let comma = if rule.is_empty() { "" } else { ", " };
        out.toned(&[
            (Tone::Plain, &format!("{}:{line}:{column}: ", verdict.text.file)),
            (tone, finding.severity.as_str()),
            (Tone::Plain, &format!(": {id}{pointer}{separator}{}", finding.message)),
            (Tone::Faint, &format!(" [{}{comma}{}]", finding.code.as_str(), rule)),
        ])?;
        if let Some(fix) = &finding.fix {
            out.toned(&[(Tone::Faint, &format!("  fix: {fix}"))])?;
        }
    }
    Ok(())
}
