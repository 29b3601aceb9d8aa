//! The events that the manifest of a MISP feed lists.

use super::{Document, Source};
use crate::fetch::FetchError;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::Read;

/// The events that are newer than those that were read, oldest first.
#[derive(Default)]
pub(super) struct Manifest {
    left: Option<VecDeque<(i64, String)>>,
}

impl Manifest {
    pub(super) async fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Document>, FetchError> {
        let url = source.url()?;
        if self.left.is_none() {
            let Some((mut file, _)) = source.conditional(url.clone()).await? else { return Ok(None) };
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            self.left = Some(listed(&text, source.next.newest)?);
        }
        let base = url.rsplit_once('/').map_or("", |(base, _)| base);
        // An event that the source answers for without a file has nothing; those after it count.
        while let Some((timestamp, uuid)) = self.left.as_mut().and_then(VecDeque::pop_front) {
            let found = source.file(format!("{base}/{uuid}.json"), None).await?;
            source.next.newest = source.next.newest.max(Some(timestamp));
            if let Some((file, bytes)) = found {
                return Ok(Some(Document::new(file, bytes)));
            }
        }
        Ok(None)
    }
}

/// The events of a manifest from a time on, oldest first. Those of the very time come again, since others may have it.
fn listed(manifest: &[u8], newest: Option<i64>) -> Result<VecDeque<(i64, String)>, FetchError> {
    let wrong = || FetchError::Address("the manifest of the feed cannot be read".to_owned());
    let manifest: Value = serde_json::from_slice(manifest).map_err(|_| wrong())?;
    let mut events = Vec::new();
    for (uuid, facts) in manifest.as_object().ok_or_else(wrong)? {
        let timestamp = facts.get("timestamp");
        let timestamp = timestamp.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
        let uuid: uuid::Uuid = uuid.parse().map_err(|_| wrong())?;
        let timestamp = timestamp.unwrap_or_default();
        if newest.is_none_or(|newest| timestamp >= newest) {
            events.push((timestamp, uuid.to_string()));
        }
    }
    events.sort_unstable();
    Ok(events.into())
}
