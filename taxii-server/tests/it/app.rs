//! A server inside the test: the real router over the memory engine.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use taxii_server::app::App;
use taxii_server::clock::Clock;
use taxii_server::config::Config;
use taxii_server::control::Control;
use taxii_server::router;
use taxii_server::store::engine::Engine;
use taxii_server::store::{MemoryEngine, Store};
use tower::ServiceExt;

pub(crate) const TAXII: &str = "application/taxii+json;version=2.1";
pub(crate) const PASSWORD: &str = "a long enough password";

pub(crate) struct TestApp {
    pub(crate) control: Control,
    service: router::Service,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// Checks that this is a well-formed TAXII error, and gives its code.
    pub(crate) fn error_code(&self) -> String {
        let error = self.json();
        assert_eq!(self.header("content-type"), Some(TAXII), "{error}");
        assert_eq!(error["http_status"], json!(self.status.as_u16().to_string()), "{error}");
        assert!(
            error["title"].is_string() && error["description"].is_string() && error["error_id"].is_string()
        );
        error["error_code"].as_str().unwrap().to_owned()
    }
}

/// A request under construction.
pub(crate) struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// As this account, with HTTP Basic and the password of all test accounts.
    pub(crate) fn by(self, account: &str) -> Self {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{account}:{PASSWORD}"));
        self.header("authorization", &format!("Basic {pair}"))
    }

    pub(crate) async fn send(mut self) -> Answer {
        let body = Body::from(std::mem::take(&mut self.body));
        self.send_body(body).await
    }

    /// Sends the last byte of the body only when everything before it was taken and `meanwhile` is over.
    pub(crate) async fn send_while(mut self, meanwhile: impl Future<Output = ()>) -> Answer {
        let mut body = std::mem::take(&mut self.body);
        let last = body.split_off(body.len() - 1);
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel();
        let rest = async move {
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            Ok::<_, std::io::Error>(last)
        };
        let parts = stream::once(async { Ok(body) }).chain(stream::once(rest));
        let change = async {
            has_begun.await.unwrap();
            meanwhile.await;
            go_on.send(()).unwrap();
        };
        let (answer, ()) = tokio::join!(self.send_body(Body::from_stream(parts)), change);
        answer
    }

    async fn send_body(self, body: Body) -> Answer {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.app.service.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default(), Arc::new(MemoryEngine::default())).await
    }

    /// Over a store that may hold something already.
    pub(crate) async fn over(config: Config, engine: Arc<dyn Engine>) -> Self {
        let store = Store::open(engine, Arc::new(Clock::System)).await.unwrap();
        let app = Arc::new(App::new(store, config).unwrap());
        let control = Control::of(Arc::clone(&app)).unwrap();
        Self { service: router::service(app), control }
    }

    pub(crate) async fn with(config: Config, engine: Arc<dyn Engine>) -> Self {
        let test = Self::over(config, engine).await;
        test.admin(Method::POST, "/admin/api-roots/", json!({"name": "api"})).await;
        test
    }

    /// With one collection `all` that the account `alice` may read and write.
    pub(crate) async fn with_collection() -> (Self, String) {
        let test = Self::new().await;
        let id = test.collection("all").await;
        test.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
        (test, id)
    }

    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        self.control.json(method, path, body).await.unwrap()
    }

    /// Makes a collection for both STIX versions whose title and alias are this name.
    pub(crate) async fn collection(&self, name: &str) -> String {
        self.collection_with(name, "stix").await
    }

    /// The same with a profile.
    pub(crate) async fn collection_with(&self, name: &str, profile: &str) -> String {
        let new = json!({
            "api_root": "api", "title": name, "alias": name, "spec_versions": ["2.0", "2.1"], "profile": profile
        });
        self.admin(Method::POST, "/admin/collections/", new).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn account(&self, name: &str, grants: Value) -> Value {
        let new = json!({"name": name, "password": PASSWORD, "grants": grants});
        self.admin(Method::POST, "/admin/accounts/", new).await
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let path = path.to_owned();
        Call { app: self, method, path, headers: Vec::new(), body: Vec::new() }
            .header("host", "taxii.example")
            .header("accept", TAXII)
            .by("alice")
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Call<'_> {
        let call = self.call(Method::POST, path).header(header::CONTENT_TYPE.as_str(), TAXII);
        Call { body: body.into(), ..call }
    }

    /// Adds objects as alice, and gives the status.
    pub(crate) async fn add(&self, collection: &str, objects: &[Value]) -> Value {
        let body = json!({"objects": objects}).to_string();
        let answer = self.post(&format!("/api/collections/{collection}/objects/"), body).send().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
        answer.json()
    }
}

/// A tool with this number, in the version of this year.
pub(crate) fn tool(number: u64, year: u32) -> Value {
    json!({
        "type": "tool", "spec_version": "2.1", "id": tool_id(number), "name": "n",
        "created": "2000-01-01T00:00:00.000Z", "modified": format!("{year}-01-01T00:00:00.000Z")
    })
}

pub(crate) fn tool_id(number: u64) -> String {
    format!("tool--00000000-0000-4000-8000-{number:012}")
}
