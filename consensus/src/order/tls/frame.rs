//! Frames: length (`u32`, big-endian), number of the request (`u64`), bytes. Number 0 says that an answer is on its way.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest frame, in bytes.
pub const MAX_FRAME_BYTES: usize = 8 << 20;
/// Memory doubles when the bytes for it arrive: it begins with so much, and grows by so much at most.
const FIRST_STEP: usize = 4 << 10;
const STEP: usize = 64 << 10;
/// Time for a whole frame, once it has begun.
const FRAME_TIME: Duration = Duration::from_secs(60);
const HEAD: usize = 12;

pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) body: Vec<u8>,
    /// The room that it takes, as long as it is held.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

fn late() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the other side is silent")
}

/// Reads a frame of at most some bytes. Its first byte has the given time to come; the room for its body is taken before it
/// is read.
pub(super) async fn read(
    from: &mut (impl AsyncRead + Unpin),
    first: Duration,
    most: usize,
    room: Option<&Arc<Semaphore>>,
) -> io::Result<Frame> {
    let mut head = [0; HEAD];
    let begun = tokio::time::timeout(first, from.read_exact(&mut head[..1])).await;
    begun.map_err(|_| late())??;
    let rest = async {
        from.read_exact(&mut head[1..]).await?;
        let [a, b, c, d, number @ ..] = head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > most {
            let message = format!("a frame of {length} bytes; {most} are the most");
            return Err(io::Error::new(ErrorKind::InvalidData, message));
        }
        let room = match room {
            Some(room) => {
                let permits = u32::try_from(length).unwrap_or(u32::MAX);
                Some(room.clone().acquire_many_owned(permits).await.map_err(io::Error::other)?)
            }
            None => None,
        };
        let mut body = Vec::new();
        while body.len() < length {
            let start = body.len();
            body.resize(length.min(start + start.clamp(FIRST_STEP, STEP)), 0);
            from.read_exact(&mut body[start..]).await?;
        }
        Ok(Frame { number: u64::from_be_bytes(number), body, room })
    };
    tokio::time::timeout(FRAME_TIME, rest).await.map_err(|_| late())?
}

/// Writes a frame.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), number: u64, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_FRAME_BYTES);
    let length = length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the frame is too large"))?;
    let writing = async {
        to.write_all(&[&length.to_be_bytes()[..], &number.to_be_bytes()].concat()).await?;
        to.write_all(body).await?;
        to.flush().await
    };
    tokio::time::timeout(FRAME_TIME, writing).await.map_err(|_| late())?
}
