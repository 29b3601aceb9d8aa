//! `taxii validate`

use crate::failure::Failure;
use crate::findings::Finding;
use crate::input::{Entry, Input, InputOptions};
use crate::out::Out;
use serde::Serialize;

/// Check files of STIX objects before they are sent: strict JSON, and the header of each object (id, type,
/// spec_version, created, modified). The properties of each type are not checked
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A fault is shown as FILE:LINE:COLUMN, the object, a JSON pointer inside the object, and what is wrong. With --json,
each object has one line: {\"file\",\"line\",\"id\",\"valid\",\"findings\":[{\"code\",\"severity\",\"pointer\",\"rule\",\"message\"}]}.

Examples:
  taxii validate bundle.json feed.jsonl.gz
  taxii pull -c feed | taxii validate -
  taxii --json validate bundle.json | jq 'select(.valid | not)'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputOptions,
}

/// What was found about one object.
#[derive(Serialize)]
struct Verdict<'a> {
    file: &'a str,
    line: usize,
    id: Option<&'a str>,
    valid: bool,
    findings: Vec<&'a Finding>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let (mut objects, mut invalid) = (0, 0);
    for input in arguments.input.read() {
        let input = input?;
        for entry in input.entries() {
            objects += 1;
            invalid += usize::from(entry.outcome.is_err());
            show(&input, &entry, out)?;
        }
    }
    out.flush()?;
    out.remark(format!("{objects} objects, {invalid} of them invalid"));
    if invalid > 0 { Err(Failure::Shown) } else { Ok(()) }
}

fn show(input: &Input, entry: &Entry, out: &mut Out) -> Result<(), Failure> {
    if out.is_json() {
        let (id, findings) = match &entry.outcome {
            Ok(object) => (Some(object.header().id.as_str()), Vec::new()),
            Err(problem) => (problem.id.as_deref(), vec![&problem.finding]),
        };
        let valid = findings.is_empty();
        return Ok(out.json(&Verdict { file: &input.name, line: entry.line, id, valid, findings })?);
    }
    let Err(problem) = &entry.outcome else { return Ok(()) };
    let (line, column) = problem.place;
    let id = problem.id.as_ref().map_or_else(String::new, |id| format!("{id}: "));
    Ok(out.line(format!("{}:{line}:{column}: {id}{}", input.name, problem.finding))?)
}
