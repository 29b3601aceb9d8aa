//! The page that shows the OpenAPI document.

use axum::response::Html;

/// A page that shows the OpenAPI document and loads nothing else.
pub(crate) async fn get_docs() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}
