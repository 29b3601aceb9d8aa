//! What [`apply`](crate::apply()) reads and writes: keys below a prefix that the caller gives them.
//!
//! | key | value |
//! |---|---|
//! | `l` | [`Ledger`] |
//! | `z` | [`Secret`] |
//! | `o{organisation}` | `Organisation` |
//! | `d{node}` | `Node` |
//! | `a{node}` | the envelope of its last attestation |
//! | `c{collection}` | its definition |
//! | `y{version}` | `Policy`, in JSON |
//! | `p{proposal}` | `Proposal` |
//! | `j{entry}` | the proposal that an entry made |
//! | `s{proposal}` | the envelope that made it |
//! | `v{proposal}{organisation}{sequence}` | the envelope of a vote |
//! | `b{proposal}{item}` | text of an object that is not visible yet |
//! | `w{time}{proposal}` | empty: when a proposal is looked at again |
//! | `x{collection}{id}␀{version}` | `ObjectRecord` of what is or was visible |
//! | `i{collection}{id}␀{proposal}{item}` | version and digest of an item that is open |
//! | `k{key}{entry}{proposal}` | empty: a key signed the proposal, or a vote on it |
//! | `f{proposal}{number}` | empty: a leaf is about the proposal |
//! | `e{number}` | a `Leaf` of the transparency log |
//! | `n{level}{index}` | a complete hash of its tree |
//!
//! Numbers are big-endian; identifiers, keys and proposals have fixed lengths.

use crate::evidence::{Node, Tree};
use crate::id::{Digest, KeyId, NetworkId, OrganisationId, ProposalId};
use crate::statement::Item;
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::ops::Range;
use uuid::Uuid;

/// A key. Keys order by their bytes.
pub type Key = Vec<u8>;

/// What was applied so far.
pub trait State: Sync {
    /// Why it cannot be read.
    type Error: Send;

    /// The value of a key.
    fn get(&self, key: Key) -> impl Future<Output = Result<Option<Bytes>, Self::Error>> + Send;

    /// The first entries of a range, in the order of their keys, up to a number.
    fn scan(
        &self,
        range: Range<Key>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(Key, Bytes)>, Self::Error>> + Send;

    /// Whether an object may become visible beside the versions of it that are, and those that became visible in the same
    /// entry. One that is visible already may.
    fn admits(
        &self,
        collection: Uuid,
        text: &Bytes,
        shown: &[Bytes],
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// The text of an object that is visible.
    fn text(
        &self,
        collection: Uuid,
        item: &Item,
    ) -> impl Future<Output = Result<Option<Bytes>, Self::Error>> + Send;
}

/// Why an entry could not be applied. Nothing is known of its effect then, and the member must not go on.
#[derive(Debug, thiserror::Error)]
pub enum StateError<E> {
    /// The state cannot be read.
    #[error(transparent)]
    Read(E),
    /// What was read is not what was written.
    #[error("the state of the network is damaged: {0}")]
    Damaged(&'static str),
}

/// What the log as a whole came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The network.
    pub network: NetworkId,
    /// The last entry that was applied.
    pub index: u64,
    /// Its time, in microseconds since 1970. It is greater than that of all entries before.
    pub time: u64,
    /// The protocol that the network speaks.
    pub protocol: u16,
    /// The policy for new proposals.
    pub policy: u32,
    /// The transparency log.
    pub tree: Tree,
    /// Chain over all entries.
    pub entries: Digest,
    /// Chain over the writes of all entries.
    pub effects: Digest,
}

impl Ledger {
    /// The key at which a state holds it. Each entry changes it.
    pub const KEY: &[u8] = keys::LEDGER;
}

pub(crate) mod keys {
    use super::{Item, Key, KeyId, Node, OrganisationId, ProposalId, Range, Uuid};

    pub(crate) const LEDGER: &[u8] = b"l";
    pub(crate) const SECRET: &[u8] = b"z";
    pub(crate) const ORGANISATIONS: &[u8] = b"o";
    pub(crate) const COLLECTIONS: &[u8] = b"c";
    pub(crate) const NODES: &[u8] = b"d";
    pub(crate) const ATTESTATIONS: &[u8] = b"a";
    pub(crate) const WAKING: &[u8] = b"w";

    pub(crate) fn organisation(id: OrganisationId) -> Key {
        [ORGANISATIONS, id.0.as_bytes()].concat()
    }

    pub(crate) fn node(id: u64) -> Key {
        [NODES, &id.to_be_bytes()].concat()
    }

    pub(crate) fn attestation(node: u64) -> Key {
        [ATTESTATIONS, &node.to_be_bytes()].concat()
    }

    pub(crate) fn collection(id: Uuid) -> Key {
        [COLLECTIONS, id.as_bytes()].concat()
    }

    pub(crate) fn made_by(index: u64) -> Key {
        [&b"j"[..], &index.to_be_bytes()].concat()
    }

    pub(crate) fn policy(version: u32) -> Key {
        [&b"y"[..], &version.to_be_bytes()].concat()
    }

    pub(crate) fn proposal(id: ProposalId) -> Key {
        [&b"p"[..], &id.0.0].concat()
    }

    pub(crate) fn statement(id: ProposalId) -> Key {
        [&b"s"[..], &id.0.0].concat()
    }

    pub(crate) fn vote(id: ProposalId, organisation: OrganisationId, sequence: u32) -> Key {
        [&b"v"[..], &id.0.0, organisation.0.as_bytes(), &sequence.to_be_bytes()].concat()
    }

    pub(crate) fn text(id: ProposalId, item: u32) -> Key {
        [&b"b"[..], &id.0.0, &item.to_be_bytes()].concat()
    }

    pub(crate) fn waking(time: u64, id: ProposalId) -> Key {
        [WAKING, &time.to_be_bytes(), &id.0.0].concat()
    }

    /// The time in a key.
    pub(crate) fn waking_of(key: &[u8]) -> Option<u64> {
        Some(u64::from_be_bytes(*key.strip_prefix(WAKING)?.first_chunk()?))
    }

    /// All that wake up to a time.
    pub(crate) fn waking_until(time: u64) -> Range<Key> {
        WAKING.to_vec()..[WAKING, &(time + 1).to_be_bytes()].concat()
    }

    /// The proposal at the end of a key.
    pub(crate) fn proposal_of(key: &[u8]) -> Option<ProposalId> {
        Some(ProposalId(super::Digest(*key.last_chunk()?)))
    }

    fn of_object(tag: &[u8], collection: Uuid, id: &str) -> Key {
        [tag, collection.as_bytes(), id.as_bytes(), &[0]].concat()
    }

    /// The record of a version; of an object without versions, of one content.
    pub(crate) fn object(collection: Uuid, item: &Item) -> Key {
        version(collection, &item.id, &item.version, item.digest)
    }

    pub(crate) fn version(collection: Uuid, id: &str, version: &str, digest: super::Digest) -> Key {
        let name = if version.is_empty() { digest.to_string() } else { version.to_owned() };
        [&of_object(b"x", collection, id), name.as_bytes()].concat()
    }

    /// The records of all objects of a collection.
    pub(crate) fn objects(collection: Uuid) -> Range<Key> {
        prefix([&b"x"[..], collection.as_bytes()].concat())
    }

    /// The identifier of an object, and its version or its digest, in the key of its record.
    pub(crate) fn object_of(key: &[u8]) -> Option<(String, String)> {
        let (id, version) = std::str::from_utf8(key.get(17..)?).ok()?.split_once('\0')?;
        Some((id.to_owned(), version.to_owned()))
    }

    /// The records of all versions of an object.
    pub(crate) fn versions(collection: Uuid, id: &str) -> Range<Key> {
        prefix(of_object(b"x", collection, id))
    }

    pub(crate) fn open_item(collection: Uuid, id: &str, proposal: ProposalId, item: u32) -> Key {
        [&of_object(b"i", collection, id), &proposal.0.0[..], &item.to_be_bytes()].concat()
    }

    /// The open items of an object.
    pub(crate) fn open_items(collection: Uuid, id: &str) -> Range<Key> {
        prefix(of_object(b"i", collection, id))
    }

    /// The proposal and the item at the end of a key.
    pub(crate) fn item_of(key: &[u8]) -> Option<(ProposalId, u32)> {
        let (key, item) = key.split_last_chunk()?;
        Some((proposal_of(key)?, u32::from_be_bytes(*item)))
    }

    pub(crate) fn signed(key: KeyId, index: u64, id: ProposalId) -> Key {
        [&b"k"[..], &key.0.0, &index.to_be_bytes(), &id.0.0].concat()
    }

    /// What a key signed that was applied by an entry or later.
    pub(crate) fn signed_since(key: KeyId, index: u64) -> Range<Key> {
        let start = [&b"k"[..], &key.0.0, &index.to_be_bytes()].concat();
        start..prefix([&b"k"[..], &key.0.0].concat()).end
    }

    pub(crate) fn leaf(number: u64) -> Key {
        [&b"e"[..], &number.to_be_bytes()].concat()
    }

    pub(crate) fn leaf_about(id: ProposalId, number: u64) -> Key {
        [&b"f"[..], &id.0.0, &number.to_be_bytes()].concat()
    }

    pub(crate) fn leaves_about(id: ProposalId) -> Range<Key> {
        prefix([&b"f"[..], &id.0.0].concat())
    }

    pub(crate) fn hash(Node { level, index }: Node) -> Key {
        [&b"n"[..], &[level], &index.to_be_bytes()].concat()
    }

    /// All keys that begin with some bytes, of which the last is not 255.
    pub(crate) fn prefix(start: Key) -> Range<Key> {
        let mut end = start.clone();
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        start..end
    }
}

/// Writes over a state, until they are committed.
pub(crate) struct Draft<'s, S> {
    state: &'s S,
    pub(crate) writes: BTreeMap<Key, Option<Bytes>>,
}

impl<'s, S: State> Draft<'s, S> {
    pub(crate) fn new(state: &'s S) -> Self {
        Self { state, writes: BTreeMap::new() }
    }

    pub(crate) async fn text(&self, collection: Uuid, item: &Item) -> Result<Bytes, StateError<S::Error>> {
        let text = self.state.text(collection, item).await.map_err(StateError::Read)?;
        text.ok_or(StateError::Damaged("the text of a visible object"))
    }

    pub(crate) async fn admits(
        &self,
        collection: Uuid,
        text: &Bytes,
        shown: &[Bytes],
    ) -> Result<bool, StateError<S::Error>> {
        self.state.admits(collection, text, shown).await.map_err(StateError::Read)
    }

    pub(crate) async fn bytes(&self, key: Key) -> Result<Option<Bytes>, StateError<S::Error>> {
        match self.writes.get(&key) {
            Some(written) => Ok(written.clone()),
            None => self.state.get(key).await.map_err(StateError::Read),
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, StateError<S::Error>> {
        let bytes = self.bytes(key).await?;
        bytes
            .map(|bytes| postcard::from_bytes(&bytes).map_err(|_| StateError::Damaged("a record")))
            .transpose()
    }

    /// All nodes that are or were, by number.
    pub(crate) async fn nodes(&self) -> Result<Vec<crate::node::Node>, StateError<S::Error>> {
        let found = self.scan(keys::prefix(keys::NODES.to_vec()), usize::MAX).await?;
        let read = |(_, bytes): &(Key, Bytes)| postcard::from_bytes(bytes);
        found.iter().map(read).collect::<Result<_, _>>().map_err(|_| StateError::Damaged("a node"))
    }

    /// All entries of a range.
    pub(crate) async fn scan(
        &self,
        range: Range<Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, StateError<S::Error>> {
        // What was written may hide this number of the stored ones.
        let hidden = self.writes.range(range.clone()).filter(|(_, value)| value.is_none()).count();
        let stored =
            self.state.scan(range.clone(), limit.saturating_add(hidden)).await.map_err(StateError::Read)?;
        let mut found: BTreeMap<_, _> = stored.into_iter().collect();
        for (key, value) in self.writes.range(range) {
            match value {
                Some(value) => found.insert(key.clone(), value.clone()),
                None => found.remove(key),
            };
        }
        Ok(found.into_iter().take(limit).collect())
    }

    pub(crate) fn put<T: Serialize>(&mut self, key: Key, value: &T) {
        let bytes = postcard::to_allocvec(value).expect("records can be encoded");
        self.writes.insert(key, Some(bytes.into()));
    }

    pub(crate) fn put_bytes(&mut self, key: Key, value: Bytes) {
        self.writes.insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.writes.insert(key, None);
    }
}
