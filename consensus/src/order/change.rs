//! Changes of the nodes, and what a node says of itself.

use super::SubmitError;
use super::machine::Machine;
use super::raft::{Raft, fatal};
use super::request::Transport;
use super::types::{Peer, Types};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, InitializeError, RaftError};
use openraft::type_config::TypeConfigExt;
use openraft::{ChangeMembers, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Entries that a node may lack when it becomes a voter.
const MAX_LAG: u64 = 64;

/// Why the nodes were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Another node leads.
    #[error("{}", match .0 {
        Some(leader) => format!("node {leader} leads; change the nodes there"),
        None => "no node leads a majority of the nodes now; try again later".to_owned(),
    })]
    NotLeader(Option<u64>),
    /// The network has nodes already.
    #[error("the node belongs to a network already")]
    Initialized,
    /// The node that leads is being removed.
    #[error(
        "node {0} leads, and is being removed; transfer the lead to another node, and change the nodes there"
    )]
    Leaving(u64),
    /// The node lacks entries.
    #[error("node {node} lacks {lag} entries; it becomes a voter when it has caught up")]
    Behind {
        /// The node.
        node: u64,
        /// The entries.
        lag: u64,
    },
    /// It was not confirmed in time. It may still happen.
    #[error(
        "a majority of the nodes has not confirmed the change in time; look at the state before you try again"
    )]
    Late,
    /// It makes no sense now.
    #[error("the nodes cannot be changed: {0}")]
    Refused(String),
    /// The node has stopped.
    #[error(transparent)]
    Stopped(SubmitError),
}

/// What a node knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its number.
    pub node: u64,
    /// The term.
    pub term: u64,
    /// The node that leads.
    pub leader: Option<u64>,
    /// Whether most nodes hear of each other, as far as it knows: it follows one that leads, or leads and was answered lately.
    pub has_majority: bool,
    /// The last entry of its log.
    pub last: u64,
    /// The last entry that a majority has.
    pub committed: u64,
    /// The last entry that it has applied.
    pub applied: u64,
    /// The last entry that it has removed from its log.
    pub purged: u64,
    /// The last entry that each other node has, where this one leads.
    pub matched: BTreeMap<u64, u64>,
    /// Nodes that vote.
    pub voters: BTreeSet<u64>,
    /// All nodes.
    pub nodes: BTreeMap<u64, Peer>,
    /// Why it has stopped.
    pub stopped: Option<String>,
}

impl<C: Types, M: Machine, T: Transport<C>> Raft<C, M, T> {
    /// Begins a network with this node alone.
    ///
    /// # Errors
    /// When it belongs to one already.
    pub async fn initialize(&self, peer: Peer) -> Result<(), ChangeError> {
        match self.0.raft.initialize(BTreeMap::from([(self.0.id, peer)])).await {
            Ok(()) => Ok(()),
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Err(ChangeError::Initialized),
            Err(RaftError::APIError(error)) => Err(ChangeError::Refused(error.to_string())),
            Err(RaftError::Fatal(error)) => Err(ChangeError::Stopped(fatal(error))),
        }
    }

    /// Adds a node that gets all entries and has no vote. Only the leader can. The number must be new, also after a node was
    /// removed or has lost its disk; all nodes must know the certificate.
    ///
    /// # Errors
    /// When this node does not lead, or the nodes do not agree in time.
    pub async fn add_learner(&self, node: u64, peer: Peer) -> Result<(), ChangeError> {
        if self.status().nodes.contains_key(&node) {
            return Err(ChangeError::Refused(format!("node {node} is a member already")));
        }
        self.change(ChangeMembers::AddNodes(BTreeMap::from([(node, peer)])), false).await
    }

    /// Makes a node a voter, as soon as it has nearly all entries. One that has none knows no members and does not vote, so
    /// it would keep the others from electing a leader, however short the log is.
    ///
    /// # Errors
    /// When it has not caught up in the time, this node does not lead, or the nodes do not agree in time.
    pub async fn promote(&self, node: u64, within: Duration) -> Result<(), ChangeError> {
        let mut metrics = self.0.raft.metrics();
        let deadline = C::now() + within;
        loop {
            let (has, lag) = {
                let now = metrics.borrow_watched();
                let Some(replication) = &now.replication else {
                    return Err(ChangeError::NotLeader(now.current_leader));
                };
                let has = replication.get(&node).copied().flatten().map_or(0, |last| last.index() + 1);
                (has, (now.last_log_index.unwrap_or(0) + 1).saturating_sub(has))
            };
            if has > 0 && lag <= MAX_LAG {
                break;
            }
            let changed = C::timeout_at(deadline, metrics.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return Err(ChangeError::Behind { node, lag });
            }
        }
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([node])), false).await
    }

    /// Removes another node. It keeps what it has, gets nothing more, and can be stopped.
    ///
    /// # Errors
    /// When it is this node, this node does not lead, or the nodes do not agree in time.
    pub async fn remove(&self, node: u64) -> Result<(), ChangeError> {
        if node == self.0.id {
            return Err(ChangeError::Leaving(node));
        }
        let node = BTreeSet::from([node]);
        match self.status().voters.is_superset(&node) {
            true => self.change(ChangeMembers::RemoveVoters(node), false).await,
            false => self.change(ChangeMembers::RemoveNodes(node), false).await,
        }
    }

    /// Takes the vote of another node away. It gets all entries as before.
    ///
    /// # Errors
    /// When it is this node, this node does not lead, or the nodes do not agree in time.
    pub async fn demote(&self, node: u64) -> Result<(), ChangeError> {
        if node == self.0.id {
            return Err(ChangeError::Leaving(node));
        }
        self.change(ChangeMembers::RemoveVoters(BTreeSet::from([node])), true).await
    }

    async fn change(&self, change: ChangeMembers<u64, Peer>, retain: bool) -> Result<(), ChangeError> {
        // One change at a time, by a node that is there after it: openraft expects both.
        let _turn = self.0.changing.lock().await;
        let mut metrics = self.0.raft.server_metrics();
        {
            let now = metrics.borrow_watched();
            if now.current_leader != Some(self.0.id) {
                return Err(ChangeError::NotLeader(now.current_leader));
            }
            let next = now.membership_config.get_joint_config().last();
            if next.is_none_or(|next| !next.contains(&self.0.id)) {
                return Err(ChangeError::Leaving(self.0.id));
            }
        }
        let changing = async {
            let changed = self.0.raft.change_membership(change, retain).await?;
            while *metrics.borrow_watched().membership_config.log_id() < Some(changed.log_id)
                && metrics.changed().await.is_ok()
            {}
            Ok(())
        };
        match C::timeout(self.0.settings.submit, changing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(to)))) => {
                Err(ChangeError::NotLeader(to.leader_id))
            }
            Ok(Err(RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)))) | Err(_) => {
                Err(ChangeError::Late)
            }
            Ok(Err(RaftError::APIError(error))) => Err(ChangeError::Refused(error.to_string())),
            Ok(Err(RaftError::Fatal(error))) => Err(ChangeError::Stopped(fatal(error))),
        }
    }

    /// Has another voter lead, and waits until it does.
    ///
    /// # Errors
    /// When this node does not lead, or the other one has not taken over in time.
    pub async fn transfer(&self, to: u64) -> Result<(), ChangeError> {
        let mut metrics = self.0.raft.server_metrics();
        let leader = metrics.borrow_watched().current_leader;
        if leader != Some(self.0.id) {
            return Err(ChangeError::NotLeader(leader));
        }
        if let Err(error) = self.0.raft.trigger().transfer_leader(to).await {
            return Err(ChangeError::Stopped(fatal(error)));
        }
        let deadline = C::now() + self.0.settings.election.1 * 2;
        while metrics.borrow_watched().current_leader != Some(to) {
            if !matches!(C::timeout_at(deadline, metrics.changed()).await, Ok(Ok(()))) {
                return Err(ChangeError::Late);
            }
        }
        Ok(())
    }

    /// What the node knows.
    pub fn status(&self) -> Status {
        let metrics = self.0.raft.metrics();
        let now = metrics.borrow_watched();
        let index = |id: &Option<super::types::LogId>| id.map_or(0, |id| id.index());
        let members = &now.membership_config;
        let leads = now.current_leader == Some(self.0.id);
        let is_alone = members.voter_ids().eq([self.0.id]);
        let patience = self.0.settings.election.1 * 2;
        let is_answered = now.last_quorum_acked.as_ref().is_some_and(|at| at.elapsed() < patience);
        Status {
            has_majority: now.current_leader.is_some() && (!leads || is_alone || is_answered),
            node: self.0.id,
            term: now.current_term,
            leader: now.current_leader,
            last: now.last_log_index.unwrap_or(0),
            committed: index(&now.cluster_committed),
            applied: index(&now.last_applied),
            purged: index(&now.purged),
            matched: now.replication.iter().flatten().map(|(id, last)| (*id, index(last))).collect(),
            voters: members.voter_ids().collect(),
            nodes: members.nodes().map(|(id, peer)| (*id, peer.clone())).collect(),
            stopped: now.running_state.as_ref().err().map(ToString::to_string),
        }
    }
}
