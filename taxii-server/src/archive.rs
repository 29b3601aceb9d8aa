//! The bytes of a backup: a head, records, and an end by which a whole backup is known from one that was cut off or altered.
//!
//! | part | bytes |
//! |---|---|
//! | head | [`MAGIC`], the length of the next (4 bytes, big-endian as all numbers), [`Head`] as JSON |
//! | record | `P` with the lengths of key and value (4 bytes each), key, value; `R` with a length and a key; `C` with the lengths and the keys of both ends of a range |
//! | end | `T`, the number of records (8 bytes), SHA-256 of everything before the digest |
//! | failure, in place of an end | `E`, a length, a sentence |
//!
//! A key may come several times; the last record of it counts.

use crate::store::{OLDEST_FORMAT, Record};
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first bytes.
const MAGIC: &[u8] = b"concord backup\n";
/// The format of the bytes.
const FORMAT: u32 = 1;
/// Lengths above these are not written, so they are a sign of damage.
const LONGEST_TEXT: usize = 64 << 10;
const LONGEST_KEY: usize = 64 << 10;
const LONGEST_VALUE: usize = 256 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The format of the bytes.
    format: u32,
    /// The format of the store.
    pub(crate) store_format: u32,
    /// Versions of objects that the store held when the backup began.
    pub(crate) versions: u64,
    /// The version of the program that made it.
    program: String,
}

impl Head {
    /// The head of a backup that is made now.
    pub(crate) fn new(store_format: u32, versions: u64) -> Self {
        Self { format: FORMAT, store_format, versions, program: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Why bytes are no whole backup.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("this is no backup of taxii-server")]
    Foreign,
    #[error(
        "the backup was made by taxii-server {program}, which writes a later format; use that version or a later one"
    )]
    Later { program: String },
    #[error(
        "the backup holds a store of format {0}, which is older than {OLDEST_FORMAT}; restore it with the version that made it"
    )]
    Older(u32),
    #[error("the backup is damaged or was altered")]
    Damaged,
    #[error("the backup is cut off: its end is missing")]
    CutOff,
    #[error("{0}")]
    Failed(String),
}

/// Writes a backup.
pub(crate) struct Encoder {
    hash: Sha256,
    records: u64,
}

impl Encoder {
    /// Returns the encoder and the first bytes.
    pub(crate) fn start(head: &Head) -> (Self, Bytes) {
        let json = serde_json::to_vec(head).expect("a head has only texts and numbers");
        let mut out = BytesMut::from(MAGIC);
        put_length(&mut out, json.len());
        out.put_slice(&json);
        let mut hash = Sha256::new();
        hash.update(&out);
        (Self { hash, records: 0 }, out.freeze())
    }

    /// Returns the bytes of records.
    pub(crate) fn records(&mut self, records: &[Record]) -> Bytes {
        let mut out = BytesMut::new();
        for record in records {
            match record {
                Record::Put { key, value } => put_two(&mut out, b'P', key, value),
                Record::Remove { key } => {
                    out.put_u8(b'R');
                    put_length(&mut out, key.len());
                    out.put_slice(key);
                }
                Record::Clear { range } => put_two(&mut out, b'C', &range.start, &range.end),
            }
        }
        self.hash.update(&out);
        self.records += records.len() as u64;
        out.freeze()
    }

    /// Returns the last bytes.
    pub(crate) fn end(mut self) -> Bytes {
        let mut out = BytesMut::from(&b"T"[..]);
        out.put_u64(self.records);
        self.hash.update(&out);
        out.put_slice(&self.hash.finalize());
        out.freeze()
    }

    /// Returns what stands in the place of the last bytes when the backup cannot be completed.
    pub(crate) fn failure(sentence: &str) -> Bytes {
        let mut sentence = sentence.to_owned();
        crate::store::cut(&mut sentence);
        let mut out = BytesMut::from(&b"E"[..]);
        put_length(&mut out, sentence.len());
        out.put_slice(sentence.as_bytes());
        out.freeze()
    }
}

fn put_length(out: &mut BytesMut, length: usize) {
    out.put_u32(u32::try_from(length).expect("keys and values are smaller than 4 GiB"));
}

fn put_two(out: &mut BytesMut, tag: u8, one: &[u8], other: &[u8]) {
    out.put_u8(tag);
    put_length(out, one.len());
    put_length(out, other.len());
    out.put_slice(one);
    out.put_slice(other);
}

/// A part of a backup.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What comes first.
    Head(Head),
    /// A record.
    Record(Record),
    /// The end: all of it has come as it was written.
    End,
}

/// Reads a backup from bytes that come in pieces of any length.
#[derive(Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    hash: Sha256,
    records: u64,
    has_head: bool,
    is_over: bool,
}

impl Decoder {
    /// Takes more bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next part; `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the bytes are no backup, damaged, or of a version that this one does not read.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, ArchiveError> {
        if self.is_over {
            return if self.buffer.is_empty() { Ok(None) } else { Err(ArchiveError::Damaged) };
        }
        if !self.has_head {
            return self.head();
        }
        let Some(&tag) = self.buffer.first() else { return Ok(None) };
        match tag {
            b'P' | b'C' => {
                let longest = if tag == b'P' { LONGEST_VALUE } else { LONGEST_KEY };
                let (Some(key), Some(value)) = (self.length(1, LONGEST_KEY)?, self.length(5, longest)?)
                else {
                    return Ok(None);
                };
                let Some(mut frame) = self.take(9 + key + value) else { return Ok(None) };
                let value = frame.split_off(9 + key);
                let key = frame.split_off(9);
                Ok(Some(self.count(match tag {
                    b'P' => Record::Put { key, value },
                    _ => Record::Clear { range: key..value },
                })))
            }
            b'R' => {
                let Some(key) = self.length(1, LONGEST_KEY)? else { return Ok(None) };
                let Some(mut frame) = self.take(5 + key) else { return Ok(None) };
                Ok(Some(self.count(Record::Remove { key: frame.split_off(5) })))
            }
            b'T' => {
                if self.buffer.len() < 9 + 32 {
                    return Ok(None);
                }
                let Some(mut frame) = self.take(9) else { return Ok(None) };
                let records = frame.split_off(1);
                let digest = std::mem::take(&mut self.hash).finalize();
                let found = self.buffer.split_to(32);
                if records[..] != self.records.to_be_bytes() || found[..] != digest[..] {
                    return Err(ArchiveError::Damaged);
                }
                self.is_over = true;
                Ok(Some(Part::End))
            }
            b'E' => {
                let Some(length) = self.length(1, LONGEST_TEXT)? else { return Ok(None) };
                let Some(frame) = self.take(5 + length) else { return Ok(None) };
                Err(ArchiveError::Failed(String::from_utf8_lossy(&frame[5..]).into_owned()))
            }
            _ => Err(ArchiveError::Damaged),
        }
    }

    /// Checks that all of it was there.
    ///
    /// # Errors
    /// When the end is missing.
    pub(crate) fn finish(self) -> Result<(), ArchiveError> {
        match (self.is_over, self.has_head) {
            (true, _) => Ok(()),
            (false, true) => Err(ArchiveError::CutOff),
            (false, false) if MAGIC.starts_with(&self.buffer) || self.buffer.starts_with(MAGIC) => {
                Err(ArchiveError::CutOff)
            }
            (false, false) => Err(ArchiveError::Foreign),
        }
    }

    fn head(&mut self) -> Result<Option<Part>, ArchiveError> {
        let start = &self.buffer[..self.buffer.len().min(MAGIC.len())];
        if !MAGIC.starts_with(start) {
            return Err(ArchiveError::Foreign);
        }
        let Some(length) = self.length(MAGIC.len(), LONGEST_TEXT)? else { return Ok(None) };
        let Some(frame) = self.take(MAGIC.len() + 4 + length) else { return Ok(None) };
        let json = &frame[MAGIC.len() + 4..];
        // Of a later format, only number and program are known.
        #[derive(Deserialize)]
        struct Any {
            format: u32,
            #[serde(default)]
            program: String,
        }
        let Any { format, program } = serde_json::from_slice(json).map_err(|_| ArchiveError::Damaged)?;
        if format > FORMAT {
            return Err(ArchiveError::Later { program });
        }
        let head: Head = serde_json::from_slice(json).map_err(|_| ArchiveError::Damaged)?;
        if head.store_format > crate::store::FORMAT {
            return Err(ArchiveError::Later { program });
        }
        if head.store_format < OLDEST_FORMAT {
            return Err(ArchiveError::Older(head.store_format));
        }
        self.has_head = true;
        Ok(Some(Part::Head(head)))
    }

    /// A length that stands at a place of the buffer.
    fn length(&self, place: usize, longest: usize) -> Result<Option<usize>, ArchiveError> {
        let Some(bytes) = self.buffer.get(place..place + 4) else { return Ok(None) };
        let length = u32::from_be_bytes(bytes.try_into().expect("four bytes")) as usize;
        if length > longest { Err(ArchiveError::Damaged) } else { Ok(Some(length)) }
    }

    /// Takes a frame when all of it is there.
    fn take(&mut self, length: usize) -> Option<Bytes> {
        if self.buffer.len() < length {
            return None;
        }
        let frame = self.buffer.split_to(length).freeze();
        self.hash.update(&frame);
        Some(frame)
    }

    fn count(&mut self, record: Record) -> Part {
        self.records += 1;
        Part::Record(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        vec![
            Record::Put { key: bytes("a"), value: bytes("") },
            Record::Put { key: bytes("b"), value: bytes(&"x".repeat(1000)) },
            Record::Remove { key: bytes("a") },
            Record::Clear { range: bytes("c")..bytes("d") },
        ]
    }

    fn whole() -> Vec<u8> {
        let (mut encoder, mut bytes) = {
            let (encoder, start) = Encoder::start(&Head::new(crate::store::FORMAT, 3));
            (encoder, start.to_vec())
        };
        bytes.extend(encoder.records(&records()));
        bytes.extend(encoder.end());
        bytes
    }

    /// Reads bytes in pieces of a length.
    fn read(bytes: &[u8], piece: usize) -> Result<Vec<Part>, ArchiveError> {
        let mut decoder = Decoder::default();
        let mut parts = Vec::new();
        for piece in bytes.chunks(piece) {
            decoder.push(piece);
            while let Some(part) = decoder.next()? {
                parts.push(part);
            }
        }
        decoder.finish()?;
        Ok(parts)
    }

    #[test]
    fn what_was_written_comes_back_in_any_pieces() {
        let bytes = whole();
        let head = Head::new(crate::store::FORMAT, 3);
        let expected: Vec<_> = [Part::Head(head)]
            .into_iter()
            .chain(records().into_iter().map(Part::Record))
            .chain([Part::End])
            .collect();
        for piece in [1, 2, 3, 7, 100, bytes.len()] {
            assert_eq!(read(&bytes, piece).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_cut_off_or_altered_is_refused() {
        let bytes = whole();
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end], 64).unwrap_err(), ArchiveError::CutOff, "{end}");
        }
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            assert!(read(&altered, 64).is_err(), "byte {place}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert_eq!(read(&longer, 64).unwrap_err(), ArchiveError::Damaged);
        assert_eq!(read(b"{\"objects\":[]}", 64).unwrap_err(), ArchiveError::Foreign);
    }

    #[test]
    fn a_failure_and_another_format_are_told() {
        let (_, start) = Encoder::start(&Head::new(crate::store::FORMAT, 3));
        let failed = [&start[..], &Encoder::failure("the disk failed")].concat();
        assert_eq!(read(&failed, 64).unwrap_err(), ArchiveError::Failed("the disk failed".into()));
        let (_, later) = Encoder::start(&Head::new(crate::store::FORMAT + 1, 3));
        assert!(matches!(read(&later, 64).unwrap_err(), ArchiveError::Later { .. }));
        let (_, older) = Encoder::start(&Head::new(1, 3));
        assert_eq!(read(&older, 64).unwrap_err(), ArchiveError::Older(1));
    }
}
