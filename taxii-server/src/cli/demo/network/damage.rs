//! What only the demo does: it changes the text of an object below the store, as one who can write into the file of a server
//! could. No index and no log of the server learns of it.

use crate::app::App;
use crate::store::bulk_ranges;
use crate::store::engine::Commit;
use anyhow::ensure;
use bytes::Bytes;

/// Writes one text in the place of another one of the same length, and returns how often it stood there.
pub(super) async fn exchange(app: &App, from: &str, to: &str) -> anyhow::Result<usize> {
    ensure!(from.len() == to.len(), "texts are exchanged in their place, so they have the same length");
    let engine = app.store.below();
    let snapshot = engine.snapshot().await?;
    let mut commit = Commit::default();
    for range in bulk_ranges() {
        for (key, value) in snapshot.scan_all(range).await? {
            if value == from.as_bytes() {
                commit.writes.insert(key.to_vec(), Some(Bytes::copy_from_slice(to.as_bytes())));
            }
        }
    }
    let count = commit.writes.len();
    if count > 0 {
        engine.commit(commit).await?;
        // Pages that were made before are what was approved. One who changes a file waits until the server starts again.
        app.pages.clear();
    }
    Ok(count)
}
