//! What holds of every file of every feed.
//!
//! `cargo +nightly fuzz run convert` in `clients/feeds/` runs it; `tests/it/hostile.rs` runs the same in the ordinary tests.

use std::io::Cursor;
use std::str::from_utf8;
use stix_model::{Object, Timestamp};
use taxii_feeds::settings::Settings;
use taxii_feeds::{Collected, ConvertError, feed::Feed, merged};

/// When the feeds are taken to be fetched.
const NOW: &str = "2026-11-30T12:00:00.000Z";

/// Converts a file, whose first line is the name of a known feed: a record becomes objects or a rejection with a reason, and
/// the same file becomes the same objects.
pub fn convert(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(name), Some(file)) = (parts.next(), parts.next()) else { return };
    let Some(feed) = from_utf8(name).ok().and_then(|name| Settings::default().find(name).ok()) else {
        return;
    };
    let (Ok((found, objects)), Ok((_, again))) = (converted(&feed, file), converted(&feed, file)) else {
        return;
    };
    assert!(found.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
    assert!(found.rejected.len() as u64 <= found.records, "more was rejected than was read");
    let texts = |objects: &[Object]| objects.iter().map(|object| object.json().clone()).collect::<Vec<_>>();
    assert_eq!(texts(&objects), texts(&again));
}

fn converted(feed: &Feed, file: &[u8]) -> Result<(Collected, Vec<Object>), ConvertError> {
    let now: Timestamp = NOW.parse().expect("it is a time");
    let mut found = Collected::default();
    taxii_feeds::convert_file(feed, &now, Cursor::new(file), &mut found)?;
    let mut objects = std::mem::take(&mut found.objects);
    objects.extend(merged(&found.parts).expect("each part makes a valid object by itself"));
    Ok((found, objects))
}
