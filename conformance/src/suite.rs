//! What every check can see: the server, its collections, and short ways to ask for each endpoint.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::client::{Client, Request};
use crate::exchange::{Exchange, text};
use crate::options::Options;
use crate::sample::{Sample, Seed};
use crate::shape;
use crate::verdict::{Verdict, not_applicable};

/// A query string as pairs; names and values are encoded when it is sent.
pub(crate) type Query<'a> = &'a [(&'a str, &'a str)];

/// A collection as the list shows it to the account.
#[derive(Clone, Debug)]
pub(crate) struct Collection {
    pub(crate) id: String,
    pub(crate) alias: Option<String>,
    pub(crate) can_read: bool,
    pub(crate) can_write: bool,
}

impl Collection {
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(value, "id")?.to_owned(),
            alias: text(value, "alias").map(str::to_owned),
            can_read: value.get("can_read") == Some(&Value::Bool(true)),
            can_write: value.get("can_write") == Some(&Value::Bool(true)),
        })
    }
}

/// The eleven TAXII operations by their place below a host or an API root.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Endpoint<'a> {
    Discovery,
    ApiRoot,
    Status(&'a str),
    Collections,
    Collection(&'a str),
    Manifest(&'a str),
    Objects(&'a str),
    Object(&'a str, &'a str),
    Versions(&'a str, &'a str),
}

pub(crate) struct Suite {
    pub(crate) options: Options,
    pub(crate) client: Client,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) origin: String,
    /// The API root under test, with a slash at its end.
    pub(crate) api_root: String,
    pub(crate) collections: Vec<Collection>,
    pub(crate) readable: Option<Collection>,
    /// Why there is none is said by the error.
    pub(crate) writable: Result<Collection, String>,
    /// Ids of objects that this run has added and owes the collection to delete.
    pub(crate) added: Mutex<Vec<String>>,
    pub(crate) seed: OnceCell<Result<Seed, String>>,
    pub(crate) sample: OnceCell<Verdict<Sample>>,
    /// Whether each endpoint has been asked at least once.
    pub(crate) visited: OnceCell<Verdict>,
}

impl Suite {
    pub(crate) fn url(&self, endpoint: Endpoint<'_>) -> String {
        let root = &self.api_root;
        match endpoint {
            Endpoint::Discovery => format!("{}/taxii2/", self.origin),
            Endpoint::ApiRoot => root.clone(),
            Endpoint::Status(id) => format!("{root}status/{id}/"),
            Endpoint::Collections => format!("{root}collections/"),
            Endpoint::Collection(id) => format!("{root}collections/{id}/"),
            Endpoint::Manifest(id) => format!("{root}collections/{id}/manifest/"),
            Endpoint::Objects(id) => format!("{root}collections/{id}/objects/"),
            Endpoint::Object(id, object) => format!("{root}collections/{id}/objects/{object}/"),
            Endpoint::Versions(id, object) => format!("{root}collections/{id}/objects/{object}/versions/"),
        }
    }

    /// A request for an endpoint with the account of this run; a check may change it before it is sent.
    pub(crate) fn request(&self, endpoint: Endpoint<'_>, query: Query<'_>) -> Request {
        let shape = match endpoint {
            Endpoint::Discovery => &shape::DISCOVERY,
            Endpoint::ApiRoot => &shape::API_ROOT,
            Endpoint::Status(_) => &shape::STATUS,
            Endpoint::Collections => &shape::COLLECTIONS,
            Endpoint::Collection(_) => &shape::COLLECTION,
            Endpoint::Manifest(_) => &shape::MANIFEST,
            Endpoint::Objects(_) | Endpoint::Object(..) => &shape::ENVELOPE,
            Endpoint::Versions(..) => &shape::VERSIONS,
        };
        let url = with_query(&self.url(endpoint), query);
        Request::get(url).auth(&self.options.auth).shaped(shape)
    }

    pub(crate) async fn send(&self, request: Request) -> Verdict<Arc<Exchange>> {
        self.client.send(request).await
    }

    pub(crate) async fn get(&self, endpoint: Endpoint<'_>, query: Query<'_>) -> Verdict<Arc<Exchange>> {
        self.send(self.request(endpoint, query)).await
    }

    /// GET that has to succeed before the check can go on.
    pub(crate) async fn get_ok(&self, endpoint: Endpoint<'_>, query: Query<'_>) -> Verdict<Arc<Exchange>> {
        let exchange = self.get(endpoint, query).await?;
        exchange.expect(&[200])?;
        Ok(exchange)
    }

    /// POST of a body to the objects of a collection.
    pub(crate) fn add_request(&self, collection: &str, body: Vec<u8>) -> Request {
        Request::post(self.url(Endpoint::Objects(collection)), body)
            .auth(&self.options.auth)
            .shaped(&shape::STATUS)
    }

    pub(crate) async fn delete(
        &self,
        collection: &str,
        object: &str,
        query: Query<'_>,
    ) -> Verdict<Arc<Exchange>> {
        let url = with_query(&self.url(Endpoint::Object(collection, object)), query);
        self.send(Request::new(Method::DELETE, url).auth(&self.options.auth)).await
    }

    pub(crate) fn readable(&self) -> Verdict<&Collection> {
        match &self.readable {
            Some(collection) => Ok(collection),
            None => not_applicable("this account can read no collection of the API root"),
        }
    }

    pub(crate) fn writable(&self) -> Verdict<&Collection> {
        self.writable.as_ref().or_else(|reason| not_applicable(reason.clone()))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.api_root.starts_with("https://")
    }
}

/// Appends a query string. Brackets are encoded, as most HTTP libraries do it.
pub(crate) fn with_query(url: &str, query: Query<'_>) -> String {
    let mut text = url.to_owned();
    for (i, (name, value)) in query.iter().enumerate() {
        text.push(if i == 0 { '?' } else { '&' });
        text.push_str(&encode(name));
        text.push('=');
        text.push_str(&encode(value));
    }
    text
}

/// Percent-encodes everything but what RFC 3986 calls unreserved, and the comma that joins filter values.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' | b':' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
