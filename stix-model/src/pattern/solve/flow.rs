//! Meets demands for uses of observations, as a flow in a network: from each demand to the observations that fit, and
//! from each observation no more than the times it was seen.

use crate::pattern::budget::{Budget, BudgetExceeded};
use crate::pattern::observations::Observation;
use crate::pattern::time::Span;
use std::collections::VecDeque;

/// So many uses of observations out of a set, between two instants.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    /// Which set.
    leaf: usize,
    count: u64,
    /// The innermost condition on times around it.
    pub(super) context: Option<usize>,
    /// An observation ends no earlier.
    pub(super) from: i128,
    /// And begins no later.
    pub(super) until: i128,
    /// Whether late observations are tried first.
    pub(super) latest_first: bool,
}

impl Demand {
    pub(super) fn new(leaf: usize, count: u64, context: Option<usize>) -> Self {
        Self { leaf, count, context, from: i128::MIN, until: i128::MAX, latest_first: false }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// The network, and what flows in it.
pub(super) struct Flow<'s> {
    list: &'s [&'s Observation<'s>],
    sets: Vec<&'s [usize]>,
    /// The longest time from the first to the last sighting of an observation.
    longest: i128,
    /// How many uses of each observation are taken.
    used: Vec<u64>,
    /// By which demands, and how many.
    holders: Vec<Vec<(usize, u64)>>,
    /// The observations that are in use.
    touched: Vec<usize>,
    /// The sets of the demands of the last run.
    leaves: Vec<usize>,
}

/// The observations that fit a demand.
struct Fitting<'s> {
    candidates: &'s [usize],
    until: i128,
    latest_first: bool,
    /// Those before it are used up. A run never frees a use again.
    cursor: usize,
}

impl<'s> Flow<'s> {
    pub(super) fn new(list: &'s [&'s Observation<'s>], sets: Vec<&'s [usize]>) -> Self {
        let known = list.iter().map(|observation| observation.span).filter(|span| span.is_known());
        Self {
            list,
            sets,
            longest: known.map(|span| span.last - span.first).max().unwrap_or(0),
            used: vec![0; list.len()],
            holders: vec![Vec::new(); list.len()],
            touched: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// Whether all demands can be met together; afterwards they are.
    pub(super) fn run(&mut self, demands: &[Demand], budget: &mut Budget) -> Result<bool, BudgetExceeded> {
        for observation in self.touched.drain(..) {
            self.used[observation] = 0;
            self.holders[observation].clear();
        }
        self.leaves = demands.iter().map(|demand| demand.leaf).collect();
        let mut fitting = demands.iter().map(|demand| self.fitting(demand)).collect::<Vec<_>>();
        // Repetitions ascend in time: the first one is to have the earliest of what comes early, and the last one
        // the latest of what comes late.
        let early = (0..demands.len()).filter(|index| !demands[*index].latest_first);
        let late = (0..demands.len()).rev().filter(|index| demands[*index].latest_first);
        for index in early.chain(late) {
            let mut missing = demands[index].count;
            while missing > 0 {
                let more = match self.next_free(&mut fitting[index], budget)? {
                    Some((observation, free)) => {
                        self.hold(observation, index, free.min(missing));
                        free.min(missing)
                    }
                    None => self.reroute(index, missing, &mut fitting, budget)?,
                };
                if more == 0 {
                    return Ok(false);
                }
                missing -= more;
            }
        }
        Ok(true)
    }

    /// What flows: observation, set, number of uses.
    pub(super) fn uses(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        self.holdings().map(|(observation, demand, uses)| (observation, self.leaves[demand], uses))
    }

    /// What flows: observation, demand, number of uses.
    pub(super) fn holdings(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        self.touched.iter().flat_map(|&observation| {
            let holders = self.holders[observation].iter();
            holders.filter(|(_, uses)| *uses > 0).map(move |&(demand, uses)| (observation, demand, uses))
        })
    }

    pub(super) fn span(&self, observation: usize) -> Span {
        self.list[observation].span
    }

    fn fitting(&self, demand: &Demand) -> Fitting<'s> {
        let set = self.sets[demand.leaf];
        let start = set.partition_point(|&candidate| self.list[candidate].span.last < demand.from);
        // What begins in time ends at most so much later.
        let latest = demand.until.saturating_add(self.longest);
        let end = set.partition_point(|&candidate| self.list[candidate].span.last <= latest);
        Fitting {
            candidates: set.get(start..end).unwrap_or_default(),
            until: demand.until,
            latest_first: demand.latest_first,
            cursor: 0,
        }
    }

    fn candidate(&self, fitting: &Fitting<'_>, at: usize) -> Option<usize> {
        let at = if fitting.latest_first { fitting.candidates.len() - 1 - at } else { at };
        let candidate = fitting.candidates[at];
        (self.list[candidate].span.first <= fitting.until).then_some(candidate)
    }

    /// The next observation with uses left, and how many.
    fn next_free(
        &self,
        fitting: &mut Fitting<'_>,
        budget: &mut Budget,
    ) -> Result<Option<(usize, u64)>, BudgetExceeded> {
        while fitting.cursor < fitting.candidates.len() {
            budget.spend(1)?;
            if let Some(candidate) = self.candidate(fitting, fitting.cursor) {
                let free = self.list[candidate].times.saturating_sub(self.used[candidate]);
                if free > 0 {
                    return Ok(Some((candidate, free)));
                }
            }
            fitting.cursor += 1;
        }
        Ok(None)
    }

    /// Lets other demands move to free observations, on a shortest chain, and takes their place.
    fn reroute(
        &mut self,
        start: usize,
        missing: u64,
        fitting: &mut [Fitting<'_>],
        budget: &mut Budget,
    ) -> Result<u64, BudgetExceeded> {
        // For each demand that is reached: which one takes its place, and at which observation.
        let mut reached: Vec<Option<(usize, usize)>> = vec![None; fitting.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(taker) = queue.pop_front() {
            for at in 0..fitting[taker].candidates.len() {
                budget.spend(1)?;
                let Some(observation) = self.candidate(&fitting[taker], at) else { continue };
                for holder in 0..self.holders[observation].len() {
                    budget.spend(1)?;
                    let (giver, uses) = self.holders[observation][holder];
                    if uses == 0 || giver == start || reached[giver].is_some() {
                        continue;
                    }
                    reached[giver] = Some((taker, observation));
                    if let Some((free_observation, free)) = self.next_free(&mut fitting[giver], budget)? {
                        let uses = self.shift(giver, (free_observation, free.min(missing)), &reached);
                        return Ok(uses);
                    }
                    queue.push_back(giver);
                }
            }
        }
        Ok(0)
    }

    /// Moves as many uses as the chain that ends with `giver` allows.
    fn shift(
        &mut self,
        giver: usize,
        (free_observation, free): (usize, u64),
        reached: &[Option<(usize, usize)>],
    ) -> u64 {
        let chain = |mut giver: usize| {
            std::iter::from_fn(move || {
                let (taker, observation) = reached[giver]?;
                let link = (giver, taker, observation);
                giver = taker;
                Some(link)
            })
        };
        let held = |this: &Self, giver: usize, observation: usize| {
            this.holders[observation].iter().find(|(demand, _)| *demand == giver).map_or(0, |(_, uses)| *uses)
        };
        let smallest = chain(giver).map(|(giver, _, observation)| held(self, giver, observation)).min();
        let uses = free.min(smallest.unwrap_or(0));
        self.hold(free_observation, giver, uses);
        for (giver, taker, observation) in chain(giver) {
            if let Some(entry) = self.holders[observation].iter_mut().find(|(demand, _)| *demand == giver) {
                entry.1 -= uses;
            }
            self.used[observation] -= uses;
            self.hold(observation, taker, uses);
        }
        uses
    }

    fn hold(&mut self, observation: usize, demand: usize, uses: u64) {
        if self.used[observation] == 0 && self.holders[observation].is_empty() {
            self.touched.push(observation);
        }
        self.used[observation] += uses;
        match self.holders[observation].iter_mut().find(|(other, _)| *other == demand) {
            Some(entry) => entry.1 += uses,
            None => self.holders[observation].push((demand, uses)),
        }
    }
}
