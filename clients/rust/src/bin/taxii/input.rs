//! What commands read: files or standard input, compressed or not, one JSON text or JSON lines.

mod objects;
mod source;
mod text;

use crate::failure::Failure;
use crate::out::Out;
pub(crate) use objects::{Bad, Found};
use source::Source;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stix_model::json::Value;
pub(crate) use stix_model::reader::LIMITS;
use stix_model::reader::{Bounds, Expect, Reader, Step};
pub(crate) use text::{Fault, Text};

/// The name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";

/// What is read in one step.
const CHUNK: usize = 64 << 10;

/// Which files.
#[derive(Debug, clap::Args)]
pub(crate) struct InputOptions {
    /// Bundles, envelopes, lists, single objects or JSON lines, also compressed by gzip or zstd; `-`, or none when
    /// something is piped in, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    form: LinesOption,
}

/// Which file, standard input when none is named.
#[derive(Debug, clap::Args)]
pub(crate) struct OneInput {
    /// A JSON text or JSON lines, also compressed by gzip or zstd; `-`, or none when something is piped in, is standard
    /// input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    form: LinesOption,
}

#[derive(Debug, clap::Args)]
struct LinesOption {
    /// Each line is a text of its own, whatever the input looks like. Without this, the name or the first lines
    /// decide; a single line is taken so from standard input or a file named .jsonl or .ndjson
    #[arg(long)]
    lines: bool,
}

impl InputOptions {
    /// Works on the texts of one file after the other.
    pub(crate) fn each(
        &self,
        out: &mut Out,
        mut work: impl FnMut(&Text<'_>, &mut Out) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.files.is_empty() {
            return Input::open(None, self.form.expect(), out)?.each(out, &mut work);
        }
        for file in &self.files {
            Input::open(Some(file), self.form.expect(), out)?.each(out, &mut work)?;
        }
        Ok(())
    }
}

impl OneInput {
    /// Works on the texts of the file.
    pub(crate) fn each(
        &self,
        out: &mut Out,
        mut work: impl FnMut(&Text<'_>, &mut Out) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        Input::open(self.file.as_deref(), self.form.expect(), out)?.each(out, &mut work)
    }
}

impl LinesOption {
    fn expect(&self) -> Option<Expect> {
        self.lines.then_some(Expect::Lines)
    }
}

/// Works on each line of a file, whatever it looks like.
pub(crate) fn each_line(
    file: Option<&Path>,
    out: &mut Out,
    mut work: impl FnMut(&Text<'_>, &mut Out) -> Result<(), Failure>,
) -> Result<(), Failure> {
    Input::open(file, Some(Expect::PlainLines), out)?.each(out, &mut work)
}

/// Reads a file that is to be small; `-` is standard input. Of a larger one come `most` bytes and one more, so that whoever
/// reads them says what the limit is.
pub(crate) fn small(file: &Path, most: usize, out: &Out) -> Result<Vec<u8>, Failure> {
    let is_stdin = file == Path::new("-");
    if is_stdin && io::stdin().is_terminal() {
        out.remark("reading what you type; Ctrl-D ends it");
    }
    let name = if is_stdin { STANDARD_INPUT.into() } else { file.display().to_string() };
    let mut bytes = Vec::new();
    let source = Source::open(file);
    source
        .and_then(|source| source.reader.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::input(&name, &error))?;
    Ok(bytes)
}

/// A property that holds a string.
pub(crate) fn text_of<'d>(object: Value<'d>, name: &str) -> Option<Cow<'d, str>> {
    object.get(name)?.as_str()
}

/// A file that is being read.
struct Input {
    name: Arc<str>,
    source: Source,
    reader: Reader,
}

impl Input {
    fn open(file: Option<&Path>, expect: Option<Expect>, out: &Out) -> Result<Self, Failure> {
        let is_terminal = io::stdin().is_terminal();
        let file = match file {
            Some(file) => file,
            None if is_terminal => {
                return Err(Failure::Usage(
                    "which file? Give its name, or pipe it in; `-` reads what you type".into(),
                ));
            }
            None => Path::new("-"),
        };
        let is_stdin = file == Path::new("-");
        if is_stdin && is_terminal {
            out.remark("reading what you type; Ctrl-D ends it");
        }
        // For people, and for what the name says of the content.
        let typed = file.to_string_lossy();
        let name: Arc<str> = if is_stdin { STANDARD_INPUT } else { &typed }.into();
        let source = Source::open(file).map_err(|error| Failure::input(&name, &error))?;
        let reader = Reader::new(expect.unwrap_or_else(|| Expect::of_name(&typed)), Bounds::default());
        Ok(Self { name, source, reader })
    }

    /// Hands out the texts. Results are flushed before each wait for more input, so that a program may send a line and
    /// read the answer.
    fn each(
        &mut self,
        out: &mut Out,
        work: &mut impl FnMut(&Text<'_>, &mut Out) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut chunk = vec![0; CHUNK];
        let mut line = 0;
        loop {
            let text = match self.reader.step() {
                Step::More => {
                    out.flush()?;
                    match self.source.read(&mut chunk).map_err(|error| self.failure(line, &error))? {
                        0 => self.reader.end(),
                        read => self.reader.push(&chunk[..read]),
                    }
                    continue;
                }
                Step::Text(text) => Text::new(&self.name, text),
                Step::Unreadable(refusal) => Text::refused(&self.name, refusal),
                Step::End => return Ok(()),
            };
            line = text.line;
            work(&text, out)?;
        }
    }

    /// A broken archive is told from a broken disk.
    fn failure(&self, line: usize, error: &io::Error) -> Failure {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let is_data =
            matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof | io::ErrorKind::Other);
        match self.source.compression.filter(|_| is_data) {
            Some(compression) => {
                let behind = if line > 0 { format!(" behind line {line}") } else { String::new() };
                let message = format!("the {compression} data is cut off or damaged{behind} ({error})");
                Failure::Input(format!("{}: {message}; fetch the file again", self.name))
            }
            None => Failure::input(&self.name, error),
        }
    }
}
