//! Trust policies (C2SP tlog-policy): which logs a reader takes checkpoints of, and whose cosignatures are enough.
//!
//! ```
//! use consensus::{Digest, NetworkId, SecretKey};
//! use consensus::evidence::{Checkpoint, SignatureType, TreeHead, TrustPolicy, VerifierKey, origin};
//!
//! let vkey = |name: &str, signature_type, seed: u8| {
//!     let public = SecretKey::from_seed(&[seed; 32]).public();
//!     VerifierKey::new(name.parse().expect("a name"), signature_type, public).expect("a key")
//! };
//! let network = NetworkId(Digest([0xAB; 32]));
//! let policy = format!(
//!     "log {}\nwitness A {}\nwitness B {}\ngroup members any A B\nquorum members\n",
//!     vkey(&origin(network), SignatureType::Note, 1),
//!     vkey("a/witness", SignatureType::Cosignature, 2),
//!     vkey("b/witness", SignatureType::Cosignature, 3),
//! );
//! let policy = TrustPolicy::parse(policy.as_bytes())?;
//!
//! let checkpoint = Checkpoint::new(origin(network), TreeHead::empty())?;
//! let mut note = checkpoint.sign(&SecretKey::from_seed(&[1; 32]))?;
//! assert!(policy.verify(&note).is_err(), "no witness cosigned");
//! note.add(checkpoint.cosign("b/witness".parse()?, &SecretKey::from_seed(&[3; 32]), 1_800_000_000)?)?;
//! assert_eq!(policy.verify(&note)?.checkpoint, checkpoint);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::checkpoint::{Checkpoint, CheckpointError};
use super::note::{Note, NoteError};
use super::note_key::{KeyError, SignatureType, VerifierKey};
use super::parse_decimal;
use crate::key::PublicKey;
use std::collections::{BTreeMap, BTreeSet};

/// Largest policy, in bytes.
pub const MAX_TRUST_POLICY_BYTES: usize = 1 << 20;

/// Name that stands for a quorum of no witness (tlog-policy, "Defining the quorum").
const NONE: &[u8] = b"none";

/// A trust policy. URLs in its text are accepted, and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    logs: Vec<VerifierKey>,
    /// Witnesses and groups in the order of their lines, so that a group comes after its members.
    defined: Vec<Defined>,
    /// Position of the quorum, or `None` if no witness is needed.
    quorum: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Defined {
    Witness(VerifierKey),
    Group { threshold: usize, members: Vec<usize> },
}

/// A checkpoint that a policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The key of the log that signed it.
    pub log: VerifierKey,
    /// The witnesses of the policy that cosigned it, with the latest time that each one gave, in seconds since 1970.
    pub witnesses: BTreeMap<VerifierKey, u64>,
}

/// Why a policy does not accept a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The signatures are not those of keys of the policy.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No log of the policy signed the checkpoint.
    #[error("the checkpoint is for `{0}`, and not signed by a log of the policy with that name")]
    Log(String),
    /// Too few witnesses cosigned.
    #[error(
        "the quorum of the policy is not met: {cosigned} of its {known} witnesses cosigned the checkpoint"
    )]
    Quorum {
        /// The witnesses that cosigned.
        cosigned: usize,
        /// The witnesses of the policy.
        known: usize,
    },
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustPolicyError {
    /// The text is too large.
    #[error("the policy has {0} bytes; {MAX_TRUST_POLICY_BYTES} are the most")]
    TooLarge(usize),
    /// No line defines the quorum.
    #[error("the policy has no `quorum` line")]
    NoQuorum,
    /// A line is wrong.
    #[error("line {line}: {problem}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong.
        problem: PolicyProblem,
    },
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// The line has a control character.
    #[error("byte {0:#04x} is a control character other than a tab")]
    Control(u8),
    /// The last line has no newline, so that the file may have been cut.
    #[error("the line does not end in a newline: the file may be incomplete")]
    Cut,
    /// The line begins with another word.
    #[error("a line begins with `log`, `witness`, `group`, `quorum` or `#`, not with `{0}`")]
    Keyword(String),
    /// The line has other parts.
    #[error("the line is not `{0}`")]
    Form(&'static str),
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key signs other things.
    #[error("the key of a log has type 1, and the key of a witness type 4")]
    KeyType,
    /// The key was given before.
    #[error("the key is that of an earlier line")]
    KeyTwice,
    /// The name is defined already.
    #[error("`{0}` is defined already")]
    NameTwice(String),
    /// The name is not defined by an earlier line.
    #[error("`{0}` is not defined by an earlier line")]
    NoName(String),
    /// The member is in a group already.
    #[error("`{0}` is a member of a group already")]
    MemberTwice(String),
    /// The threshold is no number between 1 and the number of members.
    #[error("the threshold is `any`, `all`, or a number from 1 to the {0} members of the group")]
    Threshold(usize),
    /// The quorum is defined already.
    #[error("the quorum is defined already")]
    QuorumTwice,
}

impl TrustPolicy {
    /// Reads a policy (tlog-policy, "Policy file syntax and structure"). The text is bytes, since names may have any that are
    /// not ASCII.
    ///
    /// # Errors
    /// When the text is no policy, with the number of the line.
    pub fn parse(text: &[u8]) -> Result<Self, TrustPolicyError> {
        if text.len() > MAX_TRUST_POLICY_BYTES {
            return Err(TrustPolicyError::TooLarge(text.len()));
        }
        let mut reader = Reader::default();
        for (at, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let problem = |problem| TrustPolicyError::Line { line: at + 1, problem };
            reader.line(line).map_err(problem)?;
        }
        let Reader { logs, defined, quorum, .. } = reader;
        let quorum = quorum.ok_or(TrustPolicyError::NoQuorum)?;
        Ok(Self { logs, defined, quorum })
    }

    /// The keys of the logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The keys of the witnesses.
    pub fn witnesses(&self) -> impl Iterator<Item = &VerifierKey> {
        self.defined.iter().filter_map(|defined| match defined {
            Defined::Witness(key) => Some(key),
            Defined::Group { .. } => None,
        })
    }

    /// Whether some witnesses are a quorum (tlog-policy, "Defining a witness group").
    pub fn is_quorum(&self, has_cosigned: impl Fn(&VerifierKey) -> bool) -> bool {
        let mut met: Vec<bool> = Vec::with_capacity(self.defined.len());
        for defined in &self.defined {
            let is_met = match defined {
                Defined::Witness(key) => has_cosigned(key),
                Defined::Group { threshold, members } => {
                    members.iter().filter(|member| met[**member]).count() >= *threshold
                }
            };
            met.push(is_met);
        }
        self.quorum.is_none_or(|quorum| met[quorum])
    }

    /// Verifies that a note is a checkpoint, that a log of the policy signed it whose key has the name of its origin, and that
    /// the witnesses that cosigned it are a quorum (tlog-policy, "What is a policy?"). A policy without logs accepts none.
    ///
    /// # Errors
    /// When one of these does not hold, or the signature of a key of the policy is false.
    pub fn verify(&self, note: &Note) -> Result<Endorsement, TrustError> {
        let verified = note.verify(self.logs.iter().chain(self.witnesses()))?;
        let checkpoint: Checkpoint = note.text().parse()?;
        let log =
            verified.iter().find(|one| one.time.is_none() && one.key.name().as_str() == checkpoint.origin());
        let Some(log) = log.map(|log| log.key.clone()) else {
            return Err(TrustError::Log(checkpoint.origin().to_owned()));
        };
        let mut witnesses = BTreeMap::new();
        for one in verified {
            if let Some(time) = one.time {
                let latest = witnesses.entry(one.key.clone()).or_insert(time);
                *latest = time.max(*latest);
            }
        }
        match self.is_quorum(|key| witnesses.contains_key(key)) {
            true => Ok(Endorsement { checkpoint, log, witnesses }),
            false => Err(TrustError::Quorum { cosigned: witnesses.len(), known: self.witnesses().count() }),
        }
    }
}

/// A policy while its lines are read.
#[derive(Default)]
struct Reader {
    logs: Vec<VerifierKey>,
    defined: Vec<Defined>,
    quorum: Option<Option<usize>>,
    names: BTreeMap<Vec<u8>, usize>,
    keys: BTreeSet<(SignatureType, PublicKey)>,
    /// Positions of those that are in a group.
    members: BTreeSet<usize>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyProblem> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyProblem::Cut)?;
        if let Some(byte) = line.iter().find(|byte| byte.is_ascii_control() && **byte != b'\t') {
            return Err(PolicyProblem::Control(*byte));
        }
        let words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        let words: Vec<_> = words.collect();
        match words[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] | [b"log", key, _] => self.log(key),
            [b"log", ..] => Err(PolicyProblem::Form("log <vkey> [<url>]")),
            [b"witness", name, key] | [b"witness", name, key, _] => self.witness(name, key),
            [b"witness", ..] => Err(PolicyProblem::Form("witness <name> <vkey> [<url>]")),
            [b"group", name, threshold, ref members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            [b"group", ..] => Err(PolicyProblem::Form("group <name> all|any|<k> <name>...")),
            [b"quorum", name] => self.quorum(name),
            [b"quorum", ..] => Err(PolicyProblem::Form("quorum <name>")),
            [other, ..] => Err(PolicyProblem::Keyword(shown(other))),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), PolicyProblem> {
        let key = self.key(key, SignatureType::Note)?;
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8]) -> Result<(), PolicyProblem> {
        let key = self.key(key, SignatureType::Cosignature)?;
        self.define(name, Defined::Witness(key))
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], names: &[&[u8]]) -> Result<(), PolicyProblem> {
        let count = names.len();
        let number = || std::str::from_utf8(threshold).ok().and_then(parse_decimal);
        let threshold = match threshold {
            b"any" => Some(1),
            b"all" => Some(count),
            _ => number().and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = threshold.filter(|k| (1..=count).contains(k));
        let threshold = threshold.ok_or(PolicyProblem::Threshold(count))?;
        let mut members = Vec::with_capacity(count);
        for name in names {
            let member = self.find(name)?;
            if !self.members.insert(member) {
                return Err(PolicyProblem::MemberTwice(shown(name)));
            }
            members.push(member);
        }
        self.define(name, Defined::Group { threshold, members })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyProblem> {
        if self.quorum.is_some() {
            return Err(PolicyProblem::QuorumTwice);
        }
        self.quorum = Some(if name == NONE { None } else { Some(self.find(name)?) });
        Ok(())
    }

    /// Reads a key of a log or a witness. Keys with different names are the same key if their public keys are equal.
    fn key(&mut self, key: &[u8], expected: SignatureType) -> Result<VerifierKey, PolicyProblem> {
        let key: VerifierKey = std::str::from_utf8(key).map_err(|_| KeyError::Form)?.parse()?;
        if key.signature_type() != expected {
            return Err(PolicyProblem::KeyType);
        }
        match self.keys.insert((expected, key.public())) {
            true => Ok(key),
            false => Err(PolicyProblem::KeyTwice),
        }
    }

    fn find(&self, name: &[u8]) -> Result<usize, PolicyProblem> {
        self.names.get(name).copied().ok_or_else(|| PolicyProblem::NoName(shown(name)))
    }

    fn define(&mut self, name: &[u8], defined: Defined) -> Result<(), PolicyProblem> {
        if name == NONE || self.names.contains_key(name) {
            return Err(PolicyProblem::NameTwice(shown(name)));
        }
        self.names.insert(name.to_vec(), self.defined.len());
        self.defined.push(defined);
        Ok(())
    }
}

/// A name for a message.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
