use super::{Taxii, ok};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::openapi::ReadFailures;
use axum::extract::State;
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, header};
use std::sync::Arc;
use stix_model::taxii::Discovery;

/// Server discovery: what this server is, and where its API roots are (TAXII 2.1, section 4.1).
#[utoipa::path(
    get, path = "/taxii2/", tag = "TAXII 2.1",
    responses((status = 200, description = "What this server is", body = Discovery, content_type = "application/taxii+json;version=2.1"), ReadFailures)
)]
pub(crate) async fn get_discovery(
    State(app): State<Arc<App>>,
    _caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Taxii<Discovery>, ApiError> {
    let base = base_url(&app, &uri, &headers);
    let api_roots: Vec<_> =
        app.store.directory().api_roots.keys().map(|name| format!("{base}/{name}/")).collect();
    Ok(ok(Discovery {
        title: app.config.title.clone(),
        description: app.config.description.clone(),
        contact: app.config.contact.clone(),
        default: api_roots.first().cloned(),
        api_roots,
    }))
}

/// The address that clients use: as configured, else as the request names it. Some clients use the URLs of discovery
/// as they are, so they are absolute.
fn base_url(app: &App, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(url) = &app.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let is_tls = app.config.tls.is_some() || app.config.behind_tls_proxy;
    let scheme = if is_tls { "https" } else { "http" };
    // HTTP/2 names the host in the URI, HTTP/1.1 in a header.
    let authority = uri.authority().map(Authority::as_str);
    let host = authority.or_else(|| headers.get(header::HOST)?.to_str().ok());
    match host {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://{}", app.config.listen),
    }
}
