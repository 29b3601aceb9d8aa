//! What a URL points to, told from its path alone.

use crate::{Error, Url};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::net::IpAddr;

/// An address that somebody typed, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// The discovery URL; the API root is still to be found.
    Discovery(Url),
    /// An API root.
    ApiRoot(Url),
    /// One collection of an API root.
    Collection {
        /// The API root.
        root: Url,
        /// Identifier or alias.
        id: String,
    },
}

impl Address {
    /// Reads an address. A bare host stands for its discovery URL (TAXII 2.1, section 4.1), and so does a path that
    /// ends in `/taxii2/`; a path with `/collections/` in it names the API root before it. Anything else is an API
    /// root.
    pub(crate) fn parse(text: &str, allow_plain_http: bool) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Url { url: without_userinfo(text), reason };
        let mut url = Url::parse(&with_scheme(text)).map_err(|error| wrong(format!("not a URL: {error}")))?;
        check_transport(&url, allow_plain_http).map_err(|reason| wrong(reason.to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("give user and password apart from the URL, where they end up in logs".into()));
        }
        url.set_query(None);
        url.set_fragment(None);

        let segments: Vec<String> =
            url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        let with_path = |segments: &[String]| {
            let mut url = url.clone();
            let mut path = format!("/{}", segments.join("/"));
            // TAXII 2.1, section 3.1: the path of every request ends in a slash.
            path.push_str(if segments.is_empty() { "" } else { "/" });
            url.set_path(&path);
            url
        };
        if let Some(at) = segments.iter().rposition(|segment| segment == "collections") {
            let root = with_path(&segments[..at]);
            return Ok(match segments.get(at + 1) {
                Some(id) => Self::Collection { root, id: unescaped(id) },
                None => Self::ApiRoot(root),
            });
        }
        Ok(match segments.last().map(String::as_str) {
            None => Self::Discovery(with_path(&["taxii2".to_owned()])),
            Some("taxii2") => Self::Discovery(with_path(&segments)),
            Some(_) => Self::ApiRoot(with_path(&segments)),
        })
    }

    /// The collection in the address, if it names one.
    pub(crate) fn collection(&self) -> Option<&str> {
        match self {
            Self::Collection { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The URL that was typed, as far as it says where the server is.
    pub(crate) fn url(&self) -> &Url {
        match self {
            Self::Discovery(url) | Self::ApiRoot(url) | Self::Collection { root: url, .. } => url,
        }
    }
}

/// A text that may be a URL, without the user and the password in it, for messages.
fn without_userinfo(text: &str) -> String {
    let begin = text.find("://").map_or(0, |at| at + "://".len());
    let length = text[begin..].find(['/', '?', '#']).unwrap_or(text.len() - begin);
    let host = text[begin..begin + length].rfind('@').map_or(begin, |at| begin + at + 1);
    format!("{}{}", &text[..begin], &text[host..])
}

/// A segment of a path without its escapes, which are put in again when a path is made of it.
fn unescaped(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8().map_or_else(|_| segment.to_owned(), Cow::into_owned)
}

/// An address without a scheme is one of TLS, or on this machine one without.
fn with_scheme(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.contains("://") {
        return text.to_owned();
    }
    let text = text.trim_start_matches('/');
    let plain = format!("http://{text}");
    match Url::parse(&plain) {
        Ok(url) if is_this_machine(&url) => plain,
        _ => format!("https://{text}"),
    }
}

/// Whether requests may go to a URL: over TLS, to this machine, or over plain HTTP when that is allowed. The error says why
/// not.
pub(crate) fn check_transport(url: &Url, allow_plain_http: bool) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_plain_http || is_this_machine(url) => Ok(()),
        "http" => Err(
            "without TLS everybody on the way can read along; use https, or allow it with --allow-plain-http",
        ),
        _ => Err("the URL of a TAXII server begins with https://"),
    }
}

/// Whether requests stay on this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    // RFC 6761, section 6.3: all names under `localhost` are this machine.
    let is_local_name = host == "localhost" || host.ends_with(".localhost");
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical());
    // To connect to the unspecified address is to connect to this machine.
    is_local_name || ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// An API root as it stands in discovery: absolute, or relative to the server (TAXII 2.1, section 4.1.1).
///
/// # Errors
/// When it is no URL, or requests may not go there: as for an address that a person gives, and never from TLS to plain
/// HTTP.
pub(crate) fn api_root(discovery: &Url, root: &str, allow_plain_http: bool) -> Result<Url, Error> {
    let wrong = |reason: String| Error::NotTaxii {
        url: discovery.clone(),
        reason: format!("it names the API root {root:?}: {reason}"),
    };
    let mut url = discovery.join(root).map_err(|error| wrong(error.to_string()))?;
    if discovery.scheme() == "https" && url.scheme() == "http" {
        return Err(wrong("that is without TLS; give its https:// address as the URL".to_owned()));
    }
    check_transport(&url, allow_plain_http).map_err(|reason| wrong(reason.to_owned()))?;
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// `base` with more path segments and a slash at the end. Each segment is escaped.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Result<Url, Error> {
    // "." and ".." would silently lead to another endpoint, "" to a double slash.
    if let Some(segment) = segments.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
        return Err(Error::Url { url: base.to_string(), reason: format!("{segment:?} is no identifier") });
    }
    let mut url = base.clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(segments).push(""),
        Err(()) => return Err(Error::Url { url: base.to_string(), reason: "has no path".into() }),
    };
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_what_an_address_is() {
        let url = |text| Url::parse(text).unwrap();
        let collection = |root, id: &str| Address::Collection { root: url(root), id: id.into() };
        let cases = [
            ("https://h", Address::Discovery(url("https://h/taxii2/"))),
            ("https://h:8443/", Address::Discovery(url("https://h:8443/taxii2/"))),
            ("https://h/taxii2", Address::Discovery(url("https://h/taxii2/"))),
            ("https://h/behind/proxy/taxii2/", Address::Discovery(url("https://h/behind/proxy/taxii2/"))),
            ("https://h/root", Address::ApiRoot(url("https://h/root/"))),
            ("https://h/taxii2/root/?x=1#y", Address::ApiRoot(url("https://h/taxii2/root/"))),
            ("https://h//root//", Address::ApiRoot(url("https://h/root/"))),
            ("https://h/root/collections/", Address::ApiRoot(url("https://h/root/"))),
            ("https://h/root/collections/c1", collection("https://h/root/", "c1")),
            ("https://h/root/collections/c1/objects/", collection("https://h/root/", "c1")),
            ("https://h/collections/c1/", collection("https://h/", "c1")),
            ("https://h/root/collections/My%20%C3%A9%/", collection("https://h/root/", "My é%")),
            ("http://localhost:1", Address::Discovery(url("http://localhost:1/taxii2/"))),
            ("http://[::1]:1", Address::Discovery(url("http://[::1]:1/taxii2/"))),
            ("h.example", Address::Discovery(url("https://h.example/taxii2/"))),
            ("h.example:8443/root", Address::ApiRoot(url("https://h.example:8443/root/"))),
            ("//h/root/collections/c1/", collection("https://h/root/", "c1")),
            ("localhost:6100", Address::Discovery(url("http://localhost:6100/taxii2/"))),
            (" 127.0.0.1:6100/api/ ", Address::ApiRoot(url("http://127.0.0.1:6100/api/"))),
            ("[::1]:6100/api", Address::ApiRoot(url("http://[::1]:6100/api/"))),
            ("0.0.0.0:6100/api", Address::ApiRoot(url("http://0.0.0.0:6100/api/"))),
            ("http://[::ffff:127.0.0.1]:1", Address::Discovery(url("http://[::ffff:7f00:1]:1/taxii2/"))),
            ("taxii.localhost.:1", Address::Discovery(url("http://taxii.localhost.:1/taxii2/"))),
            ("127.0.0.1.example", Address::Discovery(url("https://127.0.0.1.example/taxii2/"))),
        ];
        for (text, expected) in cases {
            assert_eq!(Address::parse(text, false).unwrap(), expected, "{text}");
        }
        for text in ["", "a b", "ftp://h/", "http://h/", "https://u:p@h/", "http://127.0.0.1.example/"]
            .into_iter()
            .chain(["http://notlocalhost/", "http://localhost.example/", "http://[::ffff:10.0.0.1]/"])
        {
            assert!(Address::parse(text, false).is_err(), "{text}");
        }
        assert!(Address::parse("http://h/", true).is_ok());
        for text in ["https://u:p@h/x@y", "u:p@h/x@y", "https://u:p@q@h:99999/", "ftp://u:p@h"] {
            let said = Address::parse(text, false).unwrap_err().to_string();
            assert!(!said.contains("u:p") && !said.contains("q@") && said.contains('h'), "{said}");
        }
    }

    #[test]
    fn api_roots_are_absolute_or_relative() {
        let at = |discovery: &str, root: &str, is_allowed| {
            api_root(&Url::parse(discovery).unwrap(), root, is_allowed).map(String::from)
        };
        let (there, here) = ("https://h/taxii2/", "http://127.0.0.1:1/taxii2/");
        for (discovery, root, expected) in [
            (there, "/root", "https://h/root/"),
            (there, "/a/b/?q", "https://h/a/b/"),
            (there, "https://other/root", "https://other/root/"),
            (here, "/root", "http://127.0.0.1:1/root/"),
            (here, "http://localhost:2/root", "http://localhost:2/root/"),
            (here, "https://other/root", "https://other/root/"),
        ] {
            assert_eq!(at(discovery, root, false).unwrap(), expected);
        }
        for (discovery, root) in [(there, "http://h/root/"), (there, "http://localhost/root/")] {
            let said = at(discovery, root, true).unwrap_err().to_string();
            assert!(said.contains("without TLS; give its https:// address"), "{said}");
        }
        for root in ["http://other/root/", "//other/root/", "http://127.0.0.1.example/"] {
            let said = at(here, root, false).unwrap_err().to_string();
            assert!(said.contains("--allow-plain-http") && said.contains(root), "{said}");
            assert!(at(here, root, true).unwrap().starts_with("http://"));
        }
        for root in ["ftp://h/", "file:///etc/passwd", "https://"] {
            assert!(at(here, root, true).is_err(), "{root}");
        }
    }

    #[test]
    fn segments_are_escaped_and_never_climb() {
        let base = Url::parse("https://h/root/").unwrap();
        let url = below(&base, &["collections", "a/b ?", "objects"]).unwrap();
        assert_eq!(url.as_str(), "https://h/root/collections/a%2Fb%20%3F/objects/");
        assert!(below(&base, &["collections", ".."]).is_err());
    }
}
