//! Nodes that start, crash and come back.

use super::dice::Dice;
use super::disk::{Disk, Slow};
use super::oracle::Oracle;
use super::planted::{LogMistakes, Mistaken};
use super::router::{Router, SimRaft, SimTypes};
use crate::network::START;
use crate::order::machine::{Bench, Mistakes, Witness};
use consensus::order::{Clock, Log, Node, Peer, Settings, Status};
use openraft::{AsyncRuntime, Instant};
use openraft_rt_sim::{SimInstant, SimRuntime};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

pub(crate) struct Cluster {
    pub(crate) router: Router,
    pub(crate) oracle: Oracle,
    pub(crate) dice: Dice,
    pub(crate) settings: Settings,
    pub(crate) sites: BTreeMap<u64, Site>,
    began: SimInstant,
    planted: Planted,
    runs: u64,
}

/// Mistakes of one node, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Planted {
    pub(crate) machine: Mistakes,
    pub(crate) log: LogMistakes,
    /// A node that comes back has an empty disk, and its old number.
    pub(crate) wipes: bool,
    /// Nodes do not tell each other their ledgers.
    pub(crate) is_blind: bool,
    /// A leader that lies has the keys of all organisations.
    pub(crate) has_keys: bool,
    /// All nodes make them; otherwise, node 2 does.
    pub(crate) everywhere: bool,
}

impl Planted {
    fn of(self, id: u64) -> (Mistakes, LogMistakes) {
        match self.everywhere || id == 2 {
            true => (self.machine, self.log),
            false => Default::default(),
        }
    }
}

pub(crate) struct Site {
    pub(crate) bench: Bench,
    pub(crate) disk: Disk,
    pub(crate) slow: Slow,
    /// Microseconds that its clock is off.
    pub(crate) skew: Arc<Mutex<i64>>,
    pub(crate) raft: Option<SimRaft>,
    /// Its storage fails, so that it is to stop.
    pub(crate) is_failing: bool,
}

impl Cluster {
    pub(crate) fn new(dice: Dice, settings: Settings, planted: Planted) -> Self {
        let router = Router::new(dice.split());
        let (oracle, sites, began) = (Oracle::blind(planted.is_blind), BTreeMap::new(), SimInstant::now());
        Self { router, oracle, dice, settings, sites, began, planted, runs: 0 }
    }

    pub(crate) fn elapsed(&self) -> u64 {
        (SimInstant::now() - self.began).as_micros() as u64
    }

    /// A new node, with an empty disk.
    pub(crate) fn add(&mut self) -> u64 {
        let id = self.sites.keys().next_back().map_or(1, |last| last + 1);
        let oracle = self.oracle.clone();
        let witness: Witness = Arc::new(move |step, outcome| oracle.applied(id, step, outcome));
        let (mistakes, log) = self.planted.of(id);
        let site = Site {
            bench: Bench::watched(witness, mistakes),
            disk: Disk::new(log.honest.max(1)),
            slow: Slow { dice: self.dice.split(), longest: Arc::new(Mutex::new(2_000)) },
            skew: Arc::default(),
            raft: None,
            is_failing: false,
        };
        self.sites.insert(id, site);
        id
    }

    /// Tells what happens, when `CONCORD_SIMULATION_SEED` asks for one run.
    pub(crate) fn tell(&self, what: impl std::fmt::Display) {
        if std::env::var_os("CONCORD_SIMULATION_SEED").is_some() {
            println!("{:>8} ms: {what}", self.elapsed() / 1000);
        }
    }

    pub(crate) async fn start(&mut self, id: u64) {
        self.tell(format_args!("node {id} starts"));
        self.runs += 1;
        let run = self.runs;
        let began = self.began;
        let Some(site) = self.sites.get_mut(&id) else { return };
        site.is_failing = false;
        let skew = site.skew.clone();
        let clock: Clock = Arc::new(move || {
            let now = START as i64 + (SimInstant::now() - began).as_micros() as i64;
            (now + *skew.lock().unwrap()) as u64
        });
        let log = Log::<SimTypes, Slow>::with_backend(site.disk.clone(), id, site.slow.clone()).await;
        let log = match log {
            Ok(log) => Mistaken { log, mistakes: self.planted.of(id).1 },
            Err(error) => {
                return self.oracle.violation(format!("the log of node {id} does not open: {error}"));
            }
        };
        let node = Node {
            id,
            settings: self.settings.clone(),
            clock,
            machine: Arc::new(site.bench.clone()),
            log,
            transport: self.router.route(id, run),
        };
        match SimRaft::start(node).await {
            Ok(raft) => {
                self.router.links().nodes.insert(id, (run, raft.clone()));
                site.raft = Some(raft);
            }
            Err(error) => self.oracle.violation(format!("node {id} does not start: {error}")),
        }
    }

    /// Ends a node. Its disks keep what was synced, and maybe more.
    pub(crate) fn crash(&mut self, id: u64) {
        self.tell(format_args!("node {id} crashes"));
        let dice = self.dice.clone();
        let Some(site) = self.sites.get_mut(&id) else { return };
        let Some(raft) = site.raft.take() else { return };
        self.router.links().nodes.remove(&id);
        let disk = site.disk.after_crash(&dice);
        site.disk.fail(ErrorKind::Other);
        site.disk = disk;
        let bench = site.bench.after_crash(dice.percent(50));
        site.bench.fail_after(0);
        site.bench = bench;
        self.oracle.crashed(id, site.bench.member().index);
        if self.planted.wipes && dice.percent(50) {
            site.bench.wipe();
            site.disk = Disk::new(1);
        }
        drop(SimRuntime::spawn(async move { raft.shutdown().await }));
    }

    pub(crate) fn tell_all(&self) {
        for site in self.sites.values() {
            if let Some(raft) = &site.raft {
                let Status { node, term, leader, last, applied, purged, voters, .. } = raft.status();
                self.tell(format_args!(
                    "    node {node}: term {term} of {leader:?}, log {purged} to {last}, {applied} applied, {voters:?}"
                ));
            }
        }
    }

    pub(crate) fn running(&self) -> Vec<u64> {
        self.sites.iter().filter(|(_, site)| site.raft.is_some()).map(|(id, _)| *id).collect()
    }

    pub(crate) fn down(&self) -> Vec<u64> {
        self.sites.iter().filter(|(_, site)| site.raft.is_none()).map(|(id, _)| *id).collect()
    }

    pub(crate) fn leader(&self) -> Option<(u64, SimRaft)> {
        let leads = |id: &u64, site: &Site| {
            let raft = site.raft.clone()?;
            (raft.status().leader == Some(*id)).then_some((*id, raft))
        };
        self.sites.iter().find_map(|(id, site)| leads(id, site))
    }

    /// Ends nodes that have stopped; one that had no reason to is a violation.
    pub(crate) fn reap(&mut self) {
        for id in self.running() {
            let site = &self.sites[&id];
            let Some(reason) = site.raft.as_ref().and_then(|raft| raft.status().stopped) else { continue };
            if !site.is_failing {
                self.oracle.violation(format!("node {id} has stopped: {reason}"));
            }
            self.crash(id);
        }
    }

    pub(crate) fn stop(&mut self) {
        self.running().into_iter().for_each(|id| self.crash(id));
        self.sites.clear();
    }
}

pub(crate) fn peer(id: u64) -> Peer {
    Peer { address: format!("node-{id}"), ..Peer::default() }
}
