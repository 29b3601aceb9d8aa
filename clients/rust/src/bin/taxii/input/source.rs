//! Opening a file, and undoing its compression.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Cursor, Read};

/// A file that is open.
pub(super) struct Source {
    pub(super) reader: Box<dyn Read>,
    /// How it is compressed.
    pub(super) compression: Option<&'static str>,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(file: &str) -> io::Result<Self> {
        let mut source: Box<dyn Read> =
            if file == "-" { Box::new(io::stdin().lock()) } else { Box::new(File::open(file)?) };
        // The name of a file may lie, and standard input has none.
        let mut head = Vec::new();
        source.by_ref().take(4).read_to_end(&mut head)?;
        // RFC 1952, section 2.3.1.
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        // RFC 8878, section 3.1.1.
        let is_zstd = head == [0x28, 0xb5, 0x2f, 0xfd];
        let source = Cursor::new(head).chain(source);
        Ok(if is_gzip {
            Self { reader: Box::new(MultiGzDecoder::new(source)), compression: Some("gzip") }
        } else if is_zstd {
            Self { reader: Box::new(zstd::Decoder::new(source)?), compression: Some("zstd") }
        } else {
            Self { reader: Box::new(source), compression: None }
        })
    }

    /// Reads some bytes; an interruption is no failure.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}
