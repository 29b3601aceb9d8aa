//! The transparency log: trees and proofs, tiles, notes and checkpoints, leaves, trust policies.

mod proofs;
mod tiles;
mod trees;

use consensus::Digest;
use consensus::evidence::{Node, Tree, TreeHead, leaf_hash};
use std::collections::BTreeMap;

/// A log with all that it stores.
#[derive(Default)]
struct Log {
    tree: Tree,
    stored: BTreeMap<Node, Digest>,
    /// The head at each size, from 0.
    heads: Vec<TreeHead>,
    entries: Vec<Vec<u8>>,
}

impl Log {
    fn of(size: usize) -> Self {
        let mut log = Self { heads: vec![Tree::default().head()], ..Self::default() };
        for number in 0..size {
            let entry = format!("entry {number}").into_bytes();
            log.stored.extend(log.tree.append(leaf_hash(&entry)));
            log.heads.push(log.tree.head());
            log.entries.push(entry);
        }
        log
    }

    fn read(&self) -> impl Fn(Node) -> Option<Digest> {
        |node| self.stored.get(&node).copied()
    }

    fn leaf(&self, index: u64) -> Digest {
        leaf_hash(&self.entries[index as usize])
    }
}

/// Each value that differs from some bytes in one bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

fn flips_of(digest: &Digest) -> impl Iterator<Item = Digest> {
    flips(&digest.0).map(|bytes| Digest(bytes.try_into().unwrap()))
}
