//! Envelopes, made slice by slice as the client takes them.

use super::{taxii_response, with_dates};
use crate::app::App;
use crate::budget::Room;
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

/// Bytes of objects that are read at once.
const SLICE: usize = 256 << 10;

/// Returns an envelope with the objects of a page. A small one is read before the answer begins. Of a large one, what is
/// deleted before its slice is read is left out.
pub(super) async fn envelope(
    app: Arc<App>,
    room: Room,
    view: View,
    page: Page<Place>,
) -> Result<Response, ApiError> {
    let mut opening = write_envelope(page.next.as_deref(), []);
    // The closing brace comes after the objects.
    opening.pop();
    let dates = Page { items: Vec::<Place>::new(), ..page };
    let places = page.items.into();
    let mut slices =
        Slices { app, room, view, places, opening, separator: br#","objects":["#, is_done: false };
    let first = slices.next().await?;
    let body = if slices.is_done {
        Body::from(first)
    } else {
        let rest = stream::unfold(slices, async |mut slices| {
            if slices.is_done {
                return None;
            }
            let slice = slices.next().await;
            if let Err(error) = &slice {
                tracing::warn!(%error, "an answer was broken off");
                slices.is_done = true;
            }
            Some((slice, slices))
        });
        // Compression polls a body that has ended once more.
        Body::from_stream(stream::once(async { Ok(first) }).chain(rest).fuse())
    };
    let mut response = with_dates(taxii_response(StatusCode::OK, body), &dates);
    response.extensions_mut().insert(HasRoom);
    Ok(response)
}

struct Slices {
    app: Arc<App>,
    room: Room,
    view: View,
    places: VecDeque<Place>,
    opening: Vec<u8>,
    separator: &'static [u8],
    is_done: bool,
}

impl Slices {
    /// Reads the objects of the next slice: one of any size, or as many as fit.
    async fn next(&mut self) -> Result<Bytes, ApiError> {
        let mut bytes = 0;
        let fits = self.places.iter().take_while(|place| {
            bytes += place.length as usize;
            bytes <= SLICE
        });
        let count = fits.count().clamp(usize::from(!self.places.is_empty()), self.places.len());
        let slice: Vec<_> = self.places.drain(..count).collect();
        let bytes = slice.iter().map(|place| place.length as usize + 1).sum::<usize>() + self.opening.len();
        let held = self.room.reserve(bytes).await?;
        let mut text = std::mem::take(&mut self.opening);
        text.reserve_exact(bytes);
        for object in self.app.store.texts(&self.view, &slice).await?.into_iter().flatten() {
            text.extend_from_slice(self.separator);
            text.extend_from_slice(&object);
            self.separator = b",";
        }
        if self.places.is_empty() {
            text.extend_from_slice(if self.separator == b"," { b"]}" } else { b"}" });
            self.is_done = true;
        }
        Ok(held.by(text))
    }
}
