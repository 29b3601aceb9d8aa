//! What broke a connection, said so that a person knows what to do.

use crate::Url;
use rustls::{CertificateError, InvalidMessage};
use std::error::Error as StdError;
use std::io;
use stix_model::Timestamp;

/// A sentence about a failed request to `url`, which went to `via` when there is a proxy.
pub(crate) fn describe(url: &Url, via: Option<&str>, error: &reqwest::Error) -> String {
    let said = match via {
        Some(via) => format!("through the proxy {via}: "),
        None => String::new(),
    };
    format!("{said}{}", sentence(url, via, error))
}

fn sentence(url: &Url, via: Option<&str>, error: &reqwest::Error) -> String {
    let causes = causes(error);
    let host = via.or(url.host_str()).unwrap_or_default();
    for cause in &causes {
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        if let Some(broken) = cause.downcast_ref::<io::Error>() {
            match broken.kind() {
                io::ErrorKind::ConnectionRefused => {
                    return format!(
                        "connection refused by {host}: is the server running, and is the port right?"
                    );
                }
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                    if url.scheme() == "https" && error.is_connect() =>
                {
                    return "the server closed the connection during the TLS handshake; perhaps it does not speak TLS on \
                            this port, then the URL begins with http://"
                        .to_owned();
                }
                io::ErrorKind::ConnectionReset => return closed(url),
                _ => {}
            }
        }
    }
    let text = texts(&causes);
    if text.contains("dns error") || text.contains("failed to lookup address") {
        return format!(
            "the name {host} is not known: check its spelling, and whether the network is there ({text})"
        );
    }
    if text.contains("connection closed before message completed") {
        return closed(url);
    }
    if text.contains("invalid HTTP version parsed") {
        return format!("the server does not answer in HTTP{}", tls_hint(url));
    }
    if error.is_timeout() && error.is_connect() {
        return format!(
            "timed out: {host} does not answer; check host and port, and whether a firewall is in between"
        );
    }
    if error.is_timeout() {
        return "timed out: the connection was silent for too long; check whether a TAXII server listens on this port"
            .to_owned();
    }
    text
}

fn closed(url: &Url) -> String {
    format!("the server closed the connection before it answered{}", tls_hint(url))
}

fn tls_hint(url: &Url) -> &'static str {
    match url.scheme() {
        "http" => "; perhaps it speaks TLS on this port, then the URL begins with https://",
        _ => "",
    }
}

fn of_tls(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            "the server does not speak TLS on this port; perhaps the URL begins with http://".to_owned()
        }
        Error::InvalidMessage(_) => {
            "the server, or something in between, does not speak proper TLS (corrupt message); check the port, and \
             whether the URL begins with http://"
                .to_owned()
        }
        Error::AlertReceived(alert) => {
            format!("the server broke off the TLS handshake ({alert:?}); its log says why")
        }
        Error::PeerIncompatible(reason) => {
            format!("the server offers no TLS version and cipher that this program has ({reason:?}): TLS 1.2 or 1.3 is needed")
        }
        other => format!("TLS: {other}"),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the certificate of the server expired on {}, and the clock of this machine says {}; the operator must renew \
             it, unless the clock is wrong",
            date(not_after.as_secs()),
            date(time.as_secs())
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the certificate of the server is valid from {}, and the clock of this machine says {}; one of the two is wrong",
            date(not_before.as_secs()),
            date(time.as_secs())
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            // `DnsName("localhost")`, `IpAddress(127.0.0.1)`
            let inner = |name: &String| {
                let inner = name.split_once('(').map_or(&**name, |(_, inner)| inner.trim_end_matches(')'));
                inner.trim_matches('"').to_owned()
            };
            let expected = expected.to_str();
            match &presented[..] {
                [] => format!(
                    "the certificate of the server has no name at all (subjectAltName), so it cannot be that of {expected}; \
                     the operator must have it issued with one, or give --pin"
                ),
                names => format!(
                    "the certificate of the server is not for {expected} but for {}; use such a name in the URL",
                    names.iter().map(inner).collect::<Vec<_>>().join(", ")
                ),
            }
        }
        CertificateError::Other(other) => other.0.to_string(),
        CertificateError::BadEncoding => {
            "the certificate of the server is damaged, or too old a format".to_owned()
        }
        CertificateError::Revoked => "the certificate of the server was revoked".to_owned(),
        other => format!("the certificate of the server cannot be used: {other}"),
    }
}

fn date(seconds: u64) -> String {
    let micros = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    let stamp = micros.and_then(Timestamp::from_micros);
    stamp.map_or_else(|| format!("second {seconds}"), |stamp| format!("{}Z", &stamp.as_str()[..19]))
}

/// The chain of causes, also through `io::Error`, which hides what it wraps.
fn causes(error: &reqwest::Error) -> Vec<&(dyn StdError + 'static)> {
    let mut causes: Vec<&(dyn StdError + 'static)> = Vec::new();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        causes.push(error);
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    causes
}

/// The causes on one line: "error sending request" alone helps no one.
fn texts(causes: &[&(dyn StdError + 'static)]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for (index, error) in causes.iter().enumerate() {
        // The URL stands in front of the message already.
        let text = error.to_string().split(" for url (").next().unwrap_or_default().to_owned();
        let is_wrapper = text == "error sending request" || text.starts_with("client error (");
        let is_repeated = texts.last().is_some_and(|outer| outer.contains(&text));
        if !(is_repeated || is_wrapper && index + 1 < causes.len()) {
            texts.push(text);
        }
    }
    texts.join(": ")
}
