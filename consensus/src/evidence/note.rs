//! Signed notes (C2SP signed-note): a text, and signatures of several keys below it.
//!
//! ```
//! use consensus::evidence::{Note, VerifierKey};
//!
//! let note: Note = "If you think cryptography is the answer to your problem,\n\
//!     then you don't know what your problem is.\n\n\
//!     — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
//!     .parse()?;
//! let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse()?;
//! assert_eq!(note.verify([&key])?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::note_key::{KeyName, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// Largest note, in bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signatures of a note. The format asks for 16 or more.
pub const MAX_NOTE_SIGNATURES: usize = 128;

/// Start of a signature line: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A signed note whose form was checked, and whose signatures were not (signed-note, "Format").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: KeyName,
    /// Identifier of the key.
    pub key_id: [u8; 4],
    /// The signature, whose form depends on the key.
    pub bytes: Vec<u8>,
}

/// A signature that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key.
    pub key: &'k VerifierKey,
    /// Time of a cosignature, in seconds since 1970, as the cosigner says.
    pub time: Option<u64>,
}

/// Why a text is no note, or a note is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is too large.
    #[error("the note has {0} bytes; {MAX_NOTE_BYTES} are the most")]
    TooLarge(usize),
    /// The note has control characters.
    #[error("the note has a control character other than a newline")]
    Control,
    /// The text of a note does not end in a newline, or is empty.
    #[error("the text of a note is one or more lines, and ends in a newline")]
    Text,
    /// No empty line divides text and signatures, or the last line has no newline.
    #[error("a note is a text, an empty line, and lines of signatures; the last one ends in a newline")]
    Form,
    /// A signature line cannot be read.
    #[error("signature {0} of the note is not a dash, the name of a key, and a signature in base64")]
    Signature(usize),
    /// The note has too many signatures.
    #[error("the note has {0} signatures; {MAX_NOTE_SIGNATURES} are the most")]
    TooMany(usize),
    /// A signature of a known key is false.
    #[error("the signature of {0} does not match the note")]
    False(KeyName),
    /// No known key signed the note.
    #[error("no known key signed the note")]
    Unsigned,
}

impl Note {
    /// Makes a note that is not signed yet.
    ///
    /// # Errors
    /// When the text is too large, has control characters, or does not end in a newline.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// The text, with its last newline. It must not be trusted before [`verify`](Self::verify).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, verified or not.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature, unless it is there already.
    ///
    /// # Errors
    /// When the note has too many signatures then, or is too large.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        self.signatures.push(signature);
        let (count, bytes) = (self.signatures.len(), self.to_string().len());
        let error = match (count > MAX_NOTE_SIGNATURES, bytes > MAX_NOTE_BYTES) {
            (true, _) => NoteError::TooMany(count),
            (_, true) => NoteError::TooLarge(bytes),
            _ => return Ok(()),
        };
        self.signatures.pop();
        Err(error)
    }

    /// Verifies the signatures of known keys, and ignores those of others (signed-note, "Signatures"). A key that signed
    /// several times is returned as often.
    ///
    /// # Errors
    /// When a signature of a known key is false, or no known key signed the note.
    pub fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut verified = Vec::new();
        for key in keys {
            let (name, id) = (key.name(), key.id());
            for signature in self.signatures.iter().filter(|one| one.key_id == id && one.name == *name) {
                let time = key.verify(&self.text, &signature.bytes);
                let time = time.ok_or_else(|| NoteError::False(name.clone()))?;
                verified.push(Verified { key, time });
            }
        }
        match verified.is_empty() {
            true => Err(NoteError::Unsigned),
            false => Ok(verified),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(f, "{signature}"))
    }
}

impl FromStr for Note {
    type Err = NoteError;

    /// Reads a note strictly, so that writing it gives the same bytes.
    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge(note.len()));
        }
        // The last empty line divides: a text may have empty lines.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let lines: Vec<_> = lines.strip_suffix('\n').ok_or(NoteError::Form)?.split('\n').collect();
        if lines.len() > MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooMany(lines.len()));
        }
        let read = |(at, line): (usize, &&str)| parse_signature(line).ok_or(NoteError::Signature(at + 1));
        let signatures = lines.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    match text {
        _ if text.len() > MAX_NOTE_BYTES => Err(NoteError::TooLarge(text.len())),
        _ if !text.ends_with('\n') => Err(NoteError::Text),
        _ if text.bytes().any(|byte| byte < b' ' && byte != b'\n') => Err(NoteError::Control),
        _ => Ok(()),
    }
}

fn parse_signature(line: &str) -> Option<NoteSignature> {
    let (name, base64) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let name = name.parse().ok()?;
    let decoded = STANDARD.decode(base64).ok()?;
    let (key_id, bytes) = decoded.split_first_chunk()?;
    match bytes.is_empty() {
        true => None,
        false => Some(NoteSignature { name, key_id: *key_id, bytes: bytes.to_vec() }),
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = STANDARD.encode([&self.key_id[..], &self.bytes].concat());
        writeln!(f, "{SIGNATURE_PREFIX}{} {signature}", self.name)
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    /// Reads a signature line with its newline, as a cosigner returns it.
    fn from_str(line: &str) -> Result<Self, NoteError> {
        let line = line.strip_suffix('\n').ok_or(NoteError::Form)?;
        parse_signature(line).ok_or(NoteError::Signature(1))
    }
}
