//! The page that shows the OpenAPI document.

use crate::extract::HasRoom;
use axum::Extension;
use axum::response::{Html, IntoResponse};

/// A page that shows the OpenAPI document and loads nothing else.
pub(crate) async fn get_docs() -> impl IntoResponse {
    (Extension(HasRoom), Html(include_str!("docs.html")))
}
