//! Evidence: a transparency log of what a network decided, which readers check without trusting a member.
//!
//! Each decision is a [leaf](Leaf) of a [Merkle tree](Tree) (RFC 6962), which only grows. All members apply the same entries,
//! so all have the same root at the same size. A [checkpoint](Checkpoint) says size and root; the log signs it, and each
//! organisation cosigns it after it checked that the tree extends the last one that it cosigned. A reader needs a leaf, an
//! [inclusion proof](prove_inclusion), a checkpoint, and a [trust policy](TrustPolicy) that says whose cosignatures are
//! enough. If a log signs two trees of one size, both checkpoints together prove it.
//!
//! All functions are pure: callers store hashes and entries, and know the time.
//!
//! # Why no library
//! `tlog_tiles` and `signed_note` 0.2 bring second versions of SHA-256 and Ed25519, and do not verify strictly.

mod bundle;
mod checkpoint;
mod leaf;
mod note;
mod note_key;
mod policy;
mod proof;
mod tile;
mod tree;

pub use bundle::{BUNDLE_FORMAT, Bundle, BundleError, Dsse, MAX_BUNDLE_BYTES, Member, Proven};
pub use checkpoint::{Checkpoint, CheckpointError, origin};
pub use leaf::{
    Event, Leaf, LeafError, LeafItem, LeafVote, MAX_LEAF_ITEMS, MAX_LEAF_VOTES, Opening, Part, Salt,
};
pub use note::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, NoteError, NoteSignature, Verified};
pub use note_key::{KeyError, KeyName, MAX_COSIGNATURE_TIME, SignatureType, VerifierKey};
pub use policy::{
    Endorsement, MAX_TRUST_POLICY_BYTES, PolicyProblem, TrustError, TrustPolicy, TrustPolicyError,
};
pub use proof::{
    Hashes, ProofError, nodes_of_consistency, nodes_of_inclusion, nodes_of_root, prove_consistency,
    prove_inclusion, root_of,
};
pub use tile::{MAX_ENTRY_LENGTH, TILE_WIDTH, TileContent, TileError, TilePath, read_bundle, write_bundle};
pub use tree::{MAX_SIZE, Node, Tree, TreeError, TreeHead, leaf_hash, node_hash};

/// Reads a decimal number without sign and leading zeros.
fn parse_decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}
