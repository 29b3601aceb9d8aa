//! Trees have the roots of RFC 6962, and keep them in a small record.

use super::Log;
use consensus::Digest;
use consensus::evidence::{MAX_SIZE, Node, Tree, TreeHead, leaf_hash, node_hash, nodes_of_root, root_of};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use std::cell::RefCell;

/// Root by the recursion of RFC 6962, section 2.1.
pub(super) fn naive_root(entries: &[Vec<u8>]) -> Digest {
    match entries {
        [] => Digest::of(&[]),
        [entry] => leaf_hash(entry),
        _ => {
            let (left, right) = entries.split_at(entries.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

#[test]
fn roots_are_those_of_two_other_implementations() {
    let log = Log::of(130);
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 0..=130 {
        let head = log.heads[size];
        assert_eq!(head, TreeHead { size: size as u64, root: naive_root(&log.entries[..size]) });
        assert_eq!(head.root.0[..], other.root().as_bytes()[..]);
        assert_eq!(root_of(size as u64, &log.read()), Some(head));
        if size < 130 {
            other.push(log.entries[size].clone());
        }
    }
}

#[test]
fn roots_are_the_published_ones() {
    // Entries and roots of the reference implementation of RFC 6962.
    let entries: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::default();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(tree.head().root.to_string(), *root, "size {size}");
        if let Some(entry) = entries.get(size) {
            tree.append(leaf_hash(entry));
        }
    }
}

#[test]
fn appending_gives_each_complete_hash_once() {
    let log = Log::of(130);
    for (node, hash) in &log.stored {
        let (first, width) = ((node.index << node.level) as usize, 1 << node.level);
        assert_eq!(*hash, naive_root(&log.entries[first..first + width]), "{node:?}");
    }
    let expected: u64 = (0..8).map(|level| 130 >> level).sum();
    assert_eq!(log.stored.len() as u64, expected);
    let mut tree = Tree::default();
    let made: usize = log.entries.iter().map(|entry| tree.append(leaf_hash(entry)).len()).sum();
    assert_eq!(made, log.stored.len());
}

#[test]
fn the_nodes_that_a_root_needs_are_those_that_are_read() {
    let log = Log::of(130);
    for size in 0..=130 {
        let asked = RefCell::new(Vec::new());
        let read = |node: Node| {
            asked.borrow_mut().push(node);
            log.stored.get(&node).copied()
        };
        root_of(size, &read).unwrap();
        assert_eq!(asked.into_inner(), nodes_of_root(size));
    }
    assert_eq!(root_of(131, &log.read()), None, "a hash is not stored");
}

#[test]
fn a_tree_is_kept_in_a_small_record() {
    for (size, tree) in [(0, Log::of(0).tree), (1, Log::of(1).tree), (127, Log::of(127).tree)] {
        let bytes = postcard::to_allocvec(&tree).unwrap();
        assert!(bytes.len() <= 10 + 33 * 7, "{}", bytes.len());
        let mut back: Tree = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((&back, back.size()), (&tree, size));
        let json = serde_json::to_string(&tree).unwrap();
        assert_eq!(serde_json::from_str::<Tree>(&json).unwrap(), tree);
        back.append(leaf_hash(format!("entry {size}").as_bytes()));
        assert_eq!(back.head(), Log::of(size as usize + 1).tree.head());
    }
}

#[test]
fn a_record_whose_size_does_not_match_its_hashes_is_refused() {
    let hashes = vec![Digest::default(); 3];
    for size in [0, 1, 3, 5, 8, 15] {
        let bytes = postcard::to_allocvec(&(size as u64, &hashes)).unwrap();
        let error = postcard::from_bytes::<Tree>(&bytes);
        assert!(error.is_err(), "a tree of {size} leaves in 3 hashes");
    }
    let huge = postcard::to_allocvec(&(MAX_SIZE + 1, vec![Digest::default()])).unwrap();
    assert!(postcard::from_bytes::<Tree>(&huge).is_err());
    let json = serde_json::json!({ "size": 4, "frontier": hashes });
    let error = serde_json::from_value::<Tree>(json).unwrap_err();
    assert_eq!(error.to_string(), "a tree of 4 leaves is not kept in 3 hashes");
}

proptest! {
    #[test]
    fn any_record_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(mut tree) = postcard::from_bytes::<Tree>(&bytes) {
            tree.head();
            tree.append(Digest::default());
        }
    }
}
