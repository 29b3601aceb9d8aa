//! A digest of everything that is in a state, kept up to date at the cost of what changes.

use crate::id::Digest;
use blake3::Hasher;
use std::fmt;
use std::sync::LazyLock;

/// Numbers of which the hash of a set consists.
const LANES: usize = 1024;
/// Bytes of a hash as it is kept.
const BYTES: usize = 2 * LANES;
/// Separates these hashes from all others.
const CONTEXT: &str = "concord 2026-11-30 hash of a set of keys and values, v1";

static HASHER: LazyLock<Hasher> = LazyLock::new(|| Hasher::new_derive_key(CONTEXT));

/// The hash of a set of keys and values: LtHash over BLAKE3, with 1,024 numbers of 16 bits.
///
/// Two sets have the same hash when they hold the same, in whatever order it came; to find two others that do is as
/// hard as a short vector in a lattice, about 200 bits. A change costs the same however large the set is.
///
/// ```
/// use consensus::SetHash;
///
/// let mut one = SetHash::default();
/// one.insert(b"name", b"TAXII");
/// one.insert(b"version", b"2.1");
///
/// let mut other = SetHash::default();
/// other.insert(b"version", b"2.0");
/// other.insert(b"name", b"TAXII");
/// assert_ne!(one.digest(), other.digest());
///
/// other.remove(b"version", b"2.0");
/// other.insert(b"version", b"2.1");
/// assert_eq!(one.digest(), other.digest());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SetHash(Box<[u16; LANES]>);

impl SetHash {
    /// Adds a key and its value, which must not be there yet.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) {
        let lanes = expand(key, value);
        self.0.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum = sum.wrapping_add(lane));
    }

    /// Takes out a key and its value, which must be there.
    pub fn remove(&mut self, key: &[u8], value: &[u8]) {
        let lanes = expand(key, value);
        self.0.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum = sum.wrapping_sub(lane));
    }

    /// What two nodes compare.
    pub fn digest(&self) -> Digest {
        Digest::of(&[b"concord/state/v1\0", &self.to_bytes()])
    }

    /// The hash as it is kept, so that [`from_bytes`](Self::from_bytes) goes on with it.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// The hash that was kept; `None` when the bytes are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
        Some(Self(Box::new(lanes(bytes))))
    }
}

impl Default for SetHash {
    /// The hash of nothing.
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl fmt::Debug for SetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetHash({})", self.digest())
    }
}

/// The length of the key stands first, so that no other key and value are the same bytes.
fn expand(key: &[u8], value: &[u8]) -> [u16; LANES] {
    let mut bytes = [0; BYTES];
    let mut hasher = HASHER.clone();
    hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(value);
    hasher.finalize_xof().fill(&mut bytes);
    lanes(&bytes)
}

fn lanes(bytes: &[u8; BYTES]) -> [u16; LANES] {
    let (pairs, _) = bytes.as_chunks::<2>();
    std::array::from_fn(|number| u16::from_le_bytes(pairs[number]))
}
