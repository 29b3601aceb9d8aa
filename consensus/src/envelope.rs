//! Signed statements on the wire: DSSE envelopes with one signature.

use crate::id::{Digest, KeyId, hex};
use crate::key::{PublicKey, SIGNATURE_BYTES, SecretKey};
use crate::statement::{Statement, StatementError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Largest payload, in bytes. A thousand items take less.
pub const MAX_PAYLOAD_BYTES: usize = 512 << 10;

/// A statement with the signature of its author (DSSE 1.0). The payload is kept as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What the payload is, as `application/vnd.concord.vote.v1+json`.
    pub payload_type: String,
    /// The statement, in its canonical form (RFC 8785).
    pub payload: Bytes,
    /// The key.
    pub key: KeyId,
    /// Its signature over [`pre_authentication`].
    #[serde(with = "hex")]
    pub signature: [u8; SIGNATURE_BYTES],
}

/// The JSON form of an envelope.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Json {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<JsonSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSignature {
    keyid: KeyId,
    sig: String,
}

impl Envelope {
    /// Signs a statement.
    pub fn sign<S: Statement>(statement: &S, key: &SecretKey) -> Self {
        let payload = statement.encode();
        let signature = key.sign(&pre_authentication(S::PAYLOAD_TYPE, &payload));
        Self { payload_type: S::PAYLOAD_TYPE.to_owned(), payload, key: key.public().id(), signature }
    }

    /// Reads the statement, without looking at its signature.
    ///
    /// # Errors
    /// When it is of another type, or not in its canonical form.
    pub fn read<S: Statement>(&self) -> Result<S, StatementError> {
        match self.payload_type == S::PAYLOAD_TYPE {
            true => S::decode(&self.payload),
            false => {
                Err(StatementError::Type { found: self.payload_type.clone(), expected: S::PAYLOAD_TYPE })
            }
        }
    }

    /// Whether the signature is that of a key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.key == key.id()
            && key.verifies(&pre_authentication(&self.payload_type, &self.payload), &self.signature)
    }

    /// The digest of what was signed. The same statement has the same one, whichever key signed it.
    pub fn digest(&self) -> Digest {
        Digest::of(&[&pre_authentication(&self.payload_type, &self.payload)])
    }

    /// The envelope as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Json::from(self)).expect("strings are JSON")
    }

    /// Reads an envelope from JSON, without looking at its signature.
    ///
    /// # Errors
    /// When it is no envelope, has another number of signatures than one, or is too large.
    pub fn from_json(json: &[u8]) -> Result<Self, EnvelopeError> {
        serde_json::from_slice::<Json>(json)?.try_into()
    }
}

impl From<&Envelope> for Json {
    fn from(envelope: &Envelope) -> Self {
        let Envelope { payload_type, payload, key, signature } = envelope;
        let signatures = vec![JsonSignature { keyid: *key, sig: STANDARD.encode(signature) }];
        Self { payload: STANDARD.encode(payload), payload_type: payload_type.clone(), signatures }
    }
}

impl TryFrom<Json> for Envelope {
    type Error = EnvelopeError;

    fn try_from(Json { payload, payload_type, signatures }: Json) -> Result<Self, EnvelopeError> {
        let [JsonSignature { keyid, sig }] =
            <[_; 1]>::try_from(signatures).map_err(|found| EnvelopeError::Signatures(found.len()))?;
        let payload = STANDARD.decode(payload).map_err(|_| EnvelopeError::Base64("payload"))?;
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(EnvelopeError::TooLarge(payload.len()));
        }
        let signature = STANDARD.decode(sig).ok().and_then(|signature| signature.try_into().ok());
        let signature = signature.ok_or(EnvelopeError::Base64("sig"))?;
        Ok(Self { payload_type, payload: payload.into(), key: keyid, signature })
    }
}

/// The bytes that are signed (DSSE, PAE).
pub fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Why a text is no envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not the JSON of an envelope.
    #[error("this is no DSSE envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no signature, or several.
    #[error("an envelope has one signature, not {0}")]
    Signatures(usize),
    /// A member is not in base64, or has another length.
    #[error("the member `{0}` of the envelope is not what it must be in base64")]
    Base64(&'static str),
    /// The payload is too large.
    #[error("the statement has {0} bytes; {MAX_PAYLOAD_BYTES} are the most")]
    TooLarge(usize),
}
