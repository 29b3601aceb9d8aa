//! Who is calling, and what they may do with what they name. No handler gets a collection any other way.

use super::media_type;
use super::path::{ApiRootPath, CollectionPath, ObjectPath, StatusPath};
use crate::app::App;
use crate::credentials::Presented;
use crate::error::ApiError;
use crate::store::{Access, Account, ApiRoot, Collection};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;
use stix_model::StixId;
use uuid::Uuid;

/// The operator of this machine, who knows the secret of the data folder. Only the control address puts this mark on
/// requests.
#[derive(Clone)]
pub(crate) struct LocalOperator;

/// The account behind a request.
struct Caller(Arc<Account>);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if parts.extensions.get::<LocalOperator>().is_some() {
            return Ok(Self(Arc::new(Account::local_operator())));
        }
        let presented =
            Presented::read(&parts.headers, &app.config.api_key_header).ok_or(ApiError::Unauthorized)?;
        app.credentials.check(&app.store.directory(), presented).await.map(Self)
    }
}

/// The account behind a request to a TAXII endpoint, from a client that accepts TAXII. Who is not known is told so
/// first: failed authentication gives 401 and nothing else (TAXII 2.1, section 5).
pub(crate) struct TaxiiCaller(pub(crate) Arc<Account>);

impl FromRequestParts<Arc<App>> for TaxiiCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller(account) = Caller::from_request_parts(parts, app).await?;
        if media_type::accepts_taxii(&parts.headers, app.config.header_policy) {
            Ok(Self(account))
        } else {
            Err(ApiError::NotAcceptable)
        }
    }
}

/// A caller who may administer the server.
pub(crate) struct Administrator;

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller(account) = Caller::from_request_parts(parts, app).await?;
        if account.is_administrator { Ok(Self) } else { Err(ApiError::Forbidden("administer the server")) }
    }
}

/// An API root that exists, and who calls it.
pub(crate) struct RootAt {
    pub(crate) caller: Arc<Account>,
    pub(crate) root: ApiRoot,
}

impl FromRequestParts<Arc<App>> for RootAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let TaxiiCaller(caller) = TaxiiCaller::from_request_parts(parts, app).await?;
        let ApiRootPath { api_root } = ApiRootPath::from_request_parts(parts, app).await?;
        let root = app.store.directory().api_roots.get(&api_root).cloned();
        Ok(Self { caller, root: root.ok_or(ApiError::NotFound("API root"))? })
    }
}

/// A collection that exists for the caller, and what they may do with it.
pub(crate) struct At {
    pub(crate) caller: Arc<Account>,
    pub(crate) collection: Arc<Collection>,
    pub(crate) access: Access,
}

impl FromRequestParts<Arc<App>> for At {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let RootAt { caller, root } = RootAt::from_request_parts(parts, app).await?;
        let CollectionPath { id } = CollectionPath::from_request_parts(parts, app).await?;
        let directory = app.store.directory();
        let collection = directory.collection(&root.name, &id).ok_or(ApiError::NotFound("collection"))?;
        let access = caller.access(collection.id).ok_or(ApiError::NotFound("collection"))?;
        Ok(Self { caller, collection: Arc::clone(collection), access })
    }
}

/// A collection that the caller may read (TAXII 2.1, section 5.4).
pub(crate) struct Readable(pub(crate) Arc<Collection>);

impl FromRequestParts<Arc<App>> for Readable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let At { collection, access, .. } = At::from_request_parts(parts, app).await?;
        if access.can_read { Ok(Self(collection)) } else { Err(ApiError::Forbidden("read this collection")) }
    }
}

/// A collection that the caller may add to (TAXII 2.1, section 5.5).
pub(crate) struct Writable {
    pub(crate) caller: Arc<Account>,
    pub(crate) collection: Arc<Collection>,
}

impl FromRequestParts<Arc<App>> for Writable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let At { caller, collection, access } = At::from_request_parts(parts, app).await?;
        if access.can_write {
            Ok(Self { caller, collection })
        } else {
            Err(ApiError::Forbidden("add to this collection"))
        }
    }
}

/// A collection that the caller may delete from: reading and writing are both needed, and who has neither is not told
/// that it exists (TAXII 2.1, section 5.7).
pub(crate) struct Deletable(pub(crate) Arc<Collection>);

impl FromRequestParts<Arc<App>> for Deletable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let At { collection, access, .. } = At::from_request_parts(parts, app).await?;
        match (access.can_read, access.can_write) {
            (true, true) => Ok(Self(collection)),
            (false, false) => Err(ApiError::NotFound("collection")),
            _ => Err(ApiError::Forbidden("delete from this collection")),
        }
    }
}

/// The object that a path names. What cannot be an identifier names nothing.
pub(crate) struct ObjectAt(pub(crate) StixId);

impl FromRequestParts<Arc<App>> for ObjectAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let ObjectPath { object_id } = ObjectPath::from_request_parts(parts, app).await?;
        Ok(Self(object_id))
    }
}

/// The status that a path names. What is no UUID names nothing.
pub(crate) struct StatusAt(pub(crate) Uuid);

impl FromRequestParts<Arc<App>> for StatusAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let StatusPath { status_id } = StatusPath::from_request_parts(parts, app).await?;
        Ok(Self(status_id))
    }
}
