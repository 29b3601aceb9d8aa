//! Sees what all nodes apply, and what clients were told.

use crate::network::{COLLECTION, Member};
use consensus::statement::Decision;
use consensus::{Command, Digest, Entry, ObjectRecord, Outcome, Phase, Proposal, Refusal};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

type Answer = Result<Outcome, Refusal>;

#[derive(Clone, Default)]
pub(crate) struct Oracle(Arc<Mutex<Seen>>);

#[derive(Default)]
pub(crate) struct Seen {
    entries: BTreeMap<u64, Applied>,
    /// The last entry of each node.
    last: BTreeMap<u64, u64>,
    /// What clients were told.
    acknowledged: BTreeMap<u64, (Command, Answer)>,
    pub(crate) proposals: BTreeSet<consensus::ProposalId>,
    pub(crate) violations: Vec<String>,
}

#[derive(PartialEq)]
struct Applied {
    bytes: Digest,
    command: Command,
    outcome: Answer,
    entries: Digest,
    effects: Digest,
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, outcome, entries, effects, .. } = self;
        let short = |digest: &Digest| digest.to_string()[..8].to_owned();
        write!(f, "{} gives {outcome:?}, ledger {} {}", short(bytes), short(entries), short(effects))
    }
}

impl Oracle {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    pub(crate) fn violation(&self, text: String) {
        self.lock().violations.push(text);
    }

    /// A node has committed an entry.
    pub(crate) fn applied(&self, node: u64, index: u64, bytes: &[u8], outcome: &Answer, member: &Member) {
        let mut seen = self.lock();
        let before = seen.last.insert(node, index);
        if before.is_some_and(|before| before >= index) {
            seen.violations.push(format!("node {node} applies {index} after {before:?}"));
        }
        let (entries, effects) = match member.memory.0.contains_key(&b"l"[..]) {
            true => (member.ledger().entries, member.ledger().effects),
            false => Default::default(),
        };
        let command = Entry::decode(bytes).unwrap().command;
        let outcome = outcome.clone();
        let found = Applied { bytes: Digest::of(&[bytes]), command, outcome, entries, effects };
        match seen.entries.get(&index) {
            Some(other) if *other != found => {
                let text = format!("node {node} differs at {index}: {found:?} and {other:?}");
                seen.violations.push(text);
            }
            Some(_) => {}
            None => drop(seen.entries.insert(index, found)),
        }
    }

    /// A client was told that its command is ordered.
    pub(crate) fn acknowledged(&self, index: u64, command: Command, result: Answer) {
        let mut seen = self.lock();
        if let Ok(Outcome::Proposed(id) | Outcome::Repeated(id)) = result {
            seen.proposals.insert(id);
        }
        if let Some(other) = seen.acknowledged.insert(index, (command, result)) {
            let (_, other) = other;
            seen.violations.push(format!("two clients were told of entry {index}, one of them {other:?}"));
        }
    }

    /// The last entry that a client was told of.
    pub(crate) fn floor(&self) -> u64 {
        self.lock().acknowledged.keys().next_back().copied().unwrap_or(0)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().acknowledged.len()
    }

    /// Compares what clients were told with what was applied in the end.
    pub(crate) fn check_acknowledged(&self, applied: u64) {
        let mut seen = self.lock();
        let mut wrong = Vec::new();
        for (index, (command, result)) in &seen.acknowledged {
            let found = seen.entries.get(index).filter(|_| *index <= applied);
            if found.is_none_or(|found| found.command != *command || found.outcome != *result) {
                wrong.push(format!("entry {index} was acknowledged, and is lost or another: {found:?}"));
            }
        }
        seen.violations.extend(wrong);
    }
}

/// What is visible was approved by the others that its policy asks for, and what the ledger says is so.
pub(crate) fn check_member(member: &Member) -> Result<(), String> {
    let read = |key: &[u8]| member.memory.0.get(key);
    for (_, item) in member.memory.1.keys() {
        let key = [&b"x"[..], COLLECTION.as_bytes(), item.id.as_bytes(), &[0], item.version.as_bytes()];
        let record = read(&key.concat()).ok_or_else(|| format!("{item:?} has no record"))?;
        let record: ObjectRecord = postcard::from_bytes(record).unwrap();
        let proposal = read(&[&b"p"[..], &record.proposal.0.0].concat());
        let proposal = proposal.ok_or_else(|| format!("{item:?} has no proposal"))?;
        let proposal: Proposal = postcard::from_bytes(proposal).unwrap();
        let approving = proposal.votes_on(record.item).filter(|vote| vote.decision == Decision::Approve);
        let others = approving.filter(|vote| vote.organisation != proposal.submitter).count();
        if others < 2 || proposal.items[record.item as usize].phase != Phase::Approved {
            return Err(format!("{item:?} is visible with {others} approvals"));
        }
    }
    let open = member.memory.0.range(b"p".to_vec()..b"q".to_vec()).filter_map(|(_, value)| {
        let proposal: Proposal = postcard::from_bytes(value).unwrap();
        proposal.wakes_at()
    });
    let waking = member.memory.0.range(b"w".to_vec()..b"x".to_vec()).count();
    if open.count() != waking {
        return Err("an open proposal is not woken".to_owned());
    }
    Ok(())
}
