//! Bodies of requests have a time to arrive, and what is left of one is read before the answer goes out.
//!
//! When a request is refused before its body was read, closing the connection would make most clients report a broken pipe
//! instead of the error.

use crate::app::App;
use crate::config::Timeouts;
use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Maximum number of bytes that are read after an answer is known.
const MAX_BYTES: usize = 64 << 20;
/// Maximum time for reading them.
const MAX_TIME: Duration = Duration::from_secs(20);

/// A body that did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub(crate) struct LateBody;

/// Gives the body of a request its time, and keeps what a handler leaves of it. A request without a body has nothing to keep.
pub(crate) fn tracked(app: &App, request: Request) -> (Request, Unread) {
    let unread = Unread::default();
    if request.body().is_end_stream() {
        return (request, unread);
    }
    let Timeouts { body_idle: idle, .. } = app.config.timeouts;
    let total = app.config.body_timeout();
    let tracked = |body| {
        let (unread, end) = (unread.clone(), Instant::now() + total);
        Body::new(TrackedBody { body: Some(body), unread, idle, end, timer: None })
    };
    (request.map(tracked), unread)
}

/// The body of a request after its reader was dropped.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<Mutex<Option<Body>>>);

impl Unread {
    /// Reads the part of the body that the handler did not read, within limits.
    pub(crate) async fn drain(self) {
        let rest = self.0.lock().ok().and_then(|mut unread| unread.take());
        if let Some(rest) = rest.filter(|rest| !rest.is_end_stream()) {
            // The answer does not depend on whether the rest arrives.
            let _ = tokio::time::timeout(MAX_TIME, drain(rest)).await;
        }
    }
}

async fn drain(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MAX_BYTES {
            return;
        }
    }
}

/// A body that ends with an error when it does not arrive in time, and moves into `unread` when its reader is dropped.
struct TrackedBody {
    body: Option<Body>,
    unread: Unread,
    /// Time between two parts.
    idle: Duration,
    /// When all of it must be here.
    end: Instant,
    /// Runs while a part is awaited.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if let Ok(mut unread) = self.unread.0.lock() {
            *unread = self.body.take();
        }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body: Some(body), idle, end, timer, .. } = &mut *self else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if frame.is_ready() {
            *timer = None;
            return frame;
        }
        let end = (Instant::now() + *idle).min(*end);
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        std::task::ready!(timer.as_mut().poll(context));
        // What has not come is not waited for again.
        self.body = None;
        Poll::Ready(Some(Err(axum::Error::new(LateBody))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
