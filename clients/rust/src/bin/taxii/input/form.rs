//! Whether an input is one JSON text or JSON lines.

use super::{Input, LIMITS, STANDARD_INPUT};
use std::io;
use stix_model::json::{Document, Limits};

/// So many bytes are looked at when the first line does not tell.
const WINDOW: usize = 64 << 10;

/// Looks into the beginning, and leaves it in the buffer.
pub(super) fn is_lines(input: &mut Input) -> io::Result<bool> {
    let name = input.name.strip_suffix(".gz").or(input.name.strip_suffix(".zst")).unwrap_or(&input.name);
    if name.ends_with(".jsonl") || name.ends_with(".ndjson") {
        return Ok(true);
    }
    // Blank lines at the beginning mean nothing.
    loop {
        while !input.has_line() {
            input.fill()?;
        }
        let is_blank = input.buffer[..input.searched].iter().all(u8::is_ascii_whitespace);
        if !is_blank || input.take_line().is_none() {
            break;
        }
    }
    let first = input.searched;
    // Whoever writes to standard input may be waiting for the answer to the first line. No line at all is fine there.
    if &*input.name == STANDARD_INPUT && (first == 0 || is_whole(&input.buffer[..first])) {
        return Ok(true);
    }
    // A whole value with more behind it is no single JSON text.
    while !input.is_at_end && input.buffer[first..].iter().all(u8::is_ascii_whitespace) {
        input.fill()?;
    }
    if input.buffer[first..].iter().all(u8::is_ascii_whitespace) {
        return Ok(false);
    }
    if is_whole(&input.buffer[..first]) {
        return Ok(true);
    }
    while !input.is_at_end && input.buffer.len() < WINDOW {
        input.fill()?;
    }
    Ok(are_mostly_whole(&input.buffer[..input.buffer.len().min(WINDOW)]))
}

/// Only most, because a broken line must not hide the others; and a text over many lines has few whole ones.
fn are_mostly_whole(text: &[u8]) -> bool {
    let (mut lines, mut whole) = (0, 0);
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        lines += 1;
        let is_object = line.starts_with(b"{") && line.ends_with(b"}");
        whole += usize::from(is_object || is_whole(line));
    }
    lines > 1 && whole > lines / 2
}

fn is_whole(line: &[u8]) -> bool {
    Document::read(line, Limits { depth: u8::MAX, safe_integers: false, ..LIMITS }).is_ok()
}
