//! The options that say which objects.

use crate::out::Out;
use crate::similar::{did_you_mean, similar};
use crate::time;
use stix_model::Timestamp;
use taxii_client::Filter;

/// Which objects.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterOptions {
    /// Only these STIX types
    #[arg(long = "type", value_name = "TYPE,…", value_delimiter = ',')]
    types: Vec<String>,
    /// Only objects with these STIX identifiers; many are asked for in several requests
    #[arg(long = "id", value_name = "ID,…", value_delimiter = ',')]
    ids: Vec<String>,
    /// Which versions of each object: last (the default), first, all, or timestamps
    #[arg(long = "version", value_name = "VERSION,…", value_delimiter = ',', value_parser = version)]
    versions: Vec<String>,
    /// Only these editions of STIX, for instance 2.1
    #[arg(long = "spec-version", value_name = "EDITION,…", value_delimiter = ',')]
    spec_versions: Vec<String>,
    /// Only what the server added after this time: 2026-01-31T12:00:00Z (or with an offset, as +02:00), 2026-01-31, or
    /// how long ago: 7d, 12h, 30m
    #[arg(long, value_name = "TIME", value_parser = since)]
    added_after: Option<Since>,
    /// Objects on one page; the server may send fewer
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// A time, and how it was typed.
#[derive(Clone, Debug)]
struct Since {
    typed: String,
    at: Timestamp,
}

fn since(typed: &str) -> Result<Since, String> {
    Ok(Since { typed: typed.to_owned(), at: time::parse(typed)? })
}

/// A version as TAXII 2.1 names them (section 3.4).
pub(crate) fn version(text: &str) -> Result<String, String> {
    const WORDS: [&str; 3] = ["last", "first", "all"];
    if WORDS.contains(&text) {
        return Ok(text.to_owned());
    }
    let starts_as_time = text.starts_with(|first: char| first.is_ascii_digit());
    match time::parse(text) {
        Ok(stamp) if starts_as_time && text.contains(['-', ':']) => Ok(stamp.to_string()),
        _ => {
            let hint = did_you_mean(text, WORDS);
            Err(format!("a version is last, first, all, or a timestamp as 2026-01-31T12:00:00.000Z{hint}"))
        }
    }
}

impl FilterOptions {
    /// As the library has it.
    pub(crate) fn filter(&self) -> Filter {
        let mut filter = self.typed();
        filter.added_after = self.added_after.as_ref().map(|since| since.at.to_string());
        filter
    }

    /// The same with the time as it was typed: `7d` is another time tomorrow, but the same wish.
    pub(crate) fn typed(&self) -> Filter {
        let mut filter = Filter::default();
        filter.added_after = self.added_after.as_ref().map(|since| since.typed.clone());
        filter.ids = self.ids.clone();
        filter.types = self.types.clone();
        filter.versions = self.versions.clone();
        filter.spec_versions = self.spec_versions.clone();
        filter.limit = self.limit;
        filter
    }

    /// Tells of filters that may be typing errors. They are no failures: an extension may define any type, and only the
    /// server knows what it has.
    pub(crate) fn advise(&self, out: &Out) {
        for name in &self.types {
            if stix_model::schema::types().any(|known| known == name) {
                continue;
            }
            match similar(name, stix_model::schema::types()) {
                Some(known) => {
                    out.complain(format!("--type {name}: no type of STIX 2.1; did you mean {known}?"))
                }
                None if name.starts_with("x-") => {}
                None => {
                    out.remark(format!("--type {name}: no type of STIX 2.1; asking the server all the same"))
                }
            }
        }
        for id in &self.ids {
            if let Err(error) = id.parse::<stix_model::StixId>() {
                out.complain(format!("--id {id}: {error}"));
            }
        }
    }
}
