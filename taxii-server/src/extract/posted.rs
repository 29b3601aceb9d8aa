//! What a POST brings: objects, and for administrators who restore, their `date_added`.

use super::EnvelopeBody;
use crate::error::ApiError;
use crate::store::{Account, Collection, Stamps};
use bytes::Bytes;
use stix_model::json::{Document, Limits};
use stix_model::taxii::{Unusable, split};
use stix_model::{Object, ObjectErrorKind, Timestamp};

/// A property of an envelope with which an administrator gives each object its `date_added`.
const DATE_ADDED: &str = "x_concord_date_added";

/// The objects of an envelope, each usable or not.
pub(crate) struct Posted {
    pub(crate) objects: Vec<Result<Object, Unusable>>,
    pub(crate) stamps: Stamps,
}

impl EnvelopeBody {
    /// Splits the envelope away from the request threads.
    pub(crate) async fn read(self, caller: &Account, collection: &Collection) -> Result<Posted, ApiError> {
        let EnvelopeBody(body) = self;
        let is_administrator = caller.is_administrator;
        let read = move || {
            // How long it may be was checked when it was read.
            let limits = Limits { bytes: body.len(), ..Limits::default() };
            let objects = split(&body, limits).map_err(|error| ApiError::Unprocessable(error.to_string()))?;
            let stamps = stamps(&body, objects.len(), is_administrator)?;
            Ok::<_, ApiError>(Posted { objects, stamps })
        };
        let posted =
            tokio::task::spawn_blocking(read).await.map_err(|error| ApiError::Internal(error.into()))??;
        refuse_unusable(&posted.objects, collection)?;
        Ok(posted)
    }
}

/// TAXII 2.1, section 5.5: 422 is for a request of which nothing can be used. As soon as one object can be named, each
/// has its own row in the status.
fn refuse_unusable(objects: &[Result<Object, Unusable>], collection: &Collection) -> Result<(), ApiError> {
    let has_name = |object: &Result<Object, Unusable>| match object {
        Ok(_) => true,
        Err(unusable) => unusable.id.is_some(),
    };
    if !objects.iter().any(has_name) {
        let first = objects.iter().find_map(|object| object.as_ref().err());
        let reason = first.map(ToString::to_string).unwrap_or_default();
        return Err(ApiError::Unprocessable(format!("nothing here is a STIX object: {reason}")));
    }
    let has_supported_version = |object: &Result<Object, Unusable>| match object {
        Ok(object) => collection.spec_versions.contains(&object.header().spec_version),
        Err(unusable) => *unusable.error.kind() != ObjectErrorKind::SpecVersion,
    };
    if !objects.iter().any(has_supported_version) {
        return Err(ApiError::Unprocessable(format!(
            "this collection takes none of these STIX versions; its media_types are {}",
            collection.media_types().join(", ")
        )));
    }
    Ok(())
}

fn stamps(body: &Bytes, count: usize, is_administrator: bool) -> Result<Stamps, ApiError> {
    // Cheap to rule out: nobody else sends it.
    if memchr::memmem::find(body, DATE_ADDED.as_bytes()).is_none() {
        return Ok(Stamps::Clock);
    }
    let wrong = |reason: &str| ApiError::Unprocessable(format!("/{DATE_ADDED}: {reason}"));
    let limits = Limits { bytes: body.len(), ..Limits::default() };
    let document = Document::read(body, limits).map_err(|error| wrong(&error.to_string()))?;
    let Some(given) = document.root().get(DATE_ADDED) else { return Ok(Stamps::Clock) };
    if !is_administrator {
        return Err(ApiError::Forbidden("give objects their date_added"));
    }
    let parse = |value: stix_model::json::Value<'_>| value.as_str()?.parse::<Timestamp>().ok();
    let stamps: Option<Vec<_>> = given.elements().map(parse).collect();
    match stamps {
        Some(stamps) if stamps.len() == count => Ok(Stamps::Given(stamps)),
        _ => Err(wrong("a list with one timestamp for each object is needed")),
    }
}
