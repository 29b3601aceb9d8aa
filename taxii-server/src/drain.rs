//! Refusals that arrive. When a request is refused before its body was read, closing the connection would make most
//! clients report a broken pipe instead of the error, so the rest of the body is read and thrown away first.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// More than this is not worth an error message.
const MAX_BYTES: usize = 64 << 20;
const MAX_TIME: Duration = Duration::from_secs(20);

/// Reads what a handler left of the body, within limits, before the answer goes out.
pub(crate) async fn drain_rest(request: Request, next: Next) -> Response {
    let left = Left::default();
    let request = request.map(|body| Body::new(Lent { body: Some(body), left: Arc::clone(&left) }));
    let response = next.run(request).await;
    let rest = left.lock().ok().and_then(|mut left| left.take());
    if let Some(rest) = rest.filter(|rest| !rest.is_end_stream()) {
        // Whatever happens to it, the answer is the same.
        let _ = tokio::time::timeout(MAX_TIME, drain(rest)).await;
    }
    response
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

type Left = Arc<Mutex<Option<Body>>>;

/// A body that is given back when its reader is done with it.
struct Lent {
    body: Option<Body>,
    left: Left,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Ok(mut left) = self.left.lock() {
            *left = self.body.take();
        }
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
