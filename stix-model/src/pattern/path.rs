//! From an object along a path to values.

use super::ast::{ObjectPath, Step};
use super::budget::{Budget, BudgetExceeded};
use super::observations::Observation;
use crate::json::{Kind, Value};

/// The steps of an object path, with the places at which references are followed.
#[derive(Clone, Debug)]
pub(super) struct Path {
    steps: Box<[PathStep]>,
}

#[derive(Clone, Debug)]
struct PathStep {
    step: Step,
    /// Whether an identifier that is reached here stands for the object that it names.
    is_reference: bool,
}

/// What happens to each value that a path reaches; true ends the walk.
pub(super) type Visit<'v> = dyn FnMut(Value<'_>, &mut Budget) -> Result<bool, BudgetExceeded> + 'v;

impl Path {
    pub(super) fn new(path: &ObjectPath) -> Self {
        let mut steps = Vec::with_capacity(path.steps.len());
        let mut name = "";
        for (index, step) in path.steps.iter().enumerate() {
            if let Step::Property(property) = step {
                name = property;
            }
            let goes_on = matches!(path.steps.get(index + 1), Some(Step::Property(_)));
            let suffix = if matches!(step, Step::Property(_)) { "_ref" } else { "_refs" };
            steps.push(PathStep { step: step.clone(), is_reference: goes_on && name.ends_with(suffix) });
        }
        Self { steps: steps.into() }
    }

    /// Visits the values at the end of the path until one is the right one.
    pub(super) fn any(
        &self,
        object: Value<'_>,
        observation: Option<&Observation<'_>>,
        budget: &mut Budget,
        visit: &mut Visit<'_>,
    ) -> Result<bool, BudgetExceeded> {
        walk(&self.steps, object, observation, budget, visit)
    }
}

/// Recurses once for each step of the path, of which there are few.
fn walk(
    steps: &[PathStep],
    value: Value<'_>,
    observation: Option<&Observation<'_>>,
    budget: &mut Budget,
    visit: &mut Visit<'_>,
) -> Result<bool, BudgetExceeded> {
    let Some((PathStep { step, is_reference }, rest)) = steps.split_first() else {
        return visit(value, budget);
    };
    let follow = |value: Value<'_>, budget: &mut Budget, visit: &mut Visit<'_>| {
        if !is_reference || value.kind() != Kind::String {
            return walk(rest, value, observation, budget, visit);
        }
        let (Some(observation), Some(key)) = (observation, value.as_str()) else { return Ok(false) };
        budget.spend(8)?;
        match observation.resolve(&key) {
            Some(object) => walk(rest, object, Some(observation), budget, visit),
            None => Ok(false),
        }
    };
    match step {
        Step::Property(name) => {
            // A member takes six bytes at least, so this bounds how many are looked at.
            budget.spend(1 + value.range().len() as u64 / 256)?;
            match value.get(name) {
                Some(value) => follow(value, budget, visit),
                None => Ok(false),
            }
        }
        Step::Index(index) => {
            for (at, value) in (0..).zip(value.elements()) {
                budget.spend(1)?;
                if at == *index {
                    return follow(value, budget, visit);
                }
            }
            Ok(false)
        }
        Step::AnyIndex => {
            for value in value.elements() {
                budget.spend(1)?;
                if follow(value, budget, visit)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}
