//! The Python peers, run by `peers.py` in a process of their own on a sample of the same data.

use crate::table::{Amount, Row};
use crate::{data, ours};
use anyhow::{Context, Result, ensure};
use std::io::Write as _;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers.py");

pub fn rows(objects: &[String]) -> Result<()> {
    let Some(python) = std::env::var_os("PEERS_PYTHON") else {
        println!("\nThe Python peers need their packages: run.sh installs them and runs all of this.");
        return Ok(());
    };
    // They need milliseconds where others need microseconds.
    let sample: Vec<String> = objects.iter().step_by(objects.len().div_ceil(200)).cloned().collect();
    let bundle = data::bundle(&sample);
    let (patterns, observables) = (data::patterns(100), data::observables(200));
    let input = format!(
        r#"{{"bundle":{},"patterns":{},"observables":[{}]}}"#,
        std::str::from_utf8(&bundle)?,
        serde_json::to_string(&patterns)?,
        observables.join(",")
    );
    let mut process = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context(SCRIPT)?;
    process.stdin.take().context("stdin is piped")?.write_all(input.as_bytes())?;
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "{SCRIPT} failed");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let seconds = |name: &str| answer[name].as_f64().with_context(|| format!("{SCRIPT} told no `{name}`"));

    let amount = Amount::Things(sample.len(), "objects");
    let row = Row { what: "full validation of a sample", peer: "stix2-validator", amount, goal: 900.0 };
    row.run_against(seconds("validate")?, ours::validate(&bundle));
    let amount = Amount::Things(patterns.len(), "patterns");
    let row = Row { what: "pattern parse", peer: "stix2-patterns", amount, goal: 1.0 };
    row.run_against(seconds("parse")?, ours::parse_patterns(&patterns));
    let amount = Amount::Things(patterns.len() * observables.len(), "pairs");
    let row = Row { what: "one pattern against one object", peer: "stix2-matcher", amount, goal: 1.0 };
    let (_, matches) = crate::theirs::match_each(&patterns, &observables);
    row.run_against(seconds("match")?, ours::match_each(&patterns, &ours::documents(&observables), matches));
    Ok(())
}
