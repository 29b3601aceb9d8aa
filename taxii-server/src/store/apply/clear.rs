//! Removing obsolete keys in bounded pieces.

use crate::store::StoreError;
use crate::store::command::Clear;
use crate::store::engine::Scan;
use crate::store::keys::{self, FREED, Region};
use crate::store::maintenance::{decode_freed, encode_freed};
use crate::store::network::MembershipRecord;
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;

const REGION: Region = Region::Local;

pub(super) async fn apply(overlay: &mut Overlay<'_>, clear: Clear) -> Result<Done, StoreError> {
    let more = match clear {
        Clear::Receipts { before, limit } => receipts(overlay, before, limit).await?,
        Clear::Generations { before, limit } => generations(overlay, before, limit).await?,
        Clear::Removed { limit } => removed(overlay, limit).await?,
    };
    Ok(Done::Worked { more, after: None })
}

async fn receipts(overlay: &mut Overlay<'_>, before: u64, limit: u32) -> Result<bool, StoreError> {
    let limit = limit as usize;
    let old = overlay.scan(Scan::keys(keys::receipts_before(REGION, before), limit)).await?;
    for (key, _) in &old {
        let request = keys::parse_receipt_age(key).ok_or(StoreError::Corrupt("the age of a receipt"))?;
        // A receipt may have several parts.
        overlay.clear(keys::prefix(keys::receipt(REGION, request)));
        overlay.remove(key.to_vec());
    }
    Ok(old.len() == limit)
}

async fn removed(overlay: &mut Overlay<'_>, limit: u32) -> Result<bool, StoreError> {
    let limit = limit as usize;
    let markers = overlay.scan(Scan::forward(keys::all_removed(REGION), 1)).await?;
    let Some((marker, bytes)) = markers.into_iter().next() else { return Ok(false) };
    let space = keys::parse_removed(REGION, &marker).ok_or(StoreError::Corrupt("a removed collection"))?;
    for range in keys::collection_contents(space) {
        let found = overlay.scan(Scan::keys(range.clone(), limit)).await?;
        if let Some((last, _)) = found.last() {
            overlay.clear(range.start..keys::following(last.to_vec()));
            return Ok(true);
        }
    }
    overlay.remove(marker.to_vec());
    let freed = keys::local(FREED);
    overlay.load([freed.clone()]).await?;
    let before = decode_freed(overlay.get(&freed))?;
    overlay.put(freed, encode_freed(before.saturating_add(decode_freed(Some(&bytes))?)));
    Ok(true)
}

async fn generations(overlay: &mut Overlay<'_>, before: u64, limit: u32) -> Result<bool, StoreError> {
    overlay.load([keys::local(keys::MEMBERSHIP)]).await?;
    let Some(record) = MembershipRecord::read(overlay)? else { return Ok(false) };
    if record.generation == 0 || u64::try_from(record.installed).is_ok_and(|installed| installed >= before) {
        return Ok(false);
    }
    for range in keys::generations_before(record.generation) {
        let found = overlay.scan(Scan::keys(range.clone(), limit as usize)).await?;
        if let Some((last, _)) = found.last() {
            overlay.clear(range.start..keys::following(last.to_vec()));
            return Ok(true);
        }
    }
    Ok(false)
}
