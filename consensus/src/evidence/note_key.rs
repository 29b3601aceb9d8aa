//! Keys of signed notes (C2SP signed-note, "Signature types" and "Verifier keys").

use super::note::NoteSignature;
use crate::id::{Digest, parse_hex};
use crate::key::{PublicKey, SIGNATURE_BYTES, SecretKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// Latest time of a cosignature, in seconds since 1970 (tlog-cosignature, "Format").
pub const MAX_COSIGNATURE_TIME: u64 = (1 << 63) - 1;

/// Name of a key: not empty, without spaces, control characters and `+` (signed-note, "Format").
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let is_forbidden = |c: char| c.is_whitespace() || c.is_ascii_control() || c == '+';
        match name.is_empty() || name.contains(is_forbidden) {
            true => Err(KeyError::Name),
            false => Ok(Self(name.to_owned())),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SignatureType {
    /// The text of a note, as the log signs its checkpoints: Ed25519 (signed-note, "Ed25519 signatures").
    Note,
    /// A time and a checkpoint: a cosignature with Ed25519 (tlog-cosignature, "Ed25519 signed message").
    Cosignature,
}

impl SignatureType {
    /// The byte that stands for the type.
    pub fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Note, Self::Cosignature].into_iter().find(|found| found.byte() == byte)
    }
}

/// Public key that verifies signatures of notes. Its text is `name+hash+base64`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    name: KeyName,
    signature_type: SignatureType,
    public: PublicKey,
}

/// Why a text is no verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, or has a forbidden character.
    #[error("the name of a key is not empty, and has no spaces, control characters and `+`")]
    Name,
    /// A part is missing, or is not in hexadecimal digits or base64.
    #[error("a key is a name, 8 hexadecimal digits, and base64, with `+` between them")]
    Form,
    /// The type is not known, or the key has another length than its type.
    #[error("the key is neither of type 1 (Ed25519) nor of type 4 (Ed25519 cosignature)")]
    Type,
    /// The hash is that of another key.
    #[error("the 8 digits do not match the name and the key: one of them was changed")]
    Hash,
    /// The public key cannot be used.
    #[error("the key is no Ed25519 key, or a weak one, whose signatures can be forged")]
    Weak,
}

impl VerifierKey {
    /// Makes a verifier key.
    ///
    /// # Errors
    /// When the public key cannot be used.
    pub fn new(name: KeyName, signature_type: SignatureType, public: PublicKey) -> Result<Self, KeyError> {
        match public.is_usable() {
            true => Ok(Self { name, signature_type, public }),
            false => Err(KeyError::Weak),
        }
    }

    /// The name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// What the key signs.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The public key itself.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The identifier in signatures: 4 bytes of a hash of name, type and key (signed-note, "Signatures").
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.signature_type, &self.public)
    }

    /// Verifies a signature of a text. It returns the time of a cosignature, no time for another signature, and `None` if
    /// the signature is false.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (message, signature, time) = match self.signature_type {
            SignatureType::Note => (text.to_owned(), signature, None),
            SignatureType::Cosignature => {
                let (time, signature) = signature.split_first_chunk()?;
                let time = u64::from_be_bytes(*time);
                (cosigned(text, time)?, signature, Some(time))
            }
        };
        let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().ok()?;
        self.public.verifies(message.as_bytes(), signature).then_some(time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let key = [&[self.signature_type.byte()][..], &self.public.0].concat();
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// Reads a verifier key strictly, so that writing it gives the same text.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let name: KeyName = name.parse()?;
        let hash: [u8; 4] = parse_hex(hash).map_err(|_| KeyError::Form)?;
        let bytes = STANDARD.decode(base64).map_err(|_| KeyError::Form)?;
        let (byte, public) = bytes.split_first().ok_or(KeyError::Type)?;
        let signature_type = SignatureType::of(*byte).ok_or(KeyError::Type)?;
        let public = PublicKey(public.try_into().map_err(|_| KeyError::Type)?);
        match hash == key_id(&name, signature_type, &public) {
            true => Self::new(name, signature_type, public),
            false => Err(KeyError::Hash),
        }
    }
}

/// Signs a text as the log (signed-note, "Ed25519 signatures").
pub(super) fn sign(name: KeyName, key: &SecretKey, text: &str) -> NoteSignature {
    let key_id = key_id(&name, SignatureType::Note, &key.public());
    NoteSignature { name, key_id, bytes: key.sign(text.as_bytes()).to_vec() }
}

/// Signs a checkpoint as a cosigner at a time (tlog-cosignature, "Ed25519 signed message"). It is `None` if the time is later
/// than [`MAX_COSIGNATURE_TIME`].
pub(super) fn cosign(name: KeyName, key: &SecretKey, text: &str, time: u64) -> Option<NoteSignature> {
    let key_id = key_id(&name, SignatureType::Cosignature, &key.public());
    let signature = key.sign(cosigned(text, time)?.as_bytes());
    Some(NoteSignature { name, key_id, bytes: [&time.to_be_bytes()[..], &signature].concat() })
}

fn cosigned(text: &str, time: u64) -> Option<String> {
    (time <= MAX_COSIGNATURE_TIME).then(|| format!("cosignature/v1\ntime {time}\n{text}"))
}

fn key_id(name: &KeyName, signature_type: SignatureType, public: &PublicKey) -> [u8; 4] {
    let Digest([a, b, c, d, ..]) =
        Digest::of(&[name.0.as_bytes(), b"\n", &[signature_type.byte()], &public.0]);
    [a, b, c, d]
}
