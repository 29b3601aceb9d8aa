//! Checking that a server shows what was signed, before anything is signed about it.

use super::{
    CastVote, Decision, Digest, Envelope, Govern, Item, NetworkId, Organisation, OrganisationId, Proposal,
    ProposalId, Revoke, Role, Statement, Submit, Vote,
};
use consensus::EnvelopeError;
use consensus::statement::StatementError;
use serde_json::value::RawValue;
use stix_model::{Object, Tlp};

/// Longest reason, in bytes.
const MAX_REASON_BYTES: usize = 2000;

/// A proposal that is what its proposer signed. Nothing in it is the word of the server alone, but where its items stand,
/// and that there are no more votes.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its name.
    pub id: ProposalId,
    /// The network.
    pub network: NetworkId,
    /// The proposer.
    pub organisation: OrganisationId,
    /// What the key of the proposer signs: one of a person agrees with what it proposes.
    pub role: Role,
    /// What was signed.
    pub said: Said,
    /// The objects of a submission; one without object of other proposals.
    pub items: Vec<CheckedItem>,
    /// The votes, each signed by a key of its organisation.
    pub votes: Vec<CastVote>,
}

/// What a proposer signed.
#[derive(Clone, Debug)]
pub enum Said {
    /// New objects.
    Submit(Submit),
    /// That an object is taken back.
    Revoke(Revoke),
    /// A change of the network.
    Govern(Govern),
}

/// One thing that a proposal is about.
#[derive(Clone, Debug)]
pub struct CheckedItem {
    /// What the proposer signed of an object.
    pub item: Option<Item>,
    /// The object, which has the digest that was signed.
    pub object: Option<Object>,
    /// Whether votes on it count, as the server says.
    pub is_open: bool,
}

/// What a server shows is not what was signed. Nothing may be signed about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Tampered {
    /// There is no statement.
    #[error("what the proposer signed cannot be read: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The statement is of another type, or not in canonical form.
    #[error("what the proposer signed cannot be read: {0}")]
    Statement(#[from] StatementError),
    /// The envelope is that of another proposal.
    #[error("the envelope is not that of proposal {named}: what was signed is proposal {found}")]
    Id {
        /// The name that the server gives.
        named: ProposalId,
        /// The digest of what was signed.
        found: ProposalId,
    },
    /// It was signed for another network.
    #[error("the proposal was signed for network {found}, and this is network {expected}")]
    Network {
        /// The network that is known.
        expected: NetworkId,
        /// The one in the statement.
        found: NetworkId,
    },
    /// It is signed by no key of its proposer.
    #[error("the proposal says that it is of {0}, and is signed by no key of that organisation")]
    Signature(OrganisationId),
    /// The server says something else than what was signed.
    #[error("{what}: the server says {shown}, and {signed} was signed")]
    Other {
        /// What is meant.
        what: String,
        /// What the server says.
        shown: String,
        /// What was signed.
        signed: String,
    },
    /// An object is not the one that was signed.
    #[error("item {item}: the object has the digest {found}, and the proposer signed {signed}")]
    Digest {
        /// The number of the item.
        item: u32,
        /// What the proposer signed.
        signed: Digest,
        /// That of the text that the server showed.
        found: Digest,
    },
    /// An object cannot be read without doubt.
    #[error("item {item}: the object cannot be read: {reason}")]
    Object {
        /// The number of the item.
        item: u32,
        /// Why.
        reason: String,
    },
    /// A vote is not signed as the server says.
    #[error("the vote of {0} is not what that organisation signed")]
    Vote(OrganisationId),
}

/// Checks that a server shows what was signed: the name of the proposal is the digest of its statement, for this network,
/// under a signature of its proposer; each object has the digest that was signed; and so do the votes.
///
/// # Errors
/// What differs.
pub fn check(
    proposal: &Proposal,
    network: NetworkId,
    organisations: &[Organisation],
) -> Result<Checked, Tampered> {
    let envelope = Envelope::from_json(proposal.envelope.get().as_bytes())?;
    let found = ProposalId(envelope.digest());
    if found != proposal.id {
        return Err(Tampered::Id { named: proposal.id, found });
    }
    let said = if envelope.payload_type == Submit::PAYLOAD_TYPE {
        Said::Submit(envelope.read()?)
    } else if envelope.payload_type == Revoke::PAYLOAD_TYPE {
        Said::Revoke(envelope.read()?)
    } else {
        Said::Govern(envelope.read()?)
    };
    let (signed_for, organisation) = match &said {
        Said::Submit(submit) => submit.author(),
        Said::Revoke(revoke) => revoke.author(),
        Said::Govern(govern) => govern.author(),
    };
    if signed_for != network {
        return Err(Tampered::Network { expected: network, found: signed_for });
    }
    let role = signer(&envelope, organisation, organisations).ok_or(Tampered::Signature(organisation))?;
    same("the proposer", proposal.organisation, organisation)?;
    let collection = match &said {
        Said::Submit(submit) => Some(submit.collection),
        Said::Revoke(revoke) => Some(revoke.collection),
        Said::Govern(_) => None,
    };
    let word = |collection: Option<uuid::Uuid>| collection.map_or("none".to_owned(), |id| id.to_string());
    same("the collection", word(proposal.collection), word(collection))?;
    let items = items(proposal, &said)?;
    for vote in &proposal.votes {
        check_vote(vote, proposal.id, network, organisations).ok_or(Tampered::Vote(vote.organisation))?;
    }
    let votes = proposal.votes.clone();
    Ok(Checked { id: proposal.id, network, organisation, role, said, items, votes })
}

/// What the key signs that signed an envelope, if it is one of the organisation.
fn signer(envelope: &Envelope, by: OrganisationId, organisations: &[Organisation]) -> Option<Role> {
    let organisation = organisations.iter().find(|organisation| organisation.id == by)?;
    let key = organisation.key(envelope.key)?;
    envelope.is_signed_by(&key.public).then_some(key.role)
}

fn items(proposal: &Proposal, said: &Said) -> Result<Vec<CheckedItem>, Tampered> {
    let Said::Submit(submit) = said else {
        let is_open = proposal.items.iter().any(|item| item.is_open());
        return Ok(vec![CheckedItem { item: None, object: None, is_open }]);
    };
    same("the number of items", proposal.items.len(), submit.items.len())?;
    let mut items = Vec::new();
    for (number, (shown, signed)) in (0_u32..).zip(proposal.items.iter().zip(&submit.items)) {
        same("the number of an item", shown.item, number)?;
        let object = shown.object.as_ref().map(|text| object(number, text, signed)).transpose()?;
        items.push(CheckedItem { item: Some(signed.clone()), object, is_open: shown.is_open() });
    }
    Ok(items)
}

/// Reads an object that has the digest that was signed.
fn object(item: u32, text: &RawValue, signed: &Item) -> Result<Object, Tampered> {
    // Strictly: another reader may not understand the text in another way.
    let object =
        Object::parse(text.get()).map_err(|error| Tampered::Object { item, reason: error.to_string() })?;
    let header = object.header();
    let found = Digest(header.digest.0);
    if found != signed.digest {
        return Err(Tampered::Digest { item, signed: signed.digest, found });
    }
    let version = header.version().map_or("", |version| version.sort_key());
    same(format!("item {item}, the identifier"), header.id.as_str(), &signed.id)?;
    same(format!("item {item}, the version"), version, &signed.version)?;
    same(format!("item {item}, the type"), header.id.object_type(), &signed.object_type)?;
    if let Some(tlp) = header.tlp {
        same(format!("item {item}, the marking level"), level(tlp), signed.level)?;
    }
    Ok(object)
}

/// The number of a level of TLP in statements.
fn level(tlp: Tlp) -> u8 {
    tlp as u8 - Tlp::Clear as u8
}

fn same<T: PartialEq + ToString>(what: impl Into<String>, shown: T, signed: T) -> Result<(), Tampered> {
    match shown == signed {
        true => Ok(()),
        false => {
            Err(Tampered::Other { what: what.into(), shown: shown.to_string(), signed: signed.to_string() })
        }
    }
}

/// Whether a vote is signed as the server says. Its items may be fewer by now, when a later vote was about some of them.
fn check_vote(
    cast: &CastVote,
    proposal: ProposalId,
    network: NetworkId,
    organisations: &[Organisation],
) -> Option<()> {
    let envelope = Envelope::from_json(cast.envelope.get().as_bytes()).ok()?;
    let vote: Vote = envelope.read().ok()?;
    signer(&envelope, cast.organisation, organisations)?;
    let is_same = vote.organisation == cast.organisation
        && vote.network == network
        && vote.proposal == proposal
        && vote.decision == cast.decision
        && vote.sequence == cast.sequence
        && vote.reason == cast.reason;
    is_same.then_some(())
}

/// What a person wants to say of a proposal.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// What it says.
    pub decision: Decision,
    /// Of which items; of all, where there is no list.
    pub items: Option<Vec<u32>>,
    /// Why.
    pub reason: String,
}

/// Why a ballot is no vote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BallotError {
    /// Everything is decided.
    #[error("nothing of this proposal awaits votes any more")]
    Decided,
    /// There is no such item.
    #[error("the proposal has no item {0}; they are counted from 0")]
    NoItem(u32),
    /// The server did not show an object.
    #[error("item {0}: the server does not show the object, so nothing is signed about it")]
    Unseen(u32),
    /// The reason is too long.
    #[error("the reason has {0} bytes; {MAX_REASON_BYTES} are the most")]
    Reason(usize),
}

impl Checked {
    /// Makes the vote of an organisation, to be signed with its key. `claimed_at` is the time, in microseconds since 1970.
    ///
    /// # Errors
    /// When it would be about what is not there, is decided, or was not shown.
    pub fn vote(&self, by: OrganisationId, ballot: Ballot, claimed_at: u64) -> Result<Vote, BallotError> {
        let Ballot { decision, items, reason } = ballot;
        if reason.len() > MAX_REASON_BYTES {
            return Err(BallotError::Reason(reason.len()));
        }
        let items = items.map(|mut items| {
            items.sort_unstable();
            items.dedup();
            items
        });
        let is_meant = |number: u32| items.as_ref().is_none_or(|items| items.contains(&number));
        if let Some(unknown) =
            items.iter().flatten().find(|number| self.items.get(**number as usize).is_none())
        {
            return Err(BallotError::NoItem(*unknown));
        }
        let meant = || (0_u32..).zip(&self.items).filter(|(number, item)| is_meant(*number) && item.is_open);
        if meant().next().is_none() {
            return Err(BallotError::Decided);
        }
        if let Some((unseen, _)) = meant().find(|(_, item)| item.item.is_some() && item.object.is_none()) {
            return Err(BallotError::Unseen(unseen));
        }
        let sequence = self.next_sequence(by);
        let (network, proposal) = (self.network, self.id);
        Ok(Vote { network, organisation: by, proposal, items, decision, reason, sequence, claimed_at })
    }

    /// The number of the next vote of an organisation.
    pub fn next_sequence(&self, by: OrganisationId) -> u32 {
        let own = self.votes.iter().filter(|vote| vote.organisation == by);
        own.map(|vote| vote.sequence + 1).max().unwrap_or(0)
    }

    /// What an organisation said last of an item.
    pub fn vote_on(&self, item: u32, by: OrganisationId) -> Option<&CastVote> {
        let own = self.votes.iter().filter(|vote| vote.organisation == by && vote.is_about(item));
        own.max_by_key(|vote| vote.sequence)
    }
}

#[cfg(test)]
mod tests;
