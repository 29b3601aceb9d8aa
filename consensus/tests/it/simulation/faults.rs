//! A schedule of faults.

use super::cluster::{Cluster, peer};
use super::dice::Dice;
use super::millis;
use openraft::AsyncRuntime;
use openraft_rt_sim::{SimJoinHandle, SimRuntime};
use std::io::ErrorKind;

const DAY: i64 = 24 * 3600 * 1_000_000;
/// Most nodes that a network gets.
const MAX_NODES: usize = 6;

pub(crate) struct Faults {
    dice: Dice,
    pub(crate) crashes: u64,
    /// The change of nodes that goes on.
    change: Option<SimJoinHandle<()>>,
}

impl Faults {
    pub(crate) fn new(dice: Dice) -> Self {
        Self { dice, crashes: 0, change: None }
    }

    pub(crate) async fn step(&mut self, cluster: &mut Cluster) {
        let dice = self.dice.clone();
        let (running, down) = (cluster.running(), cluster.down());
        match dice.draw(0..100) {
            0..16 => {
                if let Some(id) = dice.pick(&running) {
                    self.crashes += 1;
                    cluster.crash(id);
                }
            }
            16..36 => {
                if let Some(id) = dice.pick(&down) {
                    cluster.start(id).await;
                }
            }
            36..40 => {
                // All at once.
                for id in running {
                    self.crashes += 1;
                    cluster.crash(id);
                }
            }
            40..46 => self.spoil(cluster, &running),
            46..58 => self.cut(cluster, &running),
            58..66 => cluster.router.links().cuts.clear(),
            66..72 => {
                let mut links = cluster.router.links();
                links.loss = [0, 0, 2, 10, 40][dice.draw(0..5) as usize];
                links.latency = [1_000, 20_000, 200_000, 2_000_000][dice.draw(0..4) as usize];
            }
            72..77 => {
                if let Some(site) = dice.pick(&running).and_then(|id| cluster.sites.get(&id)) {
                    *site.skew.lock().unwrap() = [0, DAY, -DAY][dice.draw(0..3) as usize];
                }
            }
            77..82 => {
                if let Some(site) = dice.pick(&running).and_then(|id| cluster.sites.get(&id)) {
                    *site.slow.longest.lock().unwrap() =
                        [100, 20_000, 1_000_000, 5_000_000][dice.draw(0..4) as usize];
                }
            }
            82..88 => {
                if let (Some((_, leader)), Some(to)) = (cluster.leader(), dice.pick(&running)) {
                    drop(SimRuntime::spawn(async move { drop(leader.transfer(to).await) }));
                }
            }
            _ => self.change(cluster).await,
        }
    }

    /// Makes the storage of a node fail.
    fn spoil(&mut self, cluster: &mut Cluster, running: &[u64]) {
        let dice = &self.dice;
        let Some(site) = dice.pick(running).and_then(|id| cluster.sites.get_mut(&id)) else { return };
        site.is_failing = true;
        self.crashes += 1;
        match dice.draw(0..4) {
            0 => site.disk.fail(ErrorKind::StorageFull),
            1 => site.bench.fail_after(dice.draw(0..3) as u32),
            _ => site.disk.lose_power_after(dice.draw(0..30)),
        }
    }

    fn cut(&self, cluster: &Cluster, running: &[u64]) {
        let dice = &self.dice;
        let (Some(one), Some(other)) = (dice.pick(running), dice.pick(running)) else { return };
        let mut links = cluster.router.links();
        match dice.draw(0..4) {
            0 => drop(links.cuts.insert((one, other))),
            1 => links.cuts.extend([(one, other), (other, one)]),
            // Alone, or deaf.
            kind => {
                for id in running.iter().filter(|id| **id != one) {
                    links.cuts.insert((*id, one));
                    if kind == 2 {
                        links.cuts.insert((one, *id));
                    }
                }
            }
        }
    }

    /// Adds a node, or removes one.
    async fn change(&mut self, cluster: &mut Cluster) {
        let Some((leads, leader)) = cluster.leader() else { return };
        if self.change.is_some() {
            // Others are refused as long as one goes on; that is tried, too.
            self.change = None;
        }
        let status = leader.status();
        let has_room = cluster.sites.len() < MAX_NODES;
        let victim =
            self.dice.pick(&status.voters.iter().copied().filter(|id| *id != leads).collect::<Vec<_>>());
        if has_room && (status.voters.len() <= 3 || self.dice.percent(50)) {
            let id = cluster.add();
            cluster.start(id).await;
            self.change = Some(SimRuntime::spawn(async move {
                if leader.add_learner(id, peer(id)).await.is_ok() {
                    drop(leader.promote(id, millis(20_000)).await);
                }
            }));
        } else if let Some(victim) = victim.filter(|_| status.voters.len() > 3) {
            self.change = Some(SimRuntime::spawn(async move { drop(leader.remove(victim).await) }));
        }
    }

    /// Ends all faults.
    pub(crate) async fn heal(&mut self, cluster: &mut Cluster) {
        {
            let mut links = cluster.router.links();
            links.cuts.clear();
            (links.loss, links.latency) = (0, 5_000);
        }
        for id in cluster.running() {
            if cluster.sites[&id].is_failing {
                cluster.crash(id);
            }
        }
        for site in cluster.sites.values() {
            *site.skew.lock().unwrap() = 0;
            *site.slow.longest.lock().unwrap() = 2_000;
        }
        for id in cluster.down() {
            cluster.start(id).await;
        }
        if let Some(change) = self.change.take() {
            drop(change.await);
        }
    }
}
