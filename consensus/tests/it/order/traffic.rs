//! Commands of a network that is founded in the log.

use crate::network::*;
use bytes::Bytes;
use consensus::statement::{Decision, Item, Nonce};
use consensus::{Command, Envelope, Founding, NetworkId, Outcome, Policy, ProposalId, Secret};

pub(crate) const MEMBERS: u8 = 3;

/// Makes signed commands.
#[derive(Clone)]
pub(crate) struct Traffic {
    network: Network,
    founding: Founding,
    count: u128,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self::numbered(0)
    }

    /// Submissions are numbered after a number.
    pub(crate) fn numbered(count: u128) -> Self {
        let organisations = (1..=MEMBERS).map(new_organisation).collect();
        let name = "example.org/ordered".to_owned();
        let (collections, policy) = (vec![definition(COLLECTION)], Policy::standard());
        let founding = Founding { name, organisations, collections, policy, nonce: [7; 16] };
        let id: NetworkId = founding.network();
        let network = Network { member: Member::default(), id, time: START, log: Vec::new() };
        Self { network, founding, count }
    }

    pub(crate) fn found(&self) -> Command {
        Command::Found { founding: self.founding.clone(), secret: Secret([7; 32]) }
    }

    /// A submission of an organisation, of a new object.
    pub(crate) fn submit(&mut self, by: u8) -> Command {
        self.count += 1;
        let objects = vec![object(&format!("indicator--{}", self.count), "v1", 0, "content")];
        let mut statement = self.network.statement(by, &objects);
        statement.nonce = Nonce(self.count.to_be_bytes());
        statement.expires_in_seconds = Some(3600);
        let envelope = Envelope::sign(&statement, &submit_key(by));
        Command::Submit { envelope, objects, note: Bytes::new() }
    }

    /// Objects as a submission names them.
    pub(crate) fn items(&self, objects: &[Bytes]) -> Vec<Item> {
        self.network.statement(1, objects).items
    }

    /// A vote of an organisation for a proposal.
    pub(crate) fn approve(&self, by: u8, proposal: ProposalId) -> Command {
        let vote = self.network.ballot(by, proposal, Decision::Approve, 0);
        Command::Vote(Envelope::sign(&vote, &vote_key(by)))
    }
}

pub(crate) fn proposal(outcome: &Outcome) -> Option<ProposalId> {
    match outcome {
        Outcome::Proposed(id) | Outcome::Repeated(id) => Some(*id),
        _ => None,
    }
}
