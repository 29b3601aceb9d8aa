//! Logs of commands drawn from a seed, good and bad: the invariants hold after each of them.

use crate::invariants::check_member;
use crate::invariants::i05::same_ledger;
use crate::network::*;
use consensus::evidence::{Leaf, Node, leaf_hash, prove_inclusion};
use consensus::statement::Decision;
use consensus::{Action, Command, Phase, Policy, ProposalId, Role, SecretKey};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MEMBERS: u8 = 4;

/// One step; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Submit { by: u8, object: u8, version: u8, content: u8, level: u8 },
    Vote { by: u8, proposal: u8, decision: u8, sequence: u32, with_node_key: bool },
    Withdraw { by: u8, proposal: u8 },
    Revoke { by: u8, object: u8, version: u8, content: u8 },
    Rotate { by: u8, of: u8 },
    RevokeKey { by: u8, of: u8, since: u8 },
    Remove { by: u8, of: u8 },
    Wait { hours: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let small = || 0..8_u8;
    prop_oneof![
        4 => (small(), 0..3_u8, 0..3_u8, 0..2_u8, 0..5_u8)
            .prop_map(|(by, object, version, content, level)| Step::Submit { by, object, version, content, level }),
        12 => (small(), any::<u8>(), 0..5_u8, 0..2_u32, any::<bool>()).prop_map(
            |(by, proposal, decision, sequence, node)| Step::Vote { by, proposal, decision, sequence, with_node_key: node && by > 5 }
        ),
        1 => (small(), any::<u8>()).prop_map(|(by, proposal)| Step::Withdraw { by, proposal }),
        1 => (small(), 0..3_u8, 0..3_u8, 0..2_u8)
            .prop_map(|(by, object, version, content)| Step::Revoke { by, object, version, content }),
        1 => (small(), small()).prop_map(|(by, of)| Step::Rotate { by, of }),
        1 => (small(), small(), any::<u8>()).prop_map(|(by, of, since)| Step::RevokeKey { by, of, since }),
        1 => (small(), small()).prop_map(|(by, of)| Step::Remove { by, of }),
        2 => (1..30_u8).prop_map(|hours| Step::Wait { hours }),
    ]
}

struct Run {
    network: Network,
    proposals: Vec<ProposalId>,
    fresh: u8,
}

impl Run {
    fn take(&mut self, step: &Step) {
        let member = |by: &u8| by % MEMBERS + 1;
        let text = |object: &u8, version: &u8, content: &u8, level: &u8| {
            crate::network::object(
                &format!("indicator--{object}"),
                &format!("v{version}"),
                *level,
                &content.to_string(),
            )
        };
        let outcome = match step {
            Step::Submit { by, object, version, content, level } => {
                let objects = [text(object, version, content, level)];
                let statement = self.network.statement(member(by), &objects);
                self.network.submit_signed(&statement, &submit_key(member(by)), &objects)
            }
            Step::Vote { by, proposal, decision, sequence, with_node_key } => {
                let Some(id) = self.pick(*proposal) else { return };
                let decision = [
                    Decision::Approve,
                    Decision::Approve,
                    Decision::Reject,
                    Decision::Abstain,
                    Decision::Veto,
                ][usize::from(*decision)];
                let vote = self.network.ballot(member(by), id, decision, *sequence);
                let key = if *with_node_key { submit_key(member(by)) } else { vote_key(member(by)) };
                self.network.cast(&vote, &key)
            }
            Step::Withdraw { by, proposal } => {
                let Some(id) = self.pick(*proposal) else { return };
                self.network.withdraw(member(by), id)
            }
            Step::Revoke { by, object, version, content } => {
                let object = text(object, version, content, &0);
                self.network.revoke(member(by), &object, &vote_key(member(by)))
            }
            Step::Rotate { by, of } => {
                self.fresh += 1;
                let new = new_key(&SecretKey::from_seed(&[200_u8.wrapping_add(self.fresh); 32]), Role::Vote);
                let (organisation, old) = (organisation(member(of)), vote_key(member(of)).public().id());
                self.network.govern(member(by), Action::RotateKey { organisation, old, new })
            }
            Step::RevokeKey { by, of, since } => {
                let (organisation, key) = (organisation(member(of)), vote_key(member(of)).public().id());
                let since = u64::from(*since) % self.network.member.index + 1;
                self.network.govern(member(by), Action::RevokeKey { organisation, key, since })
            }
            Step::Remove { by, of } => {
                let organisation = organisation(member(of));
                self.network.govern(member(by), Action::RemoveOrganisation { organisation })
            }
            Step::Wait { hours } => return self.network.wait(u64::from(*hours) * 3600),
        };
        if let Ok(consensus::Outcome::Proposed(id)) = outcome {
            self.proposals.push(id);
        }
    }

    fn pick(&self, number: u8) -> Option<ProposalId> {
        let recent = &self.proposals[self.proposals.len().saturating_sub(6)..];
        recent.get(usize::from(number) % recent.len().max(1)).copied()
    }
}

/// Each phase that is not open is in the transparency log, the last one last, and each leaf is proven under the last head.
fn check_log(member: &Member, proposals: &[ProposalId]) {
    let tree = member.ledger().tree;
    let mut phases = BTreeMap::new();
    for number in 0..tree.size() {
        let bytes = &member.memory.0[&[&b"e"[..], &number.to_be_bytes()].concat()];
        let read = |Node { level, index }: Node| {
            let hash = member.memory.0.get(&[&b"n"[..], &[level], &index.to_be_bytes()].concat())?;
            Some(consensus::Digest(hash[..].try_into().unwrap()))
        };
        let proof = prove_inclusion(number, tree.size(), &read).unwrap();
        assert_eq!(tree.head().check_inclusion(number, &leaf_hash(bytes), &proof), Ok(()));
        let leaf = Leaf::decode(bytes).unwrap();
        phases.extend(leaf.items.iter().map(|item| ((leaf.proposal, item.item), item.phase)));
    }
    for id in proposals {
        for (number, item) in (0..).zip(&member.proposal(*id).items) {
            let logged = phases.get(&(*id, number)).copied().unwrap_or(Phase::Open);
            assert_eq!(logged, item.phase);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_log_keeps_the_invariants_and_gives_the_same_state_twice(steps in prop::collection::vec(step(), 1..60)) {
        let network = Network::with(MEMBERS, Policy::standard());
        let mut run = Run { network, proposals: Vec::new(), fresh: 0 };
        for step in &steps {
            run.take(step);
        }
        let member = run.network.member;
        let mut other = Member::default();
        run.network.log.iter().for_each(|entry| drop(other.apply(entry)));
        prop_assert_eq!(&other.memory.0, &member.memory.0);
        prop_assert_eq!(same_ledger(Some(&other.ledger()), Some(&member.ledger())), Ok(()));
        prop_assert_eq!(check_member(&member), Ok(()));
        check_log(&member, &run.proposals);
    }
}

#[test]
fn a_wrong_clock_moves_the_time_on_by_ten_minutes_and_never_back() {
    let mut network = Network::of(3);
    let before = network.member.ledger().time;
    for (time, expected) in [(u64::MAX, before + 600 * SECOND), (0, before + 600 * SECOND + 1)] {
        network.time = time.saturating_sub(SECOND);
        network.send(Command::Tick).unwrap();
        assert_eq!(network.member.ledger().time, expected);
    }
}
