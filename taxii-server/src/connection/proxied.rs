//! Connections that a proxy passes on: its header (PROXY protocol, version 2) tells where the client is.

use proxy_header::{ParseConfig, ProxyHeader};
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first bytes of a header.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of a header before its length counts.
const FIXED: usize = SIGNATURE.len() + 4;
/// Maximum of bytes that follow: addresses, and what else a proxy may tell of a connection.
const REST: usize = 2 << 10;

/// Why a header cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    /// The proxy closed the connection, or it failed.
    #[error("the connection ended before the header did")]
    Ended(#[from] io::Error),
    /// The first bytes are others.
    #[error("the connection does not begin with a header of version 2")]
    Missing,
    /// The header is longer than any proxy needs.
    #[error("the header has {0} bytes; {REST} are allowed")]
    TooLong(usize),
    /// The header breaks the rules of the protocol.
    #[error("the header breaks the rules of the protocol")]
    Invalid,
}

/// Reads the header, and nothing behind it. `None` when the connection is the proxy's own, such as a health check, or the
/// client has no address.
pub(super) async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, HeaderError> {
    let mut header = vec![0; FIXED];
    stream.read_exact(&mut header[..SIGNATURE.len()]).await?;
    if !header.starts_with(&SIGNATURE) {
        return Err(HeaderError::Missing);
    }
    stream.read_exact(&mut header[SIGNATURE.len()..]).await?;
    let rest = usize::from(u16::from_be_bytes([header[FIXED - 2], header[FIXED - 1]]));
    if rest > REST {
        return Err(HeaderError::TooLong(rest));
    }
    header.resize(FIXED + rest, 0);
    stream.read_exact(&mut header[FIXED..]).await?;
    let only_v2 = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };
    let (header, _) = ProxyHeader::parse(&header, only_v2).map_err(|_| HeaderError::Invalid)?;
    let client = header.proxied_address().map(|address| address.source);
    Ok(client.map(|client| SocketAddr::new(client.ip().to_canonical(), client.port())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    async fn read(bytes: &[u8]) -> Result<(Option<SocketAddr>, usize), HeaderError> {
        let mut stream = bytes;
        read_header(&mut stream).await.map(|client| (client, stream.len()))
    }

    #[tokio::test]
    async fn a_header_names_the_client_and_ends_where_it_says() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];
        // Behind the addresses stand other facts, here that the client spoke TLS.
        let more = [&v4[..], b"\x20\0\x05\x01\0\0\0\0"].concat();
        for rest in [&v4[..], &more] {
            let bytes = [&header(0x21, 0x11, rest), &b"GET /"[..]].concat();
            assert_eq!(read(&bytes).await.unwrap(), (Some("192.0.2.7:12345".parse().unwrap()), 5));
        }
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        v6[15] = 9;
        v6[32..].copy_from_slice(&[0, 80, 0, 81]);
        let client = "[2001:db8::9]:80".parse().unwrap();
        assert_eq!(read(&header(0x21, 0x21, &v6)).await.unwrap(), (Some(client), 0));
        v6[..16].copy_from_slice(&"::ffff:192.0.2.7".parse::<std::net::Ipv6Addr>().unwrap().octets());
        let client = "192.0.2.7:80".parse().unwrap();
        assert_eq!(read(&header(0x21, 0x21, &v6)).await.unwrap(), (Some(client), 0), "IPv4 inside IPv6");
        // Its own connection, a client whose kind it does not know, and one without an address.
        for (command, family, rest) in
            [(0x20, 0x00, &b""[..]), (0x20, 0x11, &v4), (0x21, 0x00, b"1234"), (0x21, 0x31, &[0; 216])]
        {
            assert_eq!(read(&header(command, family, rest)).await.unwrap(), (None, 0));
        }
    }

    #[tokio::test]
    async fn a_header_that_is_wrong_is_refused() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];
        let good = header(0x21, 0x11, &v4);
        for length in 0..good.len() {
            assert!(matches!(read(&good[..length]).await, Err(HeaderError::Ended(_))), "{length}");
        }
        for bytes in [b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(), b"GET / HTTP/1.1\r\n".to_vec()] {
            assert!(matches!(read(&bytes).await, Err(HeaderError::Missing)));
        }
        for (command, family, rest) in [
            (0x22, 0x11, &v4[..]),
            (0x11, 0x11, &v4),
            (0x21, 0x41, &v4),
            (0x21, 0x21, &v4),
            (0x21, 0x11, &[]),
        ] {
            assert!(matches!(read(&header(command, family, rest)).await, Err(HeaderError::Invalid)));
        }
        let long = header(0x21, 0x11, &[0; REST + 1]);
        assert!(matches!(read(&long[..FIXED]).await, Err(HeaderError::TooLong(_))), "before it is read");
    }
}
