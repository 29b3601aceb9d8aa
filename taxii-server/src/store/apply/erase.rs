//! Erasing the keys of deleted versions, in bounded pieces.

use super::{Applied, check, head, object, put_head};
use crate::store::StoreError;
use crate::store::command::{Erase, Request};
use crate::store::engine::{Key, Scan};
use crate::store::keys::{self, ChainKey, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::record::{Entry, Slot, VersionRow, decode_length};
use std::ops::Range;
use stix_model::StixId;

/// Bytes of objects after which a piece of work ends. The one that passes the bound is still erased.
const MAX_BYTES: u64 = 16 << 20;

/// Erases a piece of what deletions have hidden. The head is compared, because a key that is to go may be written again
/// meanwhile.
pub(super) async fn apply(
    overlay: &mut Overlay<'_>,
    request: &Request,
    erase: &Erase,
) -> Result<Applied, StoreError> {
    let outcome = match check(overlay, request, &erase.target).await? {
        Err(outcome) => outcome,
        Ok(collection) => {
            let space = collection.space();
            let more = pieces(overlay, space, erase.limit).await?;
            let head = head(overlay, space)?;
            put_head(overlay, space, head);
            Ok(Done::Worked { more, after: None })
        }
    };
    Ok(Applied::single(outcome, None))
}

/// Erases up to `limit` deleted versions, and says whether there are more.
async fn pieces(overlay: &mut Overlay<'_>, space: Space, limit: u32) -> Result<bool, StoreError> {
    let mut left = limit as usize;
    let mut marks = Scan::forward(keys::deleted_chains(space), left.max(1));
    loop {
        let found = overlay.scan(marks.clone()).await?;
        let Some((last, _)) = found.last() else { return Ok(false) };
        for (mark, until) in &found {
            let corrupt = || StoreError::Corrupt("the mark of deleted versions");
            let (id, chain) = keys::parse_deleted_chain(space, mark).ok_or_else(corrupt)?;
            let until = Position::of_key(until).ok_or_else(corrupt)?;
            let range = deleted(space, &id, chain, Position::default(), until);
            match versions(overlay, space, &id, chain, range, left).await? {
                Erased::All(count) => left -= count,
                Erased::Some => return Ok(true),
            }
            overlay.remove(mark.to_vec());
        }
        marks.go_on_after(last);
    }
}

/// The versions of a chain between two positions, both inclusive.
pub(super) fn deleted(
    space: Space,
    id: &StixId,
    chain: ChainKey,
    since: Position,
    until: Position,
) -> Range<Key> {
    let timeline = Timeline::Chain(id, chain);
    timeline.at(space, since)..keys::following(timeline.at(space, until))
}

/// How much of a range was erased.
pub(super) enum Erased {
    /// All of it: the number of versions.
    All(usize),
    /// Less than that.
    Some,
}

/// Erases deleted versions of a chain, up to a number and not many more bytes than [`MAX_BYTES`].
pub(super) async fn versions(
    overlay: &mut Overlay<'_>,
    space: Space,
    id: &StixId,
    chain: ChainKey,
    range: Range<Key>,
    limit: usize,
) -> Result<Erased, StoreError> {
    let found = overlay.scan(Scan::forward(range, limit.saturating_add(1))).await?;
    let mut versions = Vec::with_capacity(found.len());
    let mut bytes = 0;
    for (key, length) in found.iter().take(limit) {
        if bytes >= MAX_BYTES {
            break;
        }
        bytes += u64::from(decode_length(length)?);
        let position = Position::of_key(key).ok_or(StoreError::Corrupt("the versions of an object"))?;
        versions.push(Slot { level: chain.level, position });
        overlay.remove(key.to_vec());
    }
    let erased = if versions.len() < found.len() { Erased::Some } else { Erased::All(versions.len()) };
    let entry_key = |slot: &Slot| Timeline::All(slot.level).at(space, slot.position);
    overlay.load(versions.iter().map(entry_key)).await?;
    let mut entries = Vec::with_capacity(versions.len());
    for slot in versions {
        let entry = overlay.get(&entry_key(&slot)).ok_or(StoreError::Corrupt("an entry of a timeline"))?;
        entries.push((slot, Entry::decode(entry)?));
    }
    let version_key = |entry: &Entry| keys::version(space, id, chain, entry.version.sort_key());
    let revocation_key = |entry: &Entry| keys::revocation(space, id, chain.spec, entry.version.sort_key());
    overlay.load(entries.iter().flat_map(|(_, entry)| [version_key(entry), revocation_key(entry)])).await?;
    let mut contents = Vec::with_capacity(entries.len());
    for (slot, entry) in entries {
        object::remove_text(overlay, space, slot, entry.length);
        // The same version may have been added again; its keys stay.
        let key = revocation_key(&entry);
        if overlay.get(&key).map(|value| Slot::decode(value)).transpose()? == Some(slot) {
            overlay.remove(key);
        }
        let key = version_key(&entry);
        let row = overlay.get(&key).map(|value| VersionRow::decode(value)).transpose()?;
        if let Some(row) = row.filter(|row| row.slot() == slot) {
            overlay.remove(key);
            contents.push((slot, keys::content(space, id, chain.spec, &row.content)));
        }
    }
    overlay.load(contents.iter().map(|(_, key)| key.clone())).await?;
    for (slot, key) in contents {
        object::remove_content(overlay, key, slot).await?;
    }
    Ok(erased)
}
