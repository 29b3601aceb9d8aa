//! `taxii id`

use crate::failure::Failure;
use crate::input::{Fault, LIMITS, OneInput, Text, text_of};
use crate::out::Out;
use serde::Serialize;
use stix_model::bundle::Form;
use stix_model::json::Value;
use stix_model::{ScoId, sco_id};

/// Compute the deterministic identifiers of cyber-observable objects
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An `id` that an object has already is not looked at. Where the standard wants a random identifier (UUIDv4), as for a
process, or where the object is no cyber-observable of STIX 2.1, there is a `-` and the reason on standard error.

With --json, each object has one line, in the order of the input: {\"line\",\"id\"}, with a null id and \"reason\" where a
random identifier is wanted, and with a null id and \"error\" where there can be none.

Exit codes: 0 all is well; 1 something is no cyber-observable object; 2 the command was not understood, or the file
cannot be read.

Examples:
  echo '{\"type\":\"ipv4-addr\",\"value\":\"198.51.100.3\"}' | taxii id
  taxii id --json observables.jsonl | jq -r 'select(.error).line'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneInput,
}

#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let mut is_all_well = true;
    let read = arguments.input.each(out, |text, out| {
        is_all_well &= identify(text, out)?;
        Ok(())
    });
    Failure::verdict(read, is_all_well)
}

/// Shows the identifiers of a text, and says whether each value was a cyber-observable object.
fn identify(text: &Text<'_>, out: &mut Out) -> Result<bool, Failure> {
    let lines = text.lines();
    let refuse = |fault: &Fault, out: &mut Out| {
        let row = Row { line: text.line, id: None, reason: None, error: Some(&fault.message()) };
        show(text, &row, out)
    };
    let document = match text.read(LIMITS) {
        Ok(document) => document,
        Err(fault) => return refuse(&fault, out),
    };
    let parts = match text.parts(document.root()) {
        Ok(parts) => parts,
        Err(fault) => return refuse(&fault, out),
    };
    if text.is_line || parts.form == Form::Object {
        return identify_one(text, parts.root, text.line, out);
    }
    let mut is_all_well = true;
    for object in parts.objects() {
        is_all_well &= identify_one(text, object, lines.at(object.range().start).0, out)?;
    }
    Ok(is_all_well)
}

fn identify_one(text: &Text<'_>, object: Value<'_>, line: usize, out: &mut Out) -> Result<bool, Failure> {
    let row = Row { line, id: None, reason: None, error: None };
    match sco_id(object) {
        Ok(ScoId::Deterministic { id, .. }) => show(text, &Row { id: Some(id.as_str()), ..row }, out),
        Ok(ScoId::Random) => show(text, &Row { reason: Some(why_random(object)), ..row }, out),
        Err(error) => show(text, &Row { error: Some(&error.to_string()), ..row }, out),
    }
}

/// STIX 2.1, sections 2.9 and 3.6.
fn why_random(object: Value<'_>) -> &'static str {
    if text_of(object, "type").is_some_and(|name| name == "process") {
        return "a process has a random identifier (UUIDv4)";
    }
    if object.get("created").or(object.get("modified")).is_some() {
        return "an object with `created` or `modified` has a random identifier (UUIDv4)";
    }
    "without any of its ID contributing properties, an object has a random identifier (UUIDv4)"
}

fn show(text: &Text<'_>, row: &Row<'_>, out: &mut Out) -> Result<bool, Failure> {
    let is_well = row.error.is_none();
    if out.is_json() {
        out.json(row)?;
        return Ok(is_well);
    }
    out.line(row.id.unwrap_or("-"))?;
    if let Some(reason) = row.error.or(row.reason) {
        let message = format!("{}:{}: {reason}", text.file, row.line);
        if is_well { out.remark(message) } else { out.complain(message) }
    }
    Ok(is_well)
}
