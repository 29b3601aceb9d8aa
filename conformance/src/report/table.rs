//! The table for people.

use std::io::{self, Write};

use super::Report;
use crate::verdict::Outcome;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "TAXII 2.1 conformance of {}\n", report.api_root)?;
    for row in &report.rows {
        let requirement = &row.requirement;
        let (word, more) = match &row.outcome {
            Outcome::Pass => ("pass", None),
            Outcome::Fail { evidence } => ("FAIL", Some(evidence.to_string())),
            Outcome::NotApplicable { reason } => ("n/a", Some(reason.clone())),
        };
        let (id, level, text) = (&requirement.id, requirement.level.name(), &requirement.text);
        writeln!(out, "{word:<4}  {id:<11}  {level:<7}  {text}")?;
        if let Some(more) = more {
            writeln!(out, "{:28}{}", "", printable(&more))?;
        }
    }
    let tally = report.tally();
    writeln!(
        out,
        "\n{} requirements: {} pass, {} fail ({} of them MUST), {} not applicable",
        report.rows.len(),
        tally.passed,
        tally.failed,
        tally.failed_musts,
        tally.not_applicable
    )?;
    for note in &report.notes {
        writeln!(out, "note: {}", printable(note))?;
    }
    Ok(())
}

/// A server's words on our terminal: no escape sequences, no line breaks.
fn printable(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe
}
