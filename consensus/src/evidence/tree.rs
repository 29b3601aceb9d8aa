//! Merkle trees of RFC 6962, section 2.1: their hashes, and a compact tree that only grows.

use crate::id::Digest;
use serde::{Deserialize, Serialize};

/// Largest size of a tree that is read from a record or a checkpoint.
pub const MAX_SIZE: u64 = (1 << 63) - 1;

/// Hash of a leaf (RFC 6962, section 2.1): SHA-256 of a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest::of(&[&[0], entry])
}

/// Hash of an inner node (RFC 6962, section 2.1): SHA-256 of a one byte and the hashes of both children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[1], &left.0, &right.0])
}

/// Place of a hash that never changes: it covers the `2^level` leaves from leaf `index * 2^level` on, which all exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Node {
    /// The level, which is 0 for leaves.
    pub level: u8,
    /// The number of the node in its level, counted from 0.
    pub index: u64,
}

/// Size and root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TreeHead {
    /// The number of leaves.
    pub size: u64,
    /// The root (RFC 6962, section 2.1, `MTH`).
    pub root: Digest,
}

impl TreeHead {
    /// Head of the tree without leaves, whose root is the hash of no bytes (RFC 6962, section 2.1).
    pub fn empty() -> Self {
        Self { size: 0, root: Digest::of(&[]) }
    }
}

/// Tree that knows its size, and the roots of the complete subtrees of which it is made. It is small enough for one record:
/// at most 63 hashes.
///
/// ```
/// use consensus::evidence::{Tree, leaf_hash};
///
/// let mut tree = Tree::default();
/// let first = tree.append(leaf_hash(b"first"));
/// assert_eq!(first.len(), 1, "the leaf itself");
/// let second = tree.append(leaf_hash(b"second"));
/// assert_eq!(second.len(), 2, "the leaf and the node above both");
/// assert_eq!(tree.head().size, 2);
/// assert_eq!(tree.head().root, second[1].1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Record")]
pub struct Tree {
    size: u64,
    /// Roots of the complete subtrees, the largest first: one for each bit of the size that is set.
    frontier: Vec<Digest>,
}

/// Stored form of a tree, before it is checked.
#[derive(Deserialize)]
struct Record {
    size: u64,
    frontier: Vec<Digest>,
}

impl TryFrom<Record> for Tree {
    type Error = TreeError;

    fn try_from(Record { size, frontier }: Record) -> Result<Self, TreeError> {
        match size <= MAX_SIZE && frontier.len() == size.count_ones() as usize {
            true => Ok(Self { size, frontier }),
            false => Err(TreeError { size, hashes: frontier.len() }),
        }
    }
}

/// A record is no tree, because its size and the number of its hashes do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves is not kept in {hashes} hashes")]
pub struct TreeError {
    size: u64,
    hashes: usize,
}

impl Tree {
    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of a leaf, and returns the complete hashes that this makes, from the leaf upwards. A caller that
    /// stores them can make every proof and every tile from them.
    pub fn append(&mut self, leaf: Digest) -> Vec<(Node, Digest)> {
        let mut node = Node { level: 0, index: self.size };
        let mut hash = leaf;
        let mut made = vec![(node, hash)];
        // A node on the right of its parent completes the parent; the node on the left is the last one kept.
        while node.index % 2 == 1
            && let Some(left) = self.frontier.pop()
        {
            node = Node { level: node.level + 1, index: node.index / 2 };
            hash = node_hash(&left, &hash);
            made.push((node, hash));
        }
        self.frontier.push(hash);
        self.size += 1;
        made
    }

    /// Size and root.
    pub fn head(&self) -> TreeHead {
        match fold(self.frontier.iter().copied()) {
            Some(root) => TreeHead { size: self.size, root },
            None => TreeHead::empty(),
        }
    }
}

/// Root of a tree from the roots of its complete subtrees, the largest first; `None` if there are none.
pub(super) fn fold(subtrees: impl DoubleEndedIterator<Item = Digest>) -> Option<Digest> {
    subtrees.rev().reduce(|right, left| node_hash(&left, &right))
}
