//! A network in one thread: messages take time, are lost, and do not pass cuts.

use super::dice::Dice;
use super::liar::Liar;
use crate::order::machine::Bench;
use consensus::order::{CallError, EntryBytes, Lane, Peer, Raft, Reply, Request, Transport};
use openraft::AsyncRuntime;
use openraft::impls::leader_id_std::LeaderId;
use openraft_rt_sim::SimRuntime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

openraft::declare_raft_types!(
    /// The types of a node in a simulation.
    pub(crate) SimTypes:
        D = EntryBytes,
        R = (),
        Node = Peer,
        LeaderId = LeaderId<u64, u64>,
        AsyncRuntime = SimRuntime,
);

pub(crate) type SimRaft = Raft<SimTypes, Bench, Route>;

#[derive(Clone)]
pub(crate) struct Router(Arc<Mutex<Links>>);

pub(crate) struct Links {
    /// Nodes that run, each with the number of its run.
    pub(crate) nodes: BTreeMap<u64, (u64, SimRaft)>,
    /// From, to.
    pub(crate) cuts: BTreeSet<(u64, u64)>,
    /// Of 100 messages.
    pub(crate) loss: u64,
    /// Longest way, in microseconds.
    pub(crate) latency: u64,
    pub(crate) hops: u64,
    pub(crate) liar: Option<Liar>,
    dice: Dice,
}

impl Router {
    pub(crate) fn new(dice: Dice) -> Self {
        let (nodes, cuts) = (BTreeMap::new(), BTreeSet::new());
        Self(Arc::new(Mutex::new(Links { nodes, cuts, loss: 0, latency: 5_000, hops: 0, liar: None, dice })))
    }

    pub(crate) fn links(&self) -> MutexGuard<'_, Links> {
        self.0.lock().unwrap()
    }

    pub(crate) fn route(&self, node: u64, run: u64) -> Route {
        Route { router: self.clone(), node, run }
    }
}

/// The way of a node to others, as long as it runs.
#[derive(Clone)]
pub(crate) struct Route {
    router: Router,
    node: u64,
    run: u64,
}

enum Way {
    Open(Duration),
    Lost,
    Down,
}

impl Route {
    fn way(&self, from: u64, to: u64) -> Way {
        let mut links = self.router.links();
        links.hops += 1;
        let is_up = links.nodes.get(&self.node).is_some_and(|(run, _)| *run == self.run);
        if !is_up {
            return Way::Down;
        }
        if links.cuts.contains(&(from, to)) || links.dice.percent(links.loss) {
            return Way::Lost;
        }
        Way::Open(Duration::from_micros(links.dice.draw(links.latency / 10..links.latency + 1)))
    }

    async fn carry(
        &self,
        target: u64,
        request: Vec<u8>,
        within: Duration,
    ) -> Result<Reply<SimTypes>, CallError> {
        let down = || CallError::Unreachable { node: target, reason: "it is down".to_owned() };
        match self.way(self.node, target) {
            Way::Open(time) => SimRuntime::sleep(time).await,
            Way::Lost => SimRuntime::sleep(within * 2).await,
            Way::Down => return Err(down()),
        }
        let raft = self.router.links().nodes.get(&target).map(|(_, raft)| raft.clone());
        let raft = raft.ok_or_else(down)?;
        let node = self.node;
        let request: Request<SimTypes> = postcard::from_bytes(&request).unwrap();
        // The other node goes on when this one does not wait any more.
        let answering = SimRuntime::spawn(async move {
            let reply = raft.answer(node, request).await;
            postcard::to_allocvec(&reply).unwrap()
        });
        let reply = answering
            .await
            .map_err(|_| CallError::Broken { node: target, reason: "it has ended".to_owned() })?;
        match self.way(target, self.node) {
            Way::Open(time) => SimRuntime::sleep(time).await,
            Way::Lost => SimRuntime::sleep(within * 2).await,
            Way::Down => return Err(down()),
        }
        Ok(postcard::from_bytes(&reply).unwrap())
    }
}

impl Transport<SimTypes> for Route {
    async fn call(
        &self,
        target: u64,
        _: &Peer,
        _: Lane,
        mut request: Request<SimTypes>,
        within: Duration,
    ) -> Result<Reply<SimTypes>, CallError> {
        if let Some(liar) = self.router.links().liar.as_mut().filter(|liar| liar.node == self.node) {
            liar.alter(target, &mut request);
        }
        let bytes = postcard::to_allocvec(&request).unwrap();
        let carrying = Box::pin(self.carry(target, bytes, within));
        let answer = SimRuntime::timeout(within, carrying).await;
        answer.map_err(|_| CallError::Late { node: target, within })?
    }

    fn set_members(&self, _: Vec<(u64, Peer)>) {}
}
