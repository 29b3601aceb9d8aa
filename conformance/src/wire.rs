//! HTTP/1.1 by hand, one request per connection: for what a well-behaved HTTP library refuses to send.

pub(crate) mod tls;

use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer that is longer is cut off here; only its head and its first bytes are ever looked at.
const MAX_ANSWER: usize = 8 << 20;

/// The head of a request, byte for byte as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    text: Vec<u8>,
}

impl Head {
    /// The path and query of `url` are sent as they stand there, without any normalisation.
    pub(crate) fn new(method: &str, url: &str) -> Self {
        let after = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, target) = after.split_at(after.find('/').unwrap_or(after.len()));
        let target = if target.is_empty() { "/" } else { target };
        let text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        Self { text: text.into_bytes() }
    }

    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let mut text = self.text;
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_ref());
        text.extend_from_slice(b"\r\n");
        Self { text }
    }

    /// The head alone.
    pub(crate) fn end(self) -> Vec<u8> {
        let mut text = self.text;
        text.extend_from_slice(b"\r\n");
        text
    }

    /// The head with its body.
    pub(crate) fn with_body(&self, body: &[u8]) -> Vec<u8> {
        let mut text = self.with_length(body.len());
        text.extend_from_slice(body);
        text
    }

    /// The head announces a body that does not follow.
    pub(crate) fn with_length(&self, length: usize) -> Vec<u8> {
        self.clone().header("Content-Length", length.to_string()).end()
    }
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Sends bytes to the server of `url` and reads one answer.
///
/// Reading begins before writing ends: a server may refuse a body it has not read.
pub(crate) async fn send(url: &str, bytes: &[u8], timeout: Duration) -> Result<Answer, String> {
    send_then(url, bytes, Then::Wait, timeout).await
}

/// What follows the last byte of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The connection stays open in both directions, as HTTP wants it.
    Wait,
    /// Our direction is closed: whatever was announced will not come.
    Close,
}

/// As [`send`], with a choice of what follows the request.
pub(crate) async fn send_then(
    url: &str,
    bytes: &[u8],
    then: Then,
    timeout: Duration,
) -> Result<Answer, String> {
    let url = Url::parse(url).map_err(|problem| problem.to_string())?;
    let talk = async {
        let tcp = connect(&url).await?;
        if url.scheme() == "https" {
            let stream = tls::connect(tls::any_version(), &url, tcp).await?;
            exchange(stream, bytes, then).await
        } else {
            exchange(tcp, bytes, then).await
        }
    };
    match tokio::time::timeout(timeout, talk).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", timeout.as_secs())),
    }
}

pub(crate) async fn connect(url: &Url) -> Result<TcpStream, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    TcpStream::connect((host, port)).await.map_err(|problem| format!("cannot connect: {problem}"))
}

async fn exchange<S: AsyncRead + AsyncWrite>(stream: S, bytes: &[u8], then: Then) -> Result<Answer, String> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        // A refusal to read on is no problem of ours: the answer says why.
        if writer.write_all(bytes).await.is_ok() {
            let _ = writer.flush().await;
            if then == Then::Close {
                let _ = writer.shutdown().await;
            }
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut text = Vec::new();
        let mut chunk = vec![0; 16 << 10];
        loop {
            let end = match reader.read(&mut chunk).await {
                Ok(0) => true,
                Ok(count) => {
                    text.extend_from_slice(&chunk[..count]);
                    text.len() > MAX_ANSWER
                }
                Err(problem) if text.is_empty() => {
                    return Err(format!("closed without an answer: {problem}"));
                }
                Err(_) => true,
            };
            match parse(&text, end) {
                Some(answer) => return Ok(answer),
                None if end && text.is_empty() => return Err("closed without an answer".into()),
                None if end => return Err("closed in the middle of the answer".into()),
                None => {}
            }
        }
    };
    tokio::select! {
        () = write => Err("unreachable: writing waits for the answer".into()),
        answer = read => answer,
    }
}

/// The answer, once it is complete. `end` says that no more will come.
fn parse(text: &[u8], end: bool) -> Option<Answer> {
    let head_end = find(text, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&text[..head_end]);
    let body = &text[head_end + 4..];
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    if (100..200).contains(&status) {
        return parse(body, end);
    }
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    let mut answer = Answer { status, headers: lines.filter_map(pair).collect(), body: Vec::new() };
    if answer.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        answer.body = dechunk(body)?;
    } else if let Some(length) = answer.header("content-length").and_then(|n| n.parse::<usize>().ok()) {
        answer.body = body.get(..length)?.to_vec();
    } else if end || matches!(status, 204 | 304) {
        answer.body = body.to_vec();
    } else {
        return None;
    }
    Some(answer)
}

fn dechunk(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = find(text, b"\r\n")?;
        let size = std::str::from_utf8(&text[..line]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        text = &text[line + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(text.get(..size)?);
        text = text.get(size + 2..)?;
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::{Head, parse};

    #[test]
    fn answers_are_read_in_each_framing() {
        let plain = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(plain, false).unwrap().body, b"{}");
        assert!(parse(&plain[..plain.len() - 1], false).is_none());
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        assert_eq!(parse(chunked, false).unwrap().body, b"{}");
        let until_end = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 400 Bad\r\n\r\nno";
        assert!(parse(until_end, false).is_none());
        assert_eq!(parse(until_end, true).unwrap().status, 400);
        assert!(
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", true)
                .is_none()
        );
    }

    #[test]
    fn paths_are_not_normalised() {
        let text = Head::new("GET", "http://host:1/a/../%2e/").end();
        assert!(text.starts_with(b"GET /a/../%2e/ HTTP/1.1\r\nHost: host:1\r\n"));
    }
}
