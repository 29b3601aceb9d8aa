//! Policies that cannot be used are refused before they are proposed.

use crate::network::organisation;
use consensus::{Gate, OrganisationId, Policy, PolicyError};
use std::collections::BTreeSet;

fn members(count: u8) -> BTreeSet<OrganisationId> {
    (1..=count).map(organisation).collect()
}

fn reason(change: impl Fn(&mut Policy)) -> String {
    let mut policy = Policy::standard();
    change(&mut policy);
    policy.check(&members(3)).unwrap_err().to_string()
}

#[test]
fn the_standard_policy_suits_networks_of_any_size_and_survives_json() {
    for count in 1..=30 {
        Policy::standard().check(&members(count)).unwrap();
    }
    let json = serde_json::to_string(&Policy::standard()).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), Policy::standard());
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_with_the_rule_and_the_reason() {
    let gate = |gate: Gate| move |policy: &mut Policy| policy.rules[1].gate = gate.clone();
    assert_eq!(reason(gate(Gate::Submitter)), "rule 1: a submitter can approve its own objects alone");
    assert_eq!(reason(gate(Gate::Members(0))), "rule 1: a gate needs one member or more");
    assert_eq!(
        reason(gate(Gate::Organisation(organisation(9)))),
        "rule 1: an organisation of a gate is no member"
    );
    let k_of = Gate::KOf { k: 2, of: vec![Gate::Majority] };
    assert_eq!(reason(gate(k_of)), "rule 1: k is between 1 and the number of gates");
    let weight = Gate::Weight { min: 9, of: vec![(organisation(1), 1), (organisation(2), 1)] };
    assert_eq!(reason(gate(weight)), "rule 1: the gate cannot be met by the members");
    let deep = (0..100).fold(Gate::Majority, |gate, _| Gate::KOf { k: 1, of: vec![gate] });
    assert_eq!(reason(gate(deep)), "a policy has 256 rules and a gate 256 gates in 8 levels at most");
    assert_eq!(
        reason(|policy| policy.rules[4].gate = Gate::Members(3)),
        "rule 4: changes of the network need a majority"
    );
    assert_eq!(
        reason(|policy| policy.rules[1].automatic = true),
        "rule 1: `automatic` is for objects of level 0 in named collections"
    );
    let mut policy = Policy::standard();
    policy.rules.pop();
    assert_eq!(policy.check(&members(3)), Err(PolicyError::NoGovernance));
    assert_eq!(Policy { max_level: 4, ..Policy::standard() }.check(&members(3)), Err(PolicyError::Level(4)));
}
