//! Requests that are larger than the commits of an engine: their objects are added in pieces, each in a commit of its own,
//! and the last commit writes the outcome of the whole.
//!
//! A piece is named by the request and its objects. So a request that comes again after a crash or a lost answer finds
//! the pieces that were carried out, and goes on behind them.

use super::command::{Add, Command, Conclude, Request, Stamps, Submitted};
use super::receipt::{self, Done};
use super::{Rejection, Store, StoreError, apply, status, writer};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use stix_model::taxii::StatusDetails;

impl Store {
    /// Carries out an addition, in pieces where it is larger than a commit.
    pub(super) async fn carry_out_add(&self, request: Request) -> Result<Done, StoreError> {
        let max_weight = writer::max_request_bytes(self.engine.limits());
        match &request.command {
            Command::Add(add) if request.command.weight() > max_weight => {
                self.add_in_pieces(&request, add, max_weight).await
            }
            _ => self.carry_out(request).await,
        }
    }

    async fn add_in_pieces(
        &self,
        request: &Request,
        add: &Add,
        max_weight: usize,
    ) -> Result<Done, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let earlier = receipt::read(&*snapshot, add.target.region, request.id, Some(request.account)).await?;
        drop(snapshot);
        if let Some(earlier) = earlier {
            return earlier.done_by(request).ok_or(Rejection::RequestReused.into());
        }
        let mut rows = BTreeMap::new();
        for piece in cut(add, max_weight) {
            let done = self.carry_out(part_of(request, add, &piece)).await?;
            let Done::Added(status) = done else { return Err(Rejection::RequestReused.into()) };
            let mut failures = BTreeMap::new();
            for row in status.failures {
                let place = row.finding.as_ref().and_then(|finding| usize::try_from(finding.index).ok());
                failures.insert(place.ok_or(StoreError::Corrupt("a status"))?, row);
            }
            let mut successes = status.successes.into_iter();
            for (place, index) in piece.into_iter().enumerate() {
                let row = match failures.remove(&place) {
                    Some(row) => Err(row),
                    None => Ok(successes.next().ok_or(StoreError::Corrupt("a status"))?),
                };
                rows.insert(index, row);
            }
        }
        let status =
            serde_json::to_vec(&whole(request, add, rows)).map_err(|_| StoreError::Corrupt("a status"))?;
        let command = Command::Conclude(Conclude { target: add.target, status: status.into() });
        self.carry_out(Request { command, ..request.clone() }).await
    }
}

/// Cuts the objects that may be stored into pieces of bounded weight, in the order in which they are decided, so that the
/// outcome is that of the whole. Contents of an object without versions stay together, and restored objects with one stamp.
fn cut(add: &Add, max_weight: usize) -> Vec<Vec<usize>> {
    let mut pieces: Vec<Vec<usize>> = Vec::new();
    let mut weight = max_weight;
    let mut last = None;
    for (index, admitted) in apply::oldest_first(add) {
        let stamp = match &add.stamps {
            Stamps::Clock => None,
            Stamps::Given(stamps) => stamps.get(index),
        };
        let is_content_of_last =
            admitted.facts.version.is_none() && last.is_some_and(|(id, _)| id == &admitted.id);
        let is_tied_to_last = stamp.is_some() && last.is_some_and(|(_, last)| last == stamp);
        let more = add.objects[index].weight();
        if weight.saturating_add(more) > max_weight && !is_content_of_last && !is_tied_to_last {
            pieces.push(Vec::new());
            weight = 0;
        }
        weight += more;
        last = Some((&admitted.id, stamp));
        if let Some(piece) = pieces.last_mut() {
            piece.push(index);
        }
    }
    // A status tells of the objects of its piece in their order.
    pieces.iter_mut().for_each(|piece| piece.sort_unstable());
    pieces
}

/// The request that adds some of the objects.
fn part_of(request: &Request, add: &Add, piece: &[usize]) -> Request {
    let objects: Vec<_> = piece.iter().map(|index| add.objects[*index].clone()).collect();
    let mut name = Sha256::new_with_prefix(request.id.as_bytes());
    for object in &objects {
        if let Submitted::Admitted(admitted) = object {
            name.update(admitted.id.as_str());
            name.update(admitted.digest.0);
        }
    }
    let (name, _) =
        name.finalize().0.split_first_chunk::<16>().map_or(([0; 16], ()), |(name, _)| (*name, ()));
    let stamps = match &add.stamps {
        Stamps::Clock => Stamps::Clock,
        Stamps::Given(stamps) => {
            Stamps::Given(piece.iter().filter_map(|index| stamps.get(*index).cloned()).collect())
        }
    };
    let command = Command::Add(Add { objects, stamps, ..*add });
    let id = uuid::Builder::from_custom_bytes(name).into_uuid();
    Request { id, fingerprint: None, command, ..request.clone() }
}

/// The status of the whole request, from the rows of its pieces.
fn whole(
    request: &Request,
    add: &Add,
    mut rows: BTreeMap<usize, Result<StatusDetails, StatusDetails>>,
) -> stix_model::taxii::Status {
    let mut status = status::Builder::new(request, add.objects.len());
    for (index, submitted) in add.objects.iter().enumerate() {
        match submitted {
            Submitted::Refused(refused) => status.refuse(index, refused),
            Submitted::Unlisted => status.refuse_unlisted(),
            Submitted::Admitted(_) => {
                if let Some(row) = rows.remove(&index) {
                    status.settle(index, row);
                }
            }
        }
    }
    status.finish()
}
