//! All routes.

use crate::app::App;
use crate::budget::Room;
use crate::credentials;
use crate::error::ApiError;
use crate::extract::{HasRoom, IsCoded, LocalOperator};
use crate::routes::{
    admin, api_root, backup, collections, discovery, docs, health, manifest, metrics, network, objects,
    status, versions,
};
use crate::{drain, openapi, protocol};
use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

fn taxii_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(discovery::get_discovery))
        .routes(routes!(api_root::get_api_root))
        .routes(routes!(status::get_status))
        .routes(routes!(collections::get_collections))
        .routes(routes!(collections::get_collection))
        .routes(routes!(manifest::get_manifest))
        .routes(routes!(objects::get_objects, objects::add_objects))
        .routes(routes!(objects::get_object, objects::delete_object))
        .routes(routes!(versions::get_versions))
}

fn admin_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(admin::get_api_roots, admin::add_api_root))
        .routes(routes!(admin::change_api_root, admin::delete_api_root))
        .routes(routes!(admin::get_admin_collections, admin::add_collection))
        .routes(routes!(admin::change_collection, admin::delete_collection))
        .routes(routes!(admin::get_records))
        .routes(routes!(admin::get_accounts, admin::add_account))
        .routes(routes!(admin::change_account, admin::delete_account))
        .routes(routes!(admin::set_password))
        .routes(routes!(admin::set_grant, admin::delete_grant))
        .routes(routes!(admin::add_token))
        .routes(routes!(admin::delete_token))
}

fn network_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(network::found_network))
        .routes(routes!(network::nodes::add_invitation))
        .routes(routes!(network::nodes::join, network::nodes::get_join))
        .routes(routes!(network::nodes::recover))
        .routes(routes!(network::nodes::verify))
        .routes(routes!(network::nodes::get_applications))
        .routes(routes!(network::nodes::get_nodes))
        .routes(routes!(network::get_state))
        .routes(routes!(network::get_organisations))
        .routes(routes!(network::get_policy))
        .routes(routes!(network::get_proposals))
        .routes(routes!(network::get_proposal))
        .routes(routes!(network::get_proof))
        .routes(routes!(network::get_trust))
        .routes(routes!(network::add_vote))
        .routes(routes!(network::withdraw_proposal))
        .routes(routes!(network::add_revocation))
        .routes(routes!(network::add_governance))
}

fn operation_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::get_metrics))
}

fn documented_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(taxii_routes())
        .merge(admin_routes())
        .merge(network_routes())
        .merge(operation_routes())
}

/// Returns the OpenAPI document of this server, as it is checked in.
pub fn openapi_json() -> String {
    let document = documented_routes().into_openapi();
    let mut json = document.to_pretty_json().expect("the document has only texts");
    json.push('\n');
    json
}

/// An HTTP service that accepts paths with and without the slash at their end.
#[derive(Clone)]
pub struct Service(Router);

impl<B> tower::Service<Request<B>> for Service
where
    Router: tower::Service<Request<B>>,
{
    type Response = <Router as tower::Service<Request<B>>>::Response;
    type Error = <Router as tower::Service<Request<B>>>::Error;
    type Future = <Router as tower::Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        tower::Service::<Request<B>>::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.call(normalize(request))
    }
}

/// Returns the service for clients, for a server of its own or for nesting in another application:
/// `axum::Router::nest_service("/cti", router::service(app))`. The setting `base_path` must then be the path at which it
/// is nested, because discovery gives URLs.
pub fn service(app: Arc<App>) -> Service {
    finish(client_routes(&app.config.base_path), app)
}

/// Returns the service for clients below the base path, for a server that is not nested.
pub(crate) fn mounted_service(app: Arc<App>) -> Service {
    let base_path = &app.config.base_path;
    let routes = client_routes(base_path);
    let routes =
        if base_path.is_empty() { routes } else { Router::new().nest(&format!("{base_path}/"), routes) };
    finish(routes, app)
}

fn client_routes(base_path: &str) -> Router<Arc<App>> {
    let (router, mut document) = documented_routes().split_for_parts();
    if !base_path.is_empty() {
        document.servers = Some(vec![utoipa::openapi::Server::new(base_path)]);
    }
    let json = document.to_json().map(bytes::Bytes::from).unwrap_or_default();
    let openapi =
        get(move || async move { (Extension(HasRoom), [(header::CONTENT_TYPE, "application/json")], json) });
    let docs = format!("{base_path}/docs/");
    router
        .route("/openapi.json/", openapi)
        .route("/tlog/{*path}", get(network::get_log))
        .route("/docs/", get(docs::get_docs))
        // For people who open the address in a browser.
        .route("/", get(move || async move { Redirect::temporary(&docs) }))
}

/// Returns the service for the operator of this machine, who knows the secret.
pub(crate) fn operator_service(app: Arc<App>, secret: &str) -> Service {
    let (router, _) = documented_routes().split_for_parts();
    let router = router.route("/backup/", post(backup::make_backup));
    finish(router.layer(from_fn_with_state(Arc::from(secret), admit_operator)), app)
}

async fn admit_operator(State(secret): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    // The client tells its secret only to one that knows it.
    if let Some(challenge) = request.headers().get(credentials::CHALLENGE) {
        return [(credentials::PROOF, credentials::proof(&secret, challenge.as_bytes()))].into_response();
    }
    let expected = format!("Bearer {secret}");
    let given = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let is_right: bool = expected.as_bytes().ct_eq(given).into();
    if !is_right {
        return ApiError::Unauthorized.into_response();
    }
    request.extensions_mut().insert(LocalOperator);
    next.run(request).await
}

/// Returns the service for monitoring, which asks for no credentials.
pub fn metrics_service(app: Arc<App>) -> Service {
    let router = Router::new()
        .route("/metrics/", get(metrics::open_metrics))
        .route("/livez/", get(health::livez))
        .route("/readyz/", get(health::readyz));
    finish(router, app)
}

fn finish(router: Router<Arc<App>>, app: Arc<App>) -> Service {
    let router = router
        .fallback(async || ApiError::NotFound("resource"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(|_| ApiError::Internal("a handler panicked".into()).into_response()))
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(DefaultPredicate::new().and(is_uncoded)),
        )
        .with_state(app);
    Service(router)
}

/// Whether the form of an answer is still to be chosen.
fn is_uncoded(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<IsCoded>().is_none()
}

/// What every request must be, and what every answer says, whatever the route. It is one layer, because a layer copies for
/// each request what is inside of it.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_tls = app.config.is_tls();
    let mut response = match protocol::check(&request) {
        Ok(()) => handle(app, request, next).await,
        Err(error) => error.into_response(),
    };
    protocol::complete(&mut response, is_tls);
    response
}

async fn handle(app: Arc<App>, request: Request, next: Next) -> Response {
    let (started, room) = (Instant::now(), Room::of(&app, &request));
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let method = crate::metrics::method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (request, unread) = drain::tracked(&app, request);
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.metrics.count_request(method, route, response.status().as_u16(), started.elapsed());
    drop(app);
    let response = room.hold(response, is_read);
    unread.drain().await;
    response
}

/// Makes the path end with one slash, as the standard writes paths. Some clients leave it out, or write `//` where they
/// join two parts.
fn normalize<B>(mut request: Request<B>) -> Request<B> {
    let Some(normal) = normal_path(request.uri().path()) else { return request };
    let query = request.uri().query().map_or(String::new(), |query| format!("?{query}"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{normal}{query}")).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// Returns `None` when the path is normal already.
fn normal_path(path: &str) -> Option<String> {
    if path.ends_with('/') && !path.contains("//") {
        return None;
    }
    let mut normal = Cow::Borrowed(path);
    while normal.contains("//") {
        normal = Cow::Owned(normal.replace("//", "/"));
    }
    let mut normal = normal.into_owned();
    if !normal.ends_with('/') {
        normal.push('/');
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::normal_path;

    #[test]
    fn paths_end_with_one_slash() {
        assert_eq!(normal_path("/taxii2/"), None);
        assert_eq!(normal_path("/taxii2").as_deref(), Some("/taxii2/"));
        assert_eq!(normal_path("//a///b//").as_deref(), Some("/a/b/"));
        assert_eq!(normal_path("/").as_deref(), None);
    }
}
