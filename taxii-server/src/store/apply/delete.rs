//! Deleting versions of an object.

use super::object::ObjectChange;
use super::{Applied, Rejection, check, erase, head, put_head};
use crate::store::StoreError;
use crate::store::command::{Delete, Request};
use crate::store::filter::{Filter, VersionFilter};
use crate::store::keys::{self, ChainKey, Space};
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};
use crate::store::record::{ObjectRecord, VersionRow};

/// Maximum number of versions whose keys are erased in the commit that deletes them; maintenance erases the others. A
/// small one in tests makes them meet deleted versions that are not erased.
pub(in crate::store) const ERASED_AT_ONCE: u32 = if cfg!(test) { 3 } else { 500 };

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
    Ok(Applied { outcomes: vec![outcome], announcement: None, replaced: 0 })
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
    let mut count = 0;
    if filter.versions == Some(VersionFilter::All) {
        for (spec, edition) in filter.editions(&record, *clearance) {
            for (&level, _) in edition.chains.range(..=*clearance) {
                count += change.hide(overlay, &mut head, ChainKey { spec, level });
            }
        }
    } else {
        let wanted = filter.wanted(&record, *clearance);
        let key = |(chain, instant): &(ChainKey, &str)| keys::version(space, id, *chain, instant);
        overlay.load(wanted.iter().map(key)).await?;
        for wanted in &wanted {
            let row = overlay.get(&key(wanted)).map(|row| VersionRow::decode(row)).transpose()?;
            let (ChainKey { spec, .. }, instant) = *wanted;
            if let Some(row) = row.filter(|row| record.0[&spec].holds(row.slot())) {
                change.remove(overlay, &mut head, spec, instant, &row)?;
                count += 1;
            }
        }
    }
    if count > 0 {
        change.finish(overlay, &mut head).await?;
        erase::marked(overlay, space, ERASED_AT_ONCE).await?;
        put_head(overlay, space, head);
    }
    Ok(Some(count))
}
