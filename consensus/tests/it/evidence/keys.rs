//! Verifier keys are those of C2SP signed-note.

use super::{flips, log_key, name, secret, witness_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use consensus::evidence::{KeyError, KeyName, SignatureType, VerifierKey};
use consensus::{PublicKey, SecretKey};
use proptest::prelude::*;

/// Example of the reference implementation in Go, with its secret key.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
/// Key of the checksum database of Go.
const SUMDB: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

#[test]
fn published_keys_are_read_and_written() {
    for (text, name, id) in [
        (PETER, "PeterNeumann", [0xc7, 0x4f, 0x20, 0xa3]),
        (
            "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
            "EnochRoot",
            [0xaf, 0x0c, 0xfe, 0x78],
        ),
        (SUMDB, "sum.golang.org", [0x03, 0x3d, 0xe0, 0xae]),
    ] {
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!((key.name().as_str(), key.id()), (name, id));
        assert_eq!(key.signature_type(), SignatureType::Note);
        assert_eq!(key.to_string(), text);
    }
}

#[test]
fn the_published_secret_key_has_the_published_public_key() {
    let (_, text) = PETER_SECRET.split_once("c74f20a3+").unwrap();
    let bytes = STANDARD.decode(text).unwrap();
    let seed: [u8; 32] = bytes[1..].try_into().unwrap();
    let key: VerifierKey = PETER.parse().unwrap();
    let public = SecretKey::from_seed(&seed).public();
    assert_eq!(key.public(), public);
}

#[test]
fn every_altered_key_is_refused() {
    for key in [PETER.to_owned(), SUMDB.to_owned(), log_key(1).to_string(), witness_key(1).to_string()] {
        for flipped in flips(key.as_bytes()) {
            if let Ok(text) = String::from_utf8(flipped) {
                assert!(text.parse::<VerifierKey>().is_err(), "{text}");
            }
        }
    }
}

#[test]
fn refusals_say_why() {
    let error = |text: &str| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(error(""), KeyError::Form);
    assert_eq!(error("name+c74f20a3"), KeyError::Form);
    assert_eq!(error("+c74f20a3+AA=="), KeyError::Name);
    assert_eq!(error("a name+c74f20a3+AA=="), KeyError::Name);
    assert_eq!(error("name+c74f20a3+A"), KeyError::Form);
    assert_eq!(error("name+c74f20a3+"), KeyError::Type);
    assert_eq!(error(&PETER.replace("c74f20a3", "C74F20A3")), KeyError::Form);
    assert_eq!(error(&PETER.replace("c74f20a3", "c74f20a")), KeyError::Form);
    assert_eq!(error(&PETER.replace("+AR", "+AA")), KeyError::Type);
    assert_eq!(error(&PETER.replace("+AR", "+BB")), KeyError::Hash);
    assert_eq!(error(&PETER.replace("Peter", "Pieter")), KeyError::Hash);
    assert_eq!(error(&format!("{PETER}\n")), KeyError::Form);
    assert_eq!(error(&format!(" {PETER}")), KeyError::Name);
    assert_eq!(error(&format!("{}=", SUMDB)), KeyError::Form);
    let weak = VerifierKey::new(name("weak"), SignatureType::Note, PublicKey([0; 32]));
    assert_eq!(weak, Err(KeyError::Weak));
}

#[test]
fn one_key_has_another_identifier_for_each_type() {
    let key = |signature_type| VerifierKey::new(name("a"), signature_type, secret(1).public()).unwrap();
    let (note, cosignature) = (key(SignatureType::Note), key(SignatureType::Cosignature));
    assert_ne!(note.id(), cosignature.id());
    assert_eq!((note.signature_type().byte(), cosignature.signature_type().byte()), (1, 4));
}

#[test]
fn names_have_no_spaces_and_plus() {
    for refused in
        ["", " ", "a b", "a+b", "a\tb", "a\nb", "a\u{a0}b", "a\u{2003}b", "a\u{3000}", "\u{85}", "a\0"]
    {
        assert_eq!(refused.parse::<KeyName>(), Err(KeyError::Name), "{refused:?}");
    }
    for taken in ["a", "example.com/log", "größe", "日本/語", "a-b_c~d", "—"] {
        assert_eq!(name(taken).to_string(), taken);
    }
}

proptest! {
    #[test]
    fn keys_survive(text in "[^\\s+\\p{Cc}]{1,40}", seed: [u8; 32], is_note: bool) {
        let signature_type = if is_note { SignatureType::Note } else { SignatureType::Cosignature };
        let public = SecretKey::from_seed(&seed).public();
        let key = VerifierKey::new(name(&text), signature_type, public).unwrap();
        prop_assert_eq!(key.to_string().parse(), Ok(key));
    }

    #[test]
    fn any_text_is_a_key_or_refused(text in "\\PC{0,5}\\+?[0-9a-f]{0,9}\\+?[A-Za-z0-9+/]{0,44}=?") {
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
