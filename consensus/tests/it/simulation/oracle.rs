//! Sees what all nodes apply, and what clients were told.

use crate::invariants::i04::acknowledged_is_there;
use crate::invariants::i05::same_ledger;
use crate::invariants::i09::goes_up;
use crate::invariants::{Step, check_member, check_step};
use crate::network::Member;
use consensus::{Command, Digest, Entry, Ledger, Outcome, Proposal, Refusal};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

type Answer = Result<Outcome, Refusal>;

#[derive(Clone, Default)]
pub(crate) struct Oracle(Arc<Mutex<Seen>>);

#[derive(Default)]
pub(crate) struct Seen {
    /// What nodes came to by each entry. Where all of them apply the same log, it is one thing.
    entries: BTreeMap<u64, Vec<Applied>>,
    /// The last entry of each node.
    last: BTreeMap<u64, u64>,
    /// What clients were told, and by which node.
    acknowledged: BTreeMap<u64, (u64, Command, Answer)>,
    pub(crate) proposals: BTreeSet<consensus::ProposalId>,
    /// What organisations have signed.
    signed: BTreeSet<Digest>,
    /// Entries that a leader has altered on their way.
    lies: BTreeSet<Digest>,
    /// Chains of entries with a lie in them.
    deceived: BTreeSet<Digest>,
    pub(crate) exposure: Exposure,
    /// Whether nodes keep their ledgers to themselves.
    is_blind: bool,
    pub(crate) violations: Vec<String>,
}

/// What came of the lies of a leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Entries that were altered on their way to one follower.
    pub(crate) lies: usize,
    /// Pairs of nodes that have applied different bytes as one entry.
    pub(crate) differences: usize,
    /// Those of them whose chains of entries differ there.
    pub(crate) exposed: usize,
    /// Those of them whose chains of effects differ there, too.
    pub(crate) by_effects: usize,
    /// Entries with a later number at which two such nodes can be told apart.
    pub(crate) later: usize,
    /// Nodes that have applied a lie.
    pub(crate) nodes: usize,
    /// What clients were told by a node that was deceived.
    pub(crate) told_wrong: usize,
    /// What clients were told, and most nodes do not have, because they believe the lie.
    pub(crate) outvoted: usize,
}

struct Applied {
    nodes: BTreeSet<u64>,
    bytes: Digest,
    command: Command,
    outcome: Answer,
    ledger: Option<Ledger>,
    is_deceived: bool,
}

impl Applied {
    fn is_same(&self, other: &Self) -> bool {
        self.bytes == other.bytes
            && self.outcome == other.outcome
            && same_ledger(self.ledger.as_ref(), other.ledger.as_ref()).is_ok()
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, outcome, ledger, .. } = self;
        let short = |digest: &Digest| digest.to_string()[..8].to_owned();
        let chains = ledger.as_ref().map(|ledger| (short(&ledger.entries), short(&ledger.effects)));
        write!(f, "{} gives {outcome:?}, ledger {chains:?}", short(bytes))
    }
}

fn ledger(member: &Member) -> Option<Ledger> {
    member.memory.0.contains_key(Ledger::KEY).then(|| member.ledger())
}

impl Oracle {
    /// Sees no ledger, as if nodes did not tell theirs.
    pub(crate) fn blind(is_blind: bool) -> Self {
        Self(Arc::new(Mutex::new(Seen { is_blind, ..Seen::default() })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    pub(crate) fn violation(&self, text: String) {
        self.lock().violations.push(text);
    }

    /// An organisation has signed a command.
    pub(crate) fn signed(&self, command: &Command) {
        let (Command::Submit { envelope, .. } | Command::Vote(envelope)) = command else { return };
        self.lock().signed.insert(envelope.digest());
    }

    /// A leader has altered an entry.
    pub(crate) fn lied(&self, bytes: &[u8]) {
        let mut seen = self.lock();
        seen.lies.insert(Digest::of(&[bytes]));
        seen.exposure.lies += 1;
    }

    /// Whether a member has applied a lie.
    pub(crate) fn is_deceived(&self, member: &Member) -> bool {
        ledger(member).is_some_and(|ledger| self.lock().deceived.contains(&ledger.entries))
    }

    /// A node has committed an entry.
    pub(crate) fn applied(&self, node: u64, step: &Step<'_>, outcome: &Answer) {
        let mut seen = self.lock();
        let before = seen.last.insert(node, step.index);
        let wrong = [goes_up(before, step.index), check_step(step)].into_iter().filter_map(Result::err);
        seen.violations.extend(wrong.map(|wrong| format!("node {node}: {wrong}")));
        let (before, after) = (ledger(step.before), ledger(step.after));
        let bytes = Digest::of(&[step.bytes]);
        let was_deceived = before.is_some_and(|before| seen.deceived.contains(&before.entries));
        let is_lie = seen.lies.contains(&bytes);
        let is_deceived = was_deceived || is_lie;
        if let Some(after) = after.as_ref().filter(|_| is_deceived) {
            seen.deceived.insert(after.entries);
        }
        seen.exposure.nodes += usize::from(is_lie);
        let command = Entry::decode(step.bytes).unwrap().command;
        let ledger = after.filter(|_| !seen.is_blind);
        let (nodes, outcome) = (BTreeSet::from([node]), outcome.clone());
        seen.compare(step.index, Applied { nodes, bytes, command, outcome, ledger, is_deceived });
    }

    /// A node has crashed, and has this entry as its last one: those after it are applied again, with the same outcome.
    pub(crate) fn crashed(&self, node: u64, last: u64) {
        self.lock().last.insert(node, last);
    }

    /// A client was told by a node that its command is ordered.
    pub(crate) fn acknowledged(&self, node: u64, index: u64, command: Command, result: Answer) {
        let mut seen = self.lock();
        if let Ok(Outcome::Proposed(id) | Outcome::Repeated(id)) = result {
            seen.proposals.insert(id);
        }
        if let Some(other) = seen.acknowledged.insert(index, (node, command, result)) {
            let (_, _, other) = other;
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

    /// Compares what clients were told with what the members have applied in the end.
    pub(crate) fn check_acknowledged(&self, applied: u64, members: &[(u64, Member)]) {
        let honest: Vec<_> = members.iter().filter(|(_, member)| !self.is_deceived(member)).collect();
        let is_majority = 2 * honest.len() > members.len();
        let mut seen = self.lock();
        let (mut wrong, mut exposure) = (Vec::new(), seen.exposure);
        let mut submissions = BTreeMap::new();
        for (index, (node, command, result)) in &seen.acknowledged {
            let found = seen.entries.get(index).filter(|_| *index <= applied);
            let mut found = found.into_iter().flatten();
            if found.clone().any(|found| found.is_deceived && found.nodes.contains(node)) {
                exposure.told_wrong += 1;
                continue;
            }
            let is_held = found.clone().any(|found| found.is_deceived && found.command == *command);
            let found = found.find(|found| !found.is_deceived);
            let is_kept = found.is_some_and(|found| found.command == *command && found.outcome == *result);
            match is_majority {
                true if !is_kept => {
                    wrong.push(format!("entry {index} was acknowledged, and is lost or another: {found:?}"));
                }
                // Where the lie was passed on, so that most nodes hold it, what the liar said is lost.
                false => exposure.outvoted += usize::from(!is_held),
                _ => {}
            }
            if let Ok(Outcome::Proposed(id)) = result {
                submissions.insert(*index, *id);
            }
        }
        if is_majority {
            let honest = honest.into_iter().map(|(id, member)| (*id, member));
            wrong.extend(acknowledged_is_there(&submissions, honest).err());
        }
        seen.exposure = exposure;
        seen.violations.extend(wrong);
    }

    /// Checks all that a member holds in the end, and that organisations have signed it.
    pub(crate) fn check_member(&self, member: &Member) -> Result<(), String> {
        check_member(member)?;
        let seen = self.lock();
        for (key, value) in member.memory.0.range(b"p".to_vec()..b"q".to_vec()) {
            let proposal: Proposal = postcard::from_bytes(value).unwrap();
            let statements = proposal.votes.iter().map(|vote| vote.statement);
            let statements = statements.chain([Digest(key[1..].try_into().unwrap())]);
            for statement in statements {
                if !seen.signed.contains(&statement) {
                    return Err(format!("{statement} counts, and its organisation has not signed it"));
                }
            }
        }
        Ok(())
    }
}

impl Seen {
    /// Compares what a node came to by an entry with what others did, as they do when they tell each other their ledgers.
    fn compare(&mut self, index: u64, found: Applied) {
        let others = self.entries.entry(index).or_default();
        if let Some(same) = others.iter_mut().find(|other| other.is_same(&found)) {
            same.nodes.extend(&found.nodes);
            return;
        }
        for other in &*others {
            let is_expected = other.is_deceived || found.is_deceived;
            let is_exposed = same_ledger(other.ledger.as_ref(), found.ledger.as_ref()).is_err();
            if !is_expected || !is_exposed {
                let nodes = (&found.nodes, &other.nodes);
                let text = format!("nodes {nodes:?} differ at {index}: {found:?} and {other:?}");
                self.violations.push(text);
            }
            let Exposure { differences, exposed, by_effects, later, .. } = &mut self.exposure;
            if other.bytes == found.bytes {
                *later += usize::from(is_exposed);
                continue;
            }
            let chains = |applied: &Applied| applied.ledger.clone().map(|it| (it.entries, it.effects));
            let (one, another) = (chains(other), chains(&found));
            *differences += 1;
            *exposed += usize::from(one.map(|one| one.0) != another.map(|another| another.0));
            *by_effects += usize::from(one.map(|one| one.1) != another.map(|another| another.1));
        }
        others.push(found);
    }
}
