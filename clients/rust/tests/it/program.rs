//! Running the program on some input.

use crate::stub::{taxii, text};
use serde_json::Value;
use std::io::Write;
use std::process::{Output, Stdio};

/// What the program says about some standard input.
pub(crate) fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut command = taxii();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    // From another thread, because the program answers before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // It may have stopped reading.
    let _ = writer.join().unwrap();
    output
}

/// Exit code, standard output, standard error.
pub(crate) fn said(arguments: &[&str], input: impl AsRef<[u8]>) -> (i32, String, String) {
    let output = run(arguments, input);
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// One value for each line of JSON.
pub(crate) fn rows(arguments: &[&str], input: impl AsRef<[u8]>) -> (i32, Vec<Value>) {
    let output = run(arguments, input);
    let rows = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), rows)
}
