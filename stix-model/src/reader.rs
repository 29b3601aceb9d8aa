//! The reader of files: finds the JSON texts in bytes that come piece by piece, whatever form they have.
//!
//! A file is one JSON text (a bundle, an envelope, a list, an object) or JSON lines, each of which is a text of its own.
//! [`Reader`] tells which, takes a byte order mark away, names other formats instead of calling them broken JSON, and
//! keeps no more than its [`Bounds`]. It does no I/O: the caller reads, undoes compression, and pushes what comes.
//!
//! ```
//! use stix_model::reader::{Bounds, Expect, Reader, Step};
//! let mut reader = Reader::new(Expect::File, Bounds::default());
//! let mut chunks = [&b"\xEF\xBB\xBF{\"type\": \"url\"}\n\n{\"ty"[..], b"pe\": \"tool\"}\n"].into_iter();
//! let mut lines = Vec::new();
//! loop {
//!     match reader.step() {
//!         Step::More => match chunks.next() {
//!             Some(chunk) => reader.push(chunk),
//!             None => reader.end(),
//!         },
//!         Step::Text(text) => lines.push(text.line),
//!         Step::Unreadable(unreadable) => panic!("{unreadable}"),
//!         Step::End => break,
//!     }
//! }
//! assert_eq!(lines, [1, 3]);
//! ```

mod compression;
mod foreign;
mod form;
mod unreadable;

use crate::json::Limits;
use bytes::{Buf, Bytes, BytesMut};
pub use compression::Compression;
pub use foreign::Foreign;
pub use unreadable::{Unreadable, UnreadableKind};

/// Bytes that are looked at when the first line does not tell the form or the format.
const WINDOW: usize = 64 << 10;

/// UTF-8 may begin with this mark (RFC 8259, section 8.1: readers may ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Limits for reading a text: its bytes are those that the reader let through, and its elements are not counted.
pub const LIMITS: Limits = Limits { depth: 64, bytes: usize::MAX, elements: usize::MAX, safe_integers: true };

/// What is known of an input before its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// One text or JSON lines; the content tells.
    File,
    /// The same, but a whole first line is a line: the writer may be waiting for the answer to it.
    Stream,
    /// JSON lines, as `.jsonl` and `.ndjson` are.
    Lines,
    /// Lines that need not be JSON; no other format is looked for.
    PlainLines,
}

impl Expect {
    /// What the name of a file tells; `-` is standard input, a stream.
    ///
    /// ```
    /// use stix_model::reader::Expect;
    /// let names = ["-", "feed.jsonl.gz", "bundle.json"].map(Expect::of_name);
    /// assert_eq!(names, [Expect::Stream, Expect::Lines, Expect::File]);
    /// ```
    pub fn of_name(name: &str) -> Self {
        let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(name);
        match name {
            "-" => Self::Stream,
            _ if plain.ends_with(".jsonl") || plain.ends_with(".ndjson") => Self::Lines,
            _ => Self::File,
        }
    }
}

/// The most that is kept of an input, in bytes after decompression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// Of a text that is the whole of a file. Default: 1 GiB.
    pub text: usize,
    /// Of one line of many. Default: 64 MiB.
    pub line: usize,
}

setters!(Bounds { text: usize, line: usize });

impl Default for Bounds {
    fn default() -> Self {
        Self { text: 1 << 30, line: 64 << 20 }
    }
}

/// A text: the whole of a file, or one line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Bytes before it in the file.
    pub offset: usize,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// One line of many.
    pub is_line: bool,
    /// The text, without its line break and without a byte order mark.
    pub bytes: Bytes,
}

/// What the reader has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before more is pushed, or the end is told.
    More,
    /// A text.
    Text(Text),
    /// Something that is no text; the reader goes on behind it where it can.
    Unreadable(Unreadable),
    /// Nothing more will come.
    End,
}

/// Finds the texts of one input. See the [module](self).
#[derive(Debug)]
pub struct Reader {
    bounds: Bounds,
    expect: Expect,
    stage: Stage,
    buffer: BytesMut,
    /// Bytes of the buffer that hold no line break.
    searched: usize,
    /// What was seen of the beginning, so that no byte is looked at again when more come.
    format: foreign::Beginning,
    form: form::Beginning,
    is_at_end: bool,
    /// Lines that were handed out or passed over.
    lines: usize,
    /// Bytes that were handed out or passed over.
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Encoding and byte order mark are still to be seen.
    Start,
    /// Whether it is JSON is still to be seen.
    Format,
    /// Whether it is one text or lines is still to be seen.
    Form,
    Lines,
    /// Inside a line that is too long.
    LongLine,
    Whole,
    Done,
}

impl Reader {
    /// A reader at the start of an input.
    pub fn new(expect: Expect, bounds: Bounds) -> Self {
        Self {
            bounds,
            expect,
            stage: Stage::Start,
            buffer: BytesMut::new(),
            searched: 0,
            format: foreign::Beginning::default(),
            form: form::Beginning::default(),
            is_at_end: false,
            lines: 0,
            offset: 0,
        }
    }

    /// A reader that has all of an input.
    pub fn of(text: Bytes, expect: Expect, bounds: Bounds) -> Self {
        Self { buffer: text.into(), is_at_end: true, ..Self::new(expect, bounds) }
    }

    /// Takes the next bytes of the input. To be called when [`step`](Self::step) asks for more; the bounds hold up to
    /// the length of one piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The input has ended.
    pub fn end(&mut self) {
        self.is_at_end = true;
    }

    /// The next text, or what is needed for it.
    pub fn step(&mut self) -> Step {
        loop {
            let step = match self.stage {
                Stage::Start => self.start(),
                Stage::Format => self.format(),
                Stage::Form => self.form(),
                Stage::Lines => self.line(),
                Stage::LongLine => self.long_line(),
                Stage::Whole => self.whole(),
                Stage::Done => Some(Step::End),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Takes the byte order mark away.
    fn start(&mut self) -> Option<Step> {
        if self.buffer.len() < 4 && !self.is_at_end && !self.buffer.contains(&b'\n') {
            return Some(Step::More);
        }
        if let Some(foreign) = foreign::encoding(&self.buffer) {
            return self.give_up(UnreadableKind::Foreign(foreign));
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.skip(BYTE_ORDER_MARK.len());
        }
        self.stage = if self.expect == Expect::PlainLines { Stage::Lines } else { Stage::Format };
        None
    }

    /// Looks for other formats.
    fn format(&mut self) -> Option<Step> {
        let is_all = self.is_at_end || self.buffer.len() >= WINDOW;
        match self.format.look(&self.buffer[..self.buffer.len().min(WINDOW)], is_all) {
            None => return Some(Step::More),
            Some(Some(foreign)) => return self.give_up(UnreadableKind::Foreign(foreign)),
            Some(None) => {}
        }
        self.stage = if self.expect == Expect::Lines { Stage::Lines } else { Stage::Form };
        None
    }

    fn form(&mut self) -> Option<Step> {
        // Blank lines at the beginning mean nothing.
        while !self.form.has_first() && self.has_line() && !self.buffer.is_empty() {
            if !is_blank(&self.buffer[..self.searched]) {
                break;
            }
            let _ = self.take_line();
        }
        let is_stream = self.expect == Expect::Stream;
        let seen = if self.has_line() {
            self.form.look(&self.buffer, self.searched, is_stream, self.is_at_end)
        } else {
            None
        };
        match seen {
            Some(form::Seen::Lines) => self.stage = Stage::Lines,
            Some(form::Seen::Whole) => self.stage = Stage::Whole,
            // A line that is longer than a whole text may be is too long for either form.
            None if self.buffer.len() > self.bounds.text => self.stage = Stage::Whole,
            None => return Some(Step::More),
        }
        None
    }

    fn whole(&mut self) -> Option<Step> {
        if self.buffer.len() > self.bounds.text {
            return self.give_up(UnreadableKind::TextTooLong { bound: self.bounds.text });
        }
        if !self.is_at_end {
            return Some(Step::More);
        }
        self.stage = Stage::Done;
        let text = Text {
            offset: self.offset,
            line: self.lines + 1,
            is_line: false,
            bytes: self.buffer.split().freeze(),
        };
        Some(Step::Text(text))
    }

    fn line(&mut self) -> Option<Step> {
        let has_line = self.has_line();
        if self.searched > self.bounds.line {
            self.stage = Stage::LongLine;
            let kind = UnreadableKind::LineTooLong { bound: self.bounds.line };
            return Some(Step::Unreadable(Unreadable { line: self.lines + 1, column: 1, kind }));
        }
        if !has_line {
            return Some(Step::More);
        }
        if self.buffer.is_empty() {
            self.stage = Stage::Done;
            return None;
        }
        let mut text = self.take_line();
        // Files that were joined may have a mark in the middle.
        if text.bytes.starts_with(BYTE_ORDER_MARK) {
            text.bytes.advance(BYTE_ORDER_MARK.len());
            text.offset += BYTE_ORDER_MARK.len();
        }
        (!is_blank(&text.bytes)).then_some(Step::Text(text))
    }

    /// Passes over the rest of a line.
    fn long_line(&mut self) -> Option<Step> {
        let has_line = self.has_line();
        if !has_line {
            self.skip(self.searched);
            self.searched = 0;
            return Some(Step::More);
        }
        let _ = self.take_line();
        self.stage = Stage::Lines;
        None
    }

    fn give_up(&mut self, kind: UnreadableKind) -> Option<Step> {
        self.stage = Stage::Done;
        self.buffer = BytesMut::new();
        Some(Step::Unreadable(Unreadable { line: self.lines + 1, column: 1, kind }))
    }

    /// Looks for the end of the line with which the buffer begins; at the end of the input it needs no break.
    fn has_line(&mut self) -> bool {
        if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            self.searched += length;
            return true;
        }
        self.searched = self.buffer.len();
        self.is_at_end
    }

    /// The line that [`has_line`](Self::has_line) found.
    fn take_line(&mut self) -> Text {
        let offset = self.offset;
        let bytes = self.buffer.split_to(self.searched).freeze();
        self.offset += bytes.len();
        self.skip(self.buffer.len().min(1));
        self.searched = 0;
        self.lines += 1;
        Text { offset, line: self.lines, is_line: true, bytes }
    }

    fn skip(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        self.offset += bytes;
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}
