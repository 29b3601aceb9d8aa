//! Every order of some commands of three organisations, by the real `apply`: what one of them may do to the others.
//!
//! States that differ only in the numbers of entries are one state: nothing here depends on them, because a key is revoked
//! for all entries.

use crate::network::*;
use consensus::statement::Decision;
use consensus::{Action as Change, Organisation, Phase, Proposal, ProposalId, Role, SecretKey};
use stateright::{Checker, Model, Property};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What happens at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Action {
    /// An organisation submits its content of the one version.
    Submit { by: u8 },
    /// An organisation votes on the submission of another one. Its second vote has the next number.
    Vote { by: u8, on: u8, decision: Ballot },
    /// The third organisation gets another key, by the first and the second.
    Rotate,
    /// The key of the second is revoked from the beginning, by the first and the third.
    RevokeKey,
    /// The third organisation is removed, by the first and the second.
    Remove,
    /// All time of open proposals goes by.
    Expire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Ballot {
    Approve,
    Reject,
}

#[derive(Clone)]
struct Run {
    network: Network,
    taken: BTreeSet<Action>,
    proposals: BTreeMap<u8, ProposalId>,
    /// What must never be.
    wrong: Vec<&'static str>,
}

impl Run {
    fn proposal(&self, of: u8) -> Option<Proposal> {
        self.proposals.get(&of).map(|id| self.network.member.proposal(*id))
    }

    fn organisations(&self) -> Vec<Organisation> {
        let all = self.network.member.memory.0.range(b"o".to_vec()..b"p".to_vec());
        all.map(|(_, bytes)| postcard::from_bytes(bytes).unwrap()).collect()
    }

    /// All that matters for what comes later.
    fn essence(&self) -> impl Hash + PartialEq {
        let proposals: Vec<_> = (1..=2).filter_map(|of| Some((of, self.proposal(of)?))).collect();
        let phases: Vec<_> = proposals
            .iter()
            .map(|(of, proposal)| {
                let mut votes: Vec<_> = proposal
                    .votes
                    .iter()
                    .map(|vote| {
                        (vote.organisation.0, vote.key.0.0, vote.decision == Decision::Approve, vote.sequence)
                    })
                    .collect();
                votes.sort_unstable();
                (*of, format!("{:?}", proposal.items[0].phase), votes)
            })
            .collect();
        let visible: Vec<_> = self.network.member.memory.1.values().cloned().collect();
        (self.taken.clone(), phases, visible, self.wrong.clone())
    }

    fn vote(&mut self, by: u8, on: u8, decision: Ballot) {
        let id = self.proposals[&on];
        let decision = match decision {
            Ballot::Approve => Decision::Approve,
            Ballot::Reject => Decision::Reject,
        };
        let earlier = self
            .taken
            .iter()
            .any(|taken| matches!(taken, Action::Vote { by: b, on: o, .. } if (*b, *o) == (by, on)));
        let vote = self.network.ballot(by, id, decision, u32::from(earlier));
        // With the old key, which must count no longer once it was rotated or revoked; then with the current one.
        let is_retired = (by == 3 && self.taken.contains(&Action::Rotate) && self.is_done(Done::Rotate))
            || (by == 2 && self.is_done(Done::Revoke));
        let outcome = self.network.cast(&vote, &vote_key(by));
        if is_retired {
            if outcome.is_ok() {
                self.wrong.push("a retired key signed a vote that counts");
            }
            if by == 3 {
                let _ = self.network.cast(&vote, &rotated_key());
            }
        }
        // A second vote with the same number.
        let other = if decision == Decision::Approve { Decision::Reject } else { Decision::Approve };
        let twice = self.network.ballot(by, id, other, u32::from(earlier));
        let _ = self.network.cast(&twice, &vote_key(by));
    }

    fn is_done(&self, change: Done) -> bool {
        let organisations = self.organisations();
        match change {
            Done::Rotate => organisations[2].keys.len() > 2,
            Done::Revoke => organisations[1].keys[1].until.is_some(),
        }
    }

    fn change(&mut self, by: u8, with: u8, change: Change) {
        if let Ok(consensus::Outcome::Proposed(id)) = self.network.govern(by, change) {
            let vote = self.network.ballot(with, id, Decision::Approve, 0);
            let key = if with == 3 && self.is_done(Done::Rotate) { rotated_key() } else { vote_key(with) };
            let _ = self.network.cast(&vote, &key);
        }
    }

    fn take(&mut self, action: Action) {
        match action {
            Action::Submit { by } => {
                let objects = [object("indicator--1", "v1", 0, &format!("content of {by}"))];
                let id = self.network.submit(by, &objects);
                self.proposals.insert(by, id);
            }
            Action::Vote { by, on, decision } => self.vote(by, on, decision),
            Action::Rotate => {
                let (organisation, old) = (organisation(3), vote_key(3).public().id());
                self.change(
                    1,
                    2,
                    Change::RotateKey { organisation, old, new: new_key(&rotated_key(), Role::Vote) },
                );
            }
            Action::RevokeKey => {
                let (organisation, key) = (organisation(2), vote_key(2).public().id());
                self.change(1, 3, Change::RevokeKey { organisation, key, since: 1 });
            }
            Action::Remove => self.change(1, 2, Change::RemoveOrganisation { organisation: organisation(3) }),
            Action::Expire => self.network.wait(73 * 3600),
        }
        self.taken.insert(action);
    }
}

enum Done {
    Rotate,
    Revoke,
}

fn rotated_key() -> SecretKey {
    SecretKey::from_seed(&[77; 32])
}

impl Hash for Run {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.essence().hash(state);
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.essence() == other.essence()
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.taken, self.wrong)
    }
}

struct ThreeOrganisations;

impl Model for ThreeOrganisations {
    type State = Run;
    type Action = Action;

    fn init_states(&self) -> Vec<Run> {
        let (network, taken, proposals) = (Network::of(3), BTreeSet::new(), BTreeMap::new());
        vec![Run { network, taken, proposals, wrong: Vec::new() }]
    }

    fn actions(&self, run: &Run, actions: &mut Vec<Action>) {
        let votes = [(2, 1), (3, 1), (1, 2), (3, 2)].into_iter().flat_map(|(by, on)| {
            [Ballot::Approve, Ballot::Reject].map(|decision| Action::Vote { by, on, decision })
        });
        let all = [
            Action::Submit { by: 1 },
            Action::Submit { by: 2 },
            Action::Rotate,
            Action::RevokeKey,
            Action::Remove,
            Action::Expire,
        ];
        actions.extend(all.into_iter().chain(votes).filter(|action| match action {
            // Votes on what is decided are refused, which other tests see.
            Action::Vote { on, .. } => run.proposal(*on).is_some_and(|proposal| proposal.is_open()),
            _ => true,
        }));
        actions.retain(|action| !run.taken.contains(action));
    }

    fn next_state(&self, run: &Run, action: Action) -> Option<Run> {
        let mut next = run.clone();
        // Each entry is checked when it is applied; the checker shows the way to one that breaks an invariant.
        if catch_unwind(AssertUnwindSafe(|| next.take(action))).is_err() {
            next.wrong.push("an invariant is broken");
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is wrong", |_, run: &Run| run.wrong.is_empty()),
            Property::sometimes("the first is visible", |_, run: &Run| {
                run.network.member.memory.1.values().any(|text| text.ends_with(b"content of 1"))
            }),
            Property::sometimes("what was visible is suspended", |_, run: &Run| {
                run.proposal(1).is_some_and(|proposal| proposal.items[0].phase == Phase::Suspended)
            }),
        ]
    }
}

#[test]
fn no_order_of_commands_breaks_an_invariant() {
    let checker = ThreeOrganisations.checker().threads(2).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}
