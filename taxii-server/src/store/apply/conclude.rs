//! Ending a request whose objects were added in pieces.

use super::{Applied, check};
use crate::store::StoreError;
use crate::store::command::{Conclude, Request};
use crate::store::keys::Region;
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};

pub(super) async fn apply(
    overlay: &mut Overlay<'_>,
    request: &Request,
    command: &Conclude,
) -> Result<Applied, StoreError> {
    let collection = match check(overlay, request, &command.target).await? {
        Ok(collection) => collection,
        Err(outcome) => return Ok(Applied::single(outcome, None)),
    };
    let status = serde_json::from_slice(&command.status).map_err(|_| StoreError::Corrupt("a status"))?;
    let done = Done::Added(Box::new(status));
    // The heads of its collections are not changed when a backup begins.
    if command.target.region != Region::Local {
        overlay.hold_marker().await?;
    }
    receipt::write(overlay, Region::Local, request, Some(&collection), &done)?;
    Ok(Applied::single(Ok(done), None))
}
