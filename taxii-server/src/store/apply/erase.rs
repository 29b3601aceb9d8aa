//! Erasing the keys of deleted versions, in bounded pieces.

use super::{Applied, check, head, object, put_head};
use crate::store::StoreError;
use crate::store::command::{Erase, Request};
use crate::store::engine::Scan;
use crate::store::keys::{self, ChainKey, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::record::{ContentRow, Entry, Slot, VersionRow};
use stix_model::StixId;

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
            let more = marked(overlay, space, erase.limit).await?;
            let head = head(overlay, space)?;
            put_head(overlay, space, head);
            Ok(Done::Worked { more, after: None })
        }
    };
    Ok(Applied { outcomes: vec![outcome], announcement: None, replaced: 0 })
}

/// Erases up to `limit` deleted versions, and says whether there are more.
pub(super) async fn marked(overlay: &mut Overlay<'_>, space: Space, limit: u32) -> Result<bool, StoreError> {
    let mut left = limit as usize;
    let mut marks = Scan::forward(keys::deleted_chains(space), left.max(1));
    loop {
        let found = overlay.scan(marks.clone()).await?;
        let Some((last, _)) = found.last() else { return Ok(false) };
        for (mark, until) in &found {
            let corrupt = || StoreError::Corrupt("the mark of deleted versions");
            let (id, chain) = keys::parse_deleted_chain(space, mark).ok_or_else(corrupt)?;
            let until = Position::of_key(until).ok_or_else(corrupt)?;
            left -= versions(overlay, space, &id, chain, until, left).await?;
            if left == 0 {
                return Ok(true);
            }
            overlay.remove(mark.to_vec());
        }
        marks.go_on_after(last);
    }
}

/// Erases up to `limit` versions of a chain, up to a position, and returns their number.
async fn versions(
    overlay: &mut Overlay<'_>,
    space: Space,
    id: &StixId,
    chain: ChainKey,
    until: Position,
    limit: usize,
) -> Result<usize, StoreError> {
    let timeline = Timeline::Chain(id, chain);
    let mut range = timeline.after(space, None);
    range.end = keys::following(timeline.at(space, until));
    let found = overlay.scan(Scan::keys(range, limit)).await?;
    let mut slots = Vec::with_capacity(found.len());
    for (key, _) in &found {
        let position = Position::of_key(key).ok_or(StoreError::Corrupt("the versions of an object"))?;
        slots.push(Slot { level: chain.level, position });
        overlay.remove(key.to_vec());
    }
    let entry_key = |slot: &Slot| Timeline::All(slot.level).at(space, slot.position);
    overlay.load(slots.iter().map(entry_key)).await?;
    let mut versions = Vec::with_capacity(slots.len());
    for slot in slots {
        let entry = overlay.get(&entry_key(&slot)).ok_or(StoreError::Corrupt("an entry of a timeline"))?;
        versions.push((slot, Entry::decode(entry)?));
    }
    let version_key = |entry: &Entry| keys::version(space, id, chain, entry.version.sort_key());
    let revocation_key = |entry: &Entry| keys::revocation(space, id, chain.spec, entry.version.sort_key());
    overlay.load(versions.iter().flat_map(|(_, entry)| [version_key(entry), revocation_key(entry)])).await?;
    let mut contents = Vec::with_capacity(versions.len());
    for (slot, entry) in versions {
        object::erase(overlay, space, slot, entry.length);
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
        let content = overlay.get(&key).map(|value| ContentRow::decode(value)).transpose()?;
        if content.is_some_and(|content| content.slot == slot) {
            overlay.remove(key);
        }
    }
    Ok(found.len())
}
