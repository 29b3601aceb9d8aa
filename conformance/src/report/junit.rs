//! JUnit XML, as build servers read it.

use std::io::{self, Write};

use super::Report;
use crate::verdict::Outcome;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let tally = report.tally();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuite name="TAXII 2.1 conformance" tests="{}" failures="{}" errors="0" skipped="{}">"#,
        report.rows.len(),
        tally.failed,
        tally.not_applicable
    )?;
    for row in &report.rows {
        let requirement = &row.requirement;
        write!(
            out,
            r#"  <testcase classname="{}" name="{} {}">"#,
            requirement.level.name(),
            escape(&requirement.id),
            escape(&requirement.text)
        )?;
        match &row.outcome {
            Outcome::Pass => {}
            Outcome::Fail { evidence } => {
                write!(out, r#"<failure message="{}"/>"#, escape(&evidence.to_string()))?;
            }
            Outcome::NotApplicable { reason } => write!(out, r#"<skipped message="{}"/>"#, escape(reason))?,
        }
        writeln!(out, "</testcase>")?;
    }
    writeln!(out, "</testsuite>")
}

/// XML 1.0 has no way to write most control characters, so they become a replacement character.
fn escape(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
