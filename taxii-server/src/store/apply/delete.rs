//! Deleting versions of an object.

use super::{Applied, Rejection, check, head, move_latest, put_head, rebuild};
use crate::store::StoreError;
use crate::store::command::{Delete, Request};
use crate::store::filter::{Filter, HistoryRow};
use crate::store::keys::{self, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};
use crate::store::record::ObjectRecord;
use crate::store::select::history;
use std::collections::BTreeSet;

/// Applies a deletion. It chooses among the versions that the account sees.
pub(super) async fn apply(
    overlay: &mut Overlay<'_>,
    request: &Request,
    delete: &Delete,
) -> Result<Applied, StoreError> {
    let outcome = match check(overlay, request, &delete.target).await? {
        Err(outcome) => outcome,
        Ok(collection) => match versions(overlay, collection.space(), delete).await? {
            None => Err(Rejection::NoObject),
            Some(count) => {
                let done = Done::Deleted(count);
                receipt::write(overlay, delete.target.region, request, Some(collection.api_root), &done)?;
                Ok(done)
            }
        },
    };
    Ok(Applied { outcomes: vec![outcome], announcement: None, replaced: 0 })
}

/// Removes the versions that are chosen, and returns their number; `None` when there is no object to be seen.
async fn versions(
    overlay: &mut Overlay<'_>,
    space: Space,
    delete: &Delete,
) -> Result<Option<u64>, StoreError> {
    let Delete { id, clearance, .. } = delete;
    let rows = history(space, id, overlay.scan_all(keys::versions(space, id)).await?)?;
    let visible: Vec<_> = rows.iter().filter(|row| row.row.level <= *clearance).cloned().collect();
    if visible.is_empty() {
        return Ok(None);
    }
    let (versions, spec_versions) = (delete.versions.clone(), delete.spec_versions.clone());
    let filter = Filter { versions, spec_versions, ..Filter::default() };
    let gone: BTreeSet<Position> = filter.choose(&visible).into_iter().map(|row| row.row.position).collect();
    if gone.is_empty() {
        return Ok(Some(0));
    }
    let mut head = head(overlay, space)?;
    let key = keys::object(space, id);
    let before = ObjectRecord::decode(overlay.get(&key))?;
    let (removed, kept): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| gone.contains(&row.row.position));
    for HistoryRow { spec, instant, row: version } in removed {
        head.remove(version.level, spec, version.length);
        overlay.remove(keys::version(space, id, spec, &instant));
        if before.0.get(&spec).is_some_and(|edition| edition.is_unversioned) {
            overlay.remove(keys::content(space, id, spec, &version.content));
        }
        overlay.remove(Timeline::All(version.level).at(space, version.position));
        overlay.remove_large(&keys::object_bytes(space, version.position), version.length as usize);
    }
    let after = rebuild(&before, kept)?;
    move_latest(overlay, space, &mut head, id.object_type(), [&before.latest(), &after.latest()]);
    if after.0.is_empty() {
        overlay.remove(key);
    } else {
        overlay.put(key, after.encode());
    }
    put_head(overlay, space, head);
    Ok(Some(gone.len() as u64))
}
