//! The OpenAPI document: title, credentials, and the parameters and responses that handlers share.

use serde_json::Value;
use std::collections::BTreeMap;
use stix_model::taxii;
use utoipa::openapi::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, OpenApi as _, ToSchema};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Concord TAXII server",
        description = "TAXII 2.1, with a control interface for administrators. Paths are accepted with and without the \
                       slash at their end.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(taxii::Error)),
    tags(
        (name = "TAXII 2.1", description = "The eleven operations of the standard"),
        (name = "Network", description = "What the organisations of a network propose, and their votes. The transparency log of what they decided is below /tlog (C2SP tlog-tiles)"),
        (name = "Operation", description = "Health and metrics"),
        (name = "Administration", description = "For administrators, also for the command line of this machine")
    )
)]
struct Base;

/// Returns the document without the operations, which the handlers describe.
pub(crate) fn base() -> OpenApi {
    let mut document = Base::openapi();
    let components = document.components.get_or_insert_default();
    let http = |scheme| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build());
    components.add_security_scheme("basic", http(HttpAuthScheme::Basic));
    components.add_security_scheme("token", http(HttpAuthScheme::Bearer));
    document.security = Some(["basic", "token"].map(|name| SecurityRequirement::new(name, [""; 0])).into());
    document
}

/// A page of STIX objects (TAXII 2.1, section 3.7).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the envelope, which is written from stored bytes")]
pub(crate) struct Envelope {
    /// Whether more objects follow this page.
    more: bool,
    /// Position of the next page; only together with `more`.
    next: Option<String>,
    /// STIX objects; left out when the page is empty.
    #[schema(value_type = Option<Vec<Object>>)]
    objects: Option<Vec<Value>>,
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident { $($field:tt)* })*) => {$(
        $(#[$doc])*
        #[derive(IntoParams)]
        #[into_params(parameter_in = Query)]
        #[expect(dead_code, reason = "describes what `PageQuery` reads")]
        pub(crate) struct $name { $($field)* }
    )*};
}

parameters! {
    /// Parameters that choose a part of the timeline.
    Paging {
        /// Only objects that were added strictly later.
        added_after: Option<String>,
        /// Maximum number of items on the page.
        #[param(minimum = 1)]
        limit: Option<u64>,
        /// `next` of the page before. It carries the filters.
        next: Option<String>,
    }
    /// Parameters that choose objects.
    MatchObjects {
        /// STIX identifiers, separated by commas.
        #[param(rename = "match[id]")]
        match_id: Option<String>,
        /// STIX types, separated by commas.
        #[param(rename = "match[type]")]
        match_type: Option<String>,
    }
    /// Parameter that chooses versions.
    MatchVersion {
        /// `first`, `last` and timestamps, separated by commas, or `all`. The default is `last`.
        #[param(rename = "match[version]")]
        match_version: Option<String>,
    }
    /// Parameter that chooses editions of STIX.
    MatchSpecVersion {
        /// STIX versions, separated by commas. The default is the newest one of each object.
        #[param(rename = "match[spec_version]")]
        match_spec_version: Option<String>,
    }
}

macro_rules! failures {
    ($(#[$doc:meta] $name:ident: $($status:literal)*;)*) => {$(
        #[$doc]
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$(failure($status)),*].into()
            }
        }
    )*};
}

failures! {
    /// Refusals of requests for a single resource.
    ReadFailures: 401 403 404 406;
    /// Refusals of requests with filters.
    PageFailures: 400 401 403 404 406;
    /// Refusals of requests to add objects.
    AddFailures: 401 403 404 406 413 415 422;
    /// Refusals of requests about the network.
    NetworkFailures: 401 403 404 409 413 415 422 429;
    /// Refusals of administration.
    AdminFailures: 401 403 404 409 413 415 422;
}

fn failure(status: u16) -> (String, RefOr<Response>) {
    let description = match status {
        400 => "A parameter cannot be understood",
        401 => "Credentials are missing or wrong",
        403 => "This account may not do that",
        404 => "Does not exist, or is hidden from this account",
        406 => "`Accept` names nothing that this server speaks",
        409 => "The change contradicts an existing resource",
        413 => "The body is too large",
        415 => "The body is of another type",
        429 => "Too much of this organisation is open; send it later",
        _ => "The body cannot be used",
    };
    let error = Content::new(Some(Ref::from_schema_name("Error")));
    let response = ResponseBuilder::new().description(description).content(taxii::MEDIA_TYPE, error);
    (status.to_string(), response.build().into())
}
