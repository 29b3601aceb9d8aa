//! Leaves say what was decided, fit into bundles, and hide what they are about.

use consensus::evidence::{
    Event, Leaf, LeafError, LeafItem, LeafVote, MAX_ENTRY_LENGTH, MAX_LEAF_ITEMS, MAX_LEAF_VOTES, Opening,
    Part, Salt, write_bundle,
};
use consensus::statement::{Item, Nonce};
use consensus::{Digest, Kind, MAX_ITEMS, OrganisationId, Phase, ProposalId, Reason};
use proptest::prelude::*;
use sha2::Sha256;
use uuid::Uuid;

fn digest(number: usize) -> Digest {
    Digest::of(&[&number.to_be_bytes()])
}

fn leaf(items: usize, votes: usize, phase: Phase) -> Leaf {
    Leaf {
        index: 7,
        time: 1_800_000_000_000_000,
        event: Event::Submit,
        proposal: ProposalId(Digest([1; 32])),
        submitted: 5,
        policy: 3,
        policy_digest: Digest([4; 32]),
        part: None,
        items: (0..items)
            .map(|item| LeafItem { item: item as u32, phase, ratified: false, commit: Some(digest(item)) })
            .collect(),
        votes: (0..votes).map(|vote| LeafVote { index: 6, statement: digest(vote) }).collect(),
    }
}

fn opening(digest: Digest, id: &str, version: &str, level: u8) -> Opening {
    let (id, version, object_type) = (id.to_owned(), version.to_owned(), "indicator".to_owned());
    let item = Item { id, version, object_type, level, digest };
    Opening { collection: Uuid::from_u128(1), organisation: OrganisationId(Uuid::from_u128(2)), item }
}

#[test]
fn a_leaf_is_canonical_json() {
    let mut small = leaf(1, 1, Phase::Approved);
    (small.items[0].commit, small.votes[0].statement) = (Some(Digest([2; 32])), Digest([3; 32]));
    let expected = format!(
        r#"{{"event":"submit","index":7,"items":[{{"commit":"{}","item":0,"phase":"approved"}}],"policy":3,"policy_digest":"{}","proposal":"{}","submitted":5,"time":1800000000000000,"votes":[{{"index":6,"statement":"{}"}}]}}"#,
        "02".repeat(32),
        "04".repeat(32),
        "01".repeat(32),
        "03".repeat(32)
    );
    assert_eq!(String::from_utf8(small.encode().unwrap()).unwrap(), expected);
    assert_eq!(Leaf::decode(expected.as_bytes()).unwrap(), small);
    small.items[0].phase = Phase::Rejected(Reason::Vetoed(OrganisationId(Uuid::from_u128(1))));
    let json = String::from_utf8(small.encode().unwrap()).unwrap();
    assert!(
        json.contains(r#""phase":{"rejected":{"vetoed":"00000000-0000-0000-0000-000000000001"}}"#),
        "{json}"
    );
    assert_eq!(Leaf::decode(json.as_bytes()).unwrap(), small);
}

#[test]
fn a_change_of_the_network_has_no_commitment() {
    let mut change = leaf(1, 2, Phase::Approved);
    (change.event, change.items[0].commit) = (Kind::Govern.into(), None);
    let json = String::from_utf8(change.encode().unwrap()).unwrap();
    assert!(json.contains(r#""event":"govern""#) && !json.contains("commit"), "{json}");
    assert_eq!(Leaf::decode(json.as_bytes()).unwrap(), change);
    assert_eq!((Event::from(Kind::Submit), Event::from(Kind::Revoke)), (Event::Submit, Event::Revoke));
}

#[test]
fn other_forms_of_a_leaf_are_refused() {
    let canonical = String::from_utf8(leaf(1, 1, Phase::Approved).encode().unwrap()).unwrap();
    for other in [
        canonical.replace("\"index\":7", "\"index\": 7"),
        canonical.replace("\"index\":7", "\"index\":7.0"),
        canonical.replace("\"index\":7", "\"index\":7,\"index\":7"),
        canonical.replace("\"index\":7", "\"index\":-7"),
        canonical.replace("\"index\":7", "\"index\":9007199254740992"),
        canonical.replace("\"index\":7", "\"index\":9007199254740993"),
        canonical.replace("\"index\":7,", ""),
        canonical.replace("\"index\":7", "\"index\":7,\"is_new\":true"),
        canonical.replace("\"submit\"", "\"other\""),
        canonical.replace("\"policy\":3", "\"part\":null,\"policy\":3"),
        canonical.replace("\"submit\"", "\"sub\\u006dit\""),
        format!("{canonical}\n"),
        format!(" {canonical}"),
        canonical.replace(&digest(0).to_string(), &digest(0).to_string().to_uppercase()),
        String::new(),
        "[".repeat(60_000),
    ] {
        assert!(Leaf::decode(other.as_bytes()).is_err(), "{other}");
    }
    let large = " ".repeat(MAX_ENTRY_LENGTH + 1);
    assert!(matches!(Leaf::decode(large.as_bytes()), Err(LeafError::TooLarge(65536))));
    let mut late = leaf(1, 1, Phase::Approved);
    late.time = 1 << 53;
    assert!(matches!(late.encode(), Err(LeafError::Number(_))));
}

#[test]
fn the_largest_decision_is_divided_into_leaves_that_fit() {
    let vetoed = Phase::Rejected(Reason::Vetoed(OrganisationId(Uuid::from_u128(u128::MAX))));
    let mut whole = leaf(MAX_ITEMS, 3 * MAX_LEAF_VOTES + 1, vetoed);
    let most = (1 << 53) - 1;
    (whole.index, whole.time, whole.submitted, whole.policy) = (most, most, most, u32::MAX);
    whole.votes.iter_mut().for_each(|vote| vote.index = most);
    whole.items.iter_mut().for_each(|item| item.item += u32::MAX - 1000);
    assert!(matches!(whole.encode(), Err(LeafError::TooLarge(_))));
    let leaves = whole.split();
    let encoded: Vec<_> = leaves.iter().map(|leaf| leaf.encode().unwrap()).collect();
    assert!(encoded.iter().all(|leaf| leaf.len() < 64 << 10));
    assert!(write_bundle(encoded.iter().map(|leaf| &leaf[..])).is_ok());
    assert_eq!(leaves.len(), 4 + 3);
    for (number, leaf) in leaves.iter().enumerate() {
        assert_eq!(leaf.part, Some(Part { number: number as u32, of: 7 }));
    }
    let items: Vec<_> = leaves.iter().flat_map(|leaf| leaf.items.clone()).collect();
    assert_eq!(items, whole.items);
    assert!(leaves[..4].iter().all(|leaf| leaf.votes == whole.votes[..MAX_LEAF_VOTES]));
    let votes: Vec<_> = leaves[3..].iter().flat_map(|leaf| leaf.votes.clone()).collect();
    assert_eq!(votes, whole.votes);
}

#[test]
fn a_part_is_one_of_several() {
    for (number, of) in [(0, 0), (0, 1), (2, 2), (u32::MAX, 2)] {
        let part = Leaf { part: Some(Part { number, of }), ..leaf(1, 1, Phase::Approved) };
        assert!(matches!(part.encode(), Err(LeafError::Part(_))), "{number} of {of}");
    }
}

#[test]
fn the_words_for_phases_do_not_change() {
    use Phase::*;
    let organisation = OrganisationId(Uuid::nil());
    let words = |phase: Phase| {
        let json = String::from_utf8(leaf(1, 0, phase).encode().unwrap()).unwrap();
        json.split_once("\"phase\":").unwrap().1.split_once("}],").unwrap().0.to_owned()
    };
    let plain = [Open, Provisional, Approved, Suspended, Revoked, RolledBack, Expired, Withdrawn, Superseded];
    let expected = "\"open\" \"provisional\" \"approved\" \"suspended\" \"revoked\" \"rolled_back\" \"expired\" \
                    \"withdrawn\" \"superseded\"";
    assert_eq!(plain.map(words).join(" "), expected);
    for (reason, word) in [
        (Reason::NoRule, "\"no_rule\""),
        (Reason::Level, "\"level\""),
        (Reason::OtherContent, "\"other_content\""),
        (Reason::Versions, "\"versions\""),
        (Reason::NoObject, "\"no_object\""),
        (Reason::Refused, "\"refused\""),
        (Reason::Void, "\"void\""),
        (Reason::Vetoed(organisation), "{\"vetoed\":\"00000000-0000-0000-0000-000000000000\"}"),
    ] {
        assert_eq!(words(Rejected(reason)), format!("{{\"rejected\":{word}}}"));
    }
}

#[test]
fn a_decision_that_fits_is_one_leaf() {
    for (items, votes) in [(0, 0), (1, 0), (MAX_LEAF_ITEMS, MAX_LEAF_VOTES)] {
        let whole = leaf(items, votes, Phase::Expired);
        assert_eq!(whole.split(), [whole]);
    }
    let leaves = leaf(MAX_ITEMS, 5, Phase::Expired).split();
    assert_eq!(leaves.len(), MAX_ITEMS.div_ceil(MAX_LEAF_ITEMS));
    assert!(leaves.iter().all(|leaf| leaf.votes.len() == 5), "each leaf proves its items alone");
}

#[test]
fn a_commitment_is_computed_as_written() {
    use sha2::Digest as _;
    let (nonce, object) = (Nonce([9; 16]), Digest([8; 32]));
    let mut salted = nonce.0.to_vec();
    salted.extend([0, 0, 1, 2]);
    let salt = Salt::of(&nonce, 258);
    assert_eq!(salt.0[..], Sha256::digest(&salted)[..16]);
    let opening = opening(object, "indicator--1", "2026", 1);
    let canonical = format!(
        r#"{{"collection":"00000000-0000-0000-0000-000000000001","item":{{"digest":"{}","id":"indicator--1","level":1,"type":"indicator","version":"2026"}},"organisation":"00000000-0000-0000-0000-000000000002"}}"#,
        "08".repeat(32)
    );
    let mut bytes = b"concord/commit/v1\0".to_vec();
    bytes.extend(salt.0);
    bytes.extend(canonical.as_bytes());
    assert_eq!(opening.commit(&salt).0[..], Sha256::digest(&bytes)[..]);
    assert_eq!(
        serde_json::to_string(&salt).unwrap(),
        format!("\"{}\"", salt.0.map(|byte| format!("{byte:02x}")).concat())
    );
}

#[test]
fn a_commitment_differs_when_anything_differs() {
    let (salt, digest) = (Salt::of(&Nonce([9; 16]), 0), Digest([8; 32]));
    let other_salt = |nonce, item| Salt::of(&Nonce([nonce; 16]), item);
    let elsewhere = Opening { collection: Uuid::nil(), ..opening(digest, "a", "bc", 0) };
    let by_another = Opening { organisation: OrganisationId(Uuid::nil()), ..opening(digest, "a", "bc", 0) };
    let mut commitments = vec![
        opening(digest, "a", "bc", 0).commit(&salt),
        opening(digest, "ab", "c", 0).commit(&salt),
        opening(digest, "a", "", 0).commit(&salt),
        opening(digest, "a", "bc", 1).commit(&salt),
        opening(Digest([7; 32]), "a", "bc", 0).commit(&salt),
        opening(digest, "a", "bc", 0).commit(&other_salt(9, 1)),
        opening(digest, "a", "bc", 0).commit(&other_salt(8, 0)),
        elsewhere.commit(&salt),
        by_another.commit(&salt),
    ];
    commitments.sort();
    commitments.dedup();
    assert_eq!(commitments.len(), 9);
}

proptest! {
    #[test]
    fn leaves_survive(items in 0..600usize, votes in 0..600usize, index in 0..1u64 << 53) {
        let whole = Leaf { index, ..leaf(items, votes, Phase::Withdrawn) };
        for leaf in whole.split() {
            prop_assert_eq!(Leaf::decode(&leaf.encode().unwrap()).unwrap(), leaf);
        }
    }

    #[test]
    fn any_bytes_are_a_leaf_or_refused(at in 0..400usize, byte: u8) {
        let mut bytes = leaf(1, 1, Phase::Superseded).encode().unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(leaf) = Leaf::decode(&bytes) {
            prop_assert_eq!(leaf.encode().unwrap(), bytes);
        }
    }
}
