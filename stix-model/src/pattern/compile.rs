//! From the tree of a pattern to something that runs.

use super::Pattern;
use super::ast::{ComparisonExpression, ObservationExpression, Qualifier};
use super::budget::{Budget, BudgetExceeded, MatchLimits};
use super::check::{PatternIssue, PatternRule, qualifier_rule};
use super::error::CompileError;
use super::observations::{Observation, Observed};
use super::path::Path;
use super::time::{instant, length};
use super::value::{Check, Encoding};
use crate::json::Value;

/// A pattern that is ready to be matched, as often as needed.
#[derive(Clone, Debug)]
pub struct CompiledPattern {
    pub(super) plan: Plan,
    pub(super) limits: MatchLimits,
}

impl Pattern {
    /// Prepares matching: regular expressions become automata, constants their bytes.
    ///
    /// # Errors
    /// When the pattern holds something that the standard rules out and that has no meaning (a set of mixed types,
    /// an invalid regular expression, a qualifier with the number 0), or a regular expression that needs
    /// look-around, backreferences or too much memory. Such a pattern matches nothing.
    pub fn compile(&self, limits: MatchLimits) -> Result<CompiledPattern, CompileError> {
        let mut regex_bytes = limits.regex_bytes;
        Ok(CompiledPattern { plan: plan(self.expression(), &[], &mut regex_bytes)?, limits })
    }
}

/// How observations have to be combined.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// One use of one observation.
    Leaf(Vec<Alternative>),
    /// Each one, on different observations.
    And(Vec<Plan>),
    /// Each one, on different observations, in this order.
    FollowedBy(Vec<Plan>),
    Or(Vec<Plan>),
    Within(Box<Plan>, i128),
    Repeats(Box<Plan>, u64),
}

/// What one observation has to show.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    condition: Condition,
    /// From START to STOP. An observation has to reach into each of them.
    windows: Vec<(i128, i128)>,
}

/// What one object has to pass.
#[derive(Clone, Debug)]
enum Condition {
    Test(ObjectTest),
    And(Box<[Condition]>),
    Or(Box<[Condition]>),
}

#[derive(Clone, Debug)]
struct ObjectTest {
    object_type: Box<str>,
    path: Path,
    encoding: Encoding,
    is_negated: bool,
    check: Check,
}

/// `windows` are those of the qualifiers around: what holds for all observations of an expression holds for each
/// of them, so they move inwards.
fn plan(
    expression: &ObservationExpression,
    windows: &[(i128, i128)],
    regex_bytes: &mut usize,
) -> Result<Plan, CompileError> {
    let mut all = |members: &[ObservationExpression]| {
        members.iter().map(|member| plan(member, windows, regex_bytes)).collect::<Result<Vec<_>, _>>()
    };
    match expression {
        ObservationExpression::Comparison(inner) => {
            let condition = condition(inner, regex_bytes)?;
            Ok(Plan::Leaf(vec![Alternative { condition, windows: windows.to_vec() }]))
        }
        ObservationExpression::And(members) => Ok(Plan::And(all(members)?)),
        ObservationExpression::FollowedBy(members) => Ok(Plan::FollowedBy(all(members)?)),
        ObservationExpression::Or(members) => Ok(either(all(members)?)),
        ObservationExpression::Qualified { expression, qualifiers } => {
            let mut windows = windows.to_vec();
            for qualifier in qualifiers {
                if let Some(rule @ PatternRule::NotPositive) = qualifier_rule(qualifier) {
                    return Err(CompileError::Invalid(PatternIssue::new(rule, qualifier)));
                }
                if let Qualifier::StartStop { start, stop } = qualifier {
                    windows.push((instant(start), instant(stop)));
                }
            }
            let mut inner = plan(expression, &windows, regex_bytes)?;
            for qualifier in qualifiers {
                inner = match qualifier {
                    // One use of one observation fits into every window.
                    Qualifier::Within(_) if matches!(inner, Plan::Leaf(_)) => inner,
                    Qualifier::Within(seconds) => Plan::Within(Box::new(inner), length(seconds)),
                    Qualifier::Repeats(1) | Qualifier::StartStop { .. } => inner,
                    Qualifier::Repeats(times) => Plan::Repeats(Box::new(inner), *times),
                };
            }
            Ok(inner)
        }
    }
}

/// Joins the members that are one observation each, because then it does not matter which one it shows.
fn either(members: Vec<Plan>) -> Plan {
    let mut alternatives = Vec::new();
    let mut others = Vec::new();
    for member in members {
        match member {
            Plan::Leaf(more) => alternatives.extend(more),
            other => others.push(other),
        }
    }
    if others.is_empty() {
        return Plan::Leaf(alternatives);
    }
    if !alternatives.is_empty() {
        others.insert(0, Plan::Leaf(alternatives));
    }
    if others.len() == 1 { others.remove(0) } else { Plan::Or(others) }
}

fn condition(expression: &ComparisonExpression, regex_bytes: &mut usize) -> Result<Condition, CompileError> {
    let mut all = |members: &[ComparisonExpression]| {
        members.iter().map(|member| condition(member, regex_bytes)).collect::<Result<_, _>>()
    };
    Ok(match expression {
        ComparisonExpression::And(members) => Condition::And(all(members)?),
        ComparisonExpression::Or(members) => Condition::Or(all(members)?),
        ComparisonExpression::Test(comparison) => {
            let encoding = Encoding::of(&comparison.path.steps);
            Condition::Test(ObjectTest {
                object_type: comparison.path.object_type.clone(),
                path: Path::new(&comparison.path),
                encoding,
                is_negated: comparison.is_negated,
                check: Check::new(comparison, encoding, regex_bytes)?,
            })
        }
    })
}

impl CompiledPattern {
    /// Whether this object of the observation shows one of the alternatives; false for a pattern that asks for
    /// several observations.
    pub(super) fn is_shown_in(
        &self,
        object: &Observed<'_>,
        observation: &Observation<'_>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        let Plan::Leaf(alternatives) = &self.plan else { return Ok(false) };
        for alternative in alternatives {
            if alternative.is_shown_in(object, observation, budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Bytes of the automata of a pattern that asks for one observation.
    pub(super) fn regex_memory(&self) -> usize {
        let Plan::Leaf(alternatives) = &self.plan else { return 0 };
        alternatives.iter().map(|alternative| alternative.condition.regex_memory()).sum()
    }
}

impl Alternative {
    /// The object of an observation that shows what is asked for.
    pub(super) fn find<'o, 'd>(
        &self,
        observation: &'o Observation<'d>,
        budget: &mut Budget,
    ) -> Result<Option<&'o Observed<'d>>, BudgetExceeded> {
        budget.spend(1)?;
        for object in &observation.objects {
            if self.is_shown_in(object, observation, budget)? {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    /// Whether this object of the observation shows it.
    fn is_shown_in(
        &self,
        object: &Observed<'_>,
        observation: &Observation<'_>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        Ok(self.windows.iter().all(|window| observation.span.overlaps(*window))
            && self.condition.is_true(&object.object_type, object.value, Some(observation), budget)?)
    }

    /// Whether a single object without time shows it.
    pub(super) fn is_shown_by(
        &self,
        object_type: &str,
        object: Value<'_>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        Ok(self.windows.is_empty() && self.condition.is_true(object_type, object, None, budget)?)
    }
}

impl Condition {
    fn is_true(
        &self,
        object_type: &str,
        object: Value<'_>,
        observation: Option<&Observation<'_>>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        match self {
            Self::Test(test) => test.is_true(object_type, object, observation, budget),
            Self::And(members) => {
                for member in members {
                    if !member.is_true(object_type, object, observation, budget)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(members) => {
                for member in members {
                    if member.is_true(object_type, object, observation, budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Condition {
    fn regex_memory(&self) -> usize {
        match self {
            Self::Test(test) => test.check.regex_memory(),
            Self::And(members) | Self::Or(members) => members.iter().map(Self::regex_memory).sum(),
        }
    }
}

impl ObjectTest {
    fn is_true(
        &self,
        object_type: &str,
        object: Value<'_>,
        observation: Option<&Observation<'_>>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        budget.spend(1)?;
        if *self.object_type != *object_type {
            return Ok(false);
        }
        if matches!(self.check, Check::Exists) {
            let exists = self.path.any(object, observation, budget, &mut |_, _| Ok(true))?;
            return Ok(exists != self.is_negated);
        }
        self.path.any(object, observation, budget, &mut |value, budget| {
            let passes = self.check.test(value, self.encoding, budget)?;
            Ok(passes.is_some_and(|passes| passes != self.is_negated))
        })
    }
}
