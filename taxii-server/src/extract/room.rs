//! Room for answers, and answers that are held until their clients take them.

use crate::app::App;
use crate::budget::{Budget, Held, Room};
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Bytes of an answer that costs no room.
const SMALL: u64 = 4 << 10;

/// The budget for answers of the connection of a request. Our own listeners put it on requests.
#[derive(Clone)]
pub(crate) struct ConnectionBudget(pub(crate) Budget);

/// A mark on responses that have their room, or need none because all clients get the same bytes.
#[derive(Clone)]
pub(crate) struct HasRoom;

/// A mark on responses that have the form which the client takes, compressed or not.
#[derive(Clone)]
pub(crate) struct IsCoded;

fn room(app: &App, extensions: &axum::http::Extensions) -> Room {
    let own = extensions.get::<ConnectionBudget>().map(|ConnectionBudget(own)| own.clone());
    Room { all: app.budgets.answers.clone(), own, wait: app.config.timeouts.busy }
}

impl FromRequestParts<Arc<App>> for Room {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(room(app, &parts.extensions))
    }
}

impl Room {
    /// That of the answer to a request.
    pub(crate) fn of(app: &App, request: &Request) -> Self {
        room(app, request.extensions())
    }

    /// Takes room for an answer that was made as a whole, until the client has it. When there is none, a request that changed
    /// nothing is refused.
    pub(crate) fn hold(&self, response: Response, is_read: bool) -> Response {
        let length = response.body().size_hint().exact().filter(|length| *length > SMALL);
        let (Some(length), None) = (length, response.extensions().get::<HasRoom>()) else { return response };
        match self.try_reserve(usize::try_from(length).unwrap_or(usize::MAX)) {
            Ok(held) => response.map(|body| Body::new(Whole { body, held: Some(held) })),
            Err(error) if is_read => error.into_response(),
            Err(_) => response,
        }
    }
}

/// A body of one part.
struct Whole {
    body: Body,
    held: Option<Held>,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        frame.map_ok(|frame| {
            frame.map_data(|data| match self.held.take() {
                Some(held) => held.kept_with(data),
                None => data,
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
