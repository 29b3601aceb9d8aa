//! What a feed gave: a file, one in gzip, or an archive.

use crate::archive::{convert_tar, convert_zip, is_tar, is_zip};
use crate::convert::{ConvertError, convert};
use crate::feed::Feed;
use crate::output::Output;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use stix_model::Timestamp;

/// Bytes by which the form of a file is known.
const BEGINNING: u64 = 64 << 10;

/// Converts what a feed gave at a time: a file, or what is packed in it by gzip. Of an archive, ZIP or tar, each member that
/// [counts](Feed::members) is a document. What is packed is known by its first bytes.
///
/// # Errors
/// As for [`convert`], and when more is packed than the feed allows. A member that cannot be read is
/// [rejected](Output::reject_document), and the others count.
pub fn convert_file(
    feed: &Feed,
    now: &Timestamp,
    mut file: impl Read + Seek,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let packed = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::new(file);
    if is_zip(file.fill_buf()?) {
        return convert_zip(feed, now, file, packed, out);
    }
    let unpacked: Box<dyn Read + '_> = match file.fill_buf()?.starts_with(&[0x1F, 0x8B]) {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut input = Limited { input: unpacked, left: Some(feed.max_unpacked_bytes) };
    let mut beginning = Vec::new();
    input.by_ref().take(BEGINNING).read_to_end(&mut beginning)?;
    let is_tar = is_tar(&beginning);
    let mut input = io::Cursor::new(beginning).chain(BufReader::with_capacity(64 << 10, input));
    match is_tar {
        true => convert_tar(feed, now, input, out),
        false => convert(feed, now, &mut input, out),
    }
}

/// Bytes up to a number; then it is an error to read on, again and again.
struct Limited<R> {
    input: R,
    left: Option<u64>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.left = self.left.and_then(|left| left.checked_sub(count as u64));
        match self.left {
            Some(_) => Ok(count),
            None => {
                Err(io::Error::other("it is larger than `max-unpacked-bytes` allows after decompression"))
            }
        }
    }
}
