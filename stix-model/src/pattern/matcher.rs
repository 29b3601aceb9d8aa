//! The answers that a compiled pattern gives.

use super::budget::{Budget, BudgetExceeded};
use super::compile::{CompiledPattern, Plan};
use super::observations::{Observations, text};
use super::solve::{Use, solve};
use crate::json::Value;

/// Observations that together satisfy a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'o> {
    parts: Vec<MatchedObservation<'o>>,
}

/// What one observation contributes to a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MatchedObservation<'o> {
    /// The identifier of the observed data.
    pub id: &'o str,
    /// The identifier of the object that passed the comparisons.
    pub object: &'o str,
    /// How many times the observation is used for this; more than once only with REPEATS.
    pub times: u64,
}

impl<'o> Match<'o> {
    /// The parts, in the order of time; an observation that serves several parts of the pattern occurs once for each.
    pub fn parts(&self) -> &[MatchedObservation<'o>] {
        &self.parts
    }

    /// The identifiers of the observed data, each once.
    pub fn ids(&self) -> impl Iterator<Item = &'o str> {
        let parts = self.parts.iter().enumerate();
        parts.filter(|&(at, part)| at == 0 || self.parts[at - 1].id != part.id).map(|(_, part)| part.id)
    }
}

impl CompiledPattern {
    /// Looks for observations that satisfy the pattern, and returns one such set of them, or `None` when there is
    /// none. Where several are possible, any may come out, but always the same one for the same input.
    ///
    /// # Errors
    /// When the answer takes more steps than [`MatchLimits::steps`](super::MatchLimits::steps) allows.
    pub fn matches<'o>(
        &self,
        observations: &'o Observations<'_>,
    ) -> Result<Option<Match<'o>>, BudgetExceeded> {
        let mut budget = Budget::new(self.limits.steps);
        let mut parts = Vec::new();
        if let Plan::Leaf(alternatives) = &self.plan {
            // Nothing has to be combined, so the first observation that fits is the answer.
            for observation in observations.iter() {
                for alternative in alternatives {
                    if let Some(object) = alternative.find(observation, &mut budget)? {
                        parts.push(MatchedObservation { id: &observation.id, object: &object.key, times: 1 });
                        return Ok(Some(Match { parts }));
                    }
                }
            }
            return Ok(None);
        }
        let list: Vec<_> = observations.iter().collect();
        let Some(mut uses) = solve(&self.plan, &list, &mut budget)? else { return Ok(None) };
        uses.sort_by_key(|part| part.observation);
        for Use { observation, alternatives, times } in uses {
            let observation = list[observation];
            for alternative in alternatives {
                if let Some(object) = alternative.find(observation, &mut budget)? {
                    parts.push(MatchedObservation { id: &observation.id, object: &object.key, times });
                    break;
                }
            }
        }
        Ok(Some(Match { parts }))
    }

    /// Whether a single object satisfies the pattern on its own, as an observation that was made once, nobody knows
    /// when. So START and STOP fail, and so does what needs two observations; references lead nowhere. This is the
    /// fast way through a stream of objects.
    ///
    /// # Errors
    /// As [`CompiledPattern::matches`].
    pub fn matches_object(&self, object: Value<'_>) -> Result<bool, BudgetExceeded> {
        let Some(object_type) = text(object, "type") else { return Ok(false) };
        single(&self.plan, &object_type, object, &mut Budget::new(self.limits.steps))
    }
}

fn single(
    plan: &Plan,
    object_type: &str,
    object: Value<'_>,
    budget: &mut Budget,
) -> Result<bool, BudgetExceeded> {
    match plan {
        Plan::Leaf(alternatives) => {
            for alternative in alternatives {
                if alternative.is_shown_by(object_type, object, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Plan::Or(members) => {
            for member in members {
                if single(member, object_type, object, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Plan::Within(inner, _) => single(inner, object_type, object, budget),
        // They need two observations at least.
        Plan::And(_) | Plan::FollowedBy(_) | Plan::Repeats(..) => Ok(false),
    }
}
