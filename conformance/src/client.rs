//! Sends requests and keeps every answer. Time and size of an answer are bounded; redirects are answers too.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Method, redirect};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::exchange::Exchange;
use crate::ijson;
use crate::options::{Auth, Options};
use crate::shape::Shape;
use crate::verdict::{Evidence, Stop, Verdict};

/// The one media type of TAXII 2.1.
pub(crate) const TAXII: &str = "application/taxii+json;version=2.1";

/// No page of a sane server is larger; a longer answer is cut off and reported.
const MAX_BODY: usize = 64 << 20;

/// A request that is right unless a check changes it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: Method,
    pub(crate) url: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    shape: Option<&'static Shape>,
}

impl Request {
    pub(crate) fn new(method: Method, url: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(TAXII));
        Self { method, url: url.into(), headers, body: None, shape: None }
    }

    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn post(url: impl Into<String>, body: Vec<u8>) -> Self {
        let request = Self::new(Method::POST, url).header(CONTENT_TYPE, TAXII);
        Self { body: Some(body), ..request }
    }

    /// Sets a header. A value that HTTP does not allow leaves the header out; checks use fixed text only.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.remove(&name);
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same request for another URL.
    pub(crate) fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    fn without(mut self, name: HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn auth(self, auth: &Auth) -> Self {
        match auth.header() {
            Some(value) => self.header(AUTHORIZATION, &value),
            None => self.without(AUTHORIZATION),
        }
    }

    pub(crate) fn shaped(self, shape: &'static Shape) -> Self {
        Self { shape: Some(shape), ..self }
    }
}

/// The HTTP client with its memory.
pub(crate) struct Client {
    http: reqwest::Client,
    seen: Mutex<Vec<Arc<Exchange>>>,
}

impl Client {
    pub(crate) fn new(options: &Options) -> Result<Self, String> {
        // The HTTP client takes the cryptography of the process; the only error is that there is one already.
        if CryptoProvider::get_default().is_none() {
            let _ = aws_lc_rs::default_provider().install_default();
        }
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(options.timeout)
            .tls_danger_accept_invalid_certs(options.insecure);
        if let Some(pem) = &options.ca {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|e| format!("CA file: {e}"))?;
            http = http.tls_certs_merge(certificates);
        }
        let http = http.build().map_err(|problem| chain(&problem))?;
        Ok(Self { http, seen: Mutex::default() })
    }

    /// Sends and records. No answer, or one that never ends, fails the check that asked.
    pub(crate) async fn send(&self, request: Request) -> Verdict<Arc<Exchange>> {
        let line = format!("{} {}", request.method, request.url);
        let (status, headers, body) = self.fetch(&request).await.map_err(|detail| {
            Stop::Fail(Box::new(Evidence { request: line.clone(), status: None, at: String::new(), detail }))
        })?;
        let json = ijson::read(&body);
        let Request { method, shape, .. } = request;
        let exchange = Arc::new(Exchange { request: line, method, status, headers, body, json, shape });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&exchange));
        Ok(exchange)
    }

    /// Every exchange so far, oldest first.
    pub(crate) fn seen(&self) -> Vec<Arc<Exchange>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self, request: &Request) -> Result<(u16, HeaderMap, Vec<u8>), String> {
        let mut builder =
            self.http.request(request.method.clone(), &request.url).headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let mut response = builder.send().await.map_err(|problem| chain(&problem))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|problem| chain(&problem))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(format!("the answer is longer than {MAX_BODY} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, headers, body))
    }
}

/// The whole chain of causes: the outermost text alone rarely says what happened.
fn chain(problem: &dyn std::error::Error) -> String {
    let mut text = format!("no answer: {problem}");
    let mut cause = problem.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
