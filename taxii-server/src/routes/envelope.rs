//! Envelopes, made as the client takes them.

use super::ready::Made;
use super::{taxii_response, with_dates};
use crate::app::App;
use crate::budget::{Held, Room};
use crate::error::ApiError;
use crate::extract::HasRoom;
use crate::page_cache::LARGEST;
use crate::store::{Place, PlaceReader, Places};
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use stix_model::taxii::write_envelope;

/// Bytes of objects that are read at once, but for an object that is larger by itself.
const SLICE: usize = 188 << 10;
/// Largest part of an answer that is given to the protocol at once. That takes as much before it waits for the client.
const PART: usize = 64 << 10;
/// Most of the room of its connection that an answer holds, but for an object that is larger by itself. A page that is kept is
/// in memory whoever reads it, and has its room there.
pub(super) const HELD: usize = SLICE + PART;

/// Makes an envelope with the objects of a page. One that can be [kept](LARGEST) is read before the answer begins. Of a
/// larger one, what is deleted before its slice is read is left out.
///
/// The room for the largest slice is taken before the answer begins, and kept while such a slice is to come. So an answer
/// that has begun waits for nothing but its client.
pub(super) async fn envelope(
    app: &Arc<App>,
    room: Room,
    Places { page, mut reader }: Places,
) -> Result<Made, ApiError> {
    let objects: usize = page.items.iter().map(|place| place.length as usize + 1).sum();
    if objects <= LARGEST {
        let share = room.all.reserve(objects, room.wait).await?;
        let texts = reader.read(&app.store, &page.items).await?;
        let body = write_envelope(page.next.as_deref(), texts.iter().flatten().map(|text| &text[..]));
        return Ok(Made::Whole(page.date_added, share.kept_with(body.into())));
    }
    let mut opening = write_envelope(page.next.as_deref(), []);
    // The closing brace comes after the objects.
    opening.pop();
    let slices = slices(&page.items);
    let bytes = opening.len() + slices.front().map_or(0, |slice| slice.largest);
    let held = Some(room.reserve(bytes + PART).await?);
    let (app, texts) = (Arc::clone(app), VecDeque::from([opening.into()]));
    let mut unsent = Unsent { app, reader, slices, texts, has_objects: false, held };
    let first = unsent.part(PART).await?.map(Ok);
    let rest = stream::unfold(Some(unsent), async |unsent| {
        let mut unsent = unsent?;
        match unsent.part(PART).await {
            Ok(part) => part.map(|part| (Ok(part), Some(unsent))),
            Err(error) => {
                tracing::warn!(%error, "an answer was broken off");
                Some((Err(error), None))
            }
        }
    });
    // Compression polls a body that has ended once more.
    let body = Body::from_stream(stream::iter(first).chain(rest).fuse());
    let mut response = with_dates(taxii_response(StatusCode::OK, body), page.date_added.as_ref());
    response.extensions_mut().insert(HasRoom);
    Ok(Made::Part(response))
}

/// Objects that are read at once: one of any size, or as many as fit.
struct Slice {
    places: Vec<Place>,
    /// Bytes in the envelope.
    bytes: usize,
    /// Bytes of the largest one from here on.
    largest: usize,
}

/// Cuts a page into slices.
fn slices(places: &[Place]) -> VecDeque<Slice> {
    let mut slices = VecDeque::<Slice>::new();
    for place in places {
        // With the comma before it.
        let length = place.length as usize + 1;
        match slices.back_mut().filter(|slice| slice.bytes + length <= SLICE) {
            Some(slice) => {
                slice.places.push(*place);
                slice.bytes += length;
            }
            None => slices.push_back(Slice { places: vec![*place], bytes: length, largest: 0 }),
        }
    }
    let mut largest = 0;
    for slice in slices.iter_mut().rev() {
        largest = largest.max(slice.bytes);
        slice.largest = largest;
    }
    slices
}

/// The part of an answer that is still to be sent.
struct Unsent {
    app: Arc<App>,
    reader: PlaceReader,
    /// Not read yet.
    slices: VecDeque<Slice>,
    /// Read.
    texts: VecDeque<Bytes>,
    has_objects: bool,
    held: Option<Held>,
}

impl Unsent {
    /// Returns the next bytes, `most` at most; `None` after the last ones, which hold the room until they are in the socket.
    async fn part(&mut self, most: usize) -> Result<Option<Bytes>, ApiError> {
        if self.held.is_none() {
            return Ok(None);
        }
        let mut part = Vec::new();
        while part.len() < most {
            if let Some(text) = self.texts.front_mut() {
                part.extend_from_slice(&text.split_to(text.len().min(most - part.len())));
                if text.is_empty() {
                    self.texts.pop_front();
                }
            } else if let Some(slice) = self.slices.pop_front() {
                if let Some(held) = &mut self.held {
                    held.cut_to(slice.largest + PART);
                }
                self.read(&slice.places).await?;
            } else {
                break;
            }
        }
        let is_last = self.texts.is_empty() && self.slices.is_empty();
        let held = if is_last { self.held.take() } else { None };
        Ok(Some(match held {
            Some(mut held) => {
                held.cut_to(part.len());
                held.kept_with(part)
            }
            None => part.into(),
        }))
    }

    async fn read(&mut self, slice: &[Place]) -> Result<(), ApiError> {
        for text in self.reader.read(&self.app.store, slice).await?.into_iter().flatten() {
            let separator: &[u8] = if self.has_objects { b"," } else { br#","objects":["# };
            self.has_objects = true;
            self.texts.extend([Bytes::from_static(separator), text]);
        }
        if self.slices.is_empty() {
            self.close();
        }
        Ok(())
    }

    fn close(&mut self) {
        self.texts.push_back(Bytes::from_static(if self.has_objects { b"]}" } else { b"}" }));
    }
}
