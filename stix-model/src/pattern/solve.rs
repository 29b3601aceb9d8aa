//! Which observations take which part in a pattern.
//!
//! A pattern asks for uses of observations: so many that show this, so many that show that, all different from each
//! other, with conditions on their times. The search goes in three layers, each exact:
//!
//! 1. Here, alternatives of OR are decided one after another, until only *demands* are left: so many uses of
//!    observations out of a set.
//! 2. [`schedule`] decides times. WITHIN and FOLLOWEDBY hold if and only if there is an instant such that everything
//!    lies within the window that starts there, or on the right side of it. A range of instants is kept for each; the
//!    demands are met under the conditions that follow from the ranges; where the result breaks a condition, the
//!    range is split.
//! 3. [`flow`] meets the demands as a flow in a network, and so tells at once when they cannot be met.

mod flow;
mod schedule;

use super::budget::{Budget, BudgetExceeded};
use super::compile::{Alternative, Plan};
use super::observations::Observation;
use flow::{Demand, Flow};
use schedule::{Group, Rule, Side, Windows};

/// So many uses of one observation for one part of the pattern.
pub(super) struct Use<'p> {
    pub(super) observation: usize,
    pub(super) alternatives: &'p [Alternative],
    pub(super) times: u64,
}

/// The first solution that is found; `None` when there is none.
pub(super) fn solve<'p>(
    plan: &'p Plan,
    list: &[&Observation<'_>],
    budget: &mut Budget,
) -> Result<Option<Vec<Use<'p>>>, BudgetExceeded> {
    let mut leaves = Vec::new();
    let Some(part) = Part::of(plan, list, &mut leaves, budget)? else { return Ok(None) };
    let capacity = list.iter().fold(0_u64, |sum, observation| sum.saturating_add(observation.times));
    let sets = leaves.iter().map(|leaf| &*leaf.candidates).collect();
    let mut search = Search {
        flow: Flow::new(list, sets),
        windows: Windows::new(list),
        capacity,
        pending: Vec::new(),
        next: None,
        choices: Vec::new(),
        state: State::default(),
    };
    search.push(Task { part: &part, count: 1, context: None, from: 0, family: None });
    if !search.run(budget)? {
        return Ok(None);
    }
    let uses = search.flow.uses().map(|(observation, leaf, times)| Use {
        observation,
        alternatives: leaves[leaf].alternatives,
        times,
    });
    Ok(Some(uses.collect()))
}

struct Leaf<'p> {
    alternatives: &'p [Alternative],
    /// The observations that show one of them, in order.
    candidates: Vec<usize>,
}

/// A part of the plan without the alternatives that no observation shows.
enum Part {
    Leaf(usize),
    And(Vec<Part>),
    FollowedBy(Vec<Part>),
    Or(Vec<Part>),
    Within(Box<Part>, i128),
    Repeats(Box<Part>, u64),
}

impl Part {
    fn of<'p>(
        plan: &'p Plan,
        list: &[&Observation<'_>],
        leaves: &mut Vec<Leaf<'p>>,
        budget: &mut Budget,
    ) -> Result<Option<Self>, BudgetExceeded> {
        Ok(match plan {
            Plan::Leaf(alternatives) => {
                let mut candidates = Vec::new();
                for (index, observation) in list.iter().enumerate() {
                    for alternative in alternatives {
                        if alternative.find(observation, budget)?.is_some() {
                            candidates.push(index);
                            break;
                        }
                    }
                }
                if candidates.is_empty() {
                    return Ok(None);
                }
                leaves.push(Leaf { alternatives, candidates });
                Some(Self::Leaf(leaves.len() - 1))
            }
            Plan::And(members) => Self::all(members, list, leaves, budget)?.map(Self::And),
            Plan::FollowedBy(members) => Self::all(members, list, leaves, budget)?.map(Self::FollowedBy),
            Plan::Or(members) => {
                let mut parts = Vec::new();
                for member in members {
                    parts.extend(Self::of(member, list, leaves, budget)?);
                }
                if parts.len() > 1 { Some(Self::Or(parts)) } else { parts.pop() }
            }
            Plan::Within(inner, length) => {
                let within = |part| Self::Within(Box::new(part), *length);
                Self::of(inner, list, leaves, budget)?.map(within)
            }
            Plan::Repeats(inner, times) => {
                let repeats = |part| Self::Repeats(Box::new(part), *times);
                Self::of(inner, list, leaves, budget)?.map(repeats)
            }
        })
    }

    fn all<'p>(
        members: &'p [Plan],
        list: &[&Observation<'_>],
        leaves: &mut Vec<Leaf<'p>>,
        budget: &mut Budget,
    ) -> Result<Option<Vec<Self>>, BudgetExceeded> {
        let mut parts = Vec::with_capacity(members.len());
        for member in members {
            let Some(part) = Self::of(member, list, leaves, budget)? else { return Ok(None) };
            parts.push(part);
        }
        Ok(Some(parts))
    }

    /// The fewest uses of observations that it takes.
    fn least_uses(&self) -> u64 {
        let sum =
            |parts: &[Self]| parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.least_uses()));
        match self {
            Self::Leaf(_) => 1,
            Self::And(parts) | Self::FollowedBy(parts) => sum(parts),
            Self::Or(parts) => parts.iter().map(Self::least_uses).min().unwrap_or(0),
            Self::Within(part, _) => part.least_uses(),
            Self::Repeats(part, times) => part.least_uses().saturating_mul(*times),
        }
    }
}

/// A part that has still to be turned into demands.
#[derive(Clone, Copy)]
struct Task<'s> {
    part: &'s Part,
    /// How many times it has to be met, each time with other observations.
    count: u64,
    /// The innermost condition on times around it.
    context: Option<usize>,
    /// Of an OR, the first member that is not yet decided.
    from: usize,
    /// What the repetitions of one part with conditions on times have in common.
    family: Option<usize>,
}

/// A decision how often the first of the open members of an OR is met.
struct Choice<'s> {
    task: Task<'s>,
    /// How often it is left to the others.
    left: u64,
    pending: usize,
    next: Option<usize>,
    lengths: [usize; 4],
    uses: u64,
}

/// What the decisions so far demand. All lists only grow, and are cut when a decision is taken back.
#[derive(Default)]
struct State {
    demands: Vec<Demand>,
    groups: Vec<Group>,
    /// Conditions on times around a demand: group, side, next one outwards.
    contexts: Vec<(usize, Side, Option<usize>)>,
    /// Repetitions: family and group.
    members: Vec<(usize, usize)>,
    /// All uses together.
    uses: u64,
}

struct Search<'s> {
    flow: Flow<'s>,
    windows: Windows,
    /// How many uses all observations allow.
    capacity: u64,
    /// A linked list, so that decisions can be taken back: task and next one.
    pending: Vec<(Task<'s>, Option<usize>)>,
    next: Option<usize>,
    choices: Vec<Choice<'s>>,
    state: State,
}

impl<'s> Search<'s> {
    fn push(&mut self, task: Task<'s>) {
        self.pending.push((task, self.next));
        self.next = Some(self.pending.len() - 1);
    }

    fn run(&mut self, budget: &mut Budget) -> Result<bool, BudgetExceeded> {
        loop {
            let is_possible = match self.next {
                Some(at) => {
                    let (task, next) = self.pending[at];
                    self.next = next;
                    self.expand(task, budget)?
                }
                None if self.windows.schedule(&self.state, &mut self.flow, budget)? => return Ok(true),
                None => false,
            };
            if !is_possible && !self.take_back() {
                return Ok(false);
            }
        }
    }

    /// Turns one task into demands and smaller tasks; false when it is impossible.
    fn expand(&mut self, task: Task<'s>, budget: &mut Budget) -> Result<bool, BudgetExceeded> {
        budget.spend(20)?;
        let Task { part, count, context, .. } = task;
        match part {
            Part::Leaf(leaf) => {
                self.state.uses = self.state.uses.saturating_add(count);
                self.state.demands.push(Demand::new(*leaf, count, context));
                return Ok(self.state.uses <= self.capacity);
            }
            Part::And(parts) => {
                for part in parts.iter().rev() {
                    self.push(Task { part, from: 0, family: None, ..task });
                }
            }
            Part::Repeats(part, times) => {
                let count = count.saturating_mul(*times);
                if count > self.capacity {
                    return Ok(false);
                }
                self.push(Task { part, count, context, from: 0, family: None });
            }
            Part::Or(parts) => {
                if task.from + 1 == parts.len() {
                    self.push(Task { part: &parts[task.from], from: 0, family: None, ..task });
                    return Ok(true);
                }
                if !self.flow.run(&self.state.demands, budget)? {
                    return Ok(false);
                }
                let state = &self.state;
                self.choices.push(Choice {
                    task,
                    left: 0,
                    pending: self.pending.len(),
                    next: self.next,
                    lengths: state.lengths(),
                    uses: state.uses,
                });
                self.choose(task, 0);
            }
            Part::Within(inner, length) => {
                let Some(group) = self.repetition(task, Rule::Within(*length), budget)? else {
                    return Ok(false);
                };
                let context = Some(self.state.inside(group, Side::Both, context));
                self.push(Task { part: inner, count: 1, context, from: 0, family: None });
            }
            Part::FollowedBy(parts) => {
                let Some(first) = self.repetition(task, Rule::Order, budget)? else { return Ok(false) };
                for _ in 2..parts.len() {
                    self.state.groups.push(Group { rule: Rule::Order, previous: None });
                }
                for (index, part) in parts.iter().enumerate().rev() {
                    let mut context = context;
                    for border in 0..parts.len() - 1 {
                        budget.spend(20)?;
                        let side = if border < index { Side::Right } else { Side::Left };
                        context = Some(self.state.inside(first + border, side, context));
                    }
                    self.push(Task { part, count: 1, context, from: 0, family: None });
                }
            }
        }
        Ok(true)
    }

    /// A group for one repetition of a part, leaving the others for later. Repetitions can be exchanged for each
    /// other, so only solutions are looked for in which their instants ascend.
    fn repetition(
        &mut self,
        task: Task<'s>,
        rule: Rule,
        budget: &mut Budget,
    ) -> Result<Option<usize>, BudgetExceeded> {
        budget.spend(20)?;
        let group = self.state.groups.len();
        let mut previous = None;
        if task.count > 1 || task.family.is_some() {
            if task.part.least_uses().saturating_mul(task.count) > self.capacity {
                return Ok(None);
            }
            let family = task.family.unwrap_or(group);
            let member = self.state.members.iter().rev().find(|(other, _)| *other == family);
            previous = member.map(|(_, group)| *group);
            self.state.members.push((family, group));
            if task.count > 1 {
                self.push(Task { count: task.count - 1, family: Some(family), ..task });
            }
        }
        self.state.groups.push(Group { rule, previous });
        Ok(Some(group))
    }

    /// Leaves so many of the repetitions of an OR to its later members.
    fn choose(&mut self, task: Task<'s>, left: u64) {
        let Part::Or(parts) = task.part else { return };
        if left > 0 {
            self.push(Task { count: left, from: task.from + 1, ..task });
        }
        if left < task.count {
            let part = &parts[task.from];
            self.push(Task { part, count: task.count - left, context: task.context, from: 0, family: None });
        }
    }

    /// Goes back to the last decision and decides otherwise; false when all has been tried.
    fn take_back(&mut self) -> bool {
        while let Some(mut choice) = self.choices.pop() {
            self.pending.truncate(choice.pending);
            self.next = choice.next;
            self.state.cut(choice.lengths, choice.uses);
            if choice.left < choice.task.count {
                choice.left += 1;
                let (task, left) = (choice.task, choice.left);
                self.choices.push(choice);
                self.choose(task, left);
                return true;
            }
        }
        false
    }
}

impl State {
    fn inside(&mut self, group: usize, side: Side, outer: Option<usize>) -> usize {
        self.contexts.push((group, side, outer));
        self.contexts.len() - 1
    }

    /// The conditions on times from one outwards.
    fn conditions(&self, innermost: Option<usize>) -> impl Iterator<Item = (usize, Side)> {
        let mut next = innermost;
        std::iter::from_fn(move || {
            let (group, side, outer) = self.contexts[next?];
            next = outer;
            Some((group, side))
        })
    }

    fn lengths(&self) -> [usize; 4] {
        [self.demands.len(), self.groups.len(), self.contexts.len(), self.members.len()]
    }

    fn cut(&mut self, [demands, groups, contexts, members]: [usize; 4], uses: u64) {
        self.demands.truncate(demands);
        self.groups.truncate(groups);
        self.contexts.truncate(contexts);
        self.members.truncate(members);
        self.uses = uses;
    }
}
