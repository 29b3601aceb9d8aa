//! What a feed gave, unpacked.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader};

/// The bytes of a file, and of one in gzip what is packed in it.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn unpacked<'i>(mut input: Box<dyn BufRead + 'i>) -> io::Result<Box<dyn BufRead + 'i>> {
    Ok(match input.fill_buf()?.starts_with(&[0x1F, 0x8B]) {
        true => Box::new(BufReader::new(MultiGzDecoder::new(input))),
        false => input,
    })
}
