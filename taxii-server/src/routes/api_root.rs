use super::{Taxii, ok};
use crate::app::App;
use crate::extract::{ApiRootPath, RootAt};
use crate::openapi::ReadFailures;
use axum::extract::State;
use std::sync::Arc;
use stix_model::taxii::{self, ApiRoot};

/// Get API root information (TAXII 2.1, section 4.2).
#[utoipa::path(
    get, path = "/{api_root}/", tag = "TAXII 2.1", params(ApiRootPath),
    responses((status = 200, description = "The API root", body = ApiRoot, content_type = "application/taxii+json;version=2.1"), ReadFailures)
)]
pub(crate) async fn get_api_root(State(app): State<Arc<App>>, at: RootAt) -> Taxii<ApiRoot> {
    ok(ApiRoot {
        title: at.root.title,
        description: at.root.description,
        versions: vec![taxii::MEDIA_TYPE.to_owned()],
        max_content_length: app.config.max_content_length,
    })
}
