//! Archives: each member is a document of the feed, read one after the other.

use crate::convert::{ConvertError, convert};
use crate::feed::{Feed, OneOrSeveral};
use crate::output::{Output, Rejected, Standing};
use crate::shared::{Part, SharedKey};
use crate::value::Value;
use glob::{MatchOptions, Pattern};
use serde::Deserialize;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use stix_model::{Object, StixId, Timestamp};
use tar::{EntryType, PaxExtensions};
use tempfile::SpooledTempFile;
use zip::ZipArchive;
use zip::result::ZipError;

/// Members of an archive, at most.
const MEMBERS: u64 = 2_000_000;
/// Bytes of a member that are kept in memory; a larger one is unpacked to the disk.
const IN_MEMORY: usize = 4 << 20;
/// What deflate makes of a byte, at most. An archive that becomes more has members that lie over each other.
const RATIO: u64 = 1_032;
/// The longest name of a member of a tar archive, with what surrounds it.
const NAME: u64 = 64 << 10;

/// Which members of an archive count: patterns of their names, in which `*` stands for any text. Without patterns all do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "OneOrSeveral")]
pub struct Members(Vec<Pattern>);

impl TryFrom<OneOrSeveral> for Members {
    type Error = String;

    fn try_from(texts: OneOrSeveral) -> Result<Self, String> {
        let pattern = |text: &String| {
            Pattern::new(text).map_err(|error| format!("`{text}` is no pattern of names: {error}"))
        };
        Ok(Self(Vec::from(texts).iter().map(pattern).collect::<Result<_, _>>()?))
    }
}

impl Members {
    /// Whether a member counts. What macOS adds to an archive never does.
    pub fn include(&self, name: &str) -> bool {
        let options = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
        let is_wanted = |pattern: &Pattern| pattern.matches_with(name, options);
        !name.starts_with("__MACOSX/") && (self.0.is_empty() || self.0.iter().any(is_wanted))
    }
}

pub(crate) fn is_zip(beginning: &[u8]) -> bool {
    beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06")
}

pub(crate) fn is_tar(beginning: &[u8]) -> bool {
    beginning.get(257..262).is_some_and(|magic| magic == b"ustar")
}

/// Converts the members of a ZIP archive of so many bytes.
pub(crate) fn convert_zip(
    feed: &Feed,
    now: &Timestamp,
    file: impl Read + Seek,
    packed: u64,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let broken = |error: ZipError| ConvertError::Form(format!("the archive cannot be read: {error}"));
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let limit = feed.max_unpacked_bytes.min(packed.saturating_mul(RATIO));
    let mut unpacking = Unpacking::new(feed, now, limit, out);
    for index in 0..archive.len() {
        let name = archive.name_for_index(index).and_then(Result::ok);
        let name = name.map_or_else(|| format!("member {index}"), |name| name.into_owned());
        if name.ends_with('/') || !unpacking.wants(&name)? {
            continue;
        }
        match archive.by_index(index) {
            Ok(mut member) => unpacking.take(&name, &mut member)?,
            Err(error) => unpacking.reject(&name, error.to_string()),
        }
    }
    unpacking.finish()
}

/// Converts the members of a tar archive.
pub(crate) fn convert_tar(
    feed: &Feed,
    now: &Timestamp,
    input: impl Read,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let mut archive = tar::Archive::new(input);
    let mut unpacking = Unpacking::new(feed, now, feed.max_unpacked_bytes, out);
    let mut long_name = None;
    // Names that do not fit into a header are read here, because the library takes them however long they are.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let mut text = Vec::new();
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                entry.take(NAME).read_to_end(&mut text)?;
                text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
                long_name = Some(text);
            }
            EntryType::XHeader => {
                entry.take(NAME).read_to_end(&mut text)?;
                let paths = PaxExtensions::new(&text).flatten().filter(|entry| entry.key_bytes() == b"path");
                long_name = paths.last().map(|path| path.value_bytes().to_vec()).or(long_name);
            }
            EntryType::Regular => {
                let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let name = String::from_utf8_lossy(&name).into_owned();
                if unpacking.wants(&name)? {
                    unpacking.take(&name, &mut entry)?;
                }
            }
            _ => long_name = None,
        }
    }
    unpacking.finish()
}

/// Takes the members of an archive that count.
struct Unpacking<'a> {
    feed: &'a Feed,
    now: &'a Timestamp,
    out: &'a mut dyn Output,
    limit: u64,
    unpacked: u64,
    members: u64,
    taken: u64,
}

impl<'a> Unpacking<'a> {
    fn new(feed: &'a Feed, now: &'a Timestamp, limit: u64, out: &'a mut dyn Output) -> Self {
        Self { feed, now, out, limit, unpacked: 0, members: 0, taken: 0 }
    }

    fn wants(&mut self, name: &str) -> Result<bool, ConvertError> {
        self.members += 1;
        if self.members > MEMBERS {
            return Err(ConvertError::Form(format!("the archive has more than {MEMBERS} members")));
        }
        let is_wanted = self.feed.members.include(name);
        self.taken += u64::from(is_wanted);
        Ok(is_wanted)
    }

    /// Converts a member. What is damaged is known before any of it counts.
    fn take(&mut self, name: &str, content: &mut dyn Read) -> Result<(), ConvertError> {
        let mut spool = SpooledTempFile::new(IN_MEMORY);
        let mut piece = vec![0; 64 << 10];
        loop {
            match content.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    self.unpacked += count as u64;
                    if self.unpacked > self.limit {
                        let Self { limit, .. } = self;
                        return Err(ConvertError::Read(io::Error::other(format!(
                            "the archive has more than {limit} bytes after decompression, which is more than \
                             `max-unpacked-bytes` allows, or {RATIO} times its size"
                        ))));
                    }
                    spool.write_all(&piece[..count])?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.reject(name, error.to_string());
                    return Ok(());
                }
            }
        }
        spool.seek(SeekFrom::Start(0))?;
        let mut out = OfMember { name, out: &mut *self.out };
        match convert(self.feed, self.now, &mut BufReader::with_capacity(64 << 10, spool), &mut out) {
            Err(ConvertError::Form(reason)) => self.reject(name, reason),
            converted => converted?,
        }
        Ok(())
    }

    fn reject(&mut self, name: &str, reason: String) {
        self.out.reject_document(Rejected { record: name.to_owned(), reason });
    }

    fn finish(self) -> Result<(), ConvertError> {
        if self.taken > 0 {
            return Ok(());
        }
        Err(ConvertError::Form(format!(
            "the archive has {} members, and none that `members` names",
            self.members
        )))
    }
}

/// What a member becomes: records are known by the member, too.
struct OfMember<'a> {
    name: &'a str,
    out: &'a mut dyn Output,
}

impl OfMember<'_> {
    fn placed(&self, rejected: Rejected) -> Rejected {
        let record = format!("{} {}", self.name, rejected.record);
        Rejected { record: record.trim_end().to_owned(), ..rejected }
    }
}

impl Output for OfMember<'_> {
    fn record(&mut self) {
        self.out.record();
    }

    fn object(&mut self, object: Object) {
        self.out.object(object);
    }

    fn part(&mut self, key: SharedKey, part: Part) {
        self.out.part(key, part);
    }

    fn reject(&mut self, rejected: Rejected) {
        let rejected = self.placed(rejected);
        self.out.reject(rejected);
    }

    fn reject_document(&mut self, rejected: Rejected) {
        let rejected = self.placed(rejected);
        self.out.reject_document(rejected);
    }

    fn note(&mut self, note: String) {
        self.out.note(note);
    }

    fn warninglist(&self, value: &Value) -> Option<&str> {
        self.out.warninglist(value)
    }

    fn standing(&self, id: &StixId) -> Standing {
        self.out.standing(id)
    }
}
