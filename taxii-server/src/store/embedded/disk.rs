//! The file below the engine, or what stands in for it.

use std::fmt::Debug;
use std::fs::File;
use std::io;

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
    /// Those of the file.
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

    /// Names the file among all files of its disk, where the system knows such a number. A copy has another one.
    fn identity(&self) -> Option<u64> {
        None
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
    fn identity(&self) -> Option<u64> {
        self.metadata().ok().map(|metadata| std::os::unix::fs::MetadataExt::ino(&metadata))
    }
}
