//! Envelopes, made as the client takes them.

use super::{taxii_response, with_dates};
use crate::app::App;
use crate::budget::{Held, Room};
use crate::error::ApiError;
use crate::extract::HasRoom;
use crate::store::{Page, Place, View};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use stix_model::taxii::write_envelope;

/// Bytes of objects that are read at once, but for an object that is larger by itself.
const SLICE: usize = 192 << 10;
/// Largest part of an answer that is given to the protocol at once. That takes as much before it waits for the client.
const PART: usize = 64 << 10;

/// Returns an envelope with the objects of a page. A small one is read before the answer begins. Of a large one, what is
/// deleted before its slice is read is left out.
///
/// The room for the largest slice is taken before the answer begins, and kept to its end. So an answer that has begun waits
/// for nothing but its client.
pub(super) async fn envelope(
    app: Arc<App>,
    room: Room,
    view: View,
    page: Page<Place>,
) -> Result<Response, ApiError> {
    let mut opening = write_envelope(page.next.as_deref(), []);
    // The closing brace comes after the objects.
    opening.pop();
    let (slices, largest) = slices(&page.items);
    let (is_small, bytes) = (slices.len() <= 1, opening.len() + largest);
    let dates = Page { items: Vec::<Place>::new(), ..page };
    let held = room.reserve(if is_small { bytes } else { bytes + PART }).await?;
    let texts = VecDeque::from([opening.into()]);
    let mut unsent = Unsent { app, view, slices, texts, has_objects: false, held: Some(held) };
    if unsent.slices.is_empty() {
        unsent.close();
    }
    let body = if is_small {
        Body::from(unsent.part(usize::MAX).await?.unwrap_or_default())
    } else {
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
        Body::from_stream(stream::iter(first).chain(rest).fuse())
    };
    let mut response = with_dates(taxii_response(StatusCode::OK, body), &dates);
    response.extensions_mut().insert(HasRoom);
    Ok(response)
}

/// Cuts a page into what is read at once: an object of any size, or as many as fit. Returns the bytes of the largest slice
/// as well.
fn slices(places: &[Place]) -> (VecDeque<Vec<Place>>, usize) {
    let (mut slices, mut largest) = (VecDeque::<Vec<Place>>::new(), 0);
    let mut bytes = 0;
    for place in places {
        // With the comma before it.
        let length = place.length as usize + 1;
        match slices.back_mut() {
            Some(slice) if bytes + length <= SLICE => slice.push(*place),
            _ => {
                slices.push_back(vec![*place]);
                bytes = 0;
            }
        }
        bytes += length;
        largest = largest.max(bytes);
    }
    (slices, largest)
}

/// What is left of an answer.
struct Unsent {
    app: Arc<App>,
    view: View,
    /// What is not read yet.
    slices: VecDeque<Vec<Place>>,
    /// What is read.
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
                self.read(&slice).await?;
            } else {
                break;
            }
        }
        let is_last = self.texts.is_empty() && self.slices.is_empty();
        let held = if is_last { self.held.take() } else { None };
        Ok(Some(match held {
            Some(held) => held.cut_to(part.len()).by(part),
            None => part.into(),
        }))
    }

    async fn read(&mut self, slice: &[Place]) -> Result<(), ApiError> {
        for text in self.app.store.texts(&self.view, slice).await?.into_iter().flatten() {
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
