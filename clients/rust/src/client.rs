//! The operations of TAXII 2.1, one method each.

use crate::address::{Address, api_root, below};
use crate::http::Http;
use crate::resource::{self, resource};
use crate::{Error, Filter, Options, Pages, Position, Remark, Url};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use stix_model::taxii::{ApiRoot, Collection, Discovery, Envelope, Manifest, Status, StatusState, Versions};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use uuid::Uuid;

/// A client of one API root.
///
/// Collections are named by their id or alias, objects by their STIX identifier.
#[derive(Debug)]
pub struct Client {
    pub(crate) http: Arc<Http>,
    address: Address,
    root: OnceCell<Url>,
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL, the credentials or the CA file cannot be used.
    pub fn new(options: Options) -> Result<Self, Error> {
        let address = Address::parse(&options.url, options.allow_plain_http)?;
        let http = Arc::new(Http::new(address.url().clone(), options)?);
        Ok(Self { http, address, root: OnceCell::new() })
    }

    /// The same client for another API root, with the same connections. Credentials go there only if it is on the
    /// same server, and requests only over TLS, to this machine, or where
    /// [`Options::allow_plain_http`](crate::Options::allow_plain_http) says so.
    #[must_use]
    pub fn at_api_root(&self, root: Url) -> Self {
        Self { http: self.http.clone(), address: Address::ApiRoot(root), root: OnceCell::new() }
    }

    /// The collection that the URL named, if it named one.
    pub fn collection_in_url(&self) -> Option<&str> {
        self.address.collection()
    }

    /// Where discovery is: what the URL said, else `/taxii2/` of its host (TAXII 2.1, section 8.2.1).
    ///
    /// # Errors
    /// Never for a URL that has a host, as every client's has.
    pub fn discovery_url(&self) -> Result<Url, Error> {
        match &self.address {
            Address::Discovery(url) => Ok(url.clone()),
            other => {
                let mut base = other.url().clone();
                base.set_path("/");
                below(&base, &["taxii2"])
            }
        }
    }

    /// Below this, the server has what is not TAXII: the URL of its discovery without `taxii2/`, else the root of its host.
    #[cfg(feature = "network")]
    pub(crate) fn base_url(&self) -> Result<Url, Error> {
        let mut base = self.discovery_url()?;
        let path = base.path().trim_end_matches('/').trim_end_matches("taxii2").to_owned();
        base.set_path(&path);
        Ok(base)
    }

    /// *Get discovery*: what the server is and where its API roots are.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn discovery(&self) -> Result<Discovery, Error> {
        let answer = self.http.get(&self.discovery_url()?).await?;
        let discovery: Discovery = resource(&answer, "discovery")?;
        if discovery.title.is_empty() && discovery.default.is_none() && discovery.api_roots.is_empty() {
            return Err(answer.is_not("it has neither `title` nor `api_roots`"));
        }
        Ok(discovery)
    }

    /// The URL of the API root: what the URL said, else the default one of discovery, else its only one.
    ///
    /// # Errors
    /// When discovery gives no usable answer, or leaves a choice.
    pub async fn api_root_url(&self) -> Result<&Url, Error> {
        self.root.get_or_try_init(|| self.find_api_root()).await
    }

    async fn find_api_root(&self) -> Result<Url, Error> {
        let url = match &self.address {
            Address::ApiRoot(root) | Address::Collection { root, .. } => return Ok(root.clone()),
            Address::Discovery(url) => url,
        };
        let discovery = self.discovery().await?;
        match (&discovery.default, &discovery.api_roots[..]) {
            (Some(root), _) | (None, [root]) => self.named(url, root),
            (None, []) => Err(Error::NoApiRoot { url: url.clone() }),
            (None, roots) => {
                let roots = roots.iter().map(|root| self.named(url, root).map(String::from));
                Err(Error::ManyApiRoots { url: url.clone(), roots: roots.collect::<Result<_, _>>()? })
            }
        }
    }

    /// The URLs of all API roots that discovery names.
    ///
    /// # Errors
    /// When one of them is no URL that a client may follow.
    pub fn api_root_urls(&self, discovery: &Discovery) -> Result<Vec<Url>, Error> {
        let url = self.discovery_url()?;
        discovery.api_roots.iter().map(|root| self.named(&url, root)).collect()
    }

    /// The API roots that the address stands for: the one that it names, else all that discovery names, the default one
    /// first.
    ///
    /// # Errors
    /// When discovery gives no usable answer, or names none.
    pub async fn api_roots(&self) -> Result<Vec<Url>, Error> {
        let url = match &self.address {
            Address::ApiRoot(root) | Address::Collection { root, .. } => return Ok(vec![root.clone()]),
            Address::Discovery(url) => url,
        };
        let discovery = self.discovery().await?;
        let mut roots: Vec<Url> = Vec::new();
        for root in discovery.default.iter().chain(&discovery.api_roots) {
            let root = self.named(url, root)?;
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        if roots.is_empty() { Err(Error::NoApiRoot { url: url.clone() }) } else { Ok(roots) }
    }

    /// An API root that discovery names.
    fn named(&self, discovery: &Url, root: &str) -> Result<Url, Error> {
        api_root(discovery, root, self.http.allows_plain_http())
    }

    /// *Get API root*.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn api_root(&self) -> Result<ApiRoot, Error> {
        let answer = self.http.get(self.api_root_url().await?).await?;
        let root: ApiRoot = resource(&answer, "an API root")?;
        if root.title.is_empty() && root.versions.is_empty() && root.max_content_length == u64::MAX {
            return Err(answer.is_not("it has neither `title` nor `versions` nor `max_content_length`"));
        }
        Ok(root)
    }

    /// *Get collections*, in the order of the server.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn collections(&self) -> Result<Vec<Collection>, Error> {
        Ok(self.collections_and_remarks().await?.0)
    }

    /// The same, with what is odd about the answer, such as elements that had to be left out.
    ///
    /// # Errors
    /// As for [`collections`](Self::collections).
    pub async fn collections_and_remarks(&self) -> Result<(Vec<Collection>, Vec<Remark>), Error> {
        let url = self.url(&["collections"]).await?;
        resource::collections(&self.http.get(&url).await?)
    }

    /// *Get a collection*.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn collection(&self, collection: &str) -> Result<Collection, Error> {
        let url = self.url(&["collections", collection]).await?;
        resource(&self.http.get(&url).await?, "a collection")
    }

    /// *Get objects*: nothing is sent before the first page is asked for.
    ///
    /// # Errors
    /// When the API root cannot be found.
    pub async fn objects(&self, collection: &str, filter: Filter) -> Result<Pages<Envelope>, Error> {
        let url = self.url(&["collections", collection, "objects"]).await?;
        Ok(Pages::new(self.http.clone(), url, filter))
    }

    /// *Get an object*: its versions that pass the filter, the latest one by default.
    ///
    /// # Errors
    /// When the API root cannot be found.
    pub async fn object(&self, collection: &str, id: &str, filter: Filter) -> Result<Pages<Envelope>, Error> {
        let url = self.url(&["collections", collection, "objects", id]).await?;
        Ok(Pages::new(self.http.clone(), url, filter))
    }

    /// *Get manifest*: what is in a collection, without the content.
    ///
    /// # Errors
    /// When the API root cannot be found.
    pub async fn manifest(&self, collection: &str, filter: Filter) -> Result<Pages<Manifest>, Error> {
        let url = self.url(&["collections", collection, "manifest"]).await?;
        Ok(Pages::new(self.http.clone(), url, filter))
    }

    /// *Get versions*: all versions of an object, oldest addition first.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn versions(&self, collection: &str, id: &str) -> Result<Vec<String>, Error> {
        let url = self.url(&["collections", collection, "objects", id, "versions"]).await?;
        let mut pages = Pages::<Versions>::new(self.http.clone(), url, Filter::default());
        let mut versions = Vec::new();
        while let Some(page) = pages.next().await? {
            versions.extend(page.objects);
        }
        Ok(versions)
    }

    /// *Add objects*: sends an envelope as it stands. [`Packing`](crate::Packing) says how much fits into one.
    ///
    /// Each call has a random key of its own, as in [`add_objects_with`](Self::add_objects_with).
    ///
    /// # Errors
    /// When the server refused the envelope as a whole. What it refused of its objects stands in the status.
    /// [`Error::OutcomeUnknown`] when the objects left and no usable answer came.
    pub async fn add_objects(&self, collection: &str, envelope: impl Into<Bytes>) -> Result<Status, Error> {
        self.add_objects_with(collection, envelope, Uuid::new_v4()).await
    }

    /// *Add objects* under a key that the program chose, for programs that keep it across restarts.
    ///
    /// The key goes to the server as `Idempotency-Key`, with each attempt of this call. A Concord server answers a
    /// repeated key with the status of the first request; other servers ignore the header. The request is repeated
    /// there too when its outcome is not known, because a version of an object that is in the collection already is
    /// no failure: [`Retry`](crate::Retry) has the details.
    ///
    /// Each envelope needs a key of its own.
    ///
    /// ```no_run
    /// # async fn again(client: &taxii_client::Client) -> Result<(), taxii_client::Error> {
    /// let key = uuid::Uuid::new_v4();
    /// // Here the program writes down the key and the envelope, and after a crash it sends both again.
    /// let status = client.add_objects_with("drafts", r#"{"objects":[]}"#, key).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`add_objects`](Self::add_objects).
    pub async fn add_objects_with(
        &self,
        collection: &str,
        envelope: impl Into<Bytes>,
        key: Uuid,
    ) -> Result<Status, Error> {
        let url = self.url(&["collections", collection, "objects"]).await?;
        // The server has the objects, whatever it says of them.
        let answer = self.http.post(&url, envelope.into(), key).await?;
        resource(&answer, "a status").map_err(Error::into_unknown)
    }

    /// *Get status*.
    ///
    /// # Errors
    /// When there is no usable answer, for instance because the server forgot the request (after a day or more).
    pub async fn status(&self, id: &str) -> Result<Status, Error> {
        let url = self.url(&["status", id]).await?;
        resource(&self.http.get(&url).await?, "a status")
    }

    /// Asks for a status until it is complete, ever more slowly, and at most for so long; then it is returned as it
    /// is, because objects that await a decision of people may do so for days.
    ///
    /// # Errors
    /// When one of the questions has no usable answer.
    pub async fn wait_for_status(&self, mut status: Status, at_most: Duration) -> Result<Status, Error> {
        let begin = Instant::now();
        let mut wait = Duration::from_millis(100);
        while status.status == StatusState::Pending {
            let remaining = at_most.saturating_sub(begin.elapsed());
            if remaining.is_zero() {
                break;
            }
            tokio::time::sleep(wait.min(remaining)).await;
            wait = (wait * 2).min(Duration::from_secs(5));
            let id = status.id;
            status = Status { id: id.clone(), ..self.status(&id).await? };
        }
        Ok(status)
    }

    /// *Delete an object*: the versions that `versions` names, as in [`Filter::versions`]. The standard's default is
    /// the latest one only; `all` removes the object.
    ///
    /// Each call has a random key of its own, as in [`delete_object_with`](Self::delete_object_with).
    ///
    /// # Errors
    /// When the server did not confirm it; [`Error::OutcomeUnknown`] when it may have done it all the same.
    pub async fn delete_object(
        &self,
        collection: &str,
        id: &str,
        versions: Vec<String>,
    ) -> Result<(), Error> {
        self.delete_object_with(collection, id, versions, Uuid::new_v4()).await
    }

    /// *Delete an object* under a key that the program chose, for programs that ask again when the outcome is unknown.
    ///
    /// The key goes to the server as `Idempotency-Key`, with each attempt of this call. A Concord server carries out a
    /// repeated key once; other servers ignore the header, and may delete one more version each time.
    ///
    /// ```no_run
    /// # async fn again(client: &taxii_client::Client) -> Result<(), taxii_client::Error> {
    /// let (key, id) = (uuid::Uuid::new_v4(), "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
    /// let deleted = client.delete_object_with("drafts", id, vec!["last".into()], key).await;
    /// if let Err(taxii_client::Error::OutcomeUnknown(_)) = deleted {
    ///     // Later, and of a Concord server.
    ///     client.delete_object_with("drafts", id, vec!["last".into()], key).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`delete_object`](Self::delete_object).
    pub async fn delete_object_with(
        &self,
        collection: &str,
        id: &str,
        versions: Vec<String>,
        key: Uuid,
    ) -> Result<(), Error> {
        let url = self.url(&["collections", collection, "objects", id]).await?;
        let filter = Filter { versions, ..Filter::default() };
        self.http.delete(&filter.query(&url, &Position::default()), key).await?;
        Ok(())
    }

    async fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        below(self.api_root_url().await?, segments)
    }
}
