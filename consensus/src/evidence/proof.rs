//! Proofs of RFC 6962, sections 2.1.1 and 2.1.2: that a tree includes a leaf, and that it extends an earlier one.
//!
//! A proof is a list of hashes. Which subtrees they cover follows from the sizes alone, so making and checking a proof walk
//! the same list of subtrees, at most 65 of them, and nothing in a proof steers the walk.
//!
//! ```
//! use consensus::evidence::{Node, Tree, leaf_hash, prove_inclusion};
//! use std::collections::BTreeMap;
//!
//! let (mut tree, mut stored) = (Tree::default(), BTreeMap::new());
//! for entry in ["first", "second", "third"] {
//!     stored.extend(tree.append(leaf_hash(entry.as_bytes())));
//! }
//! let read = |node: Node| stored.get(&node).copied();
//! let proof = prove_inclusion(1, 3, &read).expect("all hashes are stored");
//! assert_eq!(tree.head().check_inclusion(1, &leaf_hash(b"second"), &proof), Ok(()));
//! assert!(tree.head().check_inclusion(2, &leaf_hash(b"second"), &proof).is_err());
//! ```

use super::tree::{Node, TreeHead, fold, node_hash};
use crate::id::Digest;
use std::ops::Range;

/// Reader of the complete hashes that [`Tree::append`](super::Tree::append) returned.
pub trait Hashes {
    /// Returns the hash of a node, or `None` if it is not stored.
    fn hash(&self, node: Node) -> Option<Digest>;
}

impl<F: Fn(Node) -> Option<Digest>> Hashes for F {
    fn hash(&self, node: Node) -> Option<Digest> {
        self(node)
    }
}

/// Why a proof does not prove what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is behind the end of the tree.
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoLeaf {
        /// The leaf, counted from 0.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The earlier tree is larger.
    #[error("a tree of {new} leaves does not extend a tree of {old} leaves")]
    Shrunk {
        /// The size of the earlier tree.
        old: u64,
        /// The size of the later tree.
        new: u64,
    },
    /// The proof has too many hashes, or too few.
    #[error("the proof has {found} hashes; between these sizes it has {expected}")]
    Length {
        /// The number that follows from the sizes.
        expected: usize,
        /// The number in the proof.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof does not lead to the root of the tree of {size} leaves")]
    Root {
        /// The size of that tree.
        size: u64,
    },
}

impl TreeHead {
    /// Checks a proof that a leaf is in the tree (RFC 6962, section 2.1.1). `leaf` is the hash of the leaf.
    /// Size and root come from one checkpoint: a proof alone does not bind the size.
    ///
    /// # Errors
    /// When the proof does not lead from this leaf at this place to the root.
    pub fn check_inclusion(&self, index: u64, leaf: &Digest, proof: &[Digest]) -> Result<(), ProofError> {
        if index >= self.size {
            return Err(ProofError::NoLeaf { index, size: self.size });
        }
        let subtrees = beside_leaf(index, self.size);
        check_length(subtrees.len(), proof)?;
        let root =
            subtrees.iter().zip(proof).fold(*leaf, |hash, (subtree, beside)| match subtree.start > index {
                true => node_hash(&hash, beside),
                false => node_hash(beside, &hash),
            });
        check_root(self, root)
    }

    /// Checks a proof that the tree extends an earlier one (RFC 6962, section 2.1.2): all leaves of the earlier tree are its
    /// first leaves. The proof is empty if the sizes are equal, or the earlier tree has no leaves.
    ///
    /// # Errors
    /// When the proof does not lead to both roots.
    pub fn check_consistency(&self, earlier: &TreeHead, proof: &[Digest]) -> Result<(), ProofError> {
        let (old, new) = (earlier.size, self.size);
        if old > new {
            return Err(ProofError::Shrunk { old, new });
        }
        if old == 0 || old == new {
            check_length(0, proof)?;
            if old == 0 {
                check_root(earlier, TreeHead::empty().root)?;
            }
            return if old == new { check_root(self, earlier.root) } else { Ok(()) };
        }
        let subtrees = between(old, new);
        check_length(subtrees.len(), proof)?;
        let mut steps = subtrees.iter().zip(proof);
        // The tree of the earlier size is a complete subtree itself, or the proof begins with its last complete subtree.
        let start =
            if old.is_power_of_two() { Some(&earlier.root) } else { steps.next().map(|(_, hash)| hash) };
        let Some(&start) = start else {
            return Err(ProofError::Root { size: old });
        };
        let (mut old_root, mut new_root) = (start, start);
        for (subtree, hash) in steps {
            if subtree.start >= old {
                new_root = node_hash(&new_root, hash);
            } else {
                old_root = node_hash(hash, &old_root);
                new_root = node_hash(hash, &new_root);
            }
        }
        check_root(earlier, old_root)?;
        check_root(self, new_root)
    }
}

fn check_length(expected: usize, proof: &[Digest]) -> Result<(), ProofError> {
    match proof.len() == expected {
        true => Ok(()),
        false => Err(ProofError::Length { expected, found: proof.len() }),
    }
}

fn check_root(head: &TreeHead, found: Digest) -> Result<(), ProofError> {
    match head.root == found {
        true => Ok(()),
        false => Err(ProofError::Root { size: head.size }),
    }
}

/// Makes the proof that a leaf is in a tree of some size (RFC 6962, section 2.1.1). It is `None` if a hash is not stored, or
/// the tree has no such leaf.
pub fn prove_inclusion(index: u64, size: u64, hashes: &impl Hashes) -> Option<Vec<Digest>> {
    match index < size {
        true => hashes_of(&beside_leaf(index, size), hashes),
        false => None,
    }
}

/// Makes the proof that a tree of some size extends an earlier one (RFC 6962, section 2.1.2). It is `None` if a hash is not
/// stored, or the earlier tree is larger.
pub fn prove_consistency(old: u64, new: u64, hashes: &impl Hashes) -> Option<Vec<Digest>> {
    match old {
        _ if old > new => None,
        _ if old == 0 || old == new => Some(Vec::new()),
        _ => hashes_of(&between(old, new), hashes),
    }
}

/// Root of the tree of some size, which may be an earlier one. It is `None` if a hash is not stored.
pub fn root_of(size: u64, hashes: &impl Hashes) -> Option<TreeHead> {
    match size {
        0 => Some(TreeHead::empty()),
        _ => Some(TreeHead { size, root: hash_of(&(0..size), hashes)? }),
    }
}

/// Lists the nodes that [`prove_inclusion`] reads, for a caller that reads them from a database first.
pub fn nodes_of_inclusion(index: u64, size: u64) -> Vec<Node> {
    match index < size {
        true => beside_leaf(index, size).iter().flat_map(complete_subtrees).collect(),
        false => Vec::new(),
    }
}

/// Lists the nodes that [`prove_consistency`] reads, for a caller that reads them from a database first.
pub fn nodes_of_consistency(old: u64, new: u64) -> Vec<Node> {
    match 0 < old && old < new {
        true => between(old, new).iter().flat_map(complete_subtrees).collect(),
        false => Vec::new(),
    }
}

/// Lists the nodes that [`root_of`] reads, for a caller that reads them from a database first.
pub fn nodes_of_root(size: u64) -> Vec<Node> {
    complete_subtrees(&(0..size)).collect()
}

/// Subtrees, as ranges of leaves, whose hashes are the proof for a leaf, from the leaf upwards (RFC 6962, `PATH`). The leaf
/// is in the tree.
fn beside_leaf(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut tree = 0..size;
    let mut subtrees = Vec::new();
    while tree.end - tree.start > 1 {
        let middle = middle(&tree);
        if index < middle {
            subtrees.push(middle..tree.end);
            tree.end = middle;
        } else {
            subtrees.push(tree.start..middle);
            tree.start = middle;
        }
    }
    subtrees.reverse();
    subtrees
}

/// Subtrees whose hashes are the proof between two sizes, from the end of the earlier tree upwards (RFC 6962, `SUBPROOF`).
/// The earlier tree has leaves, and is smaller.
fn between(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut tree = 0..new;
    let mut subtrees = Vec::new();
    while tree.end != old {
        let middle = middle(&tree);
        if old <= middle {
            subtrees.push(middle..tree.end);
            tree.end = middle;
        } else {
            subtrees.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // A verifier knows the hash of this subtree only if it is the whole earlier tree.
    if tree.start > 0 {
        subtrees.push(tree);
    }
    subtrees.reverse();
    subtrees
}

/// Where a tree of two leaves or more divides: its left part has the largest power of two of leaves below its size.
fn middle(tree: &Range<u64>) -> u64 {
    tree.start + (1 << (tree.end - tree.start - 1).ilog2())
}

/// Complete subtrees of a subtree, from left to right.
fn complete_subtrees(tree: &Range<u64>) -> impl DoubleEndedIterator<Item = Node> + use<> {
    let Range { mut start, end } = tree.clone();
    let mut nodes = Vec::new();
    while start < end {
        let level = (end - start).ilog2() as u8;
        nodes.push(Node { level, index: start >> level });
        start += 1 << level;
    }
    nodes.into_iter()
}

fn hash_of(tree: &Range<u64>, hashes: &impl Hashes) -> Option<Digest> {
    let found: Option<Vec<_>> = complete_subtrees(tree).map(|node| hashes.hash(node)).collect();
    fold(found?.into_iter())
}

fn hashes_of(subtrees: &[Range<u64>], hashes: &impl Hashes) -> Option<Vec<Digest>> {
    subtrees.iter().map(|subtree| hash_of(subtree, hashes)).collect()
}
