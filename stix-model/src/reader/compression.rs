use std::fmt;

/// How a file is compressed. The caller undoes it.
///
/// ```
/// use stix_model::reader::Compression;
/// assert_eq!(Compression::of(&[0x1f, 0x8b, 8, 0]), Some(Compression::Gzip));
/// assert_eq!(Compression::of(b"{}"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Bytes at the beginning of a file that tell.
    pub const HEAD: usize = 4;

    /// What the first bytes of a file tell. Its name may lie, and standard input has none.
    pub fn of(head: &[u8]) -> Option<Self> {
        // RFC 1952, section 2.3.1, and RFC 8878, section 3.1.1.
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}
