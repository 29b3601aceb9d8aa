//! Checkpoints (C2SP tlog-checkpoint): signed notes that say how large a log is and which root it has, and their cosignatures
//! (C2SP tlog-cosignature).
//!
//! ```
//! use consensus::{Digest, NetworkId, SecretKey};
//! use consensus::evidence::{Checkpoint, SignatureType, TreeHead, VerifierKey, origin};
//!
//! let network = NetworkId(Digest([0xAB; 32]));
//! let checkpoint = Checkpoint::new(origin(network), TreeHead::empty())?;
//! assert_eq!(checkpoint.to_string(), "abababababababab/approvals\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
//!
//! let (log, witness) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
//! let mut note = checkpoint.sign(&log)?;
//! note.add(checkpoint.cosign("ministry/witness".parse()?, &witness, 1_800_000_000)?)?;
//!
//! let witness = VerifierKey::new("ministry/witness".parse()?, SignatureType::Cosignature, witness.public())?;
//! assert_eq!(note.verify([&witness])?[0].time, Some(1_800_000_000));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::note::{Note, NoteError, NoteSignature};
use super::note_key::{self, KeyError, KeyName};
use super::parse_decimal;
use super::tree::{MAX_SIZE, TreeHead};
use crate::id::{Digest, NetworkId};
use crate::key::SecretKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// Origin of the log of a network: the first 16 hexadecimal digits of its identifier and `/approvals`. Two networks may have
/// the same name, but not the same origin. It is also the name of the key that signs checkpoints (tlog-checkpoint,
/// "Signatures").
pub fn origin(network: NetworkId) -> String {
    let id = network.to_string();
    format!("{}/approvals", id.get(..16).unwrap_or(&id))
}

/// Text of a checkpoint (tlog-checkpoint, "Note text"). It displays as the lines that are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
    extensions: Vec<String>,
}

/// Why a text is no checkpoint, or cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The origin is empty, or more than a line.
    #[error("the first line of a checkpoint, its origin, is one line that is not empty")]
    Origin,
    /// The size is no number, or not in its only form.
    #[error(
        "the second line of a checkpoint, its size, is a decimal number below 2^63 without leading zeros"
    )]
    Size,
    /// The root is no digest.
    #[error("the third line of a checkpoint, its root, is 32 bytes in base64")]
    Root,
    /// A further line is empty, or the last one has no newline.
    #[error("a line of a checkpoint is empty, or does not end in a newline")]
    Line,
    /// The time is too late.
    #[error("the time of a cosignature is below 2^63 seconds")]
    Time,
    /// The origin cannot be the name of the key.
    #[error("the origin cannot name the key of the log: {0}")]
    Key(#[from] KeyError),
    /// The text is no text of a note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// Makes a checkpoint without extension lines.
    ///
    /// # Errors
    /// When the origin is not one line, or the size is too large.
    pub fn new(origin: String, head: TreeHead) -> Result<Self, CheckpointError> {
        if head.size > MAX_SIZE {
            return Err(CheckpointError::Size);
        }
        match origin.is_empty() || origin.contains(|c: char| c.is_ascii_control()) {
            true => Err(CheckpointError::Origin),
            false => Ok(Self { origin, head, extensions: Vec::new() }),
        }
    }

    /// The log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The size of the log and its root.
    pub fn head(&self) -> &TreeHead {
        &self.head
    }

    /// Further lines. Cosigners say nothing about them.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the checkpoint as the log. The name of the key is the origin.
    ///
    /// # Errors
    /// When the origin cannot be the name of a key.
    pub fn sign(&self, key: &SecretKey) -> Result<Note, CheckpointError> {
        let text = self.to_string();
        let signature = note_key::sign(self.origin.parse()?, key, &text);
        let mut note = Note::new(text)?;
        note.add(signature)?;
        Ok(note)
    }

    /// Signs the checkpoint as a cosigner, who says that this is the largest tree of the log that it saw until a time, in
    /// seconds since 1970, and that the tree extends all trees that it saw before.
    ///
    /// # Errors
    /// When the time is too late.
    pub fn cosign(
        &self,
        name: KeyName,
        key: &SecretKey,
        time: u64,
    ) -> Result<NoteSignature, CheckpointError> {
        note_key::cosign(name, key, &self.to_string(), time).ok_or(CheckpointError::Time)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, head, extensions } = self;
        writeln!(f, "{origin}\n{}\n{}", head.size, STANDARD.encode(head.root.0))?;
        extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the text of a checkpoint strictly, so that writing it gives the same bytes.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Line)?.split('\n');
        let mut next = || lines.next().unwrap_or_default();
        let (origin, size, root) = (next(), next(), next());
        let size = parse_decimal(size).ok_or(CheckpointError::Size)?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = Digest(root.ok_or(CheckpointError::Root)?);
        let mut checkpoint = Self::new(origin.to_owned(), TreeHead { size, root })?;
        for line in lines {
            match line.is_empty() || line.contains(|c: char| c.is_ascii_control()) {
                true => return Err(CheckpointError::Line),
                false => checkpoint.extensions.push(line.to_owned()),
            }
        }
        Ok(checkpoint)
    }
}
