//! What a collection holds already of objects that are sent again.

use super::engine::{Key, Snapshot};
use super::keys::{self, CollectionNumber, Position, Timeline};
use super::record::{Editions, Entry};
use super::{MAX_PAGE_BYTES, StoreError};
use std::collections::BTreeMap;
use stix_model::Object;
use stix_model::json::{Digest, Document, Limits};
use stix_model::version::content_digest;

/// A version that is stored.
pub(super) struct Known {
    pub(super) position: Position,
    digest: Digest,
    /// Read only when another text of this version was sent.
    content: Option<Digest>,
}

impl Known {
    /// Whether an object of the same version says the same.
    pub(super) fn is_same(&self, object: &Object) -> bool {
        let digest = object.header().digest;
        let is_same_content = |content| content == content_digest(object.document().root(), digest);
        self.digest == digest || self.content.is_some_and(is_same_content)
    }
}

/// The stored versions among those that are sent, by their keys. Objects that the collection has never seen cost nothing
/// here, and the bytes of those that come again as they were are not read.
pub(super) async fn versions(
    snapshot: &dyn Snapshot,
    number: CollectionNumber,
    editions: &BTreeMap<Key, Editions>,
    sent: impl Iterator<Item = &Object>,
) -> Result<BTreeMap<Key, Known>, StoreError> {
    let mut digests: BTreeMap<Key, Vec<Digest>> = BTreeMap::new();
    for object in sent {
        let header = object.header();
        let known = editions.get(&keys::editions(number, &header.id));
        if known.is_some_and(|known| known.0.contains_key(&header.spec_version)) {
            let entry = Entry::of(header);
            let key = keys::version(number, &entry.id, entry.spec_version, entry.version.sort_key());
            digests.entry(key).or_default().push(entry.digest);
        }
    }
    let values = snapshot.get_many(digests.keys().cloned().collect(), usize::MAX).await?;
    let found = digests.into_iter().zip(values).filter_map(|(sent, value)| Some((sent, value?)));
    let mut positions = Vec::new();
    for (sent, value) in found {
        let position = Position::from_bytes(&value).ok_or(StoreError::Corrupt("a version of an object"))?;
        positions.push((sent, position));
    }
    let entry_keys = positions.iter().map(|(_, position)| Timeline::All.at(number, *position)).collect();
    let entries = snapshot.get_many(entry_keys, usize::MAX).await?;
    let mut stored = BTreeMap::new();
    let mut respelled = Vec::new();
    for (((key, sent), position), entry) in positions.into_iter().zip(entries) {
        let entry = Entry::decode(&entry.ok_or(StoreError::Corrupt("the timeline of all versions"))?)?;
        let digest = entry.digest;
        if sent.iter().any(|sent| *sent != digest) {
            respelled.push((key.clone(), position));
        }
        stored.insert(key, Known { position, digest, content: None });
    }
    read_contents(snapshot, number, &respelled, &mut stored).await?;
    Ok(stored)
}

/// Reads versions of which another text was sent: it may say the same in other words. Each is read once, however often
/// it was sent.
async fn read_contents(
    snapshot: &dyn Snapshot,
    number: CollectionNumber,
    mut versions: &[(Key, Position)],
    stored: &mut BTreeMap<Key, Known>,
) -> Result<(), StoreError> {
    while !versions.is_empty() {
        let wanted = versions.iter().map(|(_, position)| keys::object_bytes(number, *position)).collect();
        let values = snapshot.get_many(wanted, MAX_PAGE_BYTES).await?;
        let (read, unread) = versions.split_at(values.len());
        for ((key, _), bytes) in read.iter().zip(values) {
            let corrupt = || StoreError::Corrupt("the bytes of an object");
            let bytes = bytes.ok_or_else(corrupt)?;
            let limits = Limits { bytes: bytes.len(), ..Limits::default() };
            let document = Document::read(&bytes, limits).map_err(|_| corrupt())?;
            if let Some(known) = stored.get_mut(key) {
                known.content = Some(content_digest(document.root(), known.digest));
            }
        }
        versions = unread;
    }
    Ok(())
}
