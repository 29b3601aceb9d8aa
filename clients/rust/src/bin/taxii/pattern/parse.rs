//! `taxii pattern parse`

use crate::failure::Failure;
use crate::input::{LIMITS, Text, each_line, text_of};
use crate::out::{Out, Tone};
use serde::Serialize;
use std::borrow::Cow;
use std::path::PathBuf;
use stix_model::json::Document;
use stix_model::pattern::{Pattern, PatternIssue, PatternLevel};

/// Check patterns, and write each in its canonical form
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each line of the file is a pattern: either as it is, or as the property `pattern` of a JSON object, such as an
indicator. Both the grammar and the rules beyond it are checked.

With --json, each pattern has one line, in the order of the input:
  {\"line\",\"valid\",\"canonical\",\"error\":{\"message\",\"offset\"},\"warnings\"}
`canonical` is null when the pattern is not valid, `error` when it is; `offset` counts bytes from the start of the
pattern, and is null where no single place is wrong.

Exit codes: 0 all patterns are valid; 1 some are not; 2 the command was not understood, or the file cannot be read.

Examples:
  taxii pattern parse --pattern \"[ipv4-addr:value=='198.51.100.1']WITHIN 5.0 SECONDS\"
  taxii pattern parse patterns.txt
  taxii pull -c feed --type indicator | taxii pattern parse --json | jq 'select(.valid | not)'")]
pub(crate) struct Arguments {
    /// Patterns, one on each line, also compressed by gzip or zstd; `-`, or none when something is piped in, is standard
    /// input
    #[arg(value_name = "FILE", conflicts_with = "pattern")]
    file: Option<PathBuf>,
    /// The one pattern
    #[arg(long)]
    pattern: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    valid: bool,
    canonical: Option<&'a str>,
    error: Option<&'a Fault>,
    warnings: &'a [String],
}

/// Why a pattern is not valid.
#[derive(Serialize)]
struct Fault {
    message: String,
    offset: Option<usize>,
}

/// A pattern that may be used, in its canonical form.
struct Good {
    canonical: String,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let mut is_all_well = true;
    if let Some(pattern) = &arguments.pattern {
        is_all_well = show("--pattern", 1, Ok(pattern.into()), out)?;
    } else {
        let read = each_line(arguments.file.as_deref(), out, |text, out| {
            is_all_well &= show(text.file, text.line, pattern_of(text), out)?;
            Ok(())
        });
        return Failure::verdict(read, is_all_well);
    }
    Failure::shown_unless(is_all_well)
}

/// The pattern on a line; no pattern begins with a brace.
fn pattern_of<'t>(text: &'t Text<'_>) -> Result<Cow<'t, str>, Fault> {
    text.check().map_err(|fault| Fault { message: fault.finding.message.clone(), offset: None })?;
    let line = text.bytes.strip_suffix(b"\r").unwrap_or(&text.bytes);
    if !line.trim_ascii_start().starts_with(b"{") {
        let at = |error: std::str::Utf8Error| Fault {
            message: "not UTF-8".into(),
            offset: Some(error.valid_up_to()),
        };
        return std::str::from_utf8(line).map(Cow::Borrowed).map_err(at);
    }
    let fault = |message: String| Fault { message, offset: None };
    let document = Document::read(line, LIMITS)
        .map_err(|error| fault(format!("not JSON: {} at column {}", error.kind(), error.column())))?;
    match text_of(document.root(), "pattern") {
        Some(pattern) => Ok(Cow::Owned(pattern.into_owned())),
        None => Err(fault("the property `pattern` is missing or not a string".into())),
    }
}

/// Shows what is to be said of a pattern, and whether it is valid.
fn show(file: &str, line: usize, text: Result<Cow<'_, str>, Fault>, out: &mut Out) -> Result<bool, Failure> {
    let (text, checked) = match text {
        Ok(text) => {
            let checked = check(&text);
            (text, checked)
        }
        Err(fault) => (Cow::Borrowed(""), Err(fault)),
    };
    let is_valid = checked.is_ok();
    if out.is_json() {
        let row = Row { line, valid: is_valid, canonical: None, error: None, warnings: &[] };
        match &checked {
            Ok(good) => {
                out.json(&Row { canonical: Some(&good.canonical), warnings: &good.warnings, ..row })?;
            }
            Err(fault) => out.json(&Row { error: Some(fault), ..row })?,
        }
        return Ok(is_valid);
    }
    match checked {
        Ok(good) => {
            out.line(&good.canonical)?;
            for warning in good.warnings {
                out.remark(format!("{file}:{line}: warning: {warning}"));
            }
        }
        Err(fault) => show_fault(file, line, &text, &fault, out)?,
    }
    Ok(is_valid)
}

fn check(text: &str) -> Result<Good, Fault> {
    let pattern = Pattern::parse(text).map_err(|error| {
        let hint = error.hint().map_or_else(String::new, |hint| format!(": {hint}"));
        Fault { message: format!("{}{hint}", error.kind()), offset: Some(error.offset()) }
    })?;
    let (errors, warnings): (Vec<PatternIssue>, Vec<PatternIssue>) =
        pattern.check().into_iter().partition(|issue| issue.level() == PatternLevel::Must);
    if let Some(issue) = errors.first() {
        return Err(Fault { message: issue.to_string(), offset: issue.offset() });
    }
    let warnings = warnings.iter().map(ToString::to_string).collect();
    Ok(Good { canonical: pattern.to_string(), warnings })
}

/// The fault, the line of the pattern, and a caret below the place.
fn show_fault(file: &str, line: usize, text: &str, fault: &Fault, out: &mut Out) -> Result<(), Failure> {
    let place = fault.offset.map(|offset| {
        let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let shown = text[start..].lines().next().unwrap_or_default();
        (shown, text[start..offset].chars().count())
    });
    let column = place.map_or_else(String::new, |(_, before)| format!("{}:", before + 1));
    out.toned(&[
        (Tone::Plain, &format!("{file}:{line}:{column} ")),
        (Tone::Error, "error"),
        (Tone::Plain, &format!(": {}", fault.message)),
    ])?;
    if let Some((shown, before)) = place {
        // A tab would take more room than one column.
        out.line(format!("  {}", shown.replace('\t', " ")))?;
        out.toned(&[(Tone::Error, &format!("  {}^", " ".repeat(before)))])?;
    }
    Ok(())
}
