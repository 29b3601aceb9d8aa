//! One request, asked until there is an answer or no hope of one.

use crate::retry::retry_after;
use crate::{Auth, Error, Options, Url};
use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, redirect};
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stix_model::taxii::{self, MEDIA_TYPE};
use uuid::Uuid;

/// Redirects that are followed, within the same server.
const MOST_REDIRECTS: usize = 5;

/// Attempts to connect to a server that never answered yet: a wrong address is likelier than a short outage.
const MOST_FIRST_CONTACTS: u32 = 3;

/// Request header of Concord servers: a repeated request has the outcome of the first one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A connection pool for one server, with the credentials for it.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// Credentials go nowhere else, whatever discovery or a redirect says.
    home: Url,
    options: Options,
    was_reached: AtomicBool,
}

/// What a request brings.
#[derive(Clone, Debug)]
struct Content {
    body: Bytes,
    /// The same for each attempt.
    key: Uuid,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    status: StatusCode,
    body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(home: Url, options: Options) -> Result<Self, Error> {
        // reqwest would panic.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::NoTlsProvider);
        }
        let same_server = redirect::Policy::custom(|attempt| {
            let is_same =
                attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
            if is_same && attempt.previous().len() <= MOST_REDIRECTS {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let mut builder = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .redirect(same_server)
            .connect_timeout(Duration::from_secs(20))
            .read_timeout(options.idle_timeout);
        if let Some(path) = &options.ca_file {
            let wrong =
                |reason: String| Error::CaFile { path: path.display().to_string(), reason: reason.clone() };
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let authorities =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
            if authorities.is_empty() {
                return Err(wrong("holds no certificate in PEM form".into()));
            }
            builder = builder.tls_certs_merge(authorities);
        }
        let client = builder.build().map_err(Error::Tls)?;
        Ok(Self { client, home, options, was_reached: AtomicBool::new(false) })
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Answer, Error> {
        self.send(Method::GET, url, None).await
    }

    pub(crate) async fn post(&self, url: &Url, body: Bytes, key: Uuid) -> Result<Answer, Error> {
        self.send(Method::POST, url, Some(Content { body, key })).await
    }

    pub(crate) async fn delete(&self, url: &Url) -> Result<Answer, Error> {
        self.send(Method::DELETE, url, None).await
    }

    async fn send(&self, method: Method, url: &Url, content: Option<Content>) -> Result<Answer, Error> {
        // Adding objects twice is no failure (TAXII 2.1, section 5.4), and servers that know the key do it once. Not
        // DELETE: by default it removes the latest version, so that a second one removes the version before.
        let is_repeatable = method != Method::DELETE;
        let retry = &self.options.retry;
        let mut attempt = 1;
        loop {
            let outcome = self.send_once(&method, url, content.clone()).await;
            let (most, asked) = match &outcome {
                Ok(answer) if answer.is_busy(is_repeatable) => (retry.attempts, retry_after(&answer.headers)),
                // A request that never left may be sent again whatever it does.
                Err(Error::Connection { source, .. }) if is_repeatable || source.is_connect() => {
                    let was_reached = self.was_reached.load(Ordering::Relaxed);
                    (if was_reached { retry.attempts } else { retry.attempts.min(MOST_FIRST_CONTACTS) }, None)
                }
                _ => (0, None),
            };
            if attempt >= most {
                return outcome?.successful();
            }
            if let (Ok(answer), Some(asked)) = (&outcome, asked.filter(|asked| *asked > retry.longest_wait)) {
                let (url, status, seconds) = (url.clone(), answer.status.as_u16(), asked.as_secs());
                return Err(Error::Busy { url, status, seconds });
            }
            tokio::time::sleep(retry.wait(attempt).max(asked.unwrap_or_default())).await;
            attempt += 1;
        }
    }

    async fn send_once(&self, method: &Method, url: &Url, content: Option<Content>) -> Result<Answer, Error> {
        let broken = |source: reqwest::Error| Error::Connection { url: url.clone(), source };
        let mut request = self.client.request(method.clone(), url.clone()).header(ACCEPT, MEDIA_TYPE);
        if url.origin() == self.home.origin() {
            request = match &self.options.auth {
                Auth::None => request,
                Auth::Basic { user, password } => request.basic_auth(user, Some(password)),
                Auth::Bearer(token) => request.bearer_auth(token),
                Auth::Token(token) => {
                    let mut value =
                        HeaderValue::try_from(format!("Token {token}")).map_err(|_| Error::Credentials)?;
                    value.set_sensitive(true);
                    request.header(AUTHORIZATION, value)
                }
            };
        }
        if let Some(Content { body, key }) = content {
            let key = key.to_string();
            request = request.header(CONTENT_TYPE, MEDIA_TYPE).header(IDEMPOTENCY_KEY, key).body(body);
        }
        let request = request
            .build()
            .map_err(|error| if error.is_builder() { Error::Credentials } else { broken(error) })?;
        let mut response = self.client.execute(request).await.map_err(broken)?;
        self.was_reached.store(true, Ordering::Relaxed);
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            let limit = self.options.max_response;
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge { url: url.clone(), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { url: url.clone(), headers, status, body })
    }
}

impl Answer {
    /// The server wants to be asked later. Behind a proxy, 502 and 504 say the same, but not whether the request
    /// was carried out.
    fn is_busy(&self, is_repeatable: bool) -> bool {
        let status = self.status.as_u16();
        matches!(status, 429 | 503) || (is_repeatable && matches!(status, 502 | 504))
    }

    fn successful(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let url = self.url;
        if let Some(location) = self.headers.get(LOCATION).filter(|_| self.status.is_redirection()) {
            return Err(Error::Redirect {
                url,
                location: String::from_utf8_lossy(location.as_bytes()).into(),
            });
        }
        let error = error_resource(&self.body).unwrap_or_else(|| taxii::Error {
            title: self.status.canonical_reason().unwrap_or_default().into(),
            ..taxii::Error::default()
        });
        Err(Error::Refused { url, status: self.status.as_u16(), error: Box::new(error) })
    }

    /// Reads the body as a TAXII resource.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let wrong = |reason: String| Error::NotTaxii { url: self.url.clone(), reason };
        let media_type =
            self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        // A login page with status 200 is a page too; say so rather than "expected value at line 1 column 1".
        if !essence.to_ascii_lowercase().ends_with("json") {
            return Err(wrong(format!("the Content-Type is {media_type}")));
        }
        serde_json::from_slice(&self.body).map_err(|error| wrong(error.to_string()))
    }
}

/// Reads an error resource. `http_status` is a string, but several servers send a number; that is no reason to hide
/// what they say.
fn error_resource(body: &[u8]) -> Option<taxii::Error> {
    let mut value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.as_object_mut()?.remove("http_status");
    serde_json::from_value(value).ok()
}
