//! Requests and answers of one connection, with notes of who waits for whom.

use super::Phase;
use super::activity::{Activity, Exchange};
use crate::budget::Budget;
use crate::extract::ConnectionBudget;
use crate::router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, Version, header};
use bytes::Bytes;
use futures::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::watch;
use tower::Service as _;

/// Largest part of an answer that is handed to the protocol at once, so that a slow client is seen to take something.
const PART: usize = 16 << 10;

/// The service for one connection.
pub(super) struct ConnectionService {
    pub(super) service: router::Service,
    pub(super) activity: Arc<Activity>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) budget: Budget,
    pub(super) phase: watch::Receiver<Phase>,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let is_http2 = request.version() == Version::HTTP_2;
        let exchange = self.activity.begin(is_http2);
        request.extensions_mut().insert(ConnectionBudget(self.budget.clone()));
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let upload = |body: Incoming| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(Upload { body, exchange: Arc::clone(&exchange) }),
        };
        let request = request.map(upload);
        let (mut service, phase) = (self.service.clone(), self.phase.clone());
        Box::pin(async move {
            let mut response = service.call(request).await?;
            // HTTP/2 has a frame that says so, when the time is over (RFC 9113, section 6.8).
            if !is_http2 && *phase.borrow() >= Phase::Leaving {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            exchange.answered();
            Ok(response.map(|body| Answer { body, rest: Bytes::new(), exchange }))
        })
    }
}

/// The body of a request.
struct Upload {
    body: Incoming,
    exchange: Arc<Exchange>,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => self.exchange.awaits_body(),
            Poll::Ready(_) => self.exchange.has_body(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, in small parts.
pub(super) struct Answer {
    body: Body,
    rest: Bytes,
    exchange: Arc<Exchange>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending => {
                    self.exchange.awaits_answer();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Poll::Ready(end) => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PART);
        let part = Part { bytes: self.rest.split_to(length), exchange: Arc::clone(&self.exchange) };
        self.exchange.handed(length);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

/// A part of an answer; the protocol drops it when it is in the socket.
struct Part {
    bytes: Bytes,
    exchange: Arc<Exchange>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.exchange.sent();
    }
}
