//! Output for people and scripts. A closed pipe is no error.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::BinaryBytes;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints a value as one line of JSON, its properties in alphabetical order.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_value(value)?.to_string())
}

/// Prints a line.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes as they are.
pub(super) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Prints a line to standard error, for people: progress, warnings, errors.
pub(super) fn complaint(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints a warning to standard error.
pub(super) fn warning(as_json: bool, text: &str) {
    let line = match as_json {
        true => serde_json::json!({"warning": text}).to_string(),
        false => format!("warning: {text}"),
    };
    complaint(&line);
}

/// Prints a question without ending its line.
pub(super) fn question(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Returns a number of bytes for people, as `1.50 MiB`.
pub(super) fn size(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// Returns `None` for an empty text, by which an option removes a property.
pub(super) fn unless_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Prints rows under their headings, in columns as wide as their longest cell.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(headings).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    line(&table.trim_fmt())
}
