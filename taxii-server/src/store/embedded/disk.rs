//! The file below the engine, or what stands in for it.

use std::fmt::Debug;
use std::fs::File;
use std::io;
#[cfg(unix)]
use std::time::UNIX_EPOCH;

/// What the embedded engine asks of a file. Tests put one in its place that fails.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Length in bytes.
    ///
    /// # Errors
    /// Those of the file, as with all methods.
    fn length(&self) -> io::Result<u64>;

    /// Fills `out` with the bytes that begin at an offset.
    ///
    /// # Errors
    /// Also when the file ends before.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// Those of the file. Of less than a sector, nothing was written then.
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file or makes it longer; new bytes are zero.
    ///
    /// # Errors
    /// Those of the file.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Returns when everything written survives the loss of power.
    ///
    /// # Errors
    /// Those of the file; then it is unknown which writes survive.
    fn sync(&self) -> io::Result<()>;

    /// What tells the file from its copies, where the system knows such a thing.
    fn identity(&self) -> Option<FileIdentity> {
        None
    }
}

/// What tells a file from its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// Number among the files of its disk. Some file systems give a file another one each time they are mounted.
    pub number: u64,
    /// When the file was made, in nanoseconds since 1970, where the file system notes it.
    pub made: Option<u64>,
}

impl FileIdentity {
    /// Whether the other one is that of another file; `None` when it may be, and nothing proves it.
    pub(super) fn is_of_other_than(self, other: Self) -> Option<bool> {
        match (self.made, other.made) {
            (Some(made), Some(other_made)) => Some(self.number != other.number && made != other_made),
            _ if self.number == other.number => Some(false),
            _ => None,
        }
    }
}

impl Disk for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, out, offset)
    }

    #[cfg(windows)]
    fn read(&self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(self, out, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (out, offset) = (&mut out[count..], offset + count as u64);
        }
        Ok(())
    }

    #[cfg(unix)]
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn write(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(self, bytes, offset)?;
            (bytes, offset) = (&bytes[count..], offset + count as u64);
        }
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(unix)]
    fn identity(&self) -> Option<FileIdentity> {
        let metadata = self.metadata().ok()?;
        let made = metadata.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Some(FileIdentity {
            number: std::os::unix::fs::MetadataExt::ino(&metadata),
            made: made.and_then(|made| u64::try_from(made.as_nanos()).ok()).filter(|made| *made > 0),
        })
    }
}
