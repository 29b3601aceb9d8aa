//! Trust policies are those of C2SP tlog-policy.

use super::{checkpoint, flips, log_key, secret, signed, witness_key, witness_name};
use consensus::evidence::{
    Checkpoint, MAX_TRUST_POLICY_BYTES, Note, NoteError, SignatureType, TreeHead, TrustError, TrustPolicy,
    TrustPolicyError, VerifierKey,
};
use proptest::prelude::*;

/// Policy of some lines after those of log 1 and witnesses `W1` to `W6`.
fn text(lines: &str) -> String {
    let mut text = format!("log {}\n", log_key(1));
    for seed in 1..=6 {
        text += &format!("witness W{seed} {}\n", witness_key(seed));
    }
    text + lines
}

fn policy(lines: &str) -> TrustPolicy {
    TrustPolicy::parse(text(lines).as_bytes()).unwrap()
}

fn error(text: &str) -> String {
    TrustPolicy::parse(text.as_bytes()).unwrap_err().to_string()
}

/// The example of tlog-policy, "Example policy".
const EXAMPLE: &str = "group X-witnesses 2 W1 W2 W3\n\ngroup Y-witnesses any W4 W5 W6\n\n\
    group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";

#[test]
fn the_quorum_of_the_published_example_is_met_by_the_right_sets() {
    let policy = policy(EXAMPLE);
    for set in 0_u8..64 {
        let expected = (set & 0b111).count_ones() >= 2 && set & 0b11_1000 != 0;
        let has = |key: &_| (1..=6).any(|seed| witness_key(seed) == *key && set >> (seed - 1) & 1 == 1);
        assert_eq!(policy.is_quorum(has), expected, "{set:06b}");
    }
}

#[test]
fn quorums_of_one_witness_of_none_and_of_groups() {
    let met = |lines: &str, seeds: &[u8]| {
        policy(lines).is_quorum(|key| seeds.iter().any(|seed| witness_key(*seed) == *key))
    };
    assert!(met("quorum none\n", &[]));
    assert!(met("quorum W2\n", &[2]) && !met("quorum W2\n", &[1, 3]));
    assert!(
        met("group all all W1 W2\nquorum all\n", &[1, 2]) && !met("group all all W1 W2\nquorum all\n", &[1])
    );
    assert!(!met("group any any W1 W2\nquorum any\n", &[3]));
    assert!(met("group G 1 W1\ngroup H 1 G\ngroup I 1 H\nquorum H\n", &[1]));
}

#[test]
fn spaces_comments_urls_and_other_alphabets_are_taken() {
    let text = format!(
        "# a comment\n\n \t \n\t# größe\n  log   {}\t\thttps://log.example/ \nwitness  größe {} https://größe.example\n\
         group 2 1 größe\nquorum\t2  \n#witness\n",
        log_key(1),
        witness_key(2)
    );
    let policy = TrustPolicy::parse(text.as_bytes()).unwrap();
    assert_eq!(policy.logs(), [log_key(1)]);
    assert_eq!(policy.witnesses().collect::<Vec<_>>(), [&witness_key(2)]);
    // Names are bytes: a name need not be UTF-8, and the Kelvin sign is no K.
    let names = format!("witness K {}\nwitness \u{212a} {}\n", witness_key(1), witness_key(2));
    let bytes = [names.as_bytes(), b"group \xff 1 K\nquorum \xff\n"].concat();
    assert!(TrustPolicy::parse(&bytes).unwrap().is_quorum(|key| *key == witness_key(1)));
}

#[test]
fn errors_name_the_line() {
    for (lines, expected) in [
        ("quorum W7\n", "line 8: `W7` is not defined by an earlier line"),
        ("quorum G\ngroup G any W1\n", "line 8: `G` is not defined by an earlier line"),
        ("group G any G\n", "line 8: `G` is not defined by an earlier line"),
        ("group G any none\n", "line 8: `none` is not defined by an earlier line"),
        ("quorum W1\nquorum W1\n", "line 9: the quorum is defined already"),
        ("quorum none\nquorum W1\n", "line 9: the quorum is defined already"),
        ("\n# x\ngroup W1 any W2\n", "line 10: `W1` is defined already"),
        ("group none any W2\n", "line 8: `none` is defined already"),
        ("group G any W1 W1\n", "line 8: `W1` is a member of a group already"),
        ("group G any W1\ngroup H any W1\n", "line 9: `W1` is a member of a group already"),
        ("group G any W1\ngroup H any G\ngroup I all W2 G\n", "line 10: `G` is a member of a group already"),
        ("group G any\n", "line 8: the line is not `group <name> all|any|<k> <name>...`"),
        ("quorum\n", "line 8: the line is not `quorum <name>`"),
        ("quorum W1 W2\n", "line 8: the line is not `quorum <name>`"),
        ("log\n", "line 8: the line is not `log <vkey> [<url>]`"),
        ("log a b c\n", "line 8: the line is not `log <vkey> [<url>]`"),
        ("witness W7\n", "line 8: the line is not `witness <name> <vkey> [<url>]`"),
        ("witness W7 a b c\n", "line 8: the line is not `witness <name> <vkey> [<url>]`"),
        (
            "Quorum W1\n",
            "line 8: a line begins with `log`, `witness`, `group`, `quorum` or `#`, not with `Quorum`",
        ),
        ("quorum W1", "line 8: the line does not end in a newline: the file may be incomplete"),
        ("# x", "line 8: the line does not end in a newline: the file may be incomplete"),
        ("quorum W1\r\n", "line 8: byte 0x0d is a control character other than a tab"),
        ("# \0\nquorum W1\n", "line 8: byte 0x00 is a control character other than a tab"),
        ("# \u{7f}\n", "line 8: byte 0x7f is a control character other than a tab"),
        ("log key\n", "line 8: a key is a name, 8 hexadecimal digits, and base64, with `+` between them"),
        ("", "the policy has no `quorum` line"),
    ] {
        assert_eq!(error(&text(lines)), expected, "{lines:?}");
    }
    for threshold in ["0", "3", "-1", "+1", "01", "1.0", "ALL", "x", "18446744073709551617"] {
        let message = error(&text(&format!("group G {threshold} W1 W2\n")));
        assert_eq!(
            message,
            "line 8: the threshold is `any`, `all`, or a number from 1 to the 2 members of the group",
            "{threshold}"
        );
    }
    assert_eq!(error(""), "the policy has no `quorum` line");
}

#[test]
fn keys_of_the_wrong_type_and_keys_given_twice_are_refused() {
    let wrong = "the key of a log has type 1, and the key of a witness type 4";
    assert_eq!(error(&text(&format!("log {}\n", witness_key(7)))), format!("line 8: {wrong}"));
    assert_eq!(error(&text(&format!("witness W7 {}\n", log_key(7)))), format!("line 8: {wrong}"));
    assert_eq!(error(&text(&format!("log {}\n", log_key(1)))), "line 8: the key is that of an earlier line");
    assert_eq!(
        error(&text(&format!("witness W7 {}\n", witness_key(1)))),
        "line 8: the key is that of an earlier line"
    );
    let flipped = log_key(7).to_string().replace("health", "wealth");
    let expected = "line 8: the 8 digits do not match the name and the key: one of them was changed";
    assert_eq!(error(&text(&format!("log {flipped}\n"))), expected);
}

#[test]
fn large_policies_are_read_and_huge_ones_refused() {
    let mut text = String::new();
    for seed in 0..64 {
        text += &format!(
            "log {}\nwitness W{seed} {}\ngroup G{seed} 1 W{seed}\n",
            log_key(seed),
            witness_key(seed)
        );
    }
    let chain: String = (0..5000).map(|at| format!("group C{} 1 C{at}\n", at + 1)).collect();
    text += &format!(
        "group C0 64 {}\n{chain}quorum C5000\n",
        (0..64).map(|seed| format!("G{seed} ")).collect::<String>()
    );
    let policy = TrustPolicy::parse(text.as_bytes()).unwrap();
    assert!(policy.is_quorum(|_| true));
    assert!(!policy.is_quorum(|key| *key != witness_key(63)));
    let huge = "#\n".repeat(MAX_TRUST_POLICY_BYTES);
    assert_eq!(TrustPolicy::parse(huge.as_bytes()), Err(TrustPolicyError::TooLarge(huge.len())));
}

#[test]
fn a_checkpoint_with_a_log_and_a_quorum_is_accepted() {
    let policy = policy(EXAMPLE);
    let endorsed = policy.verify(&signed(1, &[1, 3, 5])).unwrap();
    assert_eq!((endorsed.checkpoint, endorsed.log), (checkpoint(), log_key(1)));
    assert_eq!(endorsed.witnesses.into_keys().collect::<Vec<_>>(), {
        let mut keys = vec![witness_key(1), witness_key(3), witness_key(5)];
        keys.sort();
        keys
    });
    let error = |note: &Note| policy.verify(note).unwrap_err();
    assert_eq!(error(&signed(1, &[1, 2, 3])), TrustError::Quorum { cosigned: 3, known: 6 });
    assert_eq!(error(&signed(1, &[1, 3, 7])), TrustError::Quorum { cosigned: 2, known: 6 });
    assert_eq!(error(&signed(2, &[1, 3, 5])), TrustError::Log("health/approvals".to_owned()));
    assert_eq!(error(&signed(7, &[8])), TrustError::Note(NoteError::Unsigned));
}

#[test]
fn a_witness_counts_once_with_its_latest_time() {
    let mut note = signed(1, &[1]);
    for time in [1_900_000_000, 1_700_000_000] {
        note.add(checkpoint().cosign(witness_name(1), &secret(1), time).unwrap()).unwrap();
    }
    let three = policy("group G 2 W1 W2 W3\nquorum G\n");
    assert_eq!(three.verify(&note), Err(TrustError::Quorum { cosigned: 1, known: 6 }));
    let endorsed = policy("quorum W1\n").verify(&note).unwrap();
    assert_eq!(endorsed.witnesses.into_iter().collect::<Vec<_>>(), [(witness_key(1), 1_900_000_000)]);
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    // The key of the log signs under its own name, so that only the origin differs.
    let other = Checkpoint::new("wealth/approvals".to_owned(), TreeHead::empty()).unwrap();
    let mut note = Note::new(other.to_string()).unwrap();
    let mut signature = other.sign(&secret(1)).unwrap().signatures()[0].clone();
    (signature.name, signature.key_id) = (log_key(1).name().clone(), log_key(1).id());
    note.add(signature).unwrap();
    assert_eq!(policy("quorum none\n").verify(&note), Err(TrustError::Log("wealth/approvals".to_owned())));
    let without_logs =
        TrustPolicy::parse(format!("witness W {}\nquorum W\n", witness_key(1)).as_bytes()).unwrap();
    assert_eq!(without_logs.verify(&signed(1, &[1])), Err(TrustError::Log("health/approvals".to_owned())));
}

#[test]
fn a_witness_with_the_name_of_the_log_is_no_log() {
    let name = log_key(1).name().clone();
    let key = VerifierKey::new(name.clone(), SignatureType::Cosignature, secret(2).public()).unwrap();
    let policy = format!("log {}\nwitness W {key}\nquorum W\n", log_key(1));
    let mut note = Note::new(checkpoint().to_string()).unwrap();
    note.add(checkpoint().cosign(name, &secret(2), 1_800_000_000).unwrap()).unwrap();
    let verified = TrustPolicy::parse(policy.as_bytes()).unwrap().verify(&note);
    assert_eq!(verified, Err(TrustError::Log("health/approvals".to_owned())));
}

#[test]
fn a_note_that_is_no_checkpoint_is_refused() {
    let mut note = Note::new("hello\n".to_owned()).unwrap();
    let bytes = secret(1).sign(b"hello\n").to_vec();
    note.add(consensus::evidence::NoteSignature {
        name: log_key(1).name().clone(),
        key_id: log_key(1).id(),
        bytes,
    })
    .unwrap();
    assert!(matches!(policy("quorum none\n").verify(&note), Err(TrustError::Checkpoint(_))));
}

#[test]
fn every_altered_bit_of_an_endorsed_checkpoint_is_refused() {
    let policy = policy("group G 2 W1 W2\nquorum G\n");
    let note = signed(1, &[1, 2]);
    assert!(policy.verify(&note).is_ok());
    for flipped in flips(note.to_string().as_bytes()) {
        let note = String::from_utf8(flipped).ok().and_then(|text| text.parse::<Note>().ok());
        assert!(note.is_none_or(|note| policy.verify(&note).is_err()));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_policy_or_refused(lines in prop::collection::vec("(log|witness|group|quorum|#)?( [A-C]| any| all| [0-3]| none){0,5}\n", 0..8)) {
        if let Ok(policy) = TrustPolicy::parse(text(&lines.concat()).as_bytes()) {
            policy.is_quorum(|_| false);
            prop_assert!(policy.is_quorum(|_| true));
        }
        let _ = TrustPolicy::parse(lines.concat().as_bytes());
    }
}
