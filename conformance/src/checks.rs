//! All checks. One file per endpoint group; a check is a function that reads like the rule it proves.

use std::future::Future;
use std::pin::Pin;

use crate::exchange::text;
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

/// Names the functions once; the registry and `requirements.toml` use the same names.
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        pub(super) const CHECKS: &[super::Check] =
            &[$(super::Check { name: stringify!($name), run: |suite| Box::pin($name(suite)) }),*];
    };
}

mod access;
mod add_objects;
mod api_root;
mod auth;
mod collections;
mod delete;
mod discovery;
mod errors;
mod filters;
mod headers;
mod manifest;
mod match_version;
mod media_types;
mod object;
mod objects;
mod paging;
mod parameters;
mod status;
mod tls;
mod types;
mod versions;

type Run = for<'a> fn(&'a Suite) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// One check.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name in `requirements.toml`.
    pub name: &'static str,
    pub(crate) run: Run,
}

/// Every check in the order of a run. Rules that bind every answer come last: they look at all of them.
pub fn all() -> Vec<Check> {
    [
        tls::CHECKS,
        auth::CHECKS,
        discovery::CHECKS,
        api_root::CHECKS,
        collections::CHECKS,
        access::CHECKS,
        add_objects::CHECKS,
        status::CHECKS,
        objects::CHECKS,
        object::CHECKS,
        manifest::CHECKS,
        versions::CHECKS,
        media_types::CHECKS,
        parameters::CHECKS,
        filters::CHECKS,
        match_version::CHECKS,
        paging::CHECKS,
        delete::CHECKS,
        headers::CHECKS,
        errors::CHECKS,
        types::CHECKS,
    ]
    .concat()
}

/// Asks once for every resource there is, so that rules for all answers have something to look at even with
/// `--only`.
async fn visit(suite: &Suite) -> Verdict {
    suite.visited.get_or_init(|| go_everywhere(suite)).await.clone()
}

async fn go_everywhere(suite: &Suite) -> Verdict {
    errors::provoke(suite).await?;
    for at in [Endpoint::Discovery, Endpoint::ApiRoot, Endpoint::Collections] {
        suite.get(at, &[]).await?;
    }
    if let Ok(sample) = suite.sample().await {
        let (collection, object) = (sample.collection.as_str(), sample.records[0].id.as_str());
        for at in [
            Endpoint::Collection(collection),
            Endpoint::Manifest(collection),
            Endpoint::Object(collection, object),
            Endpoint::Versions(collection, object),
        ] {
            suite.get(at, &[]).await?;
        }
        suite.get(Endpoint::Objects(collection), &[]).await?;
        suite.get(Endpoint::Objects(collection), &[("added_after", "2999-01-01T00:00:00.000000Z")]).await?;
    }
    if let Ok(seed) = suite.seed().await {
        for status in &seed.statuses {
            let id = status.json.as_ref().ok().and_then(|json| text(json, "id"));
            suite.get(Endpoint::Status(id.unwrap_or_default()), &[]).await?;
        }
    }
    Ok(())
}
