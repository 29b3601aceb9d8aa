//! One request, asked until there is an answer or no hope of one.

use crate::address::check_transport;
use crate::proxy::Proxies;
use crate::retry::retry_after;
use crate::{Auth, Error, Options, Url, tls};
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

/// Attempts to add objects when the server says that it failed: the second one learns the outcome from a server that
/// knows the key of the request.
const MOST_AFTER_A_FAULT: u32 = 2;

/// Attempts with a body that may be too large, as long as there are connections: smaller ones have better chances.
const MOST_OF_LARGE: u32 = 2;

/// Request header of Concord servers: a repeated request has the outcome of the first one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Error code of Concord servers: the same request with the same key tells the outcome, or has it.
const OUTCOME_UNKNOWN: &str = "outcome_unknown";

/// Error code of Concord servers: the request was not carried out.
const UNAVAILABLE: &str = "unavailable";

/// Media type of what is not TAXII.
#[cfg(feature = "network")]
const JSON: &str = "application/json";

/// What is wanted of something that is no JSON.
#[cfg(feature = "network")]
const ANY: &str = "*/*";

/// Connection pools for one server, with the credentials for it.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// For addresses of this machine.
    direct: reqwest::Client,
    proxies: Proxies,
    /// Credentials go nowhere else, whatever discovery or a redirect says.
    home: Url,
    options: Options,
    was_reached: AtomicBool,
}

/// A request, with what is known of it after each attempt.
#[derive(Debug)]
struct Request {
    method: Method,
    url: Url,
    /// Of the body, and of the answer that is wanted.
    media_type: &'static str,
    body: Option<Bytes>,
    /// Of a request that changes something; the same for each attempt.
    key: Option<Uuid>,
    /// The server carries out requests with the same key once.
    is_known_by_key: bool,
    /// It changes something on the server.
    is_change: bool,
    /// An earlier attempt may have been carried out.
    may_be_done: bool,
    /// It was carried out: what is still sent only asks for the outcome.
    is_taken: bool,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    status: StatusCode,
    body: Vec<u8>,
    via: Option<String>,
    /// The server that the credentials are for, when this is another one and there are credentials.
    withheld: Option<String>,
}

impl Http {
    pub(crate) fn new(home: Url, options: Options) -> Result<Self, Error> {
        let tls = tls::config(&options, home.scheme() == "http")?;
        let builder = || {
            reqwest::Client::builder()
                .user_agent(&options.user_agent)
                // By hand, because reqwest turns POST into GET, and would tell another server who asks.
                .redirect(redirect::Policy::none())
                .connect_timeout(Duration::from_secs(20))
                .read_timeout(options.idle_timeout)
                .tls_backend_preconfigured(tls.clone())
        };
        let failed = |error: reqwest::Error| Error::Tls(error.to_string());
        let client = builder().build().map_err(failed)?;
        let direct = builder().no_proxy().build().map_err(failed)?;
        let proxies = Proxies::of_environment();
        Ok(Self { client, direct, proxies, home, options, was_reached: AtomicBool::new(false) })
    }

    pub(crate) fn allows_plain_http(&self) -> bool {
        self.options.allow_plain_http
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Answer, Error> {
        self.send(Request::new(Method::GET, url)).await
    }

    /// Gets something that is JSON, and no resource of TAXII.
    #[cfg(feature = "network")]
    pub(crate) async fn get_json(&self, url: &Url) -> Result<Answer, Error> {
        self.send(Request { media_type: JSON, ..Request::new(Method::GET, url) }).await
    }

    /// Gets something that is to stay as it comes.
    #[cfg(feature = "network")]
    pub(crate) async fn get_bytes(&self, url: &Url) -> Result<Vec<u8>, Error> {
        Ok(self.send(Request { media_type: ANY, ..Request::new(Method::GET, url) }).await?.body)
    }

    /// Posts JSON that the server takes once, however often it comes.
    #[cfg(feature = "network")]
    pub(crate) async fn post_json(&self, url: &Url, body: Bytes) -> Result<Answer, Error> {
        self.send(Request { media_type: JSON, body: Some(body), ..Request::new(Method::POST, url) }).await
    }

    pub(crate) async fn post(&self, url: &Url, body: Bytes, key: Uuid) -> Result<Answer, Error> {
        self.send(Request { body: Some(body), key: Some(key), ..Request::new(Method::POST, url) }).await
    }

    pub(crate) async fn delete(&self, url: &Url, key: Uuid) -> Result<Answer, Error> {
        self.send(Request { key: Some(key), ..Request::new(Method::DELETE, url) }).await
    }

    async fn send(&self, mut request: Request) -> Result<Answer, Error> {
        let retry = &self.options.retry;
        let mut attempt = 1;
        loop {
            let outcome = self.send_once(&mut request).await;
            request.is_known_by_key |=
                outcome.as_ref().is_ok_and(|answer| request.key.is_some() && answer.says(OUTCOME_UNKNOWN));
            let (most, asked) = self.patience(&request, &outcome);
            let is_too_long = asked.is_some_and(|asked| asked > retry.longest_wait);
            if attempt < most && !is_too_long {
                request.note(outcome.as_ref().map_or_else(Error::may_be_done, Answer::may_be_done));
                tokio::time::sleep(retry.wait(attempt).max(asked.unwrap_or_default())).await;
                attempt += 1;
                continue;
            }
            let outcome = match (outcome, asked.filter(|_| attempt < most)) {
                (Ok(answer), Some(asked)) => Err(Error::Busy {
                    url: answer.url,
                    status: answer.status.as_u16(),
                    seconds: asked.as_secs(),
                }),
                (outcome, _) => outcome.and_then(Answer::successful),
            };
            return outcome.map_err(|error| request.outcome_of(error));
        }
    }

    /// How often a request is sent in all, given its outcome, and the waiting time that the server asks for.
    fn patience(&self, request: &Request, outcome: &Result<Answer, Error>) -> (u32, Option<Duration>) {
        let retry = &self.options.retry;
        // Adding objects twice is no failure (TAXII 2.1, section 5.4), and servers that know the key do it once. Not
        // DELETE, unless the server has shown that it does: by default it removes the latest version, so that a second one
        // removes the version before.
        let is_repeatable = request.method != Method::DELETE || request.is_known_by_key;
        match outcome {
            Ok(answer) if answer.is_busy(is_repeatable) => (retry.attempts, retry_after(&answer.headers)),
            Ok(answer) if answer.status == StatusCode::INTERNAL_SERVER_ERROR && request.body.is_some() => {
                (retry.attempts.min(MOST_AFTER_A_FAULT), None)
            }
            Err(error) if request.body.as_ref().is_some_and(|body| error.may_be_for_size(body.len())) => {
                (retry.attempts.min(MOST_OF_LARGE), None)
            }
            // A request that never left may be sent again whatever it does.
            Err(Error::Connection { source, .. }) if is_repeatable || source.is_connect() => {
                let most = match self.was_reached.load(Ordering::Relaxed) {
                    true => retry.attempts,
                    // Another program listens there, or nothing behind a firewall: it will stay as silent.
                    false if source.is_timeout() && !source.is_connect() => 1,
                    false => retry.attempts.min(MOST_FIRST_CONTACTS),
                };
                (most, None)
            }
            _ => (0, None),
        }
    }

    /// Sends a request, and follows redirects within the server.
    async fn send_once(&self, request: &mut Request) -> Result<Answer, Error> {
        let mut at = request.url.clone();
        for _ in 0..MOST_REDIRECTS {
            let mut answer = self.exchange(request, &at).await?;
            let next = answer.redirect().filter(|next| next.origin() == at.origin());
            // RFC 9110, section 15.4.4: the request was carried out, and its outcome is there. All others mean the same
            // request again; browsers alone made a GET of a POST.
            let mut is_over = false;
            if answer.status == StatusCode::SEE_OTHER {
                request.see_other(next.as_ref());
            } else if matches!(answer.status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND) {
                // Servers of web pages answer so once they have carried out a request.
                request.note(true);
                is_over = request.method == Method::DELETE;
            }
            let Some(next) = next.filter(|_| !is_over) else {
                answer.url.clone_from(&request.url);
                return Ok(answer);
            };
            at = next;
        }
        let reason = format!("it redirects more than {MOST_REDIRECTS} times");
        Err(Error::NotTaxii { url: request.url.clone(), reason })
    }

    async fn exchange(&self, request: &Request, url: &Url) -> Result<Answer, Error> {
        let Request { method, media_type, body, key, .. } = request;
        // Whatever named this URL: nothing is sent where others may read along.
        check_transport(url, self.options.allow_plain_http)
            .map_err(|reason| Error::Url { url: url.to_string(), reason: reason.to_owned() })?;
        let via = self.proxies.of(url);
        let broken =
            |source: reqwest::Error| Error::Connection { url: url.clone(), via: via.clone(), source };
        let client = if via.is_some() { &self.client } else { &self.direct };
        let mut request = client.request(method.clone(), url.clone()).header(ACCEPT, *media_type);
        let is_home = url.origin() == self.home.origin();
        if is_home {
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
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key.to_string());
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, *media_type).body(body.clone());
        }
        let request = request
            .build()
            .map_err(|error| if error.is_builder() { Error::Credentials } else { broken(error) })?;
        let mut response = client.execute(request).await.map_err(broken)?;
        self.was_reached.store(true, Ordering::Relaxed);
        let (status, headers) = (response.status(), response.headers().clone());
        // The head of a refusal says it all already.
        let is_told = !status.is_success();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let limit = self.options.max_response;
                    if body.len() + chunk.len() > limit {
                        if is_told {
                            break;
                        }
                        return Err(Error::TooLarge { url: url.clone(), limit });
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Err(_) if is_told => break,
                Err(error) => return Err(broken(error)),
            }
        }
        let has_credentials = !matches!(self.options.auth, Auth::None);
        let withheld = (has_credentials && !is_home).then(|| self.home.origin().ascii_serialization());
        Ok(Answer { url: url.clone(), headers, status, body, via, withheld })
    }
}

impl Request {
    /// A request that brings nothing.
    fn new(method: Method, url: &Url) -> Self {
        Self {
            is_change: method != Method::GET,
            method,
            url: url.clone(),
            media_type: MEDIA_TYPE,
            body: None,
            key: None,
            is_known_by_key: false,
            may_be_done: false,
            is_taken: false,
        }
    }

    /// Keeps in mind that an attempt may have been carried out.
    fn note(&mut self, may_be_done: bool) {
        self.may_be_done |= may_be_done;
    }

    /// The server has carried out the request, and its outcome is at this place, if it can be asked for.
    fn see_other(&mut self, place: Option<&Url>) {
        self.is_taken = self.is_change;
        if let Some(place) = place {
            (self.method, self.body, self.key) = (Method::GET, None, None);
            self.url.clone_from(place);
        }
    }

    /// What an error means for the request as a whole.
    fn outcome_of(&self, error: Error) -> Error {
        if self.is_taken {
            return Error::Taken(Box::new(error)).into_unknown();
        }
        let may_be_done =
            self.is_change && (error.may_be_done() || self.may_be_done && !error.is_refusal_of_content());
        if may_be_done { error.into_unknown() } else { error }
    }
}

impl Answer {
    /// The request may have been carried out, though this answer does not say so.
    fn may_be_done(&self) -> bool {
        self.status.is_server_error()
    }

    /// The server wants to be asked later. Behind a proxy, 502 and 504 say the same, but not whether the request
    /// was carried out; neither does 503, unless a Concord server says so.
    fn is_busy(&self, is_repeatable: bool) -> bool {
        match self.status.as_u16() {
            429 => true,
            503 => is_repeatable || self.says(UNAVAILABLE),
            502 | 504 => is_repeatable,
            _ => false,
        }
    }

    /// It is an error with this code.
    fn says(&self, code: &str) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
            && error_resource(&self.body).is_some_and(|error| error.error_code.as_deref() == Some(code))
    }

    /// Where the server sends the request.
    fn redirect(&self) -> Option<Url> {
        let is_redirect = matches!(self.status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = self.headers.get(LOCATION).filter(|_| is_redirect)?;
        self.url.join(location.to_str().ok()?).ok()
    }

    fn successful(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let status = self.status.as_u16();
        if let Some(location) = self.headers.get(LOCATION).filter(|_| self.status.is_redirection()) {
            return Err(Error::Redirect {
                url: self.url,
                location: String::from_utf8_lossy(location.as_bytes()).into(),
            });
        }
        let mut error = error_resource(&self.body).unwrap_or_else(|| taxii::Error {
            title: self.status.canonical_reason().unwrap_or_default().into(),
            description: self.advice(),
            ..taxii::Error::default()
        });
        if let (401, Some(home)) = (status, &self.withheld) {
            error.description = Some(format!(
                "the credentials are for {home} and were not sent here; if they are for this server too, give its address \
                 as the URL"
            ));
        }
        Err(Error::Refused { url: self.url, status, error: Box::new(error) })
    }

    /// What an answer that is not of a TAXII server tells of the way to it.
    fn advice(&self) -> Option<String> {
        let is_for_tls = self.status == StatusCode::BAD_REQUEST
            && self.url.scheme() == "http"
            && self.body.to_ascii_lowercase().windows(5).any(|window| window == b"https");
        if is_for_tls {
            return Some("the server speaks TLS on this port: the URL begins with https://".into());
        }
        match (self.status.as_u16(), &self.via) {
            (407, Some(via)) => Some(format!(
                "the proxy {via} wants a user and a password, as in http://user:password@proxy:port"
            )),
            (502..=504 | 403, Some(via)) => Some(format!("it was asked through the proxy {via}")),
            _ => None,
        }
    }

    /// Reads the body as a TAXII resource. An empty body is one without members: a page without objects, for instance.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body).trim_ascii();
        if body.is_empty() {
            return serde_json::from_str("{}").map_err(|_| self.is_not("the answer is empty"));
        }
        serde_json::from_slice(body).map_err(|error| {
            let media_type =
                self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
            let essence = media_type.split(';').next().unwrap_or_default().trim();
            // A login page with status 200 is a page too; say so rather than "expected value at line 1 column 1".
            if essence.to_ascii_lowercase().ends_with("json") {
                self.is_not(error.to_string())
            } else {
                self.is_not(format!("the Content-Type is {media_type}"))
            }
        })
    }

    /// The error that says that this is not what was asked for.
    pub(crate) fn is_not(&self, reason: impl Into<String>) -> Error {
        Error::NotTaxii { url: self.url.clone(), reason: reason.into() }
    }
}

/// Reads an error resource.
fn error_resource(body: &[u8]) -> Option<taxii::Error> {
    serde_json::from_slice(body).ok().filter(|error: &taxii::Error| !error.title.is_empty())
}
