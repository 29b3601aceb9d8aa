//! The transparency log: trees and proofs, tiles, notes and checkpoints, leaves, trust policies.

mod checkpoints;
mod keys;
mod leaves;
mod notes;
mod proofs;
mod tiles;
mod trees;
mod trust;

use consensus::evidence::{
    Checkpoint, KeyName, Node, Note, SignatureType, Tree, TreeHead, VerifierKey, leaf_hash,
};
use consensus::{Digest, SecretKey};
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

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn name(name: &str) -> KeyName {
    name.parse().unwrap()
}

pub(crate) fn log_key(seed: u8) -> VerifierKey {
    VerifierKey::new(name("health/approvals"), SignatureType::Note, secret(seed).public()).unwrap()
}

fn witness_name(seed: u8) -> KeyName {
    name(&format!("member-{seed}/witness"))
}

pub(crate) fn witness_key(seed: u8) -> VerifierKey {
    VerifierKey::new(witness_name(seed), SignatureType::Cosignature, secret(seed).public()).unwrap()
}

pub(crate) fn checkpoint() -> Checkpoint {
    Checkpoint::new("health/approvals".to_owned(), *Log::of(7).heads.last().unwrap()).unwrap()
}

/// A checkpoint, signed by a log and cosigned by witnesses.
pub(crate) fn signed(log: u8, witnesses: &[u8]) -> Note {
    let mut note = checkpoint().sign(&secret(log)).unwrap();
    for seed in witnesses {
        note.add(checkpoint().cosign(witness_name(*seed), &secret(*seed), 1_800_000_000).unwrap()).unwrap();
    }
    note
}
