//! Opening a file, and undoing its compression.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use stix_model::reader::Compression;

/// A file that is open.
pub(super) struct Source {
    pub(super) reader: Box<dyn Read>,
    /// How it is compressed.
    pub(super) compression: Option<Compression>,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        let mut source: Box<dyn Read> =
            if file == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(File::open(file)?) };
        let mut head = Vec::new();
        source.by_ref().take(Compression::HEAD as u64).read_to_end(&mut head)?;
        let compression = Compression::of(&head);
        let source = Cursor::new(head).chain(source);
        let reader: Box<dyn Read> = match compression {
            Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(source)),
            Some(Compression::Zstd) => Box::new(zstd::Decoder::new(source)?),
            None => Box::new(source),
        };
        Ok(Self { reader, compression })
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
