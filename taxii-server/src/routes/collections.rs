use super::{Taxii, ok};
use crate::app::App;
use crate::extract::{ApiRootPath, CollectionPath, Listed, RootAt};
use crate::openapi::ReadFailures;
use crate::rights::Access;
use crate::store;
use axum::extract::State;
use std::sync::Arc;
use stix_model::taxii::{Collection, Collections};

/// Get collections: those that exist for this account, by ascending id (TAXII 2.1, section 5.1).
#[utoipa::path(
    get, path = "/{api_root}/collections/", tag = "TAXII 2.1",
    params(ApiRootPath),
    responses((status = 200, description = "The collections of this API root", body = Collections, content_type = "application/taxii+json;version=2.1"), ReadFailures)
)]
pub(crate) async fn get_collections(State(app): State<Arc<App>>, at: RootAt) -> Taxii<Collections> {
    let directory = app.store.directory();
    let of_root = directory.collections.values().filter(|collection| collection.api_root == at.root.name);
    let seen = of_root
        .filter_map(|collection| Some(resource(collection, at.principal().access(collection.resource())?)));
    ok(Collections { collections: seen.collect() })
}

/// Get a collection, by id or alias (TAXII 2.1, section 5.2).
#[utoipa::path(
    get, path = "/{api_root}/collections/{id}/", tag = "TAXII 2.1",
    params(ApiRootPath, CollectionPath),
    responses((status = 200, description = "The collection", body = Collection, content_type = "application/taxii+json;version=2.1"), ReadFailures)
)]
pub(crate) async fn get_collection(at: Listed) -> Taxii<Collection> {
    ok(resource(&at.collection, at.access))
}

fn resource(collection: &store::Collection, access: Access) -> Collection {
    Collection {
        id: collection.id.to_string(),
        title: collection.title.clone(),
        description: collection.description.clone(),
        alias: collection.alias.clone(),
        can_read: access.can_read,
        can_write: access.can_write,
        media_types: collection.media_types(),
    }
}
