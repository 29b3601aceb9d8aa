//! Notes are those of C2SP signed-note.

use super::{log_key, signed, witness_key};
use consensus::evidence::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, NoteError, NoteSignature, VerifierKey};
use proptest::prelude::*;

/// Example of the reference implementation in Go, signed by two keys.
const TWICE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\
    — EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
/// Example of signed-note. Its text has an empty line.
const SALVATORE: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

fn keys() -> [VerifierKey; 2] {
    [PETER, ENOCH].map(|key| key.parse().unwrap())
}

#[test]
fn published_notes_are_read_and_verified() {
    let note: Note = TWICE.parse().unwrap();
    assert_eq!(note.to_string(), TWICE);
    let keys = keys();
    let verified = note.verify(&keys).unwrap();
    assert_eq!(
        verified.iter().map(|one| (one.key, one.time)).collect::<Vec<_>>(),
        [(&keys[0], None), (&keys[1], None)]
    );
    let note: Note = SALVATORE.parse().unwrap();
    assert_eq!(note.to_string(), SALVATORE);
    assert_eq!(note.text().lines().count(), 4);
    assert_eq!(note.signatures()[0].name.as_str(), "quasimodo.example/salvatore");
}

#[test]
fn signatures_of_unknown_keys_are_ignored() {
    let note: Note = TWICE.parse().unwrap();
    for key in &keys() {
        assert_eq!(note.verify([key]).unwrap().len(), 1);
    }
    assert_eq!(note.verify([&log_key(1)]), Err(NoteError::Unsigned));
    assert_eq!(note.verify([]), Err(NoteError::Unsigned));
    // The name or the identifier alone is not the key.
    let renamed: Note = TWICE.replace("— PeterNeumann", "— Peter").parse().unwrap();
    assert_eq!(renamed.verify([&keys()[0]]), Err(NoteError::Unsigned));
    let false_one: Note = TWICE.replace("x08go/ZJ", "x08go/YJ").parse().unwrap();
    assert_eq!(false_one.verify([&keys()[0]]), Err(NoteError::False(keys()[0].name().clone())));
    let other_id: Note = TWICE.replace("x08go", "y08go").parse().unwrap();
    assert_eq!(other_id.verify([&keys()[0]]), Err(NoteError::Unsigned));
}

#[test]
fn a_false_signature_of_a_known_key_makes_the_note_false() {
    let note: Note = TWICE.replace("problem is.", "problem was.").parse().unwrap();
    let keys = keys();
    let error = note.verify(&keys).unwrap_err();
    assert_eq!(error.to_string(), "the signature of PeterNeumann does not match the note");
    // One good signature does not help.
    let (good, rest) = TWICE.split_once("— Enoch").unwrap();
    let both: Note = format!("{good}— Enoch{}", rest.replace("Hp+vAF", "Hp+vAE")).parse().unwrap();
    assert_eq!(both.verify(&keys), Err(NoteError::False(keys[1].name().clone())));
    assert_eq!(both.verify([&keys[0]]).unwrap().len(), 1);
}

#[test]
fn a_key_may_sign_several_times() {
    let line = TWICE.lines().find(|line| line.contains("Peter")).unwrap();
    let note: Note = format!("{TWICE}{line}\n").parse().unwrap();
    assert_eq!(note.verify([&keys()[0]]).unwrap().len(), 2);
}

#[test]
fn other_forms_of_a_note_are_refused() {
    let signature = TWICE.lines().last().unwrap();
    let cases = [
        (String::new(), NoteError::Form),
        ("text\n".to_owned(), NoteError::Form),
        (format!("text\n{signature}\n"), NoteError::Form),
        (format!("text\n\n{signature}"), NoteError::Form),
        ("text\n\n".to_owned(), NoteError::Form),
        (format!("text\n\n{signature}\n\n"), NoteError::Form),
        (format!("text\n\n{signature}\r\n"), NoteError::Signature(1)),
        (format!("te\rxt\n\n{signature}\n"), NoteError::Control),
        (format!("te\0xt\n\n{signature}\n"), NoteError::Control),
        (format!("te\txt\n\n{signature}\n"), NoteError::Control),
        (format!("text\n\n{signature}\nmore\n"), NoteError::Signature(2)),
        (format!("text\n\n-{signature}\n"), NoteError::Signature(1)),
        (format!("text\n\n{}\n", signature.replace("— ", "- ")), NoteError::Signature(1)),
        (format!("text\n\n{}\n", signature.replace("— ", "—  ")), NoteError::Signature(1)),
        (format!("text\n\n{}\n", signature.replace("EnochRoot", "Enoch+Root")), NoteError::Signature(1)),
        (format!("text\n\n{}\n", signature.replace("Root ", "Root  ")), NoteError::Signature(1)),
        (format!("text\n\n{signature} \n"), NoteError::Signature(1)),
        (format!("text\n\n{}\n", signature.trim_end_matches('=')), NoteError::Signature(1)),
        (format!("text\n\n{}\n", signature.replace("QQ=", "QR=")), NoteError::Signature(1)),
        ("text\n\n— name AAAAAA==\n".to_owned(), NoteError::Signature(1)),
        ("text\n\n— name AAAA\n".to_owned(), NoteError::Signature(1)),
        ("text\n\n— name \n".to_owned(), NoteError::Signature(1)),
        ("text\n\n— name\n".to_owned(), NoteError::Signature(1)),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<Note>(), Err(error), "{text:?}");
    }
    for text in ["", "text", "text\r\n"] {
        assert!(Note::new(text.to_owned()).is_err(), "{text:?}");
    }
}

#[test]
fn limits_hold() {
    let line = format!("{}\n", TWICE.lines().last().unwrap());
    let most = format!("text\n\n{}", line.repeat(MAX_NOTE_SIGNATURES));
    let mut note: Note = most.parse().unwrap();
    let error = NoteError::TooMany(MAX_NOTE_SIGNATURES + 1);
    assert_eq!(format!("{most}{line}").parse::<Note>(), Err(error.clone()));
    assert_eq!(note.add(line.parse().unwrap()), Ok(()), "it is there already");
    let other: NoteSignature = signed(1, &[]).signatures()[0].clone();
    assert_eq!(note.add(other.clone()), Err(error));
    assert_eq!(note.to_string(), most, "what is refused is not added");
    let large = "text\n".repeat(MAX_NOTE_BYTES / 5);
    let mut note = Note::new(large.clone()).unwrap();
    assert!(matches!(note.add(other), Err(NoteError::TooLarge(_))));
    assert!(matches!(format!("{large}\n{line}").parse::<Note>(), Err(NoteError::TooLarge(_))));
    assert!(matches!(Note::new(format!("{large}text\n")), Err(NoteError::TooLarge(_))));
}

#[test]
fn a_signature_line_is_read_alone() {
    for signature in signed(1, &[2]).signatures() {
        assert_eq!(signature.to_string().parse(), Ok(signature.clone()));
        assert_eq!(signature.to_string().trim_end().parse::<NoteSignature>(), Err(NoteError::Form));
    }
    assert!("— name AAAA\n".parse::<NoteSignature>().is_err());
}

#[test]
fn a_signature_of_another_type_is_unknown() {
    // The same secret key and name, but a checkpoint signature is no cosignature.
    let note = signed(1, &[2]);
    assert_eq!(note.verify([&log_key(2)]), Err(NoteError::Unsigned));
    assert_eq!(note.verify([&witness_key(1)]), Err(NoteError::Unsigned));
    assert_eq!(note.verify([&log_key(1), &witness_key(2)]).unwrap().len(), 2);
}

proptest! {
    #[test]
    fn any_text_is_a_note_or_refused(text in "([a-z \n—]|\n\n|— [a-z] [A-Za-z0-9+/]{8}\n){0,12}") {
        if let Ok(note) = text.parse::<Note>() {
            prop_assert_eq!(note.to_string(), text);
            prop_assert!(note.verify(&keys()).is_err());
        }
    }

    #[test]
    fn notes_survive(
        text in "([^\\p{Cc}]{0,10}\n){1,4}",
        lines in prop::collection::vec(("[^\\s+\\p{Cc}]{1,10}", any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 1..80)), 1..5),
    ) {
        let mut note = Note::new(text).unwrap();
        for (name, key_id, bytes) in lines {
            note.add(NoteSignature { name: name.parse().unwrap(), key_id, bytes }).unwrap();
        }
        prop_assert_eq!(note.to_string().parse(), Ok(note));
    }
}
