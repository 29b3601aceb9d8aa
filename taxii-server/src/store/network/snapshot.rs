//! Snapshots of the region of a network: the parts in which it is sent.

use super::membership::MembershipRecord;
use crate::store::engine::{Key, Scan, Snapshot};
use crate::store::keys::{self, Region};
use bytes::Bytes;
use consensus::{Digest, NetworkId};
use futures::stream;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::io;
use std::ops::Range;

/// The format of snapshots.
pub(super) const FORMAT: u16 = 1;
/// Bytes of values with which a chunk ends; the last one may be as long again.
const CHUNK_BYTES: usize = 1 << 20;
/// Most keys of a chunk.
const CHUNK_KEYS: usize = 2_000;

/// A part of a snapshot. Keys have no region, because each node has a generation of its own.
#[derive(Serialize, Deserialize)]
pub(super) enum Part {
    Begin {
        format: u16,
        network: NetworkId,
    },
    Values(Vec<(Vec<u8>, Bytes)>),
    /// The digest over all chunks before.
    End(Digest),
}

impl Part {
    pub(super) fn encode(&self) -> Bytes {
        postcard::to_allocvec(self).expect("keys and values can be encoded").into()
    }
    /// Reads a chunk, which has one part and no more.
    pub(super) fn decode(chunk: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(chunk) {
            Ok((part, [])) => Some(part),
            _ => None,
        }
    }
}

/// Reads the region of a network in bounded pieces.
struct Reading {
    snapshot: Box<dyn Snapshot>,
    region: Region,
    ranges: VecDeque<Range<Key>>,
    begin: Option<Part>,
    sum: Sha256,
    is_over: bool,
}

pub(super) fn chunks(
    snapshot: Box<dyn Snapshot>,
    record: &MembershipRecord,
) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + use<> {
    let region = record.region();
    let begin = Some(Part::Begin { format: FORMAT, network: record.network });
    let ranges = keys::region(region).collect();
    let reading = Reading { snapshot, region, ranges, begin, sum: Sha256::new(), is_over: false };
    stream::try_unfold(reading, |mut reading| async {
        let part = match reading.next().await? {
            Some(part) => part,
            None if reading.is_over => return Ok(None),
            None => {
                reading.is_over = true;
                Part::End(Digest(reading.sum.clone().finalize().into()))
            }
        };
        let chunk = part.encode();
        reading.sum.update(&chunk);
        Ok(Some((chunk, reading)))
    })
}

impl Reading {
    async fn next(&mut self) -> io::Result<Option<Part>> {
        if let Some(begin) = self.begin.take() {
            return Ok(Some(begin));
        }
        while let Some(range) = self.ranges.front_mut() {
            let scan = Scan { max_bytes: CHUNK_BYTES, ..Scan::forward(range.clone(), CHUNK_KEYS) };
            let found = self.snapshot.scan(scan).await.map_err(io::Error::other)?;
            let Some((last, _)) = found.last() else {
                self.ranges.pop_front();
                continue;
            };
            range.start = keys::following(last.to_vec());
            let values = found.into_iter();
            let values = values.map(|(key, value)| Some((keys::without_region(self.region, &key)?, value)));
            let values: Option<_> = values.collect();
            let values = values.ok_or_else(|| io::Error::other("a key of the network"))?;
            return Ok(Some(Part::Values(values)));
        }
        Ok(None)
    }
}

/// The chunks of a state that has these values, as one would make them who can sum up what he likes.
#[cfg(test)]
pub(in crate::store) fn summed(network: NetworkId, values: Vec<(Vec<u8>, Bytes)>) -> Vec<Bytes> {
    let mut sum = Sha256::new();
    let parts = [Part::Begin { format: FORMAT, network }, Part::Values(values)];
    let mut chunks = Vec::from(parts.map(|part| part.encode()));
    chunks.iter().for_each(|chunk| sum.update(chunk));
    chunks.push(Part::End(Digest(sum.finalize().into())).encode());
    chunks
}

/// The values in the chunks of a state.
#[cfg(test)]
pub(in crate::store) fn values_of(chunks: &[Bytes]) -> Vec<(Vec<u8>, Bytes)> {
    let values = chunks.iter().filter_map(|chunk| match Part::decode(chunk) {
        Some(Part::Values(values)) => Some(values),
        _ => None,
    });
    values.flatten().collect()
}
