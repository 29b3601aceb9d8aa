//! The way of commands into the log of the network: by this server alone, or by the node that it runs beside others.

use super::membership::{MembershipRecord, NodeRecord};
use super::{NetworkMachine, Ordered, Stix};
use crate::rights::Principal;
use crate::store::command::{Command, Enter};
use crate::store::engine::EngineError;
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::writer::Attempts;
use crate::store::{Rejection, Store, StoreError, keys};
use bytes::Bytes;
use consensus::evidence::{Note, NoteSignature, TreeHead};
use consensus::order::{OrderedLog, Raft, SubmitError, Tls, TokioTypes};
use consensus::{Entry, Founding, NetworkId, OrganisationId, ProposalId, Reader, Secret, check_author};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A node that keeps the log of the network with others.
pub type Node = Raft<TokioTypes, NetworkMachine, Tls>;

/// Time for another node to say what it has applied.
const BARRIER: Duration = Duration::from_secs(2);

/// Why this server does not serve its network.
pub(crate) const FENCED: &str = "fenced";
/// Time until those are asked again who did not cosign.
const AGAIN: Duration = Duration::from_secs(1);

/// A checkpoint that other nodes cosigned.
pub(crate) struct Cosigned {
    head: TreeHead,
    signatures: Vec<NoteSignature>,
    is_whole: bool,
    since: Instant,
}

impl Cosigned {
    /// Whether it is of this tree, and no further cosignatures are to be expected now.
    pub(crate) fn is_of(&self, head: &TreeHead) -> bool {
        self.head == *head && (self.is_whole || self.since.elapsed() < AGAIN)
    }
}

/// A network, as this server enters it.
pub struct NewMembership {
    /// The network.
    pub network: NetworkId,
    /// The API root in which its collections will be.
    pub api_root: String,
    /// The organisation of this server.
    pub organisation: OrganisationId,
    /// The seed of the key that signs what clients of this server submit.
    pub submit_key: [u8; 32],
    /// The seed of the key that signs checkpoints of the transparency log.
    pub log_key: [u8; 32],
    /// The node of this server; none where it keeps the log alone.
    pub node: Option<NodeRecord>,
}

impl NewMembership {
    fn record(self) -> MembershipRecord {
        let Self { network, api_root, organisation, submit_key, log_key, node } = self;
        let organisation = organisation.0;
        MembershipRecord {
            network,
            generation: 0,
            installed: 0,
            api_root,
            organisation,
            submit_key,
            log_key,
            node,
        }
    }
}

impl Store {
    /// Founds a network whose log is this server's own, so it alone puts entries in their order.
    ///
    /// # Errors
    /// When this server is a member of a network, or the founding makes no sense.
    pub async fn found(
        &self,
        new: NewMembership,
        founding: Founding,
        secret: Secret,
    ) -> Result<(), StoreError> {
        let command = consensus::Command::Found { founding, secret };
        let founding = Some(Entry { time: self.now(), command }.encode());
        let record = MembershipRecord { node: None, ..new.record() };
        self.applied(Command::Enter(Enter { record, founding })).await.map(|_| ())
    }

    /// Makes this server a member of a network whose log its node will bring.
    ///
    /// # Errors
    /// When this server is a member of a network already.
    pub async fn enter(&self, new: NewMembership) -> Result<(), StoreError> {
        self.applied(Command::Enter(Enter { record: new.record(), founding: None })).await?;
        self.set_left(None);
        if self.fenced.load().is_some() {
            self.change_note(FENCED, |_| None).await?;
            self.fenced.store(None);
        }
        Ok(())
    }

    /// Stops serving the network, until this server joins it as another node.
    pub(crate) async fn fence_network(&self, reason: &str) -> Result<(), StoreError> {
        tracing::error!(reason, "this server does not serve its network any more");
        self.fenced.store(Some(Arc::new(reason.to_owned())));
        self.change_note(FENCED, |_| Some(Bytes::copy_from_slice(reason.as_bytes()))).await
    }

    /// Whether this server serves its network.
    pub(crate) fn check_fence(&self) -> Result<(), StoreError> {
        self.fenced.load_full().map_or(Ok(()), |reason| Err(StoreError::Fenced(reason)))
    }

    /// Counts a difference to another node.
    pub(crate) fn note_difference(&self) {
        self.differences.fetch_add(1, Ordering::Relaxed);
    }

    /// Differences to other nodes that were seen since the store was opened.
    pub(crate) fn differences(&self) -> u64 {
        self.differences.load(Ordering::Relaxed)
    }

    /// A checkpoint of the transparency log, with the cosignatures that are known.
    pub(crate) fn checkpoint(&self, head: TreeHead) -> Option<Note> {
        let seconds = u64::try_from(self.clock.now_micros() / 1_000_000).unwrap_or_default();
        let mut note = self.membership()?.checkpoint(head, seconds)?;
        if let Some(cosigned) = self.cosigned().filter(|cosigned| cosigned.head == head) {
            for signature in &cosigned.signatures {
                note.add(signature.clone()).ok()?;
            }
        }
        Some(note)
    }

    pub(crate) fn cosigned(&self) -> Option<Arc<Cosigned>> {
        self.cosigned.load_full()
    }

    pub(crate) fn set_cosigned(&self, head: TreeHead, signatures: Vec<NoteSignature>, is_whole: bool) {
        let since = Instant::now();
        self.cosigned.store(Some(Arc::new(Cosigned { head, signatures, is_whole, since })));
    }

    /// The node that this server is to run, whether it has applied anything yet or not.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn node_record(&self) -> Result<Option<NodeRecord>, StoreError> {
        let record = MembershipRecord::stored(&*self.engine.snapshot().await?).await?;
        Ok(record.and_then(|record| record.node))
    }

    /// What applies the entries of the log in this store.
    pub fn machine(&self) -> NetworkMachine {
        NetworkMachine::new(
            Arc::clone(&self.engine),
            self.reload.clone(),
            Arc::clone(&self.announcer),
            Arc::clone(&self.health),
            Arc::clone(&self.clock),
        )
    }

    /// Makes durable what was applied so far.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        Ok(self.engine.settle().await?)
    }

    /// The node that is running here.
    pub fn node(&self) -> Option<Arc<Node>> {
        self.node.load_full()
    }

    /// Has commands ordered by a node, or by none until it runs again.
    pub fn set_node(&self, node: Option<Arc<Node>>) {
        if node.is_some() {
            self.node_failure.store(None);
        }
        self.node.store(node);
    }

    /// Why the node does not run.
    pub(crate) fn node_failure(&self) -> String {
        let failure = self.node_failure.load_full();
        failure.map_or_else(|| "it starts in a moment".to_owned(), |why| (*why).clone())
    }

    /// The entry by which the node of this server has left the network, as another node says.
    pub(crate) fn left(&self) -> Option<u64> {
        Some(self.left.load(Ordering::Relaxed)).filter(|entry| *entry > 0)
    }

    /// Notes whether the node of this server has left the network.
    pub(crate) fn set_left(&self, entry: Option<u64>) {
        self.left.store(entry.unwrap_or_default(), Ordering::Relaxed);
    }

    /// The last entry that another node attested here.
    pub(crate) fn attested(&self, node: u64) -> u64 {
        let attested = self.attested.lock().unwrap_or_else(PoisonError::into_inner);
        attested.get(&node).copied().unwrap_or_default()
    }

    /// Notes what another node attested.
    pub(crate) fn note_attested(&self, node: u64, index: u64) {
        let mut attested = self.attested.lock().unwrap_or_else(PoisonError::into_inner);
        let last = attested.entry(node).or_default();
        *last = index.max(*last);
    }

    /// Notes why the node does not run.
    pub(crate) fn set_node_failure(&self, reason: String) {
        self.node_failure.store(Some(Arc::new(reason)));
    }

    /// Puts a command into the log of the network, and applies it. When it returns, the entry is durable on a majority of the
    /// nodes, and its effects, which follow from the log, are visible here.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the command does nothing; [`StoreError::NoMajority`] when no node leads;
    /// [`Rejection::Membership`] without a network.
    pub async fn order(&self, command: consensus::Command) -> Result<u64, StoreError> {
        if let Some(index) = self.check_statement(&command).await? {
            return Ok(index);
        }
        if let Some(entry) = self.left() {
            let retry_after = Duration::from_secs(3600);
            let reason = format!("the node of this server left the network by entry {entry}");
            return Err(StoreError::NoMajority { retry_after, reason });
        }
        if let Some(node) = self.node() {
            let ordered = node.submit(command).await?;
            return match ordered.result {
                Ok(_) => Ok(ordered.index),
                Err(refusal) => Err(StoreError::Refused(refusal.into())),
            };
        }
        let membership = self.membership();
        let membership = membership.ok_or(Rejection::Membership("this server is no member of a network"))?;
        if membership.node.is_some() {
            let reason = format!("the node of this server does not run: {}", self.node_failure());
            return Err(StoreError::NoMajority { retry_after: BARRIER, reason });
        }
        self.applied(Command::Apply(Entry { time: self.now(), command }.encode())).await
    }

    /// Refuses a statement that does not count, before it becomes an entry. One that was ordered before has its entry, or for a
    /// vote the last one: the same statement again leaves no entry.
    async fn check_statement(&self, command: &consensus::Command) -> Result<Option<u64>, StoreError> {
        use consensus::Command::{Attest, Govern, Revoke, Vote, Withdraw};
        let (Vote(envelope) | Withdraw(envelope) | Revoke(envelope) | Govern(envelope) | Attest(envelope)) =
            command
        else {
            return Ok(None);
        };
        let mut view = self.network().await?;
        if check_author(&view, &Stix, envelope).await?.is_err() {
            // The key may be one that this node has not heard of.
            self.catch_up().await;
            view = self.network().await?;
            let checked = check_author(&view, &Stix, envelope).await?;
            checked.map_err(|refusal| StoreError::Refused(refusal.into()))?;
        }
        let reader = Reader::new(&view);
        match command {
            Revoke(_) | Govern(_) => {
                let found = reader.proposal(ProposalId(envelope.digest())).await?;
                Ok(found.map(|found| found.proposal.index))
            }
            Vote(_) => {
                let Ok(vote) = envelope.read::<consensus::statement::Vote>() else { return Ok(None) };
                let before = reader.vote(vote.proposal, vote.organisation, vote.sequence).await?;
                if before.as_ref() != Some(envelope) {
                    return Ok(None);
                }
                Ok(reader.ledger().await?.map(|ledger| ledger.index))
            }
            _ => Ok(None),
        }
    }

    /// Waits until this server has applied what any other node had when it was called; for two seconds at the most.
    pub(in crate::store) async fn catch_up(&self) {
        let Some(node) = self.node() else { return };
        // A minority reads on what it has.
        let _ = tokio::time::timeout(BARRIER, node.read_barrier()).await;
    }

    /// Lets time go on in the network where a proposal waits for it. Of several nodes the leader does. It returns whether it
    /// did.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn tick(&self) -> Result<bool, StoreError> {
        let Some(membership) = self.membership() else { return Ok(false) };
        let leads = match self.node() {
            Some(node) => {
                let status = node.status();
                status.leader == Some(status.node)
            }
            None => membership.node.is_none(),
        };
        if !leads {
            return Ok(false);
        }
        let view = self.network().await?;
        let wakes_at = Reader::new(&view).wakes_at().await?;
        if wakes_at.is_none_or(|wakes_at| wakes_at > self.now()) {
            return Ok(false);
        }
        self.order(consensus::Command::Tick).await.map(|_| true)
    }

    async fn applied(&self, command: Command) -> Result<u64, StoreError> {
        // The operator of this machine; the signatures in the entry count.
        let operator = Principal::operator(self.organisation);
        match self.carry_out(self.request(&operator, Uuid::new_v4(), command)).await? {
            Done::Applied(Ordered { index, refused: None }) => Ok(index),
            Done::Applied(Ordered { refused: Some(refused), .. }) => Err(StoreError::Refused(refused)),
            Done::Changed => Ok(0),
            _ => Err(Rejection::RequestReused.into()),
        }
    }

    /// A value that this server keeps for itself.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.engine.snapshot().await?.get(keys::local(name)).await?)
    }

    /// Changes a value that this server keeps for itself. The change is made of the value that is there.
    ///
    /// # Errors
    /// When the engine fails, or the store is being moved.
    pub(crate) async fn change_note(
        &self,
        name: &str,
        change: impl Fn(Option<&Bytes>) -> Option<Bytes>,
    ) -> Result<(), StoreError> {
        let key = keys::local(name);
        let mut attempts = Attempts::new();
        loop {
            let snapshot = self.engine.snapshot().await?;
            let mut overlay = Overlay::new(&*snapshot);
            overlay.load([key.clone()]).await?;
            overlay.hold_marker().await?;
            if overlay.is_frozen()? {
                return Err(Rejection::Frozen.into());
            }
            let to = change(overlay.get(&key));
            overlay.put_head(key.clone(), to);
            match self.engine.commit(overlay.into_commit(Uuid::new_v4()).await?).await {
                Ok(()) => return Ok(()),
                Err(error) => attempts.again(error).await?,
            }
        }
    }
}

impl From<SubmitError> for StoreError {
    fn from(error: SubmitError) -> Self {
        let reason = error.to_string();
        match error {
            SubmitError::NoLeader { retry_after } => Self::NoMajority { retry_after, reason },
            SubmitError::TooLarge(_) => {
                Self::Refused(super::Refused { kind: consensus::RefusalKind::Invalid, message: reason })
            }
            SubmitError::Storage(_) => Self::NoMajority { retry_after: Duration::from_secs(10), reason },
            SubmitError::Stopped => Self::Closed,
            _ => EngineError::Undetermined(reason.into()).into(),
        }
    }
}
