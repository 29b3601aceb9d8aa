//! A proxy in front of a correct server that plants one fault.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// A request on its way to the server. A fault may change `query`.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Decoded names and values, in their order.
    pub(crate) query: Vec<(String, String)>,
    /// The request as it came, for faults that depend on headers.
    pub(crate) headers: HeaderMap,
    /// How many requests came before this one.
    pub(crate) number: usize,
}

impl Asked {
    pub(crate) fn is(&self, end: &str) -> bool {
        self.path.ends_with(end)
    }

    pub(crate) fn is_get(&self, end: &str) -> bool {
        self.method == Method::GET && self.is(end)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        for (n, v) in &mut self.query {
            if n == name {
                value.clone_into(v);
            }
        }
    }

    pub(crate) fn drop(&mut self, name: &str) {
        self.query.retain(|(n, _)| n != name);
    }
}

/// The answer on its way back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Changes the body when it is a JSON object.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let Ok(mut json) = serde_json::from_slice::<Value>(&self.body) else { return };
        if json.is_object() {
            change(&mut json);
            self.body = json.to_string().into_bytes();
        }
    }

    /// Changes the list `name` when there is one.
    pub(crate) fn edit_list(&mut self, name: &str, change: impl FnOnce(&mut Vec<Value>)) {
        self.edit(|json| {
            if let Some(list) = json.get_mut(name).and_then(Value::as_array_mut) {
                change(list);
            }
        });
    }

    pub(crate) fn header(&mut self, name: &'static str, change: impl FnOnce(&str) -> String) {
        let Some(value) = self.headers.get(name).and_then(|value| value.to_str().ok()) else { return };
        let changed = HeaderValue::from_str(&change(value)).unwrap();
        self.headers.insert(HeaderName::from_static(name), changed);
    }

    pub(crate) fn becomes(&mut self, status: u16, body: &str) {
        self.status = StatusCode::from_u16(status).unwrap();
        self.body = body.into();
    }
}

/// Nothing wrong: what the proxy itself does must not be noticed.
pub(crate) const NO_FAULT: Fault = Fault { name: "none", check: "", ask: |_| {}, answer: |_, _, _| {} };

/// One thing that is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// The check that has to catch it.
    pub(crate) check: &'static str,
    /// Changes the question.
    pub(crate) ask: fn(&mut Asked),
    /// Changes the answer. The list is the memory of the fault.
    pub(crate) answer: fn(&Asked, &mut Reply, &mut Vec<Value>),
}

struct Proxy {
    upstream: String,
    http: reqwest::Client,
    fault: Fault,
    seen: Mutex<usize>,
    memory: Mutex<Vec<Value>>,
}

/// Starts a proxy for the server at `upstream` (scheme, host, port) and gives its own address.
pub(crate) async fn start(upstream: &str, fault: Fault) -> SocketAddr {
    crate::install_tls();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let proxy =
        Proxy { upstream: upstream.into(), http, fault, seen: Mutex::default(), memory: Mutex::default() };
    let app = Router::new().fallback(forward).with_state(Arc::new(proxy));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        // A client that announced a body and went away, as one that waits for `100 Continue` may.
        return StatusCode::BAD_REQUEST.into_response();
    };
    let number = {
        let mut seen = proxy.seen.lock().unwrap();
        *seen += 1;
        *seen
    };
    let url = reqwest::Url::parse(&format!("{}{}", proxy.upstream, head.uri)).unwrap();
    let query = url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    let mut asked =
        Asked { method: head.method, path: url.path().into(), query, headers: head.headers, number };
    (proxy.fault.ask)(&mut asked);
    let mut reply = match fetch(&proxy, url, &asked, body).await {
        Ok(reply) => reply,
        // A server may refuse a long body before it has read it. This HTTP library then sees a broken pipe only.
        Err(_) => {
            Reply { status: StatusCode::PAYLOAD_TOO_LARGE, headers: HeaderMap::new(), body: Vec::new() }
        }
    };
    (proxy.fault.answer)(&asked, &mut reply, &mut proxy.memory.lock().unwrap());
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

async fn fetch(proxy: &Proxy, mut url: reqwest::Url, asked: &Asked, body: Bytes) -> reqwest::Result<Reply> {
    url.set_query(None);
    if !asked.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&asked.query);
    }
    let mut headers = asked.headers.clone();
    for name in ["host", "content-length", "connection", "expect", "accept-encoding"] {
        headers.remove(name);
    }
    let request = proxy.http.request(asked.method.clone(), url).headers(headers).body(body);
    let answer = request.send().await?;
    let status = answer.status();
    let mut headers = answer.headers().clone();
    for name in ["content-length", "transfer-encoding", "connection"] {
        headers.remove(name);
    }
    Ok(Reply { status, headers, body: answer.bytes().await?.to_vec() })
}
