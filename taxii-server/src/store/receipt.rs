//! Receipts: the outcome of each request, written in the same commit. A request that comes again gets the outcome that it
//! had, and after an undetermined commit the receipt tells whether it was applied.

use super::StoreError;
use super::command::Request;
use super::directory::{Collection, Directory};
use super::engine::{Key, Snapshot};
use super::keys::{self, Region, RequestKey};
use super::network::Ordered;
use super::overlay::{self, Overlay};
use super::status;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use stix_model::json::Digest;
use stix_model::taxii::Status;
use uuid::Uuid;

/// The outcome of a command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    /// What became of the objects of a request.
    Added(Box<Status>),
    /// The number of versions that were deleted.
    Deleted(u64),
    /// The directory was changed.
    Changed,
    /// An entry of the log of a network was applied.
    Applied(Ordered),
    /// A bounded piece of work was done; `more` says whether it must be repeated.
    Worked {
        /// Whether more is to be done.
        more: bool,
        /// The place after which to go on.
        after: Option<(u8, keys::Position)>,
    },
}

/// The stored outcome of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Receipt<'d> {
    pub(super) organisation: Uuid,
    pub(super) fingerprint: Option<Digest>,
    /// Name that the API root of the collection had.
    pub(super) api_root: Option<String>,
    /// The collection; receipts of older versions lack it.
    #[serde(default)]
    pub(super) collection: Option<Uuid>,
    pub(super) done: Cow<'d, Done>,
}

impl Receipt<'_> {
    /// The API root that the collection has now; the one that it had then, when the collection was removed.
    pub(super) fn api_root<'r>(&'r self, directory: &'r Directory) -> Option<&'r str> {
        let collection = self.collection.and_then(|id| directory.collections.get(&id));
        collection.map(|collection| &*collection.api_root).or(self.api_root.as_deref())
    }

    /// What a request has done that comes again; `None` when its identifier was used for another one.
    pub(super) fn done_by(self, request: &Request) -> Option<Done> {
        (self.fingerprint == request.fingerprint).then(|| self.done.into_owned())
    }
}

/// Bytes before the JSON: its length.
const FRAME: usize = 4;

fn key_of(request: &Request) -> RequestKey {
    RequestKey { request: request.id, account: request.account }
}

/// The key of the receipt of a request.
pub(super) fn key(region: Region, request: &Request) -> Key {
    keys::receipt(region, key_of(request))
}

/// Reads the receipt of a request, whose key was loaded.
pub(super) async fn find(
    overlay: &mut Overlay<'_>,
    region: Region,
    request: &Request,
) -> Result<Option<Receipt<'static>>, StoreError> {
    let key = key(region, request);
    let Some(first) = overlay.get(&key).cloned() else { return Ok(None) };
    let value = overlay.load_large(&key, length(&first)?).await?;
    decode(&value).map(Some)
}

/// Writes the receipt of a request.
pub(super) fn write(
    overlay: &mut Overlay<'_>,
    region: Region,
    request: &Request,
    collection: Option<&Collection>,
    done: &Done,
) -> Result<(), StoreError> {
    let Request { organisation, fingerprint, .. } = *request;
    let done = match done {
        Done::Added(status) => {
            Cow::Owned(Done::Added(Box::new(status::without_sentences(Status::clone(status)))))
        }
        done => Cow::Borrowed(done),
    };
    if let Some(collection) = collection {
        // Also where nothing but the receipt is written: each commit has a head.
        overlay.hold(keys::head(collection.space()));
    }
    let api_root = collection.map(|collection| collection.api_root.clone());
    let collection = collection.map(|collection| collection.id);
    let receipt = Receipt { organisation, fingerprint, api_root, collection, done };
    let mut value = vec![0; FRAME];
    serde_json::to_writer(&mut value, &receipt).map_err(|_| StoreError::Corrupt("a receipt"))?;
    let length = u32::try_from(value.len()).map_err(|_| StoreError::Corrupt("a receipt"))?;
    value[..FRAME].copy_from_slice(&length.to_be_bytes());
    overlay.put_large(&key(region, request), value.into());
    let received = u64::try_from(request.received).unwrap_or_default();
    overlay.put(keys::receipt_age(region, received, key_of(request)), Bytes::new());
    Ok(())
}

/// Reads a receipt from a snapshot; without an account, the first one with this identifier.
pub(super) async fn read(
    snapshot: &dyn Snapshot,
    region: Region,
    request: Uuid,
    account: Option<Uuid>,
) -> Result<Option<Receipt<'static>>, StoreError> {
    let key = match account {
        Some(account) => keys::receipt(region, RequestKey { request, account }),
        None => {
            let found = super::engine::Scan::keys(keys::receipts(region, request), 1);
            let Some((key, _)) = snapshot.scan(found).await?.into_iter().next() else { return Ok(None) };
            key.to_vec()
        }
    };
    let Some(first) = snapshot.get(key.clone()).await? else { return Ok(None) };
    let length = length(&first)?;
    if first.len() == length {
        return decode(&first).map(Some);
    }
    let whole = overlay::read_large(snapshot, &[(key, length)]).await?.pop().flatten();
    decode(&whole.ok_or(StoreError::Corrupt("a receipt"))?).map(Some)
}

fn length(first_part: &[u8]) -> Result<usize, StoreError> {
    let length = first_part.first_chunk().ok_or(StoreError::Corrupt("a receipt"))?;
    Ok(u32::from_be_bytes(*length) as usize)
}

fn decode(value: &[u8]) -> Result<Receipt<'static>, StoreError> {
    let json = value.get(FRAME..).ok_or(StoreError::Corrupt("a receipt"))?;
    let mut receipt: Receipt<'static> =
        serde_json::from_slice(json).map_err(|_| StoreError::Corrupt("a receipt"))?;
    if let Done::Added(status) = receipt.done.to_mut() {
        status::restore_sentences(status);
    }
    Ok(receipt)
}
