//! Principals and their rights: each extractor asks [`decide`], so no handler gets a collection any other way.

use super::media_type;
use super::path::{ApiRootPath, CollectionPath, ObjectPath, StatusPath};
use crate::app::App;
use crate::credentials::Presented;
use crate::error::ApiError;
use crate::rights::{Access, Action, Decision, Principal, Resource, SharedPrincipal, Viewer, decide};
use crate::store::{ApiRoot, Collection, DirectoryCommand, View};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;
use stix_model::StixId;
use uuid::Uuid;

/// The operator of this machine, who knows the secret of the data folder. Only the control address puts this mark on
/// requests.
#[derive(Clone)]
pub(crate) struct LocalOperator;

/// The principal of a request.
struct Caller(SharedPrincipal);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if parts.extensions.get::<LocalOperator>().is_some() {
            return Ok(Self(Arc::new(Principal::operator(app.store.organisation()))));
        }
        let presented =
            Presented::read(&parts.headers, &app.config.api_key_header).ok_or(ApiError::Unauthorized)?;
        app.credentials.check(&app.store.directory(), presented).await.map(Self)
    }
}

/// The principal of a request to a TAXII endpoint, from a client that accepts TAXII. Failed authentication comes first: it
/// gives 401 and nothing else (TAXII 2.1, section 5).
pub(crate) struct TaxiiCaller(pub(crate) SharedPrincipal);

impl FromRequestParts<Arc<App>> for TaxiiCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller(principal) = Caller::from_request_parts(parts, app).await?;
        if media_type::accepts_taxii(&parts.headers, app.config.header_policy) {
            Ok(Self(principal))
        } else {
            Err(ApiError::NotAcceptable)
        }
    }
}

/// A principal that may administer the server.
pub(crate) struct Administrator {
    principal: SharedPrincipal,
    viewer: Viewer,
}

impl Administrator {
    /// Changes the directory.
    pub(crate) async fn change(&self, app: &App, command: DirectoryCommand) -> Result<(), ApiError> {
        Ok(app.store.change_directory(&self.principal, command).await?)
    }

    /// A collection as the administrator sees it.
    pub(crate) fn view(&self, collection: Arc<Collection>) -> View {
        View::new(collection, self.viewer)
    }
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller(principal) = Caller::from_request_parts(parts, app).await?;
        match decide(&principal, Action::Administer, Resource::Server) {
            Decision::Allow(viewer) => Ok(Self { principal, viewer }),
            Decision::Forbid | Decision::Hide => Err(ApiError::Forbidden("administer the server")),
        }
    }
}

/// An API root that exists, and the principal that asks for it.
pub(crate) struct RootAt {
    pub(crate) principal: SharedPrincipal,
    pub(crate) root: ApiRoot,
}

impl FromRequestParts<Arc<App>> for RootAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let TaxiiCaller(principal) = TaxiiCaller::from_request_parts(parts, app).await?;
        let ApiRootPath { api_root } = ApiRootPath::from_request_parts(parts, app).await?;
        let root = app.store.directory().api_roots.get(&api_root).cloned();
        Ok(Self { principal, root: root.ok_or(ApiError::NotFound("API root"))? })
    }
}

/// A collection on which a principal may do something.
struct At {
    principal: SharedPrincipal,
    view: View,
}

impl At {
    /// Finds the collection of the path, and decides.
    async fn find(parts: &mut Parts, app: &Arc<App>, action: Action) -> Result<Self, ApiError> {
        let RootAt { principal, root } = RootAt::from_request_parts(parts, app).await?;
        let CollectionPath { id } = CollectionPath::from_request_parts(parts, app).await?;
        let directory = app.store.directory();
        let collection = directory.collection(&root.name, &id).ok_or(ApiError::NotFound("collection"))?;
        Self::decide(principal, Arc::clone(collection), action)
    }

    /// Decides again, on the directory as it is now.
    fn renew(&self, app: &App, action: Action) -> Result<Self, ApiError> {
        let directory = app.store.directory();
        let principal = match self.principal.revision() {
            None => Arc::clone(&self.principal),
            Some(_) => {
                let principal = directory.principal(self.principal.account());
                Arc::clone(principal.ok_or(ApiError::Unauthorized)?)
            }
        };
        let collection = directory.collections.get(&self.view.collection.id);
        let collection = collection.ok_or(ApiError::NotFound("collection"))?;
        Self::decide(principal, Arc::clone(collection), action)
    }

    fn decide(
        principal: SharedPrincipal,
        collection: Arc<Collection>,
        action: Action,
    ) -> Result<Self, ApiError> {
        match decide(&principal, action, Resource::Collection(collection.id)) {
            Decision::Allow(viewer) => Ok(Self { principal, view: View::new(collection, viewer) }),
            Decision::Hide => Err(ApiError::NotFound("collection")),
            Decision::Forbid => Err(ApiError::Forbidden(match action {
                Action::Add => "add to this collection",
                Action::Delete => "delete from this collection",
                _ => "read this collection",
            })),
        }
    }
}

/// A collection that exists for the principal, and its rights on it (TAXII 2.1, section 5.2).
pub(crate) struct Listed {
    pub(crate) collection: Arc<Collection>,
    pub(crate) access: Access,
}

impl FromRequestParts<Arc<App>> for Listed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let At { principal, view } = At::find(parts, app, Action::List).await?;
        let access = principal.access(view.collection.id).unwrap_or_default();
        Ok(Self { collection: view.collection, access })
    }
}

/// A collection that the principal may read (TAXII 2.1, section 5.4).
pub(crate) struct Readable(pub(crate) View);

impl FromRequestParts<Arc<App>> for Readable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        At::find(parts, app, Action::Read).await.map(|at| Self(at.view))
    }
}

macro_rules! changeable {
    ($(#[$doc:meta])* $name:ident, $action:expr) => {
        $(#[$doc])*
        pub(crate) struct $name {
            pub(crate) principal: SharedPrincipal,
            pub(crate) view: View,
        }

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
                let At { principal, view } = At::find(parts, app, $action).await?;
                Ok(Self { principal, view })
            }
        }

        impl $name {
            /// Decides again after the account or the collection changed.
            pub(crate) fn renew(self, app: &App) -> Result<Self, ApiError> {
                let at = At { principal: self.principal, view: self.view };
                let At { principal, view } = at.renew(app, $action)?;
                Ok(Self { principal, view })
            }
        }
    };
}

changeable! {
    /// A collection that the principal may add to (TAXII 2.1, section 5.5).
    Writable, Action::Add
}

changeable! {
    /// A collection that the principal may delete from (TAXII 2.1, section 5.7).
    Deletable, Action::Delete
}

/// The object that a path names. 404 when the text is no identifier.
pub(crate) struct ObjectAt(pub(crate) StixId);

impl FromRequestParts<Arc<App>> for ObjectAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let ObjectPath { object_id } = ObjectPath::from_request_parts(parts, app).await?;
        Ok(Self(object_id))
    }
}

/// The status that a path names. 404 when the text is no UUID.
pub(crate) struct StatusAt(pub(crate) Uuid);

impl FromRequestParts<Arc<App>> for StatusAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let StatusPath { status_id } = StatusPath::from_request_parts(parts, app).await?;
        Ok(Self(status_id))
    }
}
