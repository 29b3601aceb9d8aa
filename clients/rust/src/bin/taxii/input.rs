//! What commands read: files or standard input, compressed or not, one JSON text or JSON lines.

mod form;
mod objects;
mod parts;
mod source;

use crate::failure::Failure;
use crate::out::Out;
use bytes::{Buf, Bytes, BytesMut};
pub(crate) use objects::{Bad, Found};
pub(crate) use parts::{Parts, text_of};
use std::io::{self, Read};
use std::sync::Arc;
use stix_model::json::{Limits, Lines};

/// The longest text that is read, after decompression: a small file must not fill the memory.
const MAX_BYTES: usize = 2 << 30;

/// The name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";

/// What is read in one step.
const CHUNK: usize = 64 << 10;

/// What the reader accepts of objects.
pub(crate) const LIMITS: Limits =
    Limits { depth: 64, bytes: MAX_BYTES, elements: usize::MAX, safe_integers: true };

/// Which files.
#[derive(Debug, clap::Args)]
pub(crate) struct InputOptions {
    /// Bundles, envelopes, lists, single objects or JSON lines, also compressed by gzip or zstd; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    form: LinesOption,
}

/// Which file, standard input when none is named.
#[derive(Debug, clap::Args)]
pub(crate) struct OneInput {
    /// A JSON text or JSON lines, also compressed by gzip or zstd; `-` is standard input
    #[arg(default_value = "-", value_name = "FILE")]
    file: String,
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
        for file in &self.files {
            Input::open(file)?.each(self.form.lines, out, &mut work)?;
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
        Input::open(&self.file)?.each(self.form.lines, out, &mut work)
    }
}

/// Works on each line of a file, whatever it looks like.
pub(crate) fn each_line(
    file: &str,
    out: &mut Out,
    mut work: impl FnMut(&Text<'_>, &mut Out) -> Result<(), Failure>,
) -> Result<(), Failure> {
    Input::open(file)?.each(true, out, &mut work)
}

/// A text, the whole of a file or one line of it.
pub(crate) struct Text<'i> {
    /// The file, for messages.
    pub(crate) file: &'i Arc<str>,
    /// The line on which the text begins, from 1.
    pub(crate) line: usize,
    /// The text.
    pub(crate) bytes: Bytes,
    /// One line of many; what is found in it is told in one result.
    pub(crate) is_line: bool,
}

impl Text<'_> {
    /// Lines and columns of the text, as those of its file.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines::new(&self.bytes).starting_at(self.line, 1)
    }
}

/// A file that is being read.
struct Input {
    name: Arc<str>,
    source: Box<dyn Read>,
    buffer: BytesMut,
    /// So much of the buffer holds no line break.
    searched: usize,
    is_at_end: bool,
    /// Lines that were handed out or passed over.
    lines: usize,
}

impl Input {
    fn open(file: &str) -> Result<Self, Failure> {
        let name: Arc<str> = if file == "-" { STANDARD_INPUT } else { file }.into();
        let source = source::open(file).map_err(|error| Failure::input(&name, &error))?;
        Ok(Self { name, source, buffer: BytesMut::new(), searched: 0, is_at_end: false, lines: 0 })
    }

    /// Hands out the texts. Results are flushed before each wait for more input, so that a program may send a line and
    /// read the answer.
    fn each(
        &mut self,
        lines: bool,
        out: &mut Out,
        work: &mut impl FnMut(&Text<'_>, &mut Out) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let is_lines = lines || form::is_lines(self).map_err(|error| self.failure(&error))?;
        if !is_lines {
            while !self.is_at_end {
                self.fill().map_err(|error| self.failure(&error))?;
            }
            let bytes = self.buffer.split().freeze();
            return work(&Text { file: &self.name, line: self.lines + 1, bytes, is_line: false }, out);
        }
        loop {
            while !self.has_line() {
                out.flush()?;
                self.fill().map_err(|error| self.failure(&error))?;
            }
            let Some(bytes) = self.take_line() else { return Ok(()) };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            work(&Text { file: &self.name, line: self.lines, bytes, is_line: true }, out)?;
        }
    }

    /// Looks for the end of the line with which the buffer begins.
    fn has_line(&mut self) -> bool {
        if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            self.searched += length;
            return true;
        }
        self.searched = self.buffer.len();
        self.is_at_end
    }

    /// The line that [`has_line`](Self::has_line) found; nothing at the end.
    fn take_line(&mut self) -> Option<Bytes> {
        if self.buffer.is_empty() {
            return None;
        }
        let line = self.buffer.split_to(self.searched).freeze();
        self.buffer.advance(self.buffer.len().min(1));
        self.searched = 0;
        self.lines += 1;
        Some(line)
    }

    /// Reads some more.
    fn fill(&mut self) -> io::Result<()> {
        let length = self.buffer.len();
        if length > MAX_BYTES {
            return Err(io::Error::other("larger than 2 GiB"));
        }
        self.buffer.resize(length + CHUNK, 0);
        let read = loop {
            match self.source.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(length + read.as_ref().unwrap_or(&0));
        self.is_at_end = read? == 0;
        Ok(())
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::input(&self.name, error)
    }
}
