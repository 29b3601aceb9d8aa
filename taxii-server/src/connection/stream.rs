//! Streams that tell what happens on them.

use super::activity::Activity;
use super::proxied::SIGNATURE;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// First byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// A stream of which the first bytes were looked at.
pub(super) struct Begun<S> {
    stream: S,
    first: [u8; SIGNATURE.len()],
    length: usize,
    /// Bytes that were handed on already.
    taken: usize,
}

/// What a client begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A TLS handshake.
    Handshake,
    /// The header of a proxy.
    ProxyHeader,
    /// Something else, such as a request.
    Other,
}

impl<S: AsyncRead + Unpin> Begun<S> {
    /// Waits for the first byte, and for more while they are those of a proxy's header. `None` when the client closes
    /// without one.
    pub(super) async fn read_first(mut stream: S) -> io::Result<Option<(Beginning, Self)>> {
        let (mut first, mut length) = ([0; SIGNATURE.len()], 0);
        while length < first.len() && SIGNATURE.starts_with(&first[..length]) {
            match stream.read(&mut first[length..]).await? {
                0 if length == 0 => return Ok(None),
                0 => break,
                read => length += read,
            }
        }
        let beginning = match first {
            SIGNATURE => Beginning::ProxyHeader,
            [HANDSHAKE, ..] => Beginning::Handshake,
            _ => Beginning::Other,
        };
        Ok(Some((beginning, Self { stream, first, length, taken: 0 })))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = buffer.remaining().min(self.length - self.taken);
        if count > 0 {
            buffer.put_slice(&self.first[self.taken..self.taken + count]);
            self.taken += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Bytes of a head that are kept to explain a refusal.
const HEAD: usize = 16 << 10;

/// A stream that notes in the activity of its connection what comes and what the socket takes.
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    /// What came of the head of the next request.
    head: Vec<u8>,
    /// The number of that request.
    number: u64,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity, head: Vec::new(), number: 0 }
    }

    /// Mends the refusal of a head whose transfer coding is not known: the protocol says 400, and RFC 9112, section 6.1, asks
    /// for 501. The new text is as long as the old one.
    fn mended(&self, refusal: &[u8]) -> Option<Vec<u8>> {
        const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request";
        const MENDED: &[u8] = b"HTTP/1.1 501 Unsupported";
        let rest = refusal.strip_prefix(REFUSED)?;
        (self.activity.is_idle() && has_unknown_coding(&self.head)).then(|| [MENDED, rest].concat())
    }
}

fn has_unknown_coding(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').any(|line| {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, coding) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        name.eq_ignore_ascii_case(b"transfer-encoding")
            && !coding.trim_ascii().is_empty()
            && !coding.trim_ascii().eq_ignore_ascii_case(b"chunked")
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        let new = &buffer.filled()[before..];
        if !new.is_empty() {
            let number = self.activity.received();
            if number != Some(self.number) {
                self.head.clear();
            }
            if let Some(number) = number {
                self.number = number;
                let kept = new.len().min(HEAD - self.head.len());
                self.head.extend_from_slice(&new[..kept]);
            }
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mended = self.mended(bytes);
        let outcome = Pin::new(&mut self.stream).poll_write(context, mended.as_deref().unwrap_or(bytes));
        self.activity.wrote(outcome.is_pending());
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = match bytes.first().and_then(|first| self.mended(first)) {
            Some(mended) => Pin::new(&mut self.stream).poll_write(context, &mended),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, bytes),
        };
        self.activity.wrote(outcome.is_pending());
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.activity.wrote(outcome.is_pending());
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.activity.wrote(outcome.is_pending());
        outcome
    }
}
