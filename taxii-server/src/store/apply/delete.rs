//! Deleting versions of an object.

use super::erase::{self, Erased};
use super::object::ObjectChange;
use super::{Applied, Rejection, check, head, put_head};
use crate::store::StoreError;
use crate::store::command::{Delete, Request};
use crate::store::filter::{Filter, VersionFilter};
use crate::store::keys::{self, ChainKey, Space};
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};
use crate::store::record::{ObjectRecord, VersionRow};
use bytes::Bytes;

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
                receipt::write(overlay, delete.target.region, request, Some(&collection), &done)?;
                Ok(done)
            }
        },
    };
    Ok(Applied::single(outcome, None))
}

/// Removes the versions that are chosen, and returns their number; `None` when there is no object to be seen.
async fn versions(
    overlay: &mut Overlay<'_>,
    space: Space,
    delete: &Delete,
) -> Result<Option<u64>, StoreError> {
    let Delete { id, clearance, .. } = delete;
    let (versions, spec_versions) = (delete.versions.clone(), delete.spec_versions.clone());
    let filter = Filter { versions, spec_versions, ..Filter::default() };
    let record = ObjectRecord::decode(overlay.get(&keys::object(space, id)))?;
    if record.newest(*clearance).is_none() {
        return Ok(None);
    }
    let mut head = head(overlay, space)?;
    let mut change = ObjectChange::new(space, id.clone(), record.clone());
    let (mut wanted, mut hidden) = (filter.wanted(&record, *clearance), Vec::new());
    let mut count = 0;
    if filter.versions == Some(VersionFilter::All) {
        for (spec, edition) in filter.editions(&record, *clearance) {
            for (&level, chain) in edition.chains.range(..=*clearance) {
                let key = ChainKey { spec, level };
                if chain.versions == 1 {
                    wanted.insert((key, &chain.first.instant));
                } else {
                    change.hide(&mut head, key);
                    count += chain.versions;
                    hidden.push((key, chain));
                }
            }
        }
    }
    let key = |(chain, instant): &(ChainKey, &str)| keys::version(space, id, *chain, instant);
    overlay.load(wanted.iter().map(key)).await?;
    for wanted in &wanted {
        let row = overlay.get(&key(wanted)).map(|row| VersionRow::decode(row)).transpose()?;
        let (ChainKey { spec, .. }, instant) = *wanted;
        if let Some(row) = row.filter(|row| record.0[&spec].holds(row.slot())) {
            change.remove(overlay, &mut head, spec, instant, &row).await?;
            count += 1;
        }
    }
    if count == 0 {
        return Ok(Some(0));
    }
    change.finish(overlay, &mut head).await?;
    for (key, chain) in hidden {
        let until = head.last;
        // A short chain is erased at once, a long one by maintenance.
        if chain.versions <= u64::from(delete.limit) {
            let range = erase::deleted(space, id, key, chain.since, until);
            let all = erase::versions(overlay, space, id, key, range, delete.limit as usize).await?;
            if let Erased::All(_) = all {
                continue;
            }
        }
        let mark = keys::deleted_chain(space, id, key);
        overlay.put(mark, Bytes::copy_from_slice(&until.to_bytes()));
    }
    put_head(overlay, space, head);
    Ok(Some(count))
}
