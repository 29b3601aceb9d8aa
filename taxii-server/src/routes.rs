//! Handlers: one for each operation of TAXII 2.1, named as the operation, and those for operators.

pub(crate) mod admin;
pub(crate) mod api_root;
pub(crate) mod backup;
pub(crate) mod collections;
pub(crate) mod discovery;
pub(crate) mod docs;
mod envelope;
pub(crate) mod health;
pub(crate) mod manifest;
pub(crate) mod metrics;
pub(crate) mod network;
pub(crate) mod objects;
mod ready;
pub(crate) mod status;
pub(crate) mod versions;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stix_model::{Timestamp, taxii};

/// A response with a TAXII resource.
pub(crate) struct Taxii<T>(pub(crate) StatusCode, pub(crate) T);

impl<T: Serialize> IntoResponse for Taxii<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.1) {
            Ok(json) => taxii_response(self.0, json),
            Err(error) => crate::error::ApiError::Internal(error.into()).into_response(),
        }
    }
}

fn ok<T>(resource: T) -> Taxii<T> {
    Taxii(StatusCode::OK, resource)
}

fn taxii_response(status: StatusCode, json: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, taxii::MEDIA_TYPE)], json.into()).into_response()
}

/// Adds the headers with the first and the last `date_added` of a page (TAXII 2.1, section 3.2); an empty page has none.
fn with_dates(mut response: Response, dates: Option<&(Timestamp, Timestamp)>) -> Response {
    if let Some((first, last)) = dates {
        let value = |stamp: &Timestamp| HeaderValue::from_str(stamp.as_str());
        for (name, stamp) in [(taxii::DATE_ADDED_FIRST, first), (taxii::DATE_ADDED_LAST, last)] {
            if let Ok(value) = value(stamp) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}
