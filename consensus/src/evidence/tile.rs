//! Tiles (C2SP tlog-tiles): the hashes and entries of a log as files that never change, which clients fetch and cache.
//!
//! ```
//! use consensus::evidence::TilePath;
//!
//! let path: TilePath = "tile/0/x001/x234/067".parse()?;
//! assert_eq!((path.index, path.width), (1_234_067, 256));
//! assert_eq!(TilePath::partial(0, 70_000).expect("112 hashes are left").to_string(), "tile/0/273.p/112");
//! # Ok::<(), consensus::evidence::TileError>(())
//! ```

use super::parse_decimal;
use super::proof::Hashes;
use super::tree::Node;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Hashes of a full tile, and entries of a full bundle (tlog-tiles, "Merkle Tree").
pub const TILE_WIDTH: u16 = 256;
/// Largest entry: its length has 16 bits in a bundle (tlog-tiles, "Log entries").
pub const MAX_ENTRY_LENGTH: usize = u16::MAX as usize;

/// Highest level in a path.
const MAX_LEVEL: u8 = 63;
/// Levels of the tree that a tile spans.
const LEVELS_OF_TILE: u32 = TILE_WIDTH.ilog2();

/// Path of a tile or of a bundle of entries: `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePath {
    /// What the file holds.
    pub content: TileContent,
    /// The number of the tile in its level, or of the bundle.
    pub index: u64,
    /// The number of hashes or entries: 256, or fewer in a partial tile or bundle.
    pub width: u16,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileContent {
    /// Hashes of a level, from 0, where they are those of leaves, to 63. A hash covers 256 hashes of the level below.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// Why a path names no tile, or bytes are no bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path has another form.
    #[error(
        "the path is not `tile/<level>/<number>` or `tile/entries/<number>`, with `.p/<width>` for a partial tile"
    )]
    Path,
    /// An entry is too large.
    #[error("the entry has {0} bytes; {MAX_ENTRY_LENGTH} are the most")]
    Entry(usize),
    /// The bundle ends too early, or goes on behind its last entry.
    #[error("the bundle does not hold {0} entries")]
    Bundle(u16),
}

impl TilePath {
    /// The partial tile at the right end of a level in a tree of some size (tlog-tiles, "Partial Tiles"). It is `None` if all
    /// tiles of the level are full.
    pub fn partial(level: u8, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(LEVELS_OF_TILE * u32::from(level))?;
        let width = (hashes % u64::from(TILE_WIDTH)) as u16;
        let content = TileContent::Hashes(level);
        (width > 0).then_some(Self { content, index: hashes / u64::from(TILE_WIDTH), width })
    }

    /// Whether a tree of some size has all of the tile.
    pub fn is_within(&self, size: u64) -> bool {
        let count = match self.content {
            TileContent::Entries => Some(size),
            TileContent::Hashes(level) => size.checked_shr(LEVELS_OF_TILE * u32::from(level)),
        };
        let end = self.index.checked_mul(u64::from(TILE_WIDTH));
        let end = end.and_then(|first| first.checked_add(u64::from(self.width)));
        end.zip(count).is_some_and(|(end, count)| end <= count)
    }

    /// The numbers of the entries of a bundle; none for a tile of hashes.
    pub fn entries(&self) -> Range<u64> {
        let first = self.index.saturating_mul(u64::from(TILE_WIDTH));
        match self.content {
            TileContent::Entries => first..first.saturating_add(u64::from(self.width)),
            TileContent::Hashes(_) => first..first,
        }
    }

    /// Bytes of a tile of hashes from what is stored (tlog-tiles, "Merkle Tree"). It is `None` if the path is one of entries,
    /// or a hash is not stored, because the tree is too small or the level too high.
    pub fn read(&self, hashes: &impl Hashes) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::from(self.width) * 32);
        for node in self.nodes()? {
            bytes.extend(hashes.hash(node)?.0);
        }
        Some(bytes)
    }

    /// The nodes whose hashes are a tile, for a caller that reads them from a database first. It is `None` for a path of
    /// entries, and for tiles that no tree has.
    pub fn nodes(&self) -> Option<impl Iterator<Item = Node> + use<>> {
        let TileContent::Hashes(level) = self.content else {
            return None;
        };
        if !(1..=TILE_WIDTH).contains(&self.width) {
            return None;
        }
        let level = u8::try_from(u32::from(level) * LEVELS_OF_TILE).ok().filter(|level| *level < 64)?;
        let first = self.index.checked_mul(u64::from(TILE_WIDTH))?;
        let last = first.checked_add(u64::from(self.width))?;
        Some((first..last).map(move |index| Node { level, index }))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            TileContent::Hashes(level) => write!(f, "tile/{level}/")?,
            TileContent::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        match self.width {
            TILE_WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

impl FromStr for TilePath {
    type Err = TileError;

    /// Reads a path strictly: a tile has one path only.
    fn from_str(text: &str) -> Result<Self, TileError> {
        let path = parse(text).ok_or(TileError::Path)?;
        // Another form, as one with more zeros, names the tile a second time.
        match path.to_string() == text {
            true => Ok(path),
            false => Err(TileError::Path),
        }
    }
}

/// Reads a path, and other forms of it.
fn parse(text: &str) -> Option<TilePath> {
    let (content, number) = text.strip_prefix("tile/")?.split_once('/')?;
    let content = match content {
        "entries" => TileContent::Entries,
        level => {
            let level = parse_decimal(level).and_then(|level| u8::try_from(level).ok());
            TileContent::Hashes(level.filter(|level| *level <= MAX_LEVEL)?)
        }
    };
    let (number, width) = match number.split_once(".p/") {
        None => (number, TILE_WIDTH),
        Some((number, width)) => {
            let width = parse_decimal(width).and_then(|width| u16::try_from(width).ok());
            (number, width.filter(|width| (1..TILE_WIDTH).contains(width))?)
        }
    };
    let mut index: u64 = 0;
    let mut groups = number.split('/').rev();
    let last = groups.next()?;
    let others: Option<Vec<_>> = groups.map(|group| group.strip_prefix('x')).collect();
    for group in others?.into_iter().rev().chain([last]) {
        index = index.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    Some(TilePath { content, index, width })
}

/// Writes a bundle of entries, each with its length before it (tlog-tiles, "Log entries").
///
/// # Errors
/// When an entry is too large.
pub fn write_bundle<'e>(entries: impl IntoIterator<Item = &'e [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::Entry(entry.len()))?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}

/// Reads a bundle of some number of entries (tlog-tiles, "Log entries").
///
/// # Errors
/// When the bytes are no such bundle.
pub fn read_bundle(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let error = TileError::Bundle(width);
    let mut entries = Vec::new();
    let mut rest = bundle;
    for _ in 0..width {
        let (length, behind) = rest.split_first_chunk().ok_or(error)?;
        let (entry, behind) =
            behind.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(error)?;
        entries.push(entry);
        rest = behind;
    }
    match rest.is_empty() {
        true => Ok(entries),
        false => Err(error),
    }
}
