//! The way out when most nodes are gone for good.

use super::{Blocking, Log, Write, size};
use crate::order::types::{LogEntry, LogId, Payload, Peer, Types, Vote};
use openraft::Membership;
use openraft::storage::RaftLogStorage;
use openraft::vote::RaftLeaderId;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

impl<C: Types, B: Blocking> Log<C, B> {
    /// Makes a node the only one of its log, and returns the number of the entry that says so. The node must not run meanwhile.
    ///
    /// This is for operators whose other nodes are gone for good. What most nodes confirmed and this one never got is lost. If
    /// the others come back, there are two logs from then on, and the digests over their entries differ.
    ///
    /// # Errors
    /// When the log is empty, so there is nothing to go on from, or it cannot be written.
    pub async fn recover(&mut self, node: u64, peer: Peer) -> io::Result<u64> {
        let (vote, last) = {
            let state = self.shared.lock();
            (state.vote, state.last)
        };
        let (Some(vote), Some(last)) = (vote, last) else {
            return Err(io::Error::other("the log is empty, so this node cannot go on alone"));
        };
        let term = vote.leader_id.term.max(last.committed_leader_id().term) + 1;
        let vote = Vote::new(term, node);
        self.save_vote(&vote).await?;
        let nodes = BTreeMap::from([(node, peer)]);
        let membership = Membership::new(vec![BTreeSet::from([node])], nodes).map_err(io::Error::other)?;
        let log_id = LogId::new(vote.leader_id.to_committed(), last.index() + 1);
        let entry = LogEntry { log_id, payload: Payload::Membership(membership) };
        {
            let mut state = self.shared.lock();
            state.last = Some(log_id);
            state.bytes += size(&entry);
            state.tail.insert(log_id.index(), entry.clone());
        }
        self.finish(Write::Append(vec![entry])).await?;
        Ok(log_id.index())
    }
}
