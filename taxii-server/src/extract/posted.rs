//! What a POST brings: objects, and for administrators who restore, their `date_added`.

use super::EnvelopeBody;
use super::check::Check;
use crate::error::ApiError;
use crate::refusal::message;
use crate::store::{Account, Collection, Refused, Stamps};
use bytes::Bytes;
use std::sync::Arc;
use stix_model::json::{Document, Limits, Value};
use stix_model::taxii::{self, SplitError, Unusable};
use stix_model::{Object, ObjectErrorKind, Timestamp};

/// A property of an envelope with which an administrator gives each object its `date_added`.
const DATE_ADDED: &str = "x_concord_date_added";

/// The objects of an envelope, each as it may go into the collection, or refused.
pub(crate) struct Posted {
    pub(crate) objects: Vec<Result<Object, Refused>>,
    pub(crate) stamps: Stamps,
}

impl EnvelopeBody {
    /// Splits the envelope and checks its objects, away from the request threads and before the one writer of the store.
    pub(crate) async fn read(
        self,
        caller: &Arc<Account>,
        collection: &Arc<Collection>,
    ) -> Result<Posted, ApiError> {
        let EnvelopeBody(body) = self;
        let (caller, collection) = (Arc::clone(caller), Arc::clone(collection));
        let read = tokio::task::spawn_blocking(move || read(&body, &caller, &collection));
        read.await.map_err(|error| ApiError::Internal(error.into()))?
    }
}

fn read(body: &Bytes, caller: &Account, collection: &Collection) -> Result<Posted, ApiError> {
    let refuse = |error: SplitError| ApiError::Unprocessable(error.to_string());
    // How long it may be was checked when it was read.
    let limits = Limits { bytes: body.len(), ..Limits::default() };
    let document = Document::read(body, limits).map_err(|error| refuse(error.into()))?;
    let values: Vec<_> = taxii::objects(document.root()).map_err(refuse)?.elements().collect();
    let stamps = stamps(document.root(), values.len(), caller)?;
    let take = |(index, value): (usize, &Value<'_>)| {
        Object::from_value(*value, body).map_err(|error| Unusable::new(index, *value, error))
    };
    let objects: Vec<_> = values.iter().enumerate().map(take).collect();
    refuse_unusable(&objects, collection)?;
    let check = Check::of(collection);
    let checked = objects.into_iter().zip(values).enumerate();
    let objects = checked.map(|(index, (object, value))| check.object(index, object, value)).collect();
    Ok(Posted { objects, stamps })
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
        let reason = first.map_or(String::new(), |unusable| message(&unusable.finding(), &[]));
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

fn stamps(envelope: Value<'_>, count: usize, caller: &Account) -> Result<Stamps, ApiError> {
    let Some(given) = envelope.get(DATE_ADDED) else { return Ok(Stamps::Clock) };
    if !caller.is_administrator {
        return Err(ApiError::Forbidden("give objects their date_added"));
    }
    let parse = |value: Value<'_>| value.as_str()?.parse::<Timestamp>().ok();
    let stamps: Option<Vec<_>> = given.elements().map(parse).collect();
    match stamps {
        Some(stamps) if stamps.len() == count => Ok(Stamps::Given(stamps)),
        _ => {
            let reason = "a list with one timestamp for each object is needed";
            Err(ApiError::Unprocessable(format!("/{DATE_ADDED}: {reason}")))
        }
    }
}
