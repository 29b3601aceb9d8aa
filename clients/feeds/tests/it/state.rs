use crate::{NOW, feed};
use stix_model::Timestamp;
use taxii_feeds::feed::Feed;
use taxii_feeds::{Staged, State, convert};

fn staged(state: &State, feed: &Feed, list: &str) -> Staged {
    let now: Timestamp = NOW.parse().unwrap();
    let mut staging = state.stage(feed, &now).unwrap();
    convert(feed, &now, &mut list.as_bytes(), &mut staging).unwrap();
    staging.finish().unwrap()
}

/// What only a run had that came to no end is not what a later one had.
#[test]
fn a_run_that_fails_has_a_number_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path()).unwrap();
    let feed = Feed { is_complete: true, ..feed("tor-exits") };
    // No cursor is kept after it, as when the server does not answer.
    let first = staged(&state, &feed, "192.0.2.1\n192.0.2.2\n");
    let second = staged(&state, &feed, "192.0.2.1\n");
    assert_eq!((first.new, second.unchanged), (8, 5));
    assert_eq!(second.revoked, 2);
}
