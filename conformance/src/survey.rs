//! Finds out what is there before anything is judged: API root, collections, which to read and which to write.

use std::fmt;
use std::sync::Mutex;

use reqwest::Url;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::client::{Client, Request};
use crate::exchange::text;
use crate::options::Options;
use crate::suite::{Collection, Suite};
use crate::verdict::Stop;

/// The server cannot be tested at all; the text says why and what to do.
#[derive(Debug)]
pub struct Unreachable(pub String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

impl From<Stop> for Unreachable {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fail(evidence) => Self(evidence.to_string()),
            Stop::NotApplicable(reason) => Self(reason),
        }
    }
}

pub(crate) async fn survey(options: &Options) -> Result<Suite, Unreachable> {
    let client = Client::new(options).map_err(Unreachable)?;
    let given = Url::parse(&options.url).map_err(|e| Unreachable(format!("{}: {e}", options.url)))?;
    if !matches!(given.scheme(), "http" | "https") {
        return Err(Unreachable(format!("{given}: not an http or https URL")));
    }
    let origin = given.origin().ascii_serialization();
    let api_root = match given.path().trim_end_matches('/') {
        "" | "/taxii2" => find_api_root(&client, options, &origin).await?,
        path => format!("{origin}{path}/"),
    };
    let collections = list_collections(&client, options, &api_root).await?;
    let readable = pick(options.collection.as_deref(), &collections, |c| c.can_read)?;
    let writable = if options.read_only {
        Err("run without --read-only to test writing".to_owned())
    } else {
        pick(options.writable_collection.as_deref(), &collections, |c| c.can_read && c.can_write)?
            .ok_or_else(|| "this account sees no collection with can_read and can_write".to_owned())
    };
    Ok(Suite {
        options: options.clone(),
        client,
        origin,
        api_root,
        collections,
        readable,
        writable,
        added: Mutex::default(),
        seed: OnceCell::new(),
        sample: OnceCell::new(),
        visited: OnceCell::new(),
    })
}

/// The default root, else the first one that answers.
async fn find_api_root(client: &Client, options: &Options, origin: &str) -> Result<String, Unreachable> {
    let url = format!("{origin}/taxii2/");
    let found = client.send(Request::get(&url).auth(&options.auth)).await?;
    let discovery = found.json.as_ref().unwrap_or(&Value::Null);
    let listed = discovery.get("api_roots").and_then(Value::as_array);
    let base = Url::parse(&url).map_err(|e| Unreachable(e.to_string()))?;
    let mut roots: Vec<&str> = text(discovery, "default").into_iter().collect();
    roots.extend(listed.into_iter().flatten().filter_map(Value::as_str));
    for root in roots {
        let Ok(root) = base.join(root) else { continue };
        // Credentials go to no other host than the one that was given to us. A server behind a proxy, or one that
        // calls itself by another name, has the same path here.
        let root = format!("{origin}{}/", root.path().trim_end_matches('/'));
        let answer = client.send(Request::get(&root).auth(&options.auth)).await;
        if answer.is_ok_and(|exchange| exchange.status == 200) {
            return Ok(root);
        }
    }
    let hint = "no API root of the discovery answers; check --auth, or give the URL of an API root";
    Err(Unreachable(format!("GET {url} answered {}: {hint}", found.status)))
}

/// An unusable list is no reason to give up: the checks of the list say what is wrong with it.
async fn list_collections(
    client: &Client,
    options: &Options,
    api_root: &str,
) -> Result<Vec<Collection>, Unreachable> {
    let url = format!("{api_root}collections/");
    let found = client.send(Request::get(url).auth(&options.auth)).await?;
    let list = found.json.as_ref().ok().and_then(|json| json.get("collections")).and_then(Value::as_array);
    Ok(list.into_iter().flatten().filter_map(Collection::of).collect())
}

/// The collection asked for by id or alias, else the first that fits.
fn pick(
    wanted: Option<&str>,
    collections: &[Collection],
    fits: impl Fn(&Collection) -> bool,
) -> Result<Option<Collection>, Unreachable> {
    let Some(wanted) = wanted else { return Ok(collections.iter().find(|c| fits(c)).cloned()) };
    let named = collections.iter().find(|c| c.id == wanted || c.alias.as_deref() == Some(wanted));
    match named {
        Some(collection) if fits(collection) => Ok(Some(collection.clone())),
        Some(_) => {
            Err(Unreachable(format!("collection {wanted}: this account lacks the rights the run needs")))
        }
        None => Err(Unreachable(format!("collection {wanted} is not in the list of this API root"))),
    }
}
