//! Files of STIX objects: bundles, envelopes, JSON lines; compressed or not.

use crate::failure::Failure;
use crate::findings::Problem;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use stix_model::Object;
use stix_model::json::{Document, JsonError, Limits, Value};
use stix_model::taxii::{SplitError, split};

/// The longest file that is read, after decompression: a small file must not fill the memory.
const MAX_BYTES: usize = 2 << 30;

const LIMITS: Limits = Limits { depth: 64, bytes: MAX_BYTES, elements: usize::MAX, safe_integers: true };

/// Which files.
#[derive(Debug, clap::Args)]
pub(crate) struct InputOptions {
    /// Bundles, envelopes, single objects or JSON lines, also compressed by gzip or zstd; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Each line is an object of its own, whatever the text looks like
    #[arg(long)]
    lines: bool,
}

impl InputOptions {
    /// Reads one file after the other.
    pub(crate) fn read(&self) -> impl Iterator<Item = Result<Input, Failure>> {
        self.files.iter().map(|file| Input::read(file, self.lines))
    }
}

/// A text with objects in it.
pub(crate) struct Input {
    /// The file, for messages.
    pub(crate) name: String,
    text: Bytes,
    is_lines: bool,
}

/// One element of a text: where it stands, and the object or what is wrong with it.
pub(crate) struct Entry {
    /// Line, from 1.
    pub(crate) line: usize,
    /// The object, or why it is none.
    pub(crate) outcome: Result<Object, Box<Problem>>,
}

impl Input {
    fn read(file: &str, lines: bool) -> Result<Self, Failure> {
        let name = if file == "-" { "standard input" } else { file }.to_owned();
        let at = |error| Failure::file(Path::new(&name), error);
        let mut text = Vec::new();
        match file {
            "-" => read_all(io::stdin().lock(), &mut text).map_err(&at)?,
            _ => read_all(std::fs::File::open(file).map_err(&at)?, &mut text).map_err(&at)?,
        }
        // RFC 1952, section 2.3.1. The name of a file may lie, and standard input has none.
        if text.starts_with(&[0x1f, 0x8b]) {
            let compressed = std::mem::take(&mut text);
            read_all(MultiGzDecoder::new(&compressed[..]), &mut text).map_err(&at)?;
        } else if text.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            // RFC 8878, section 3.1.1.
            let compressed = std::mem::take(&mut text);
            let decoder = zstd::Decoder::new(&compressed[..]).map_err(&at)?;
            read_all(decoder, &mut text).map_err(&at)?;
        }
        let is_lines = lines || names_lines(file) || looks_like_lines(&text);
        Ok(Self { name, text: text.into(), is_lines })
    }

    /// The elements of the text. When the text as a whole cannot be read, that is the only one.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        if self.is_lines {
            return self.lines().map(|(line, text)| single(text, line)).collect();
        }
        let rows = match split(&self.text, LIMITS) {
            Ok(rows) => rows,
            Err(SplitError::NoObjects) if !self.is_envelope() => return vec![single(self.text.clone(), 1)],
            Err(SplitError::Json(error)) => return vec![broken(&error, error.line())],
            Err(error) => return vec![Entry { line: 1, outcome: Err(Problem::of_envelope(&error).into()) }],
        };
        let document = Document::read(&self.text, LIMITS).expect("`split` read it");
        let elements = document.root().get("objects").expect("`split` found it");
        let places = Places::of(&self.text);
        let entry = |(row, value): (Result<Object, stix_model::taxii::Unusable>, Value<'_>)| Entry {
            line: places.line(value.range().start),
            outcome: row.map_err(|row| {
                Box::new(Problem::of_object(&row.error, value, places.of_pointer(value, row.error.pointer())))
            }),
        };
        rows.into_iter().zip(elements.elements()).map(entry).collect()
    }

    fn lines(&self) -> impl Iterator<Item = (usize, Bytes)> {
        let lines = self.text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).zip(1..);
        lines.filter(|(line, _)| !line.is_empty()).map(|(line, number)| (number, self.text.slice_ref(line)))
    }

    /// The text means to be an envelope or a bundle, and not one object.
    fn is_envelope(&self) -> bool {
        let Ok(document) = Document::read(&self.text, LIMITS) else { return false };
        let root = document.root();
        let is_bundle = || root.get("type").and_then(Value::as_str).is_some_and(|name| name == "bundle");
        root.get("objects").is_some() || root.get("type").is_none() || is_bundle()
    }
}

/// A text that is one object; it begins at this line.
fn single(text: Bytes, line: usize) -> Entry {
    let document = match Document::read(&text, LIMITS) {
        Ok(document) => document,
        Err(error) => return broken(&error, line + error.line() - 1),
    };
    let outcome = Object::from_value(document.root(), &text).map_err(|error| {
        let (row, column) = Places::of(&text).of_pointer(document.root(), error.pointer());
        Box::new(Problem::of_object(&error, document.root(), (line + row - 1, column)))
    });
    Entry { line, outcome }
}

fn broken(error: &JsonError, line: usize) -> Entry {
    Entry { line, outcome: Err(Problem::of_json(error, line).into()) }
}

fn read_all(source: impl Read, text: &mut Vec<u8>) -> io::Result<()> {
    source.take(MAX_BYTES as u64 + 1).read_to_end(text)?;
    if text.len() > MAX_BYTES { Err(io::Error::other("larger than 2 GiB")) } else { Ok(()) }
}

fn names_lines(file: &str) -> bool {
    let file = file.strip_suffix(".gz").unwrap_or(file);
    file.ends_with(".jsonl") || file.ends_with(".ndjson")
}

/// Most lines are whole JSON objects with nothing between them, which no single JSON text has. Only most, because a
/// broken line must not hide the others.
fn looks_like_lines(text: &[u8]) -> bool {
    let (mut lines, mut whole) = (0, 0);
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        lines += 1;
        whole += usize::from(line.starts_with(b"{") && line.ends_with(b"}"));
    }
    lines > 1 && whole > lines / 2
}

/// Where lines begin in a text.
struct Places<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn of(text: &'t [u8]) -> Self {
        let after_breaks = text.iter().zip(1..).filter(|(byte, _)| **byte == b'\n').map(|(_, next)| next);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The line of a byte, from 1.
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column, in characters and from 1, of what a JSON pointer inside `value` names. What is missing is
    /// reported at the innermost value that is there.
    fn of_pointer(&self, value: Value<'_>, pointer: &str) -> (usize, usize) {
        let mut value = value;
        for segment in pointer.split('/').skip(1) {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let inside = value.get(&name).or_else(|| value.elements().nth(name.parse().ok()?));
            let Some(inside) = inside else { break };
            value = inside;
        }
        let Range { start, .. } = value.range();
        let line = self.line(start);
        (line, 1 + String::from_utf8_lossy(&self.text[self.starts[line - 1]..start]).chars().count())
    }
}
