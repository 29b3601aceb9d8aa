//! Proposals and their life.
//!
//! ```text
//!            a gate is met
//!   Open ───────────────────────────────▶ Approved ──── a revocation ────▶ Revoked
//!    │ └─ emergency ─▶ Provisional ─ ratified ─▶ ┘  └─ a key is revoked ─▶ Suspended ─▶ Approved, Revoked
//!    │                      └─ not in time ─▶ RolledBack
//!    ├─ its gate can be met no longer, or a veto ─▶ Rejected
//!    ├─ its time is over ─▶ Expired
//!    ├─ its proposer takes it back ─▶ Withdrawn
//!    └─ a later version of the object is visible ─▶ Superseded
//! ```

use crate::id::{Digest, KeyId, OrganisationId, ProposalId};
use crate::organisation::Role;
use crate::statement::Decision;
use serde::{Deserialize, Serialize};

/// A proposal, beside the statement that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What it does.
    pub kind: Kind,
    /// The proposer.
    pub submitter: OrganisationId,
    /// What the key signs that signed it. A node's key proposes, but does not vote.
    pub role: Role,
    /// The entry that made it.
    pub index: u64,
    /// The time of that entry, in microseconds since 1970.
    pub time: u64,
    /// The policy by which it is decided.
    pub policy: u32,
    /// The votes that count, on each item one of each organisation, in the order in which they came. Those on an item that
    /// was decided stay.
    pub votes: Vec<CastVote>,
    /// What becomes of each of its items; a revocation and a change of the network have one.
    pub items: Vec<ItemState>,
}

/// What a proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Adds objects.
    Submit,
    /// Takes an object back.
    Revoke,
    /// Changes the network.
    Govern,
}

/// A vote that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastVote {
    /// Who voted.
    pub organisation: OrganisationId,
    /// With which key.
    pub key: KeyId,
    /// In which entry.
    pub index: u64,
    /// What it says.
    pub decision: Decision,
    /// Of which items, in ascending order; of all, where there is no list.
    pub items: Option<Vec<u32>>,
    /// Its number among the votes of the organisation.
    pub sequence: u32,
    /// The digest of the statement.
    pub statement: Digest,
}

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemState {
    /// The rule of the policy that decides.
    pub rule: u32,
    /// Where it stands.
    pub phase: Phase,
    /// When it expires or is rolled back.
    pub deadline: u64,
    /// When it is approved, if there is no veto until then. It does not expire meanwhile.
    pub ready: Option<u64>,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Votes are awaited.
    Open,
    /// Visible before it is ratified.
    Provisional,
    /// Its gate was met: the object is visible, or the change made.
    Approved,
    /// Was approved with a key that was revoked since, so it awaits votes again, and is not visible.
    Suspended,
    /// Was visible, and was taken back.
    Revoked,
    /// Was visible, and not ratified in time.
    RolledBack,
    /// Refused.
    Rejected(Reason),
    /// Not decided in time.
    Expired,
    /// Taken back by its proposer.
    Withdrawn,
    /// A later version was visible first.
    Superseded,
}

/// Why an item was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No rule of the policy is for it.
    NoRule,
    /// Its marking level is above that of the policy.
    Level,
    /// The version is there with other content, or was taken back.
    OtherContent,
    /// It contradicts the versions of the object that are visible.
    Versions,
    /// There is no such object to take back.
    NoObject,
    /// Its gate cannot be met any more: too many votes are against it, or too few members are there.
    Refused,
    /// A member forbade it.
    Vetoed(OrganisationId),
    /// The change of the network cannot be made any more.
    Void,
}

impl Phase {
    /// Whether votes on it count.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Provisional | Self::Suspended)
    }

    /// Whether readers see the object.
    pub fn is_visible(self) -> bool {
        matches!(self, Self::Provisional | Self::Approved)
    }

    /// Whether an item may move from here to another phase, see the picture of this module.
    pub fn may_become(self, next: Self) -> bool {
        use Phase::{
            Approved, Expired, Open, Provisional, Rejected, Revoked, RolledBack, Superseded, Suspended,
            Withdrawn,
        };
        matches!(
            (self, next),
            (Open, Approved | Rejected(_) | Expired | Withdrawn | Superseded)
                | (Provisional, Approved | RolledBack | Revoked)
                | (Approved, Suspended | Revoked)
                | (Suspended, Approved | Revoked)
        )
    }
}

impl Proposal {
    /// Whether any item is open.
    pub fn is_open(&self) -> bool {
        self.items.iter().any(|item| item.phase.is_open())
    }

    /// The votes on an item.
    pub fn votes_on(&self, item: u32) -> impl Iterator<Item = &CastVote> {
        let is_about = move |items: &Vec<u32>| items.binary_search(&item).is_ok();
        self.votes.iter().filter(move |vote| vote.items.as_ref().is_none_or(is_about))
    }

    /// Takes back what an organisation said of some items, or of all of them.
    pub(crate) fn make_room(&mut self, organisation: OrganisationId, items: Option<&[u32]>) {
        let count = u32::try_from(self.items.len()).expect("a proposal has few items");
        let is_new = |item: &u32| items.is_none_or(|items| items.binary_search(item).is_ok());
        self.votes.retain_mut(|vote| {
            if vote.organisation == organisation {
                let about = vote.items.take().unwrap_or_else(|| (0..count).collect());
                let kept: Vec<_> = about.into_iter().filter(|item| !is_new(item)).collect();
                let is_kept = !kept.is_empty();
                vote.items = Some(kept);
                return is_kept;
            }
            true
        });
    }

    /// When the next item expires, is rolled back or approved.
    pub fn wakes_at(&self) -> Option<u64> {
        let waiting = self.items.iter().filter(|item| item.phase.is_open());
        waiting.map(|item| item.ready.unwrap_or(item.deadline)).min()
    }
}

/// An item that is open, by its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenItem {
    pub(crate) version: String,
    pub(crate) digest: Digest,
    /// Whether it is the one that reviewers see, of several open ones that are the same version.
    pub(crate) is_shown: bool,
}

impl OpenItem {
    /// Whether both are the same version; of objects without versions, the same content.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.version == other.version && (!self.version.is_empty() || self.digest == other.digest)
    }
}

/// The object of an item, once it was visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// The digest, which never changes.
    pub digest: Digest,
    /// The proposal by which it is or was visible.
    pub proposal: ProposalId,
    /// The number of the item in it.
    pub item: u32,
    /// Who submitted it.
    pub submitter: OrganisationId,
    /// Whether readers see it.
    pub is_visible: bool,
}
