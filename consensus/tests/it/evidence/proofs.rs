//! Proofs are those of RFC 6962, and prove nothing else.

use super::trees::naive_root;
use super::{Log, flips_of};
use consensus::Digest;
use consensus::evidence::{
    Node, ProofError, TreeHead, leaf_hash, node_hash, nodes_of_consistency, nodes_of_inclusion,
    prove_consistency, prove_inclusion, root_of,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use std::cell::RefCell;

/// `PATH` of RFC 6962, section 2.1.1.
fn naive_inclusion(index: usize, entries: &[Vec<u8>]) -> Vec<Digest> {
    if entries.len() == 1 {
        return Vec::new();
    }
    let (left, right) = entries.split_at(entries.len().next_power_of_two() / 2);
    let (mut path, beside) = match index < left.len() {
        true => (naive_inclusion(index, left), right),
        false => (naive_inclusion(index - left.len(), right), left),
    };
    path.push(naive_root(beside));
    path
}

/// `SUBPROOF` of RFC 6962, section 2.1.2.
fn naive_consistency(old: usize, entries: &[Vec<u8>], is_known: bool) -> Vec<Digest> {
    if old == entries.len() {
        return if is_known { Vec::new() } else { vec![naive_root(entries)] };
    }
    let (left, right) = entries.split_at(entries.len().next_power_of_two() / 2);
    let (mut proof, beside) = match old <= left.len() {
        true => (naive_consistency(old, left, is_known), right),
        false => (naive_consistency(old - left.len(), right, false), left),
    };
    proof.push(naive_root(beside));
    proof
}

fn bytes(proof: &[Digest]) -> Vec<u8> {
    proof.iter().flat_map(|digest| digest.0).collect()
}

#[test]
fn inclusion_proofs_are_those_of_two_other_implementations() {
    let log = Log::of(130);
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=130 {
        other.push(log.entries[size - 1].clone());
        for index in 0..size {
            let proof = prove_inclusion(index as u64, size as u64, &log.read()).unwrap();
            assert_eq!(proof, naive_inclusion(index, &log.entries[..size]), "{index} in {size}");
            assert_eq!(bytes(&proof), other.prove_inclusion(index).as_bytes(), "{index} in {size}");
            let checked = log.heads[size].check_inclusion(index as u64, &log.leaf(index as u64), &proof);
            assert_eq!(checked, Ok(()), "{index} in {size}");
        }
    }
}

#[test]
fn consistency_proofs_are_those_of_two_other_implementations() {
    let log = Log::of(130);
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for new in 1..=130 {
        other.push(log.entries[new - 1].clone());
        for old in 1..=new {
            let proof = prove_consistency(old as u64, new as u64, &log.read()).unwrap();
            assert_eq!(proof, naive_consistency(old, &log.entries[..new], true), "{old} to {new}");
            if old < new {
                assert_eq!(bytes(&proof), other.prove_consistency(new - old).as_bytes(), "{old} to {new}");
            }
            assert_eq!(log.heads[new].check_consistency(&log.heads[old], &proof), Ok(()), "{old} to {new}");
        }
    }
}

#[test]
fn an_altered_inclusion_proof_is_refused() {
    let log = Log::of(40);
    for (size, index) in [(1, 0), (2, 1), (5, 4), (7, 3), (8, 0), (13, 12), (33, 32), (40, 21)] {
        let (head, leaf) = (log.heads[size], log.leaf(index));
        let proof = prove_inclusion(index, size as u64, &log.read()).unwrap();
        let refused = |head: TreeHead, index, leaf: Digest, proof: &[Digest]| {
            assert!(head.check_inclusion(index, &leaf, proof).is_err(), "{index} in {size}");
        };
        for at in 0..proof.len() {
            for flipped in flips_of(&proof[at]) {
                let mut altered = proof.clone();
                altered[at] = flipped;
                refused(head, index, leaf, &altered);
            }
            let mut missing = proof.clone();
            missing.remove(at);
            refused(head, index, leaf, &missing);
            if at > 0 {
                let mut swapped = proof.clone();
                swapped.swap(at, at - 1);
                refused(head, index, leaf, &swapped);
            }
        }
        flips_of(&leaf).for_each(|leaf| refused(head, index, leaf, &proof));
        flips_of(&head.root).for_each(|root| refused(TreeHead { root, ..head }, index, leaf, &proof));
        refused(head, index, leaf, &[&proof[..], &[Digest::default()]].concat());
        (0..60).filter(|other| *other != index).for_each(|other| refused(head, other, leaf, &proof));
    }
}

#[test]
fn an_altered_consistency_proof_is_refused() {
    let log = Log::of(40);
    for (old, new) in [(0, 0), (0, 9), (1, 2), (3, 7), (4, 7), (6, 7), (8, 16), (13, 33), (32, 33), (9, 9)] {
        let heads = (log.heads[old], log.heads[new]);
        let proof = prove_consistency(old as u64, new as u64, &log.read()).unwrap();
        assert_eq!(heads.1.check_consistency(&heads.0, &proof), Ok(()));
        let refused = |(old, new): (TreeHead, TreeHead), proof: &[Digest]| {
            assert!(new.check_consistency(&old, proof).is_err(), "{} to {}", old.size, new.size);
        };
        for at in 0..proof.len() {
            for flipped in flips_of(&proof[at]) {
                let mut altered = proof.clone();
                altered[at] = flipped;
                refused(heads, &altered);
            }
            let mut missing = proof.clone();
            missing.remove(at);
            refused(heads, &missing);
        }
        refused(heads, &[&proof[..], &[Digest::default()]].concat());
        flips_of(&heads.0.root).for_each(|root| refused((TreeHead { root, ..heads.0 }, heads.1), &proof));
        // An empty tree is extended by all trees.
        if old > 0 || new == 0 {
            flips_of(&heads.1.root).for_each(|root| refused((heads.0, TreeHead { root, ..heads.1 }), &proof));
        }
        if old < new {
            refused((heads.1, heads.0), &proof);
        }
    }
}

#[test]
fn a_tree_that_was_rewritten_extends_no_earlier_one() {
    let log = Log::of(20);
    let mut forged = Log::of(0);
    for number in 0..20 {
        let entry = if number == 3 { b"another entry".to_vec() } else { log.entries[number].clone() };
        forged.stored.extend(forged.tree.append(leaf_hash(&entry)));
        forged.heads.push(forged.tree.head());
    }
    for old in 4..20 {
        for proof in [prove_consistency(old, 20, &log.read()), prove_consistency(old, 20, &forged.read())] {
            let checked = forged.heads[20].check_consistency(&log.heads[old as usize], &proof.unwrap());
            assert!(matches!(checked, Err(ProofError::Root { .. })), "{checked:?}");
        }
    }
}

#[test]
fn refusals_say_why() {
    let head = Log::of(5).heads[5];
    let message = |checked: Result<(), ProofError>| checked.unwrap_err().to_string();
    let inclusion = |index, proof: &[_]| message(head.check_inclusion(index, &Digest::default(), proof));
    assert_eq!(inclusion(5, &[]), "a tree of 5 leaves has no leaf 5");
    assert_eq!(inclusion(0, &[]), "the proof has 0 hashes; between these sizes it has 3");
    assert_eq!(
        inclusion(4, &[Digest::default()]),
        "the proof does not lead to the root of the tree of 5 leaves"
    );
    let earlier = TreeHead { size: 6, ..head };
    let shrunk = message(head.check_consistency(&earlier, &[]));
    assert_eq!(shrunk, "a tree of 5 leaves does not extend a tree of 6 leaves");
}

#[test]
fn the_nodes_that_a_proof_needs_are_those_that_are_read() {
    let log = Log::of(33);
    for size in 1..=33 {
        for other in 0..=size + 1 {
            let asked = RefCell::new(Vec::new());
            let read = |node: Node| {
                asked.borrow_mut().push(node);
                log.stored.get(&node).copied()
            };
            assert_eq!(prove_inclusion(other, size, &read).is_some(), other < size);
            assert_eq!(asked.take(), nodes_of_inclusion(other, size));
            assert_eq!(prove_consistency(other, size, &read).is_some(), other <= size);
            assert_eq!(asked.take(), nodes_of_consistency(other, size));
        }
    }
    let gap = |node: Node| log.stored.get(&node).copied().filter(|_| node.level != 1);
    assert_eq!(prove_inclusion(0, 33, &gap), None, "a hash is not stored");
    assert_eq!(prove_consistency(31, 33, &gap), None, "a hash is not stored");
}

/// Hashes of a tree of any size whose leaves are all equal.
fn uniform(node: Node) -> Option<Digest> {
    Some((0..node.level).fold(leaf_hash(b"same"), |hash, _| node_hash(&hash, &hash)))
}

proptest! {
    #[test]
    fn proofs_in_trees_of_any_size_hold(a: u64, b: u64, shift in 0..63u32) {
        let (size, index) = ((a >> shift).max(1), b % (a >> shift).max(1));
        let head = root_of(size, &uniform).unwrap();
        let leaf = leaf_hash(b"same");
        let proof = prove_inclusion(index, size, &uniform).unwrap();
        prop_assert_eq!(head.check_inclusion(index, &leaf, &proof), Ok(()));
        let earlier = root_of(index, &uniform).unwrap();
        let proof = prove_consistency(index, size, &uniform).unwrap();
        prop_assert_eq!(head.check_consistency(&earlier, &proof), Ok(()));
        if let Some(short) = proof.split_last() {
            prop_assert!(head.check_consistency(&earlier, short.1).is_err());
        }
    }

    #[test]
    fn hostile_sizes_and_proofs_are_refused(
        sizes in prop::array::uniform2(prop_oneof![any::<u64>(), 0..70u64, Just(u64::MAX), Just(1 << 63)]),
        seeds in prop::collection::vec(any::<u8>(), 0..140),
    ) {
        let proof: Vec<_> = seeds.iter().map(|seed| Digest([*seed; 32])).collect();
        let head = TreeHead { size: sizes[0], root: Digest([1; 32]) };
        let earlier = TreeHead { size: sizes[1], root: Digest([2; 32]) };
        prop_assert!(head.check_inclusion(sizes[1], &Digest([3; 32]), &proof).is_err());
        prop_assert!(head.check_consistency(&earlier, &proof).is_err());
        prop_assert_eq!(prove_inclusion(sizes[1], sizes[0], &|_| None), None);
        nodes_of_consistency(sizes[1], sizes[0]);
        root_of(sizes[0], &|_| None);
    }
}
