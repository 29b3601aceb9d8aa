use super::{Taxii, ok};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::TaxiiCaller;
use crate::openapi::ReadFailures;
use axum::extract::State;
use axum::http::uri::Uri;
use axum::http::{HeaderMap, header};
use std::net::IpAddr;
use std::sync::Arc;
use stix_model::taxii::Discovery;

/// Get discovery: what this server is, and the URLs of its API roots (TAXII 2.1, section 4.1).
#[utoipa::path(
    get, path = "/taxii2/", tag = "TAXII 2.1",
    responses((status = 200, description = "What this server is", body = Discovery, content_type = "application/taxii+json;version=2.1"), ReadFailures)
)]
pub(crate) async fn get_discovery(
    State(app): State<Arc<App>>,
    _: TaxiiCaller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Taxii<Discovery>, ApiError> {
    let base = format!("{}{}", origin(&app, &uri, &headers), app.config.base_path);
    let directory = app.store.directory();
    let default = directory.default_api_root().map(|root| &root.name);
    // The default one comes first, for clients that take the first.
    let others = directory.api_roots.keys().filter(|name| Some(*name) != default);
    let api_roots: Vec<_> = default.into_iter().chain(others).map(|name| format!("{base}/{name}/")).collect();
    Ok(ok(Discovery {
        title: app.config.title.clone(),
        description: app.config.description.clone(),
        contact: app.config.contact.clone(),
        default: api_roots.first().cloned(),
        api_roots,
    }))
}

/// Returns scheme and host for the URLs of API roots, or an empty text for relative URLs. Some clients use the URLs of
/// discovery as they are, so they are absolute: with the configured address, else with the host that the request names, if
/// it is one of this server's: its certificate is valid for it, or it is this machine. Any other name may be a lie, and
/// over plain HTTP a TLS proxy may stand in between, past which a URL with `http` would send credentials. The standard
/// asks for HTTPS or relative URLs (TAXII 2.1, section 4.1.1).
fn origin(app: &App, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(url) = &app.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    // HTTP/2 names the host in the URI, HTTP/1.1 in a header.
    let named = uri.authority().cloned().or_else(|| headers.get(header::HOST)?.to_str().ok()?.parse().ok());
    let Some(named) = named else { return String::new() };
    let host = named.host().trim_matches(['[', ']']);
    match app.certificates.get() {
        Some(certificates) if certificates.vouch_for(host) => format!("https://{named}"),
        None if is_loopback(host) && !app.config.is_tls() => format!("http://{named}"),
        _ => String::new(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
