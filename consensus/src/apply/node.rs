//! Nodes of organisations: which may join, what follows when one leaves, and what they say of their logs.

use super::govern::retire;
use super::{Outcome, Refusal, Stop, Turn};
use crate::envelope::Envelope;
use crate::governance::Action;
use crate::id::OrganisationId;
use crate::node::{NewNode, Node};
use crate::organisation::Role;
use crate::state::{State, StateError, keys};
use crate::statement::{Attest, Statement};

impl<S: State> Turn<'_, S> {
    /// Checks that a change can be made now, as far as it is about nodes.
    pub(super) async fn check_nodes(
        &self,
        action: &Action,
    ) -> Result<Result<(), Refusal>, StateError<S::Error>> {
        Ok(match action {
            Action::AddOrganisation { new } => match &new.node {
                Some(node) => self.check_node(&self.draft.nodes().await?, new.id, node),
                None => Ok(()),
            },
            Action::AddNode { organisation, node } => {
                self.check_node(&self.draft.nodes().await?, *organisation, node)
            }
            Action::RemoveNode { node: id } => {
                let present = self.present().await?;
                match present.iter().any(|node| node.id == *id) {
                    true => check_rest(&present),
                    false => Err(Refusal::Governance("the network has no such node, or it has left")),
                }
            }
            Action::RemoveOrganisation { organisation } => {
                let present = self.present().await?;
                match present.iter().any(|node| node.organisation == *organisation) {
                    true => check_rest(&present),
                    false => Ok(()),
                }
            }
            Action::SetProtocol { protocol } => self.check_protocol(*protocol, &self.present().await?),
            _ => Ok(()),
        })
    }

    /// Checks that an organisation can get a node.
    pub(super) fn check_node(
        &self,
        all: &[Node],
        organisation: OrganisationId,
        new: &NewNode,
    ) -> Result<(), Refusal> {
        if !new.has_address() {
            return Err(Refusal::Governance(
                "the address of a node is a host and a port as `host:port`, of 255 bytes at most",
            ));
        }
        if all.iter().any(|node| node.certificate == new.certificate) {
            return Err(Refusal::Governance(
                "this certificate is or was that of a node; a new node needs a new certificate",
            ));
        }
        let mut others = all.iter().filter(|node| node.is_present() && node.organisation != organisation);
        if others.any(|node| node.address.eq_ignore_ascii_case(&new.address)) {
            return Err(Refusal::Governance("another node has this address"));
        }
        if new.protocol < self.current_protocol() {
            return Err(Refusal::Governance("the node does not speak the protocol of the network"));
        }
        match all.iter().any(|node| node.id == self.index) {
            true => Err(Refusal::Governance("this entry has made a node already; propose it again")),
            false => Ok(()),
        }
    }

    /// Checks that the network can go over to a protocol. What this software speaks has no part in it: all members must
    /// decide the same.
    fn check_protocol(&self, new: u16, present: &[Node]) -> Result<(), Refusal> {
        if self.current_protocol().checked_add(1) != Some(new) {
            return Err(Refusal::Governance("the next protocol has the next number"));
        }
        match !present.is_empty() && present.iter().all(|node| node.protocol >= new) {
            true => Ok(()),
            false => Err(Refusal::Governance(
                "this protocol needs nodes that all speak it; install the newer version on each of them first",
            )),
        }
    }

    fn current_protocol(&self) -> u16 {
        self.ledger.as_ref().map_or(self.protocol, |ledger| ledger.protocol)
    }

    async fn present(&self) -> Result<Vec<Node>, StateError<S::Error>> {
        let mut nodes = self.draft.nodes().await?;
        nodes.retain(Node::is_present);
        Ok(nodes)
    }

    pub(super) fn put_node(&mut self, node: &Node) {
        self.draft.put(keys::node(node.id), node);
    }

    /// The node that an organisation has now.
    pub(super) async fn node_of(
        &self,
        organisation: OrganisationId,
    ) -> Result<Option<Node>, StateError<S::Error>> {
        Ok(self.present().await?.into_iter().find(|node| node.organisation == organisation))
    }

    /// Ends the time of a node, and of its keys.
    pub(super) fn leave(&mut self, node: Node) {
        let index = self.index;
        self.change(node.organisation, |found| {
            retire(found, node.submit_key, index);
            retire(found, node.log_key.id(), index);
        });
        self.put_node(&Node { left: Some(index), ..node });
    }

    /// Keeps what a node says of its log.
    pub(super) async fn attest(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let (attest, _): (Attest, _) = self.authorise(envelope, &[Role::Log])?;
        let refuse = |reason| Err(Refusal::Governance(reason).into());
        let node: Option<Node> = self.draft.get(keys::node(attest.node)).await?;
        let is_own = |node: &Node| {
            node.is_present() && node.organisation == attest.organisation && node.log_key.id() == envelope.key
        };
        let Some(node) = node.filter(is_own) else {
            return refuse("the key is not the log key of this node, or the node has left");
        };
        if attest.index > self.index {
            return refuse("the entry is not there yet at which the node attests its log");
        }
        if attest.protocol < self.current_protocol() {
            return refuse("the node does not speak the protocol of the network");
        }
        let before: Option<Envelope> = self.draft.get(keys::attestation(node.id)).await?;
        if let Some(before) = before {
            let before =
                Attest::decode(&before.payload).map_err(|_| StateError::Damaged("an attestation"))?;
            if before.index > attest.index {
                return refuse("the node has attested a later entry already");
            }
        }
        self.draft.put(keys::attestation(node.id), envelope);
        if node.protocol != attest.protocol {
            self.put_node(&Node { protocol: attest.protocol, ..node });
        }
        Ok(Outcome::Attested(attest.node))
    }
}

/// Checks that one of the nodes that are present can leave.
fn check_rest(present: &[Node]) -> Result<(), Refusal> {
    match present.len() > 1 {
        true => Ok(()),
        false => Err(Refusal::Governance("the last node of a network cannot leave")),
    }
}
