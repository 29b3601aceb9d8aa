//! The laws that hold on every input: one function for each fuzz target. No decoder panics, and what one takes it writes back
//! as it was, where there is one form.
//!
//! `cargo +nightly fuzz run TARGET` in `consensus/` runs one; `tests/it/fuzz.rs` runs the same functions in the ordinary
//! tests.

use consensus::evidence::{
    Bundle, Checkpoint, Dsse, KeyName, Leaf, Note, NoteSignature, TileContent, TilePath, TreeHead,
    TrustPolicy, VerifierKey, nodes_of_consistency, nodes_of_inclusion, read_bundle, write_bundle,
};
use consensus::statement::{Attest, Govern, Revoke, Statement, Submit, Vote, Withdraw};
use consensus::{
    Command, Digest, Entry, Envelope, Founding, MAX_ENTRY_BYTES, Operation, OrganisationId, Policy,
    PublicKey, Question,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::str::{FromStr, from_utf8};

/// A fuzz target: it returns when the laws hold.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("dsse", dsse),
    ("entry", entry),
    ("statement", statement),
    ("checkpoint", checkpoint),
    ("proof", proof),
    ("policy", policy),
];

/// An envelope is written as it was read, and reads the same inside of a bundle.
pub fn dsse(data: &[u8]) {
    let envelope = match Envelope::from_json(data) {
        Ok(envelope) => envelope,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return assert!(serde_json::from_slice::<Dsse>(data).is_err(), "a bundle takes no more");
        }
    };
    let written = envelope.to_json();
    assert_eq!(value(written.as_bytes()), value(data), "nothing in it has a second form");
    assert_eq!(Envelope::from_json(written.as_bytes()).expect("it is an envelope"), envelope);
    let inside: Dsse = serde_json::from_slice(data).expect("a bundle takes it, too");
    assert_eq!(inside.0, envelope);
    assert_eq!(serde_json::to_string(&inside).map(|text| value(text.as_bytes())).ok(), Some(value(data)));
    let key = PublicKey([7; 32]);
    assert!(!envelope.is_signed_by(&key), "the key is none, so that it signs nothing");
    statements(&envelope);
}

/// An entry is written as it was read; one with numbers or a policy in another form, as one that reads the same.
pub fn entry(data: &[u8]) {
    let entry = match Entry::decode(data) {
        Ok(entry) => entry,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(data.len() <= MAX_ENTRY_BYTES);
    let written = entry.encode();
    let again = Entry::decode(&written).expect("what is written is an entry");
    assert_eq!(again, entry);
    assert_eq!(again.encode(), written, "a fixed point");
    match &entry.command {
        Command::Found { founding, .. } => {
            let Founding { policy, .. } = founding;
            assert_eq!(founding.network(), founding.clone().network());
            check_policy(policy);
        }
        // Numbers have longer forms, which hold no more.
        _ => assert!(written.len() <= data.len()),
    }
    match &entry.command {
        Command::Submit { envelope, .. }
        | Command::Revoke(envelope)
        | Command::Govern(envelope)
        | Command::Vote(envelope)
        | Command::Withdraw(envelope)
        | Command::Attest(envelope) => statements(envelope),
        Command::Found { .. } | Command::Tick => {}
    }
}

/// A statement is written as it was read, to the byte.
pub fn statement(data: &[u8]) {
    decode::<Submit>(data);
    decode::<Revoke>(data);
    decode::<Govern>(data);
    decode::<Vote>(data);
    decode::<Withdraw>(data);
    decode::<Attest>(data);
}

fn decode<S: Statement>(data: &[u8]) {
    match S::decode(data) {
        Ok(statement) => {
            assert_eq!(statement.encode(), data);
            let _ = statement.author();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// At most one kind of statement is in an envelope.
fn statements(envelope: &Envelope) {
    let read = [
        envelope.read::<Submit>().is_ok(),
        envelope.read::<Revoke>().is_ok(),
        envelope.read::<Govern>().is_ok(),
        envelope.read::<Vote>().is_ok(),
        envelope.read::<Withdraw>().is_ok(),
        envelope.read::<Attest>().is_ok(),
    ];
    assert!(read.into_iter().filter(|is_it| *is_it).count() <= 1);
    statement(&envelope.payload);
}

/// Notes, checkpoints, cosignatures and keys are written as they were read.
pub fn checkpoint(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    text_of::<KeyName>(text);
    text_of::<NoteSignature>(text);
    text_of::<Checkpoint>(text);
    let key = text_of::<VerifierKey>(text);
    let Some(note) = text_of::<Note>(text) else { return };
    let known: VerifierKey = KEY.parse().expect("a constant");
    for key in [Some(&known), key.as_ref()].into_iter().flatten() {
        if let Ok(verified) = note.verify([key]) {
            assert!(!verified.is_empty() && verified.iter().all(|one| one.key == key));
        }
    }
    let mut more = note.clone();
    for signature in note.signatures() {
        more.add(signature.clone()).expect("it is there");
    }
    assert_eq!(more, note);
    text_of::<Checkpoint>(note.text());
}

/// Reads a text of which each value has one.
fn text_of<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(read) => {
            assert_eq!(read.to_string(), text);
            Some(read)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

/// Bundles, leaves, tiles and proofs: none is read in two ways, and none proves what it does not.
pub fn proof(data: &[u8]) {
    if let Ok(bundle) = Bundle::from_json(data) {
        let written = serde_json::to_vec(&bundle).expect("bundles are JSON");
        assert_eq!(value(&written), value(data), "a bundle has one form");
        assert_eq!(Bundle::from_json(&written).expect("it is a bundle"), bundle);
        let trust = TrustPolicy::parse(format!("log {KEY}\nquorum none\n").as_bytes()).expect("a constant");
        let proven = bundle.verify(&trust, None, |_| Ok(bundle.item.clone()));
        assert!(proven.is_err(), "the log of the policy has signed nothing");
    }
    match Leaf::decode(data) {
        Ok(leaf) => assert_eq!(leaf.encode().ok().as_deref(), Some(data)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Some(path) = from_utf8(data).ok().and_then(text_of::<TilePath>) {
        let count = path.entries().end - path.entries().start;
        assert!(count <= 256 && path.nodes().is_none_or(|nodes| nodes.count() == usize::from(path.width)));
        assert!(path.nodes().is_none() || path.content != TileContent::Entries);
        let _ = path.is_within(u64::MAX);
    }
    let Some((head, rest)) = data.split_first_chunk::<2>() else { return };
    if let Ok(entries) = read_bundle(rest, u16::from_be_bytes(*head)) {
        assert_eq!(write_bundle(entries).ok().as_deref(), Some(rest));
    }
    let Some((first, rest)) = data.split_first_chunk() else { return };
    let Some((second, rest)) = rest.split_first_chunk() else { return };
    let (index, size) = (u64::from_be_bytes(*first), u64::from_be_bytes(*second));
    let hashes: Vec<_> = rest.as_chunks::<32>().0.iter().map(|hash| Digest(*hash)).collect();
    let head = TreeHead { size, root: Digest([1; 32]) };
    assert!(
        head.check_inclusion(index, &Digest([2; 32]), &hashes).is_err(),
        "no hash is known that leads there"
    );
    let earlier = TreeHead { size: index, root: Digest([3; 32]) };
    assert!(head.check_consistency(&earlier, &hashes).is_err(), "nothing leads to both roots");
    // A tree has at most 63 levels, and the hash of a subtree comes from one hash a level.
    assert!(nodes_of_inclusion(index, size).len() <= 64 * 64);
    assert!(nodes_of_consistency(index, size).len() <= 64 * 64);
}

/// Policies are written so that they read the same, and are asked without panic; a quorum is met by all witnesses.
pub fn policy(data: &[u8]) {
    match serde_json::from_slice::<Policy>(data) {
        Ok(policy) => check_policy(&policy),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let trust = match TrustPolicy::parse(data) {
        Ok(trust) => trust,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(trust.is_quorum(|_| true), "all witnesses together are a quorum");
    let is_none = trust.is_quorum(|_| false);
    assert!(trust.witnesses().all(|witness| !is_none || trust.is_quorum(|key| key != witness)));
    let text = [data, b"# the end\n"].concat();
    let again = TrustPolicy::parse(&text).expect("a comment changes nothing");
    assert!(again.logs() == trust.logs() && again.witnesses().eq(trust.witnesses()));
}

fn check_policy(policy: &Policy) {
    let written = serde_json::to_vec(policy).expect("policies are JSON");
    let again: Policy = serde_json::from_slice(&written).expect("what is written is a policy");
    assert_eq!(&again, policy);
    assert_eq!(serde_json::to_vec(&again).expect("policies are JSON"), written, "a fixed point");
    assert_eq!(again.digest(), policy.digest());
    let one =
        OrganisationId(serde_json::from_str("\"00000000-0000-0000-0000-000000000001\"").expect("a UUID"));
    let members = BTreeSet::from([one]);
    if let Err(error) = policy.check(&members) {
        assert!(!error.to_string().is_empty());
        return;
    }
    let is_own = false;
    let (operation, submitter) = (Operation::Govern, one);
    let question = Question { operation, submitter, collection: None, item: None, is_own };
    let rule = policy.rule_for(&question).expect("a policy in force lets the network be changed");
    let rule = &policy.rules[rule];
    assert!(rule.gate.is_met(&members, &rule.eligible(&members, one)), "all members together may change it");
    assert!(!rule.gate.is_met(&BTreeSet::new(), &members), "without a vote nothing is changed");
}

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("it was read before")
}
