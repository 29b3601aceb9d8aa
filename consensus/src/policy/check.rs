//! What a policy must satisfy before it can be proposed.

use super::{FORBIDDEN_LEVEL, Gate, Operation, Policy, Rule};
use crate::id::OrganisationId;
use std::collections::BTreeSet;

const MAX_RULES: usize = 256;
const MAX_GATES: usize = 256;
const MAX_DEPTH: usize = 8;
const MAX_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Why a policy cannot be used. Rules are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The version does not follow that of the policy in force.
    #[error("the version of the policy must be {expected}, not {found}")]
    Version {
        /// The next one.
        expected: u32,
        /// That of the policy.
        found: u32,
    },
    /// It takes objects that no member may hold.
    #[error("max_level is {0}; level {FORBIDDEN_LEVEL} never enters a network")]
    Level(u8),
    /// There is no rule by which a majority can change the network again.
    #[error("no rule for `govern` is open to all members, so the network could never be changed again")]
    NoGovernance,
    /// It is larger than needs be.
    #[error("a policy has {MAX_RULES} rules and a gate {MAX_GATES} gates in {MAX_DEPTH} levels at most")]
    Size,
    /// A rule cannot be used.
    #[error("rule {rule}: {reason}")]
    Rule {
        /// The rule.
        rule: usize,
        /// Why.
        reason: &'static str,
    },
}

impl Policy {
    /// Checks that the policy can be used by some members: every gate can be met by them, no submitter can meet one alone,
    /// changes of the network need a majority, and can be made.
    ///
    /// # Errors
    /// The first reason why it cannot.
    pub fn check(&self, members: &BTreeSet<OrganisationId>) -> Result<(), PolicyError> {
        if self.max_level >= FORBIDDEN_LEVEL {
            return Err(PolicyError::Level(self.max_level));
        }
        let gates = |rule: &Rule| {
            let emergency = rule.emergency.as_ref().map(|emergency| &emergency.gate);
            std::iter::once(&rule.gate).chain(emergency).map(|gate| gate.size(0)).sum::<usize>()
        };
        if self.rules.len() > MAX_RULES || self.rules.iter().any(|rule| gates(rule) > MAX_GATES) {
            return Err(PolicyError::Size);
        }
        for (number, rule) in self.rules.iter().enumerate() {
            rule.check(members).map_err(|reason| PolicyError::Rule { rule: number, reason })?;
        }
        let is_open = |rule: &&Rule| {
            let when = &rule.when;
            rule.is_for(&[Operation::Govern])
                && when.submitters.is_none()
                && when.collections.is_none()
                && when.types.is_none()
                && when.levels.is_none()
                && when.own != Some(true)
        };
        self.rules.iter().find(is_open).map(|_| ()).ok_or(PolicyError::NoGovernance)
    }
}

impl Rule {
    fn is_for(&self, wanted: &[Operation]) -> bool {
        self.when
            .operations
            .as_ref()
            .is_none_or(|operations| wanted.iter().any(|one| operations.contains(one)))
    }

    fn check(&self, members: &BTreeSet<OrganisationId>) -> Result<(), &'static str> {
        let gates =
            std::iter::once(&self.gate).chain(self.emergency.as_ref().map(|emergency| &emergency.gate));
        for gate in gates.clone() {
            gate.check(members)?;
        }
        if self.expiry_seconds == 0 || self.expiry_seconds > MAX_SECONDS {
            return Err("expiry_seconds is between 1 and one year");
        }
        if self.veto.iter().any(|id| !members.contains(id)) {
            return Err("an organisation with a veto is no member");
        }
        let submitters = self.when.submitters.clone().unwrap_or_else(|| members.iter().copied().collect());
        let can_be_met = |submitter: &&OrganisationId| {
            gates.clone().all(|gate| gate.is_met(members, &self.eligible(members, **submitter)))
        };
        if submitters.iter().filter(can_be_met).count() == 0 {
            return Err("the gate cannot be met by the members");
        }
        if self.is_for(&[Operation::Govern]) && gates.clone().any(|gate| !gate.needs_majority()) {
            return Err("changes of the network need a majority");
        }
        let is_for_objects = self.is_for(&[Operation::New, Operation::Revise]);
        if self.automatic {
            let is_clear = self.when.levels.as_deref() == Some(&[0]);
            return match is_for_objects && is_clear && self.when.collections.is_some() {
                true => Ok(()),
                false => Err("`automatic` is for objects of level 0 in named collections"),
            };
        }
        // Where there is one member only, it agrees with itself.
        let is_met_alone = |submitter: &OrganisationId| {
            gates
                .clone()
                .any(|gate| gate.is_met(&BTreeSet::from([*submitter]), &self.eligible(members, *submitter)))
        };
        if is_for_objects && members.len() > 1 && submitters.iter().any(is_met_alone) {
            return Err("a submitter can approve its own objects alone");
        }
        Ok(())
    }
}

impl Gate {
    /// The number of gates in it; more than any limit where they are too deep.
    fn size(&self, depth: usize) -> usize {
        match self {
            _ if depth >= MAX_DEPTH => MAX_GATES + 1,
            Self::KOf { of, .. } => of.iter().fold(1, |sum, gate| sum.saturating_add(gate.size(depth + 1))),
            Self::Weight { of, .. } => of.len() + 1,
            _ => 1,
        }
    }

    fn check(&self, members: &BTreeSet<OrganisationId>) -> Result<(), &'static str> {
        match self {
            Self::Organisation(id) if !members.contains(id) => Err("an organisation of a gate is no member"),
            Self::Members(0) => Err("a gate needs one member or more"),
            Self::KOf { k, of } if *k == 0 || *k as usize > of.len() => {
                Err("k is between 1 and the number of gates")
            }
            Self::KOf { of, .. } => of.iter().try_for_each(|gate| gate.check(members)),
            Self::Weight { min, .. } if *min == 0 => Err("min is 1 or more"),
            Self::Weight { of, .. } => {
                let ids: BTreeSet<_> = of.iter().map(|(id, _)| id).collect();
                match ids.len() == of.len() && ids.iter().all(|id| members.contains(id)) {
                    true => Ok(()),
                    false => Err("weights are of members, and each has one"),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether it cannot be met without a majority.
    fn needs_majority(&self) -> bool {
        match self {
            Self::Majority => true,
            Self::KOf { k, of } => {
                let without = of.iter().filter(|gate| !gate.needs_majority()).count();
                without < *k as usize
            }
            _ => false,
        }
    }
}
