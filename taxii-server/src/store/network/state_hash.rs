//! The hash of everything that is in the region of a network: each entry changes it by what the entry writes, and a node that gets
//! a state from another one sums it up by itself.

use crate::store::StoreError;
use crate::store::engine::Scan;
use crate::store::keys::{self, Region};
use crate::store::overlay::Overlay;
use bytes::Bytes;
use consensus::{Digest, Ledger, SetHash};

/// Keys that are read in one step.
const PIECE: usize = 2_000;

/// The hash of a region after an entry. This server keeps it for itself, so no other one can send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct StateHash {
    generation: u32,
    index: u64,
    set: SetHash,
}

impl StateHash {
    /// The hash of a region that holds this.
    pub(super) fn new(region: Region, ledger: Option<&Ledger>, set: SetHash) -> Self {
        Self { generation: generation(region), index: index(ledger), set }
    }

    /// The hash of the region as it is in the overlay. What was kept for another entry, or by none, is read anew.
    pub(in crate::store) async fn of(
        overlay: &mut Overlay<'_>,
        region: Region,
        ledger: Option<&Ledger>,
    ) -> Result<Self, StoreError> {
        let key = keys::local(keys::STATE);
        overlay.load([key.clone()]).await?;
        let kept = overlay.get(&key).and_then(|bytes| Self::decode(bytes));
        match kept.filter(|kept| (kept.generation, kept.index) == (generation(region), index(ledger))) {
            Some(kept) => Ok(kept),
            None => Ok(Self::new(region, ledger, read(overlay, region).await?)),
        }
    }

    /// What members compare.
    pub(in crate::store) fn digest(&self) -> Digest {
        self.set.digest()
    }

    /// Takes over what changed in the region since the overlay began to follow its changes.
    pub(in crate::store) async fn advance(
        &mut self,
        overlay: &mut Overlay<'_>,
        region: Region,
        ledger: Option<&Ledger>,
    ) -> Result<(), StoreError> {
        for change in overlay.changes().await? {
            let Some(name) = keys::without_region(region, &change.key) else { continue };
            change.from.inspect(|value| self.set.remove(&name, value));
            change.to.inspect(|value| self.set.insert(&name, value));
        }
        self.index = index(ledger);
        self.keep(overlay);
        Ok(())
    }

    pub(super) fn keep(&self, overlay: &mut Overlay<'_>) {
        overlay.put(keys::local(keys::STATE), self.encode());
    }

    fn encode(&self) -> Bytes {
        let (generation, index) = (self.generation.to_be_bytes(), self.index.to_be_bytes());
        [&generation[..], &index, &self.set.to_bytes()].concat().into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (index, set) = rest.split_first_chunk()?;
        let (generation, index) = (u32::from_be_bytes(*generation), u64::from_be_bytes(*index));
        Some(Self { generation, index, set: SetHash::from_bytes(set)? })
    }
}

fn generation(region: Region) -> u32 {
    match region {
        Region::Local => 0,
        Region::Network { generation } => generation,
    }
}

fn index(ledger: Option<&Ledger>) -> u64 {
    ledger.map_or(0, |ledger| ledger.index)
}

/// Reads a whole region.
pub(super) async fn read(overlay: &Overlay<'_>, region: Region) -> Result<SetHash, StoreError> {
    let mut set = SetHash::default();
    for range in keys::region(region) {
        let mut scan = Scan::forward(range, PIECE);
        loop {
            let found = overlay.scan(scan.clone()).await?;
            for (key, value) in &found {
                let name = keys::without_region(region, key).ok_or(StoreError::Corrupt("a key"))?;
                set.insert(&name, value);
            }
            let Some((last, _)) = found.last().filter(|_| scan.has_more(&found)) else { break };
            scan.go_on_after(last);
        }
    }
    Ok(set)
}
