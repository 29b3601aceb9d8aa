//! Decides the instants of WITHIN and FOLLOWEDBY.
//!
//! `WITHIN d` over some observations holds if and only if there is an instant t (the earliest end) such that all of
//! them end at or after t and begin at or before t + d. `a FOLLOWEDBY b` holds if and only if there is an instant t
//! (the earliest end on the right) such that all of a begin at or before t and all of b end at or after t. So it is
//! enough to try the ends of observations, and a range of them gives each observation a weaker condition.

use super::State;
use super::flow::Flow;
use crate::pattern::budget::{Budget, BudgetExceeded};
use crate::pattern::observations::Observation;

/// A WITHIN, or the place between two members of a FOLLOWEDBY.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) rule: Rule,
    /// The same place in the repetition before this one, whose instant is no later.
    pub(super) previous: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// All begin at most so long after the instant.
    Within(i128),
    /// The left ones begin, and the right ones end, on their side of the instant.
    Order,
}

/// Where a demand stands to the instant of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    Left,
    Right,
    /// Inside a WITHIN.
    Both,
}

pub(super) struct Windows {
    /// The ends of all observations, ascending, each once.
    instants: Vec<i128>,
    /// For each group the first and the last instant that are left, as places in the list.
    ranges: Vec<(usize, usize)>,
    /// What the ranges were before.
    changes: Vec<(usize, (usize, usize))>,
    /// The groups of the repetitions before and behind.
    neighbours: Vec<[Option<usize>; 2]>,
    /// One use of one observation has no time to keep to others.
    is_alone: Vec<bool>,
}

/// A range that was cut in two, of which the lower part is being tried.
struct Split {
    changes: usize,
    group: usize,
    /// The last instant of the lower part.
    middle: usize,
}

impl Windows {
    pub(super) fn new(list: &[&Observation<'_>]) -> Self {
        let known = list.iter().map(|observation| observation.span).filter(|span| span.is_known());
        let mut instants = known.map(|span| span.last).collect::<Vec<_>>();
        instants.dedup();
        Self {
            instants,
            ranges: Vec::new(),
            changes: Vec::new(),
            neighbours: Vec::new(),
            is_alone: Vec::new(),
        }
    }

    /// Whether the demands can be met so that all conditions on times hold; afterwards they are.
    pub(super) fn schedule(
        &mut self,
        state: &State,
        flow: &mut Flow<'_>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        if !self.start(state) {
            return Ok(false);
        }
        let mut demands = state.demands.clone();
        let mut splits: Vec<Split> = Vec::new();
        let mut is_open = true;
        loop {
            if is_open {
                for demand in &mut demands {
                    (demand.from, demand.until) = (i128::MIN, i128::MAX);
                    // On the right of everything late observations are best, elsewhere early ones.
                    demand.latest_first = demand.context.is_some();
                    for (group, side) in state.conditions(demand.context) {
                        budget.spend(1)?;
                        demand.latest_first &= side == Side::Right;
                        let (from, until) = self.bounds(state, group, side);
                        demand.from = demand.from.max(from);
                        demand.until = demand.until.min(until);
                    }
                }
                if flow.run(&demands, budget)? {
                    let Some((group, middle)) = self.conflict(state, flow, budget)? else { return Ok(true) };
                    splits.push(Split { changes: self.changes.len(), group, middle });
                    is_open = self.narrow(group, |(first, _)| (first, middle));
                    continue;
                }
            }
            let Some(split) = splits.pop() else { return Ok(false) };
            for (group, range) in self.changes.drain(split.changes..).rev() {
                self.ranges[group] = range;
            }
            is_open = self.narrow(split.group, |(_, last)| (split.middle + 1, last));
        }
    }

    /// Opens all ranges; false when there are no instants to choose from.
    fn start(&mut self, state: &State) -> bool {
        let count = state.groups.len();
        self.ranges = vec![(0, self.instants.len().saturating_sub(1)); count];
        self.changes.clear();
        self.neighbours = vec![[None; 2]; count];
        for (index, group) in state.groups.iter().enumerate() {
            self.neighbours[index][0] = group.previous;
            if let Some(previous) = group.previous {
                self.neighbours[previous][1] = Some(index);
            }
        }
        let mut uses = vec![0_u64; count];
        for demand in &state.demands {
            for (group, _) in state.conditions(demand.context) {
                uses[group] = uses[group].saturating_add(demand.count());
            }
        }
        self.is_alone = uses.iter().map(|uses| *uses <= 1).collect();
        !self.instants.is_empty() || self.is_alone.iter().all(|is_alone| *is_alone)
    }

    /// What an observation has to keep to, as long as the instant of the group is somewhere in its range.
    fn bounds(&self, state: &State, group: usize, side: Side) -> (i128, i128) {
        let (first, last) = self.ranges[group];
        if self.is_alone[group] {
            return (i128::MIN, i128::MAX);
        }
        let (first, last) = (self.instants[first], self.instants[last]);
        match (state.groups[group].rule, side) {
            (Rule::Within(length), _) => (first, last.saturating_add(length)),
            (Rule::Order, Side::Left) => (i128::MIN, last),
            (Rule::Order, _) => (first, i128::MAX),
        }
    }

    /// A group whose condition the flow breaks, and an instant that cuts its range so that this flow fits neither part.
    fn conflict(
        &self,
        state: &State,
        flow: &Flow<'_>,
        budget: &mut Budget,
    ) -> Result<Option<(usize, usize)>, BudgetExceeded> {
        let mut earliest_end = vec![i128::MAX; state.groups.len()];
        let mut latest_start = vec![i128::MIN; state.groups.len()];
        for (observation, demand, _) in flow.holdings() {
            let span = flow.span(observation);
            for (group, side) in state.conditions(state.demands[demand].context) {
                budget.spend(1)?;
                if side != Side::Left {
                    earliest_end[group] = earliest_end[group].min(span.last);
                }
                if side != Side::Right {
                    latest_start[group] = latest_start[group].max(span.first);
                }
            }
        }
        for (index, group) in state.groups.iter().enumerate() {
            let length = match group.rule {
                Rule::Within(length) => length,
                Rule::Order => 0,
            };
            let end = earliest_end[index];
            // The instant would have to be at or after this one, and at or before `end`.
            let start = latest_start[index].saturating_sub(length);
            if self.is_alone[index] || start <= end {
                continue;
            }
            let low = self.instants.partition_point(|instant| *instant < end);
            let high = self.instants.partition_point(|instant| *instant < start);
            return Ok(Some((index, (low + high.saturating_sub(1)) / 2)));
        }
        Ok(None)
    }

    /// Narrows a range and those of the repetitions around; false when nothing is left of one.
    fn narrow(&mut self, group: usize, change: impl FnOnce((usize, usize)) -> (usize, usize)) -> bool {
        let (first, last) = change(self.ranges[group]);
        self.set(group, (first, last));
        if first > last {
            return false;
        }
        let [mut before, mut behind] = self.neighbours[group];
        while let Some(other) = behind
            && self.ranges[other].0 < first
        {
            self.set(other, (first, self.ranges[other].1));
            if first > self.ranges[other].1 {
                return false;
            }
            behind = self.neighbours[other][1];
        }
        while let Some(other) = before
            && self.ranges[other].1 > last
        {
            self.set(other, (self.ranges[other].0, last));
            if self.ranges[other].0 > last {
                return false;
            }
            before = self.neighbours[other][0];
        }
        true
    }

    fn set(&mut self, group: usize, range: (usize, usize)) {
        self.changes.push((group, self.ranges[group]));
        self.ranges[group] = range;
    }
}
