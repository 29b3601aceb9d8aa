//! Policies: which proposals need whose approval.
//!
//! A policy is a list of rules. The first rule that matches a proposal decides; where none does, it is refused.

mod check;

use crate::id::{Digest, OrganisationId};
use crate::statement::Item;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

pub use check::PolicyError;

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;
/// The level that no member may hold.
pub const FORBIDDEN_LEVEL: u8 = 4;

/// Which proposals need whose approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Counts the policies of a network, from 1.
    pub version: u32,
    /// The highest marking level that is taken, below [`FORBIDDEN_LEVEL`].
    pub max_level: u8,
    /// Most proposals that an organisation may have open.
    pub max_open: u32,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// What some proposals need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The proposals.
    #[serde(default)]
    pub when: When,
    /// The approval.
    pub gate: Gate,
    /// Whether the proposer has no vote, where there are other members.
    #[serde(default = "yes")]
    pub exclude_submitter: bool,
    /// Members of which each may forbid it.
    #[serde(default)]
    pub veto: Vec<OrganisationId>,
    /// Seconds in which they may do so after the gate is met.
    #[serde(default)]
    pub veto_hold_seconds: u32,
    /// Seconds until it expires.
    #[serde(default = "three_days")]
    pub expiry_seconds: u32,
    /// Who may have objects visible at once.
    #[serde(default)]
    pub emergency: Option<Emergency>,
    /// Whether objects are visible without any vote. Only for the level 0 and named collections.
    #[serde(default)]
    pub automatic: bool,
}

fn yes() -> bool {
    true
}

fn three_days() -> u32 {
    72 * 60 * 60
}

/// Which proposals a rule is for: those that satisfy every member. One that is absent admits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Kinds of proposals.
    #[serde(default)]
    pub operations: Option<Vec<Operation>>,
    /// Collections.
    #[serde(default)]
    pub collections: Option<Vec<Uuid>>,
    /// Types of objects.
    #[serde(default)]
    pub types: Option<Vec<String>>,
    /// Marking levels.
    #[serde(default)]
    pub levels: Option<Vec<u8>>,
    /// Proposers.
    #[serde(default)]
    pub submitters: Option<Vec<OrganisationId>>,
    /// Whether a revocation is of an object that the proposer submitted.
    #[serde(default)]
    pub own: Option<bool>,
}

/// What a proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Adds an object that the collection does not have.
    New,
    /// Adds a version of an object that it has.
    Revise,
    /// Takes an object back.
    Revoke,
    /// Changes the network.
    Govern,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// One organisation.
    Organisation(OrganisationId),
    /// The proposer itself, by proposing.
    Submitter,
    /// A number of members that have a vote; all of them, where there are fewer.
    Members(u32),
    /// More than a half of the members that have a vote.
    Majority,
    /// A number of some gates.
    KOf {
        /// How many.
        k: u32,
        /// The gates.
        of: Vec<Gate>,
    },
    /// Organisations whose weights add up.
    Weight {
        /// To this or more.
        min: u32,
        /// The weights.
        of: Vec<(OrganisationId, u32)>,
    },
}

/// Who may have objects visible before they are approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// The submitters.
    pub submitters: Vec<OrganisationId>,
    /// What ratifies them.
    pub gate: Gate,
    /// Seconds in which that must happen; then they are taken back.
    pub seconds: u32,
}

impl Gate {
    /// Whether it is met when some organisations approve, of those that have a vote.
    pub fn is_met(&self, approving: &BTreeSet<OrganisationId>, eligible: &BTreeSet<OrganisationId>) -> bool {
        let approves = |id: &OrganisationId| eligible.contains(id) && approving.contains(id);
        let count = || eligible.intersection(approving).count() as u64;
        match self {
            Self::Organisation(id) => approves(id),
            Self::Submitter => true,
            Self::Members(k) => count() >= u64::from(*k).min(eligible.len() as u64).max(1),
            Self::Majority => 2 * count() > eligible.len() as u64,
            Self::KOf { k, of } => {
                of.iter().filter(|gate| gate.is_met(approving, eligible)).count() as u64 >= u64::from(*k)
            }
            Self::Weight { min, of } => {
                let weights = of.iter().filter(|(id, _)| approves(id)).map(|(_, weight)| u64::from(*weight));
                weights.sum::<u64>() >= u64::from(*min)
            }
        }
    }
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// What the proposal does.
    pub operation: Operation,
    /// The proposer.
    pub submitter: OrganisationId,
    /// The collection of an object.
    pub collection: Option<Uuid>,
    /// The object.
    pub item: Option<&'q Item>,
    /// Whether the proposer submitted the object before.
    pub is_own: bool,
}

impl When {
    fn admits(&self, question: &Question<'_>) -> bool {
        fn holds<T: PartialEq>(list: Option<&Vec<T>>, value: Option<&T>) -> bool {
            list.is_none_or(|list| value.is_some_and(|value| list.contains(value)))
        }
        holds(self.operations.as_ref(), Some(&question.operation))
            && holds(self.collections.as_ref(), question.collection.as_ref())
            && holds(self.types.as_ref(), question.item.map(|item| &item.object_type))
            && holds(self.levels.as_ref(), question.item.map(|item| &item.level))
            && holds(self.submitters.as_ref(), Some(&question.submitter))
            && self.own.is_none_or(|own| own == question.is_own)
    }
}

impl Policy {
    /// A policy that suits most networks: two other members approve an object, a majority approves one of level 2 or
    /// more, changes of the network, and the revocation of what others submitted; each revokes its own.
    pub fn standard() -> Self {
        let rule = |operations: &[Operation], gate| Rule {
            when: When { operations: Some(operations.to_vec()), ..When::default() },
            gate,
            exclude_submitter: true,
            veto: Vec::new(),
            veto_hold_seconds: 0,
            expiry_seconds: three_days(),
            emergency: None,
            automatic: false,
        };
        let objects = [Operation::New, Operation::Revise];
        let mut marked = rule(&objects, Gate::Majority);
        marked.when.levels = Some((2..FORBIDDEN_LEVEL).collect());
        let mut own = Rule { exclude_submitter: false, ..rule(&[Operation::Revoke], Gate::Submitter) };
        own.when.own = Some(true);
        let revoke = Rule { exclude_submitter: false, ..rule(&[Operation::Revoke], Gate::Majority) };
        let govern = rule(&[Operation::Govern], Gate::Majority);
        let govern = Rule { exclude_submitter: false, expiry_seconds: 7 * 24 * 60 * 60, ..govern };
        let rules = vec![marked, rule(&objects, Gate::Members(2)), own, revoke, govern];
        Self { version: 1, max_level: 2, max_open: 1000, rules }
    }

    /// SHA-256 of its canonical form (RFC 8785).
    pub fn digest(&self) -> Digest {
        Digest::of(&[&serde_json_canonicalizer::to_vec(self).expect("policies are JSON")])
    }

    /// The number of the first rule for a proposal.
    pub fn rule_for(&self, question: &Question<'_>) -> Option<usize> {
        self.rules.iter().position(|rule| rule.when.admits(question))
    }
}

impl Rule {
    /// The members that have a vote on what one of them proposes.
    pub fn eligible(
        &self,
        members: &BTreeSet<OrganisationId>,
        submitter: OrganisationId,
    ) -> BTreeSet<OrganisationId> {
        let mut eligible = members.clone();
        if self.exclude_submitter && members.len() > 1 {
            eligible.remove(&submitter);
        }
        eligible
    }

    /// Microseconds until a proposal expires that may ask for fewer seconds.
    pub fn expiry_micros(&self, asked: Option<u32>) -> u64 {
        u64::from(asked.map_or(self.expiry_seconds, |asked| asked.min(self.expiry_seconds))) * SECOND
    }

    /// Microseconds between the approval and the moment from which it counts.
    pub fn hold_micros(&self) -> u64 {
        if self.veto.is_empty() { 0 } else { u64::from(self.veto_hold_seconds) * SECOND }
    }
}

impl Emergency {
    /// Microseconds in which a ratification must happen.
    pub fn micros(&self) -> u64 {
        u64::from(self.seconds) * SECOND
    }
}
