//! Principals and their rights: each extractor asks [`decide`], so no handler gets a collection any other way.

use super::media_type;
use super::path::{ApiRootPath, CollectionPath, ObjectPath, StatusPath};
use crate::app::App;
use crate::credentials::{Presented, Proof, Recognised};
use crate::error::ApiError;
use crate::rights::{Access, Action, Decision, Principal, Resource, SharedPrincipal, Viewer, decide};
use crate::store::{ApiRoot, Collection, CollectionMode, DirectoryCommand, Rejection, StoreError, View};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use std::net::SocketAddr;
use std::sync::Arc;
use stix_model::StixId;
use uuid::Uuid;

/// The operator of this machine, who knows the secret of the data folder. Only the control address puts this mark on
/// requests.
#[derive(Clone)]
pub(crate) struct LocalOperator;

/// How often a request is checked again because what it was decided by changed meanwhile.
pub(crate) const RECHECKS: usize = 5;

/// The principal of a request.
struct Caller(Recognised);

impl Recognised {
    /// The principal as the directory has it now, while its credential counts. A body may arrive long after its head.
    fn renew(&self, app: &App) -> Result<Self, ApiError> {
        let proof = self.proof.clone();
        if self.principal.revision().is_none() {
            return Ok(Self { principal: Arc::clone(&self.principal), proof });
        }
        let (directory, id) = (app.store.directory(), self.principal.account());
        let is_known = directory.account(id).is_some_and(|account| proof.holds(account));
        let principal = directory.principal(id).filter(|_| is_known).ok_or(ApiError::Unauthorized)?;
        Ok(Self { principal: Arc::clone(principal), proof })
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if parts.extensions.get::<LocalOperator>().is_some() {
            let principal = Arc::new(Principal::operator(app.store.organisation()));
            return Ok(Self(Recognised { principal, proof: Proof::Operator }));
        }
        let presented =
            Presented::read(&parts.headers, &app.config.api_key_header).ok_or(ApiError::Unauthorized)?;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        // All clients of a proxy have its address.
        let source = peer.filter(|_| !app.config.behind_tls_proxy);
        app.credentials.check(&app.store.directory(), presented, source).await.map(Self)
    }
}

/// The principal of a request to a TAXII endpoint, from a client that accepts TAXII. Failed authentication comes first: it
/// gives 401 and nothing else (TAXII 2.1, section 5).
pub(crate) struct TaxiiCaller(Recognised);

impl FromRequestParts<Arc<App>> for TaxiiCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller(caller) = Caller::from_request_parts(parts, app).await?;
        if media_type::accepts_taxii(&parts.headers, app.config.header_policy) {
            Ok(Self(caller))
        } else {
            Err(ApiError::NotAcceptable)
        }
    }
}

/// A principal of any kind, at what is not a collection.
pub(crate) struct AccountAt(Recognised);

impl AccountAt {
    pub(crate) fn principal(&self) -> &Principal {
        &self.0.principal
    }
}

impl FromRequestParts<Arc<App>> for AccountAt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Caller::from_request_parts(parts, app).await.map(|Caller(caller)| Self(caller))
    }
}

/// A principal that may administer the server.
pub(crate) struct Administrator {
    caller: Recognised,
    viewer: Viewer,
}

impl Administrator {
    fn decide(caller: Recognised) -> Result<Self, ApiError> {
        match decide(&caller.principal, Action::Administer, Resource::Server) {
            Decision::Allow(viewer) => Ok(Self { caller, viewer }),
            Decision::Forbid | Decision::Hide => Err(ApiError::Forbidden("administer the server")),
        }
    }

    /// Changes the directory.
    pub(crate) async fn change(&self, app: &App, command: DirectoryCommand) -> Result<(), ApiError> {
        for _ in 0..RECHECKS {
            let Self { caller, .. } = Self::decide(self.caller.renew(app)?)?;
            match app.store.change_directory(&caller.principal, command.clone()).await {
                Err(StoreError::Rejected(Rejection::Stale)) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(ApiError::BUSY)
    }

    /// A collection as the administrator sees it.
    pub(crate) fn view(&self, collection: Arc<Collection>) -> View {
        View::new(collection, self.viewer)
    }
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller(caller) = Caller::from_request_parts(parts, app).await?;
        Self::decide(caller)
    }
}

/// An API root that exists, and the principal that asks for it.
pub(crate) struct RootAt {
    caller: Recognised,
    pub(crate) root: ApiRoot,
}

impl RootAt {
    pub(crate) fn principal(&self) -> &Principal {
        &self.caller.principal
    }
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

/// A collection on which a principal may do something.
struct At {
    caller: Recognised,
    view: View,
}

impl At {
    /// Finds the collection of the path, and decides.
    async fn find(parts: &mut Parts, app: &Arc<App>, action: Action) -> Result<Self, ApiError> {
        let RootAt { caller, root } = RootAt::from_request_parts(parts, app).await?;
        let CollectionPath { id } = CollectionPath::from_request_parts(parts, app).await?;
        let directory = app.store.directory();
        let collection = directory.collection(&root.name, &id).ok_or(ApiError::NotFound("collection"))?;
        if collection.mode != CollectionMode::Open {
            app.store.check_fence()?;
        }
        Self::decide(caller, Arc::clone(collection), action)
    }

    /// Decides again, on the directory as it is now.
    fn renew(&self, app: &App, action: Action) -> Result<Self, ApiError> {
        let (caller, directory) = (self.caller.renew(app)?, app.store.directory());
        let collection = directory.collections.get(&self.view.collection.id);
        // One that was removed and made again is another collection, whatever its identifier.
        let collection = collection.filter(|collection| collection.is_same(&self.view.collection));
        Self::decide(caller, Arc::clone(collection.ok_or(ApiError::NotFound("collection"))?), action)
    }

    fn decide(caller: Recognised, collection: Arc<Collection>, action: Action) -> Result<Self, ApiError> {
        match decide(&caller.principal, action, collection.resource()) {
            Decision::Allow(viewer) => Ok(Self { caller, view: View::new(collection, viewer) }),
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
        let At { caller, view } = At::find(parts, app, Action::List).await?;
        let access = caller.principal.access(view.collection.resource()).unwrap_or_default();
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
        pub(crate) struct $name(At);

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
                At::find(parts, app, $action).await.map(Self)
            }
        }

        impl $name {
            /// The collection as the principal sees it, and the principal, decided on the directory as it is now: the
            /// body may have taken long, and the account or the collection may have changed.
            pub(crate) fn decide(&self, app: &App) -> Result<(View, SharedPrincipal), ApiError> {
                let At { caller, view } = self.0.renew(app, $action)?;
                Ok((view, caller.principal))
            }
        }
    };
}

changeable! {
    /// A collection that the principal may add to (TAXII 2.1, section 5.5).
    Writable, Action::Add
}

impl Writable {
    /// The identifier of the collection.
    pub(crate) fn collection(&self) -> Uuid {
        self.0.view.collection.id
    }
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
