//! The log alone: power is lost in each call of its disk in turn, and what was confirmed is found again.

use super::dice::Dice;
use super::disk::{Disk, Slow};
use super::router::SimTypes;
use consensus::order::{Log, LogEntry, Vote};
use openraft::AsyncRuntime;
use openraft::RaftLogReader;
use openraft::entry::RaftEntry;
use openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use openraft::testing::{blank_ent, log_id};
use openraft_rt_sim::SimRuntime;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a log holds: its vote, and the term of each entry.
#[derive(Clone, Debug, Default, PartialEq)]
struct Holds {
    vote: Option<Vote>,
    entries: BTreeMap<u64, u64>,
    purged: Option<u64>,
}

#[derive(Clone, Copy)]
enum Step {
    Vote(u64),
    /// Term, first and last entry.
    Append(u64, u64, u64),
    Truncate(u64),
    Purge(u64),
}

const SCRIPT: [Step; 12] = [
    Step::Vote(1),
    Step::Append(1, 0, 4),
    Step::Append(1, 5, 5),
    Step::Vote(2),
    Step::Truncate(3),
    Step::Append(2, 4, 9),
    Step::Purge(1),
    Step::Append(2, 10, 40),
    Step::Vote(3),
    Step::Truncate(20),
    Step::Purge(20),
    Step::Append(3, 21, 22),
];

impl Holds {
    fn after(&self, step: Step) -> Self {
        let mut next = self.clone();
        match step {
            Step::Vote(term) => next.vote = Some(Vote::new(term, 1)),
            Step::Append(term, first, last) => {
                next.entries.extend((first..=last).map(|index| (index, term)));
            }
            Step::Truncate(last) => next.entries.retain(|index, _| *index <= last),
            Step::Purge(last) => {
                next.entries.retain(|index, _| *index > last);
                next.purged = Some(last);
            }
        }
        next
    }
}

type TestLog = Log<SimTypes, Slow>;

async fn open(disk: &Disk) -> Result<TestLog, consensus::order::LogError> {
    let slow = Slow { dice: Dice::new(0), longest: Arc::new(Mutex::new(10)) };
    TestLog::with_backend(disk.clone(), 1, slow).await
}

async fn take(log: &mut TestLog, holds: &Holds, step: Step) -> bool {
    match step {
        Step::Vote(term) => log.save_vote(&Vote::new(term, 1)).await.is_ok(),
        Step::Append(term, first, last) => {
            let entries = (first..=last).map(|index| blank_ent::<SimTypes>(term, 1, index));
            log.blocking_append(entries).await.is_ok()
        }
        Step::Truncate(last) => {
            log.truncate_after(Some(log_id::<SimTypes>(holds.entries[&last], 1, last))).await.is_ok()
        }
        Step::Purge(last) => log.purge(log_id::<SimTypes>(holds.entries[&last], 1, last)).await.is_ok(),
    }
}

async fn read(log: &mut TestLog) -> Holds {
    let entries: Vec<LogEntry> = log.try_get_log_entries(..).await.unwrap();
    let term = |entry: &LogEntry| entry.log_id.committed_leader_id().term;
    Holds {
        vote: log.read_vote().await.unwrap(),
        entries: entries.iter().map(|entry| (entry.index(), term(entry))).collect(),
        purged: log.get_log_state().await.unwrap().last_purged_log_id.map(|id| id.index()),
    }
}

/// Returns whether the script ended before the power was lost.
async fn lose_power_in(call: u64, dice: &Dice) -> bool {
    let disk = Disk::new(1);
    let mut log = open(&disk).await.unwrap();
    disk.lose_power_after(call);
    let mut holds = Holds::default();
    let mut underway = None;
    for step in SCRIPT {
        if !take(&mut log, &holds, step).await {
            underway = Some(step);
            break;
        }
        holds = holds.after(step);
    }
    let disk = disk.after_crash(dice);
    let found = read(&mut open(&disk).await.unwrap()).await;
    let maybe = underway.map(|step| holds.after(step));
    assert!(found == holds || Some(&found) == maybe.as_ref(), "call {call}: {found:?} is not {holds:?}");
    underway.is_none()
}

#[test]
fn whatever_was_confirmed_is_there_after_a_loss_of_power_in_any_call() {
    SimRuntime::with_seed(0).block_on(async {
        let mut calls = 0;
        while !lose_power_in(calls, &Dice::new(calls)).await {
            for again in 1..4 {
                lose_power_in(calls, &Dice::new(calls + 1_000_000 * again)).await;
            }
            calls += 1;
        }
        println!("{calls} calls");
        assert!(calls > 50);
    });
}
