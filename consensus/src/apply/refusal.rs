//! Why commands do nothing.

use crate::id::{NetworkId, OrganisationId, ProposalId};
use crate::organisation::KeyRefusal;
use crate::policy::PolicyError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a command does nothing. The message is for the person who sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The network is not founded yet, or was founded before.
    #[error("a network is founded by its first entry, and by no other")]
    Founding,
    /// The entry is of another protocol than the network speaks, because one of them was set meanwhile.
    #[error("the entry is of protocol {found}, and the network speaks protocol {expected}: send it again")]
    Protocol {
        /// The protocol of the network.
        expected: u16,
        /// That of the entry.
        found: u16,
    },
    /// The statement cannot be read.
    #[error("{0}")]
    Statement(String),
    /// The statement was made for another network.
    #[error("the statement was signed for network {0}, which is not this one")]
    OtherNetwork(NetworkId),
    /// The author is no member.
    #[error("organisation {0} is no member of the network")]
    NoMember(OrganisationId),
    /// The key may not sign it.
    #[error("organisation {organisation}: {refusal}")]
    Key {
        /// The author.
        organisation: OrganisationId,
        /// Why not.
        refusal: KeyRefusal,
    },
    /// The signature is not that of the key.
    #[error("the signature does not match the statement: one of them was changed, or another key signed it")]
    Signature,
    /// There are no items, or too many.
    #[error("a submission has 1 to {max} objects, not {found}")]
    Count {
        /// The most.
        max: usize,
        /// Those in it.
        found: usize,
    },
    /// An object is too large.
    #[error("object {item} has {bytes} bytes; {max} are the most")]
    TooLarge {
        /// The number of the item.
        item: usize,
        /// Its bytes.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// An object cannot be read.
    #[error("object {item}: {reason}")]
    Object {
        /// The number of the item.
        item: usize,
        /// Why not.
        reason: String,
    },
    /// An object is not the one that was signed.
    #[error("object {item} is not the one that was signed: its {what} differs")]
    Altered {
        /// The number of the item.
        item: usize,
        /// What differs.
        what: &'static str,
    },
    /// The note is too long.
    #[error("a note has {max} bytes at most, not {found}")]
    Note {
        /// The most.
        max: usize,
        /// Those in it.
        found: usize,
    },
    /// Two items are the same version of an object.
    #[error("objects {0} and {1} are the same version of one object")]
    Twice(usize, usize),
    /// Too many proposals of the organisation are open.
    #[error(
        "organisation {organisation} has {open} proposals open, which is the most; withdraw some, or wait for votes"
    )]
    Quota {
        /// The organisation.
        organisation: OrganisationId,
        /// Its open proposals.
        open: u32,
    },
    /// There is no such collection.
    #[error("the network has no collection {0}")]
    NoCollection(Uuid),
    /// The definition of a collection cannot be read.
    #[error("the definition of collection {collection} cannot be used: {reason}")]
    Collection {
        /// The collection.
        collection: Uuid,
        /// Why not.
        reason: String,
    },
    /// There is no such proposal.
    #[error("there is no proposal {0}")]
    NoProposal(ProposalId),
    /// All of it is decided.
    #[error("proposal {0} is decided already")]
    Decided(ProposalId),
    /// The proposal is of another organisation.
    #[error("proposal {proposal} is of organisation {submitter}, which alone can withdraw it")]
    NotOwn {
        /// The proposal.
        proposal: ProposalId,
        /// Its proposer.
        submitter: OrganisationId,
    },
    /// The vote names items that the proposal does not have, or not in their order.
    #[error(
        "a vote names some items of its proposal, which has {0}, in ascending order, or none for all of them"
    )]
    Items(usize),
    /// The reason is too long.
    #[error("a reason has {max} bytes at most, not {found}")]
    Reason {
        /// The most.
        max: usize,
        /// Those in it.
        found: usize,
    },
    /// A later vote of the organisation counts already.
    #[error("vote {found} of the organisation on this proposal came after vote {counted}")]
    OldVote {
        /// The vote that counts.
        counted: u32,
        /// The vote that came.
        found: u32,
    },
    /// The organisation signed two votes with one number.
    #[error("the organisation has signed two different votes with number {0}; the first one counts")]
    Equivocation(u32),
    /// The policy cannot be used.
    #[error("the policy cannot be used: {0}")]
    Policy(#[from] PolicyError),
    /// The change of the network makes no sense.
    #[error("{0}")]
    Governance(&'static str),
}

/// What kind of answer a [`Refusal`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RefusalKind {
    /// The command is wrong, whenever it comes.
    Invalid,
    /// The signature does not count.
    Forbidden,
    /// What it is about is not there.
    Missing,
    /// It contradicts what was decided meanwhile.
    Conflict,
    /// It may be sent again when others are done.
    Quota,
}

impl Refusal {
    /// What kind of answer it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::Statement(_)
            | Self::OtherNetwork(_)
            | Self::Count { .. }
            | Self::TooLarge { .. }
            | Self::Object { .. }
            | Self::Altered { .. }
            | Self::Note { .. }
            | Self::Twice(..)
            | Self::Items(_)
            | Self::Reason { .. }
            | Self::Collection { .. }
            | Self::Policy(_) => RefusalKind::Invalid,
            Self::NoMember(_) | Self::Key { .. } | Self::Signature | Self::NotOwn { .. } => {
                RefusalKind::Forbidden
            }
            Self::NoCollection(_) | Self::NoProposal(_) => RefusalKind::Missing,
            Self::Founding
            | Self::Protocol { .. }
            | Self::Decided(_)
            | Self::OldVote { .. }
            | Self::Equivocation(_)
            | Self::Governance(_) => RefusalKind::Conflict,
            Self::Quota { .. } => RefusalKind::Quota,
        }
    }
}
