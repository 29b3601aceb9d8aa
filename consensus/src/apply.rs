//! The meaning of entries: a pure function of what was applied before.
//!
//! [`apply`] looks at the state, the number of an entry and its bytes, and at nothing else: no clock, no randomness, no order
//! that is not given. So members that apply the same log hold the same state, to the byte. It checks every signature and
//! every gate again: a bad leader, which orders entries, can delay, but approve nothing.

mod case;
mod decide;
mod govern;
mod node;
mod refusal;
mod submit;
mod vote;

pub use refusal::{Refusal, RefusalKind};
pub use submit::{MAX_ITEMS, MAX_OBJECT_BYTES};

use crate::command::{
    CollectionDefinition, Command, Entry, EntryError, Founding, MAX_COLLECTIONS, MAX_DEFINITION_BYTES,
    PROTOCOL, Secret,
};
use crate::envelope::Envelope;
use crate::evidence::{Leaf, Tree, leaf_hash};
use crate::id::{Digest, NetworkId, OrganisationId, ProposalId};
use crate::node::{FIRST_NODE, Node};
use crate::organisation::{MAX_NAME_BYTES, NewOrganisation, Organisation, Role};
use crate::policy::{Policy, PolicyError};
use crate::state::{Draft, Key, Ledger, State, StateError, keys};
use crate::statement::{Attest, Govern, Item, Revoke, Statement, StatementError, Submit, Vote, Withdraw};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Most microseconds by which one entry moves the time on, so that a wrong clock does little.
const MAX_STEP: u64 = 600_000_000;
/// Latest time of a founding: 2100. Numbers in JSON are exact for 150 years more.
const MAX_FOUNDING: u64 = 4_102_444_800_000_000;
/// Most proposals that one entry looks at because their time has come. The next one goes on.
const MAX_WAKING: usize = 256;

/// Reads what consensus must know of an object. It is a part of the protocol: all members must read the same.
pub trait Inspect: Sync {
    /// Reads the facts of an object from its text, and the definition of the collection that it is proposed for.
    ///
    /// # Errors
    /// Why it is no object that can be proposed there.
    fn inspect(&self, definition: &str, text: &[u8]) -> Result<Item, String>;

    /// Checks the definition of a collection.
    ///
    /// # Errors
    /// Why it is no definition.
    fn check_collection(&self, definition: &str) -> Result<(), String>;
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// New values below the prefix; `None` removes a key.
    pub writes: BTreeMap<Key, Option<Bytes>>,
    /// What changes for readers, in this order.
    pub effects: Vec<Effect>,
    /// The answer to the sender of the command. A command that is refused writes no more than the passing of time.
    pub outcome: Result<Outcome, Refusal>,
    /// The time of the entry, in microseconds since 1970.
    pub time: u64,
}

/// What a command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The network was founded.
    Founded(NetworkId),
    /// There is a new proposal.
    Proposed(ProposalId),
    /// The proposal was there already.
    Repeated(ProposalId),
    /// The vote counts.
    Voted(ProposalId),
    /// The proposal was taken back.
    Withdrawn(ProposalId),
    /// Time went on.
    Ticked,
    /// The attestation of this node is kept.
    Attested(u64),
}

/// A change for readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There is a collection, defined so from now on.
    Define(CollectionDefinition),
    /// A submission was taken.
    File {
        /// Its proposal.
        proposal: ProposalId,
        /// The note that came with it.
        note: Bytes,
    },
    /// An object awaits votes. Of several open items that are the same version, one does.
    Await {
        /// The collection.
        collection: Uuid,
        /// The object.
        text: Bytes,
    },
    /// An object that awaited votes does so no longer.
    Settle {
        /// The collection.
        collection: Uuid,
        /// The object.
        text: Bytes,
    },
    /// An object becomes visible.
    Show {
        /// The collection.
        collection: Uuid,
        /// The object.
        text: Bytes,
    },
    /// An object is visible no longer.
    Hide {
        /// The collection.
        collection: Uuid,
        /// The object.
        text: Bytes,
    },
}

/// Why an entry cannot be applied. The member must stop: it cannot know what the others hold.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E> {
    /// It cannot be read.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The network speaks a later protocol than this software.
    #[error(
        "the network speaks protocol {0}, and this version speaks {PROTOCOL} at most: install a newer version, which goes on \
         where this one stops"
    )]
    Protocol(u16),
    /// Entries come in another order.
    #[error("entry {found} cannot follow entry {last}")]
    Order {
        /// The last one that was applied.
        last: u64,
        /// This one.
        found: u64,
    },
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError<E>),
}

/// Applies an entry of the log. `index` is its number, which is greater than those of all entries before.
///
/// The caller commits the writes and what the effects come to as a whole, then applies the next entry.
///
/// # Errors
/// When the member cannot go on. A command that makes no sense is no error but an [`Applied::outcome`].
pub async fn apply<S: State>(
    state: &S,
    inspect: &dyn Inspect,
    index: u64,
    bytes: &[u8],
) -> Result<Applied, ApplyError<S::Error>> {
    let (mut turn, command) = Turn::begin(state, inspect, index, bytes).await?;
    turn.wake().await?;
    let before = turn.draft.writes.len();
    let done = match command {
        Ok(command) => turn.carry_out(command).await,
        Err(refusal) => Err(refusal.into()),
    };
    let outcome = match done {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(refusal)) => {
            debug_assert_eq!(
                before,
                turn.draft.writes.len(),
                "a command that is refused has written: {refusal}"
            );
            Err(refusal)
        }
        Err(Stop::State(error)) => return Err(error.into()),
    };
    Ok(turn.end(bytes, outcome)?)
}

/// Checks who signed a statement, as [`apply`] would in the next entry. A node asks before it has a command ordered, so that what
/// does not count leaves no entry; each member checks again when it applies the entry.
///
/// # Errors
/// When the state cannot be read.
pub async fn check_author<S: State>(
    state: &S,
    inspect: &dyn Inspect,
    envelope: &Envelope,
) -> Result<Result<(), Refusal>, ApplyError<S::Error>> {
    let ledger: Option<Ledger> = Draft::new(state).get(keys::LEDGER.to_vec()).await?;
    let Some(ledger) = ledger else { return Ok(Err(Refusal::Founding)) };
    let next = Entry { time: ledger.time, command: Command::Tick }.encode();
    let (turn, _) = Turn::begin(state, inspect, ledger.index + 1, &next).await?;
    Ok(match &*envelope.payload_type {
        Submit::PAYLOAD_TYPE => turn.authorise::<Submit>(envelope, &[Role::Submit]).map(|_| ()),
        Revoke::PAYLOAD_TYPE => turn.authorise::<Revoke>(envelope, &[Role::Vote, Role::Submit]).map(|_| ()),
        Govern::PAYLOAD_TYPE => turn.authorise::<Govern>(envelope, &[Role::Vote]).map(|_| ()),
        Vote::PAYLOAD_TYPE => turn.authorise::<Vote>(envelope, &[Role::Vote]).map(|_| ()),
        Attest::PAYLOAD_TYPE => turn.authorise::<Attest>(envelope, &[Role::Log]).map(|_| ()),
        _ => turn.authorise::<Withdraw>(envelope, &[Role::Submit, Role::Vote]).map(|_| ()),
    })
}

/// Why a command ends early.
enum Stop<E> {
    Refused(Refusal),
    State(StateError<E>),
}

impl<E> From<Refusal> for Stop<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> From<StateError<E>> for Stop<E> {
    fn from(error: StateError<E>) -> Self {
        Self::State(error)
    }
}

impl From<StatementError> for Refusal {
    fn from(error: StatementError) -> Self {
        Self::Statement(error.to_string())
    }
}

/// One entry while it is applied.
struct Turn<'t, S> {
    inspect: &'t dyn Inspect,
    draft: Draft<'t, S>,
    /// `None` before the network is founded.
    ledger: Option<Ledger>,
    index: u64,
    time: u64,
    /// The protocol of the entry.
    protocol: u16,
    organisations: BTreeMap<OrganisationId, Organisation>,
    effects: Vec<Effect>,
    /// Objects that became visible, by collection and identifier.
    shown: BTreeMap<(Uuid, String), Vec<(Item, Bytes)>>,
    /// What was decided.
    leaves: Vec<Leaf>,
}

impl<'t, S: State> Turn<'t, S> {
    /// Reads what the entry needs of the state, and its command. One that was written in another protocol than the network
    /// speaks is refused unread: its sender did not know yet of the protocol that an entry before it has set.
    async fn begin(
        state: &'t S,
        inspect: &'t dyn Inspect,
        index: u64,
        bytes: &[u8],
    ) -> Result<(Self, Result<Command, Refusal>), ApplyError<S::Error>> {
        let (protocol, _) = Entry::split(bytes)?;
        let draft = Draft::new(state);
        let ledger: Option<Ledger> = draft.get(keys::LEDGER.to_vec()).await?;
        let mut organisations = BTreeMap::new();
        let expected = match &ledger {
            Some(ledger) if index <= ledger.index => {
                return Err(ApplyError::Order { last: ledger.index, found: index });
            }
            Some(ledger) if ledger.protocol > PROTOCOL => return Err(ApplyError::Protocol(ledger.protocol)),
            Some(ledger) => ledger.protocol,
            None => protocol,
        };
        let (mut at, command) = match expected == protocol {
            true => Entry::decode(bytes).map(|Entry { time, command }| (time, Ok(command)))?,
            false => (0, Err(Refusal::Protocol { expected, found: protocol })),
        };
        if let Some(ledger) = &ledger {
            at = at.clamp(ledger.time + 1, ledger.time + MAX_STEP);
            for (_, bytes) in draft.scan(keys::prefix(keys::ORGANISATIONS.to_vec()), usize::MAX).await? {
                let found: Organisation =
                    postcard::from_bytes(&bytes).map_err(|_| StateError::Damaged("an organisation"))?;
                organisations.insert(found.id, found);
            }
        }
        let turn = Self {
            inspect,
            draft,
            ledger,
            index,
            time: at,
            protocol,
            organisations,
            effects: Vec::new(),
            shown: BTreeMap::new(),
            leaves: Vec::new(),
        };
        Ok((turn, command))
    }

    async fn carry_out(&mut self, command: Command) -> Result<Outcome, Stop<S::Error>> {
        if let Command::Found { founding, secret } = command {
            return Ok(self.found(&founding, secret)?);
        }
        if self.ledger.is_none() {
            return Err(Refusal::Founding.into());
        }
        match command {
            Command::Submit { envelope, objects, note } => self.submit(&envelope, objects, note).await,
            Command::Revoke(envelope) => self.revoke(&envelope).await,
            Command::Govern(envelope) => self.govern(&envelope).await,
            Command::Vote(envelope) => self.vote(&envelope).await,
            Command::Withdraw(envelope) => self.withdraw(&envelope).await,
            Command::Attest(envelope) => self.attest(&envelope).await,
            Command::Tick | Command::Found { .. } => Ok(Outcome::Ticked),
        }
    }

    fn found(&mut self, founding: &Founding, secret: Secret) -> Result<Outcome, Refusal> {
        let Founding { name, organisations, collections, policy, .. } = founding;
        if let Some(ledger) = &self.ledger {
            // The same entry may come again, where its sender does not know what became of it.
            let is_same = ledger.network == founding.network();
            return if is_same { Ok(Outcome::Founded(ledger.network)) } else { Err(Refusal::Founding) };
        }
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(Refusal::Governance("the name of a network has 1 to 200 bytes"));
        }
        if self.time > MAX_FOUNDING {
            return Err(Refusal::Governance("the time of the founding is no time of this century"));
        }
        if organisations.is_empty() {
            return Err(Refusal::Governance("a network has one member or more"));
        }
        if organisations.iter().filter(|new| new.node.is_some()).count() > 1 {
            return Err(Refusal::Governance("one node founds a network; the others join it later"));
        }
        for new in organisations {
            self.check_new(new)?;
            self.organisations.insert(new.id, Organisation::join(new, self.index));
            new.node.iter().try_for_each(|node| self.check_node(&[], new.id, node))?;
        }
        if policy.version != 1 {
            return Err(PolicyError::Version { expected: 1, found: policy.version }.into());
        }
        policy.check(&self.members())?;
        if collections.len() > MAX_COLLECTIONS {
            return Err(Refusal::Governance("a network has 1000 collections at most"));
        }
        collections.iter().try_for_each(|new| self.check_collection(new))?;
        self.draft.put(keys::SECRET.to_vec(), &secret);
        collections.iter().for_each(|new| self.put_collection(new));
        for organisation in self.organisations.values() {
            self.draft.put(keys::organisation(organisation.id), organisation);
        }
        for new in organisations {
            new.node.iter().for_each(|node| self.put_node(&Node::join(FIRST_NODE, new.id, node)));
        }
        self.put_policy(policy);
        let network = founding.network();
        self.ledger = Some(Ledger {
            network,
            index: self.index,
            time: self.time,
            protocol: self.protocol,
            policy: 1,
            tree: Tree::default(),
            entries: Digest::default(),
            effects: Digest::default(),
        });
        Ok(Outcome::Founded(network))
    }

    /// Checks that an organisation can become a member.
    fn check_new(&self, new: &NewOrganisation) -> Result<(), Refusal> {
        if new.name.is_empty() || new.name.len() > MAX_NAME_BYTES {
            return Err(Refusal::Governance("the name of an organisation has 1 to 200 bytes"));
        }
        if self.organisations.contains_key(&new.id) {
            return Err(Refusal::Governance(
                "this organisation is or was a member; a new membership needs a new identifier",
            ));
        }
        govern::check_number(new.all_keys().count())?;
        new.keys.iter().try_for_each(govern::check_single)?;
        let mut seen = BTreeSet::new();
        for key in new.all_keys() {
            if !seen.insert(key.public) {
                return Err(Refusal::Governance("a key is given twice"));
            }
            self.check_key(key.public)?;
        }
        match new.keys.iter().any(|key| key.role == Role::Vote) {
            true => Ok(()),
            false => Err(Refusal::Governance("an organisation needs a key that votes")),
        }
    }

    /// Checks the definition of a collection.
    fn check_collection(&self, new: &CollectionDefinition) -> Result<(), Refusal> {
        let collection = new.collection;
        let refuse = |reason| Err(Refusal::Collection { collection, reason });
        if new.definition.len() > MAX_DEFINITION_BYTES {
            return refuse(format!("it has more than {MAX_DEFINITION_BYTES} bytes"));
        }
        self.inspect.check_collection(&new.definition).or_else(refuse)
    }

    fn put_collection(&mut self, new: &CollectionDefinition) {
        let definition = Bytes::copy_from_slice(new.definition.as_bytes());
        self.draft.put_bytes(keys::collection(new.collection), definition);
        self.effects.push(Effect::Define(new.clone()));
    }

    /// Writes the end of the entry.
    fn end(
        mut self,
        bytes: &[u8],
        outcome: Result<Outcome, Refusal>,
    ) -> Result<Applied, StateError<S::Error>> {
        if let Some(mut ledger) = self.ledger.take() {
            for leaf in std::mem::take(&mut self.leaves).iter().flat_map(Leaf::split) {
                let proposal = leaf.proposal;
                let leaf = leaf.encode().map_err(|_| StateError::Damaged("the time of the network"))?;
                let number = ledger.tree.size();
                for (node, hash) in ledger.tree.append(leaf_hash(&leaf)) {
                    self.draft.put_bytes(keys::hash(node), Bytes::copy_from_slice(&hash.0));
                }
                self.draft.put_bytes(keys::leaf(number), leaf.into());
                self.draft.put_bytes(keys::leaf_about(proposal, number), Bytes::new());
            }
            let index = self.index.to_be_bytes();
            debug_assert!(
                ledger.entries == Digest::default() || (ledger.index < self.index && ledger.time < self.time),
                "index and time rise with each entry"
            );
            (ledger.index, ledger.time) = (self.index, self.time);
            ledger.entries = Digest::of(&[&ledger.entries.0, &index, &Digest::of(&[bytes]).0]);
            ledger.effects = Digest::of(&[&ledger.effects.0, &index, &self.writes_digest().0]);
            self.draft.put(keys::LEDGER.to_vec(), &ledger);
        }
        let Self { draft: Draft { writes, .. }, effects, time, .. } = self;
        Ok(Applied { writes, effects, outcome, time })
    }

    fn writes_digest(&self) -> Digest {
        let writes: Vec<_> = self.draft.writes.iter().collect();
        Digest::of(&[&postcard::to_allocvec(&writes).expect("writes can be encoded")])
    }

    fn ledger(&mut self) -> Result<&mut Ledger, StateError<S::Error>> {
        self.ledger.as_mut().ok_or(StateError::Damaged("the ledger"))
    }

    fn members(&self) -> BTreeSet<OrganisationId> {
        self.organisations.values().filter(|one| one.is_member()).map(|one| one.id).collect()
    }

    async fn policy(&self, version: u32) -> Result<Policy, StateError<S::Error>> {
        let found = self.draft.bytes(keys::policy(version)).await?;
        let found = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        found.ok_or(StateError::Damaged("a policy"))
    }

    fn put_policy(&mut self, policy: &Policy) {
        let json = serde_json::to_vec(policy).expect("policies are JSON");
        self.draft.put_bytes(keys::policy(policy.version), json.into());
    }

    fn put_organisation(&mut self, organisation: Organisation) {
        self.draft.put(keys::organisation(organisation.id), &organisation);
        self.organisations.insert(organisation.id, organisation);
    }

    /// Reads a statement, and checks who says it: a member, for this network, with a key of the right role that counts now.
    /// Returns the role, too.
    fn authorise<T: Statement>(&self, envelope: &Envelope, roles: &[Role]) -> Result<(T, Role), Refusal> {
        let statement: T = envelope.read()?;
        let (network, author) = statement.author();
        if self.ledger.as_ref().is_none_or(|ledger| ledger.network != network) {
            return Err(Refusal::OtherNetwork(network));
        }
        let member = self.organisations.get(&author).filter(|found| found.is_member());
        let member = member.ok_or(Refusal::NoMember(author))?;
        let key = member.key_at(envelope.key, roles, self.index);
        let key = key.map_err(|refusal| Refusal::Key { organisation: author, refusal })?;
        match envelope.is_signed_by(&key.public) {
            true => Ok((statement, key.role)),
            false => Err(Refusal::Signature),
        }
    }
}
