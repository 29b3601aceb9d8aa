//! The options that say which objects.

use stix_model::Timestamp;
use taxii_client::Filter;

/// Which objects.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterOptions {
    /// Only these STIX types
    #[arg(long = "type", value_name = "TYPE,…", value_delimiter = ',')]
    types: Vec<String>,
    /// Only objects with these STIX identifiers
    #[arg(long = "id", value_name = "ID,…", value_delimiter = ',')]
    ids: Vec<String>,
    /// Which versions of each object: last (the default), first, all, or timestamps
    #[arg(long = "version", value_name = "VERSION,…", value_delimiter = ',')]
    versions: Vec<String>,
    /// Only these editions of STIX, for instance 2.1
    #[arg(long = "spec-version", value_name = "EDITION,…", value_delimiter = ',')]
    spec_versions: Vec<String>,
    /// Only what the server added after this time, for instance 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    added_after: Option<Timestamp>,
    /// Objects on one page; the server may send fewer
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

impl FilterOptions {
    /// As the library has it.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            added_after: self.added_after.as_ref().map(Timestamp::to_string),
            ids: self.ids.clone(),
            types: self.types.clone(),
            versions: self.versions.clone(),
            spec_versions: self.spec_versions.clone(),
            limit: self.limit,
        }
    }
}
