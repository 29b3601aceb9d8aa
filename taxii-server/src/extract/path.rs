//! Parameters of paths.
//!
//! Each struct is a part of a path, so a path that names an object in a collection has the parameters of [`ApiRootPath`],
//! [`CollectionPath`] and [`ObjectPath`]. A text that cannot be parsed names nothing, which is a 404.

use crate::app::App;
use crate::error::ApiError;
use crate::rights::GrantScope;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use consensus::ProposalId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use stix_model::StixId;
use utoipa::IntoParams;
use uuid::Uuid;

macro_rules! paths {
    ($($name:ident, not found as $missing:expr, { $($field:tt)* })*) => {$(
        #[derive(Deserialize, IntoParams)]
        #[into_params(parameter_in = Path)]
        pub(crate) struct $name { $($field)* }

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
                parse(parts).await.ok_or($missing)
            }
        }
    )*};
}

paths! {
    ApiRootPath, not found as ApiError::NotFound("API root"), {
        /// Name of the API root.
        pub(crate) api_root: String,
    }
    CollectionPath, not found as ApiError::NotFound("collection"), {
        /// Id or alias of the collection.
        pub(crate) id: String,
    }
    ObjectPath, not found as ApiError::NotFound("object"), {
        /// STIX identifier.
        #[param(value_type = String)]
        pub(crate) object_id: StixId,
    }
    StatusPath, not found as ApiError::NotFound("status"), {
        /// Id from the status.
        pub(crate) status_id: Uuid,
    }
    ProposalPath, not found as ApiError::NotFound("proposal"), {
        /// Name of the proposal.
        #[param(value_type = String)]
        pub(crate) proposal_id: ProposalId,
    }
    PolicyPath, not found as ApiError::NotFound("policy"), {
        /// Version of the policy, or `current`.
        pub(crate) version: String,
    }
    LogPath, not found as ApiError::NotFound("part of the log"), {
        /// Path of a checkpoint or a tile.
        pub(crate) path: String,
    }
    ApiRootRecordPath, not found as ApiError::Missing("API root"), {
        /// Name of the API root.
        pub(crate) name: String,
    }
    CollectionRecordPath, not found as ApiError::Missing("collection"), {
        /// Id of the collection.
        pub(crate) id: Uuid,
    }
    AccountPath, not found as ApiError::Missing("account"), {
        /// Name of the account.
        pub(crate) name: String,
    }
    GrantPath, not found as ApiError::Missing("account or collection"), {
        /// Name of the account.
        pub(crate) name: String,
        /// Id of a collection, or * for all.
        #[param(value_type = String)]
        pub(crate) scope: GrantScope,
    }
    TokenPath, not found as ApiError::Missing("token"), {
        /// Name of the account.
        pub(crate) name: String,
        /// Public part of the token.
        pub(crate) token_id: String,
    }
}

/// Returns `None` when a part cannot be parsed, or is not UTF-8 once decoded.
async fn parse<T: DeserializeOwned + Send>(parts: &mut Parts) -> Option<T> {
    let Path(path) = Path::<T>::from_request_parts(parts, &()).await.ok()?;
    Some(path)
}
