//! Checkpoints and cosignatures are those of C2SP tlog-checkpoint and tlog-cosignature.

use super::{checkpoint, flips, log_key, name, secret, signed, witness_key, witness_name};
use consensus::evidence::{
    Checkpoint, CheckpointError, MAX_COSIGNATURE_TIME, MAX_SIZE, Note, NoteError, NoteSignature, TreeHead,
    origin,
};
use consensus::{Digest, NetworkId};
use proptest::prelude::*;

/// Example of tlog-cosignature.
const SOFA: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
const TIME: u64 = 1_800_000_000;

#[test]
fn the_published_checkpoint_is_read_and_written() {
    let note: Note = SOFA.parse().unwrap();
    assert_eq!(note.to_string(), SOFA);
    let checkpoint: Checkpoint = note.text().parse().unwrap();
    assert_eq!(checkpoint.to_string(), note.text());
    assert_eq!((checkpoint.origin(), checkpoint.head().size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.head().root.0[..4], [0x0a, 0xc5, 0x18, 0x6a]);
    let [log, cosignature] = note.signatures() else { panic!("two signatures") };
    assert_eq!((log.key_id, log.bytes.len()), ([0x03, 0x3d, 0xe0, 0xae], 64));
    assert_eq!((cosignature.key_id, cosignature.bytes.len()), ([0x8d, 0x66, 0xcf, 0x3f], 72));
    assert_eq!(cosignature.bytes[..8], 1_679_315_147_u64.to_be_bytes(), "the time in the text");
}

#[test]
fn a_checkpoint_is_signed_as_the_texts_say() {
    let note = signed(1, &[2]);
    let [log, cosignature] = note.signatures() else { panic!("two signatures") };
    assert_eq!(log.bytes, secret(1).sign(note.text().as_bytes()));
    let message = format!("cosignature/v1\ntime {TIME}\n{}", note.text());
    let signature = secret(2).sign(message.as_bytes());
    assert_eq!(cosignature.bytes, [&TIME.to_be_bytes()[..], &signature].concat());
    // The identifiers of keys are computed by hand.
    let id = |parts: &[&[u8]]| Digest::of(parts).0[..4].to_vec();
    assert_eq!(log.key_id[..], id(&[b"health/approvals\n\x01", &secret(1).public().0]));
    assert_eq!(cosignature.key_id[..], id(&[b"member-2/witness\n\x04", &secret(2).public().0]));
}

#[test]
fn every_altered_bit_of_a_signed_checkpoint_is_found() {
    let note = signed(1, &[2]).to_string();
    let keys = [log_key(1), witness_key(2)];
    assert_eq!(note.parse::<Note>().unwrap().verify(&keys).unwrap().len(), 2);
    for flipped in flips(note.as_bytes()) {
        let verified = String::from_utf8(flipped).ok().and_then(|text| text.parse::<Note>().ok());
        let Some(note) = verified else { continue };
        // A signature whose name or identifier is altered is one of an unknown key.
        assert!(!note.verify(&keys).is_ok_and(|verified| verified.len() == keys.len()), "{note}");
    }
}

#[test]
fn every_altered_bit_of_a_cosignature_is_found() {
    let cosignature = checkpoint().cosign(witness_name(2), &secret(2), TIME).unwrap();
    for bytes in flips(&cosignature.bytes).chain((0..cosignature.bytes.len()).map(|end| vec![7; end.max(1)]))
    {
        let mut note = Note::new(checkpoint().to_string()).unwrap();
        note.add(NoteSignature { bytes, ..cosignature.clone() }).unwrap();
        assert_eq!(note.verify([&witness_key(2)]), Err(NoteError::False(witness_name(2))));
    }
    let mut longer = cosignature.clone();
    longer.bytes.push(0);
    let mut note = Note::new(checkpoint().to_string()).unwrap();
    note.add(longer).unwrap();
    assert!(note.verify([&witness_key(2)]).is_err());
}

#[test]
fn a_cosignature_has_a_time_below_two_to_the_63() {
    let cosign = |time| checkpoint().cosign(witness_name(2), &secret(2), time);
    for time in [0, 1, MAX_COSIGNATURE_TIME] {
        let mut note = Note::new(checkpoint().to_string()).unwrap();
        note.add(cosign(time).unwrap()).unwrap();
        assert_eq!(note.verify([&witness_key(2)]).unwrap()[0].time, Some(time));
    }
    assert_eq!(cosign(MAX_COSIGNATURE_TIME + 1), Err(CheckpointError::Time));
    // A cosigner that signs a later time all the same is refused.
    let time = MAX_COSIGNATURE_TIME + 1;
    let message = format!("cosignature/v1\ntime {time}\n{}", checkpoint());
    let bytes = [&time.to_be_bytes()[..], &secret(2).sign(message.as_bytes())].concat();
    let mut note = Note::new(checkpoint().to_string()).unwrap();
    note.add(NoteSignature { bytes, ..cosign(0).unwrap() }).unwrap();
    assert!(note.verify([&witness_key(2)]).is_err());
}

#[test]
fn other_forms_of_a_checkpoint_are_refused() {
    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let error = |text: String| text.parse::<Checkpoint>().unwrap_err();
    assert_eq!(error(String::new()), CheckpointError::Line);
    assert_eq!(error(format!("log\n7\n{ROOT}")), CheckpointError::Line);
    assert_eq!(error(format!("log\n7\n{ROOT}\n\n")), CheckpointError::Line);
    assert_eq!(error(format!("log\n7\n{ROOT}\n\nmore\n")), CheckpointError::Line);
    assert_eq!(error(format!("\n7\n{ROOT}\n")), CheckpointError::Origin);
    assert_eq!(error(format!("l\tog\n7\n{ROOT}\n")), CheckpointError::Origin);
    assert_eq!(error("log\n".to_owned()), CheckpointError::Size);
    assert_eq!(error("log\n7\n".to_owned()), CheckpointError::Root);
    for size in [
        "",
        "07",
        "00",
        "+7",
        "-7",
        " 7",
        "7 ",
        "7.0",
        "0x7",
        "٧",
        "9223372036854775808",
        "99999999999999999999",
    ] {
        assert_eq!(error(format!("log\n{size}\n{ROOT}\n")), CheckpointError::Size, "{size}");
    }
    for root in
        ["", "AAAA", "!", &ROOT[1..], &format!("{ROOT} "), &ROOT.replace("I=", "J="), &ROOT.replace('/', "_")]
    {
        assert_eq!(error(format!("log\n7\n{root}\n")), CheckpointError::Root, "{root}");
    }
    let largest: Checkpoint = format!("log\n{MAX_SIZE}\n{ROOT}\n").parse().unwrap();
    assert_eq!(largest.head().size, MAX_SIZE);
    let head = TreeHead { size: MAX_SIZE + 1, root: Digest::default() };
    assert_eq!(Checkpoint::new("log".to_owned(), head), Err(CheckpointError::Size));
    assert_eq!(Checkpoint::new("a\nb".to_owned(), TreeHead::empty()), Err(CheckpointError::Origin));
}

#[test]
fn extension_lines_are_kept_and_signed() {
    let text = "log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\nand more\n";
    let checkpoint: Checkpoint = text.parse().unwrap();
    assert_eq!(checkpoint.extensions(), ["more", "and more"]);
    assert_eq!(checkpoint.to_string(), text);
    assert_eq!(checkpoint.sign(&secret(1)).unwrap().text(), text);
}

#[test]
fn each_network_has_an_origin_that_names_a_key() {
    let network = NetworkId(Digest([0xAB; 32]));
    assert_eq!(origin(network), "abababababababab/approvals");
    let checkpoint = Checkpoint::new(origin(network), TreeHead::empty()).unwrap();
    assert_eq!(name(checkpoint.origin()).to_string(), checkpoint.origin());
    assert!(checkpoint.sign(&secret(1)).is_ok());
    let spaced = Checkpoint::new("a b".to_owned(), TreeHead::empty()).unwrap();
    assert!(matches!(spaced.sign(&secret(1)), Err(CheckpointError::Key(_))));
}

proptest! {
    #[test]
    fn checkpoints_survive(origin in "[^\\p{Cc}]{1,40}", size in 0..=MAX_SIZE, root: [u8; 32]) {
        let checkpoint = Checkpoint::new(origin, TreeHead { size, root: Digest(root) }).unwrap();
        prop_assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
    }

    #[test]
    fn any_text_is_a_checkpoint_or_refused(text in "[a-z\n]{0,4}\n[0-9]{0,3}\n[A-Za-z0-9]{42}[AQgw]=\n([a-z\n]{0,3}\n)?") {
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }
}
