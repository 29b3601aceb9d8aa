//! `taxii canonicalize`

use crate::failure::Failure;
use crate::input::{LIMITS, OneInput};
use crate::out::Out;
use serde::Serialize;
use stix_model::json::write_canonical;

/// Write JSON in its canonical form (RFC 8785), the text over which digests and signatures are computed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Any JSON value is taken. Integers beyond 2^53 are rounded as RFC 8785 says. Each value becomes one line.

With --json, each value has one line, in the order of the input: {\"line\",\"canonical\",\"error\"}, of which one is null.

Exit codes: 0 all is well; 1 something is not JSON; 2 the command was not understood, or the file cannot be read.

Examples:
  taxii canonicalize object.json | tr -d '\\n' | sha256sum
  taxii canonicalize feed.jsonl.gz > canonical.jsonl
  echo '{\"b\": 1.0, \"a\": \"\\u20ac\"}' | taxii canonicalize")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneInput,
}

#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    canonical: Option<&'a str>,
    error: Option<&'a str>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    // The most that the reader takes.
    let limits = LIMITS.depth(u8::MAX).safe_integers(false);
    let mut is_all_well = true;
    let mut canonical = String::new();
    let read = arguments.input.each(out, |text, out| {
        canonical.clear();
        match text.read(limits) {
            Ok(document) if out.is_json() => {
                write_canonical(document.root(), &mut canonical);
                out.json(&Row { line: text.line, canonical: Some(&canonical), error: None })?;
            }
            Ok(document) => {
                write_canonical(document.root(), &mut canonical);
                canonical.push('\n');
                // Not one byte may be changed, whatever a terminal makes of it.
                out.raw(canonical.as_bytes())?;
            }
            Err(fault) => {
                is_all_well = false;
                let message = fault.message();
                if out.is_json() {
                    out.json(&Row { line: text.line, canonical: None, error: Some(&message) })?;
                } else {
                    out.complain(format!("{}: {message}", text.file));
                }
            }
        }
        Ok(())
    });
    Failure::verdict(read, is_all_well)
}
