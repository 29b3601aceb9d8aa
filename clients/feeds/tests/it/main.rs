//! Tests at the boundary of the package.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod archives;
mod csaf;
mod golden;
mod hostile;
mod misp;
mod openioc;
mod osv;
mod otx;
mod page;
mod rules;
mod sources;
mod state;
mod stix;
mod stix1;
mod vulnerabilities;
mod warninglists;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use stix_model::{Object, Timestamp};
use taxii_feeds::feed::Feed;
use taxii_feeds::settings::Settings;
use taxii_feeds::{Collected, ConvertError, convert_file, merged};

/// When the feeds are taken to be fetched.
pub(crate) const NOW: &str = "2026-11-30T12:00:00.000Z";

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

pub(crate) fn feed(name: &str) -> Feed {
    Settings::default().find(name).unwrap()
}

/// What becomes of a file, with what sources share at the end.
pub(crate) fn converted(feed: &Feed, bytes: &[u8]) -> Result<(Collected, Vec<Object>), ConvertError> {
    let now: Timestamp = NOW.parse().unwrap();
    let mut found = Collected::default();
    convert_file(feed, &now, Cursor::new(bytes), &mut found)?;
    let mut objects = std::mem::take(&mut found.objects);
    objects.extend(merged(&found.parts).unwrap());
    Ok((found, objects))
}
