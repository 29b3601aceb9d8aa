//! Statuses of requests to add objects that need approval. Where an object stands is read from its proposal, so a status is
//! never older than a decision, and each member gives the same one.

use super::state::NetworkView;
use crate::clock::timestamp;
use crate::store::StoreError;
use crate::store::engine::Key;
use crate::store::keys::{self, Region, RequestKey};
use crate::store::status::Builder;
use bytes::Bytes;
use consensus::statement::{Decision, Item, Submit, Vote};
use consensus::{CastVote, Filed, OrganisationId, Phase, Proposal, ProposalId, Reader, Reason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stix_model::json::Digest;
use stix_model::taxii::{Status, StatusDetails};
use uuid::Uuid;

/// Most bytes of the failures in a note; a larger list is left out.
const MAX_FAILURES_BYTES: usize = 128 << 10;

/// What a node says of a request, with each of its submissions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct Note {
    /// The request.
    pub(in crate::store) request: Uuid,
    /// The organisation of the account that made it.
    organisation: Uuid,
    /// The collection.
    collection: Uuid,
    /// Microseconds since 1970 at which it came.
    received: i64,
    /// Digest of the request, where the client chose its identifier.
    fingerprint: Option<Digest>,
    /// What was refused before anything was proposed, as a status of which the rest is still to be said.
    refused: Status,
}

impl Note {
    pub(in crate::store) fn new(
        request: Uuid,
        organisation: Uuid,
        collection: Uuid,
        received: i64,
        fingerprint: Option<Digest>,
        refused: Status,
    ) -> Self {
        let mut note = Self { request, organisation, collection, received, fingerprint, refused };
        let length = serde_json::to_vec(&note.refused.failures).map_or(usize::MAX, |json| json.len());
        if length > MAX_FAILURES_BYTES {
            note.refused.first_failures = std::mem::take(&mut note.refused.failures);
            note.refused.first_failures.truncate(100);
        }
        note
    }

    pub(in crate::store) fn encode(&self) -> Result<Bytes, StoreError> {
        Ok(serde_json::to_vec(self).map_err(|_| StoreError::Corrupt("a note"))?.into())
    }

    pub(in crate::store) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A request, and the proposals that it made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct Proposals {
    note: Note,
    pub(in crate::store) proposals: Vec<ProposalId>,
}

impl Proposals {
    pub(in crate::store) fn of(note: Note) -> Self {
        Self { note, proposals: Vec::new() }
    }

    /// The key of a request; its account is known to one member only.
    pub(in crate::store) fn key(region: Region, request: Uuid) -> Key {
        keys::receipt(region, RequestKey { request, account: Uuid::nil() })
    }

    pub(in crate::store) fn encode(&self) -> Result<Bytes, StoreError> {
        Ok(serde_json::to_vec(self).map_err(|_| StoreError::Corrupt("a request of the network"))?.into())
    }

    pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|_| StoreError::Corrupt("a request of the network"))
    }

    /// The organisation that made the request.
    pub(super) fn organisation(&self) -> Uuid {
        self.note.organisation
    }

    /// Whether it is the same request that comes again.
    pub(super) fn is_same(&self, organisation: Uuid, collection: Uuid, fingerprint: Option<Digest>) -> bool {
        let note = &self.note;
        (note.organisation, note.collection, note.fingerprint) == (organisation, collection, fingerprint)
    }

    pub(super) fn received(&self) -> i64 {
        self.note.received
    }

    /// Whether all objects that were not refused are proposed.
    pub(super) async fn is_whole(&self, view: &NetworkView) -> Result<bool, StoreError> {
        let mut count = self.note.refused.failure_count;
        for filed in self.filed(view).await? {
            count += filed.proposal.items.len() as u64;
        }
        Ok(count >= self.note.refused.total_count)
    }

    async fn filed(&self, view: &NetworkView) -> Result<Vec<Filed>, StoreError> {
        let reader = Reader::new(view);
        let mut filed = Vec::with_capacity(self.proposals.len());
        for id in &self.proposals {
            filed.push(reader.proposal(*id).await?.ok_or(StoreError::Corrupt("a proposal"))?);
        }
        Ok(filed)
    }

    /// The status as it is now.
    pub(super) async fn status(&self, view: &NetworkView) -> Result<Status, StoreError> {
        let Note { request, received, refused, .. } = &self.note;
        let received = timestamp(*received);
        let total = usize::try_from(refused.total_count).unwrap_or(usize::MAX);
        let mut status = Builder::begin(*request, received.clone(), total);
        for Filed { proposal, envelope, id } in self.filed(view).await? {
            let objections = Objections::read(view, id, &proposal).await?;
            let submit: Submit =
                serde_json::from_slice(&envelope.payload).map_err(|_| StoreError::Corrupt("a proposal"))?;
            for (number, (item, state)) in (0_u32..).zip(submit.items.iter().zip(&proposal.items)) {
                let version = match &*item.version {
                    "" => received.as_str().to_owned(),
                    version => spelled(version),
                };
                let row = |message| StatusDetails {
                    id: item.id.clone(),
                    version: version.clone(),
                    message,
                    finding: None,
                };
                match standing(item, number, id, &proposal, &objections, state.phase) {
                    Standing::Success(message) => status.settle(0, Ok(row(message))),
                    Standing::Pending(message) => status.pend(row(Some(message))),
                    Standing::Failure(message) => status.settle(0, Err(row(Some(message)))),
                }
            }
        }
        status.adopt_failures(refused);
        Ok(status.finish())
    }
}

/// A version as texts have it: with three fraction digits at least.
pub(super) fn spelled(sort_key: &str) -> String {
    let (seconds, fraction) = sort_key.split_once('.').unwrap_or((sort_key, ""));
    format!("{seconds}.{fraction:0<3}Z")
}

enum Standing {
    Success(Option<String>),
    Pending(String),
    Failure(String),
}

fn standing(
    item: &Item,
    number: u32,
    id: ProposalId,
    proposal: &Proposal,
    objections: &Objections,
    phase: Phase,
) -> Standing {
    match phase {
        Phase::Open => Standing::Pending(format!("awaits approval as {id}: {}", votes(proposal, number))),
        Phase::Suspended => Standing::Pending(format!(
            "was approved with a key that was revoked since, so it awaits approval again as {id}"
        )),
        Phase::Provisional => {
            Standing::Success(Some("visible, and taken back unless it is ratified".to_owned()))
        }
        Phase::Approved => Standing::Success(None),
        Phase::Revoked => Standing::Failure("was approved, and taken back since".to_owned()),
        Phase::RolledBack => {
            Standing::Failure("was taken back, because it was not ratified in time".to_owned())
        }
        Phase::Expired => Standing::Failure("was not decided in time; submit it again".to_owned()),
        Phase::Withdrawn => Standing::Failure("was withdrawn by its submitter".to_owned()),
        Phase::Superseded => Standing::Failure("a later version was approved first".to_owned()),
        Phase::Rejected(reason) => Standing::Failure(refusal(item, reason, proposal, objections, number)),
    }
}

fn refusal(item: &Item, reason: Reason, proposal: &Proposal, objections: &Objections, number: u32) -> String {
    match reason {
        Reason::NoRule => "no rule of the policy is for such an object".to_owned(),
        Reason::Level => format!(
            "its marking is {}, which is above what this network shares",
            stix_model::Tlp::try_from(item.level + 1).map_or("no level", |level| level.as_str())
        ),
        Reason::OtherContent => {
            "this version is or was there with other content; raise `modified`, or it was revoked".to_owned()
        }
        Reason::Versions => "it contradicts the versions of the object that are visible".to_owned(),
        Reason::NoObject => "there is no such object".to_owned(),
        Reason::Refused => {
            format!("was refused: {}{}", votes(proposal, number), objections.on(proposal, number, None))
        }
        Reason::Vetoed(organisation) => {
            format!("was forbidden{}", objections.on(proposal, number, Some(organisation)))
        }
        Reason::Void => "was submitted with a key that is not valid".to_owned(),
    }
}

/// Most characters of a reason in a status.
const MAX_REASON: usize = 300;

/// What organisations that voted against something gave as their reasons, by their statements.
#[derive(Default)]
struct Objections(BTreeMap<consensus::Digest, String>);

impl Objections {
    async fn read(view: &NetworkView, id: ProposalId, proposal: &Proposal) -> Result<Self, StoreError> {
        let is_objection =
            |phase: Phase| matches!(phase, Phase::Rejected(Reason::Refused | Reason::Vetoed(_)));
        if !proposal.items.iter().any(|item| is_objection(item.phase)) {
            return Ok(Self::default());
        }
        let reader = Reader::new(view);
        let organisations = reader.organisations().await?;
        let mut objections = BTreeMap::new();
        for cast in &proposal.votes {
            if !matches!(cast.decision, Decision::Reject | Decision::Veto) {
                continue;
            }
            let name = organisations.iter().find(|found| found.id == cast.organisation);
            let name = name.map_or_else(|| cast.organisation.to_string(), |found| found.name.clone());
            let envelope = reader.vote(id, cast.organisation, cast.sequence).await?;
            let vote = envelope.and_then(|envelope| envelope.read::<Vote>().ok());
            let reason: String = vote.iter().flat_map(|vote| vote.reason.chars()).take(MAX_REASON).collect();
            let said = if reason.is_empty() { name } else { format!("{name} ({reason})") };
            objections.insert(cast.statement, said);
        }
        Ok(Self(objections))
    }

    /// Who objects to an item, and why, as the end of a sentence.
    fn on(&self, proposal: &Proposal, number: u32, only: Option<OrganisationId>) -> String {
        let votes = proposal.votes_on(number);
        let votes = votes.filter(|cast| only.is_none_or(|organisation| cast.organisation == organisation));
        let said: Vec<&str> =
            votes.filter_map(|cast| self.0.get(&cast.statement)).map(String::as_str).collect();
        if said.is_empty() { String::new() } else { format!(" by {}", said.join(", ")) }
    }
}

/// The votes on an item, counted.
fn votes(proposal: &Proposal, number: u32) -> String {
    let count = |wanted: Decision| {
        let is_wanted = |vote: &&CastVote| vote.decision == wanted;
        proposal.votes_on(number).filter(is_wanted).count()
    };
    format!(
        "{} for it, {} against it",
        count(Decision::Approve),
        count(Decision::Reject) + count(Decision::Veto)
    )
}
