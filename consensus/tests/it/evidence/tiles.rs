//! Tiles and bundles are those of C2SP tlog-tiles.

use super::Log;
use consensus::Digest;
use consensus::evidence::{
    MAX_ENTRY_LENGTH, TILE_WIDTH, TileContent, TileError, TilePath, Tree, leaf_hash, read_bundle,
    write_bundle,
};
use proptest::prelude::*;

fn path(content: TileContent, index: u64, width: u16) -> TilePath {
    TilePath { content, index, width }
}

#[test]
fn paths_are_those_of_the_text() {
    let hashes = TileContent::Hashes;
    for (text, expected) in [
        ("tile/0/000", path(hashes(0), 0, 256)),
        ("tile/0/x001/x234/067", path(hashes(0), 1_234_067, 256)),
        ("tile/1/001.p/17", path(hashes(1), 1, 17)),
        ("tile/63/999.p/255", path(hashes(63), 999, 255)),
        ("tile/entries/x001/000.p/1", path(TileContent::Entries, 1000, 1)),
        ("tile/entries/x018/x446/x744/x073/x709/x551/615", path(TileContent::Entries, u64::MAX, 256)),
    ] {
        assert_eq!(text.parse(), Ok(expected), "{text}");
        assert_eq!(expected.to_string(), text);
    }
}

#[test]
fn other_forms_of_a_path_are_refused() {
    for text in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1234",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/X001/002",
        "tile/0/x01/002",
        "tile/0/xx01/002",
        "tile/0/x001//002",
        "tile/0/+01",
        "tile/0/-01",
        "tile/0/ 01",
        "tile/0/٠٠١",
        "tile/00/001",
        "tile/01/001",
        "tile/+1/001",
        "tile/64/001",
        "tile/256/001",
        "tile/-1/001",
        "tile/data/001",
        "tile/Entries/001",
        "/tile/0/001",
        "tile/0/001/",
        "tile/0/001 ",
        "tile/0/001.p",
        "tile/0/001.p/",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/0/001.p/256",
        "tile/0/001.p/65537",
        "tile/0/001.p/+1",
        "tile/0/001.p/1.p/1",
        "tile/0/001.p/1/",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/x999/x018/x446/x744/x073/x709/x551/615",
    ] {
        assert_eq!(text.parse::<TilePath>(), Err(TileError::Path), "{text}");
    }
    let long = format!("tile/0/{}001", "x001/".repeat(100_000));
    assert_eq!(long.parse::<TilePath>(), Err(TileError::Path));
}

#[test]
fn the_tiles_of_a_tree_are_those_of_the_example_in_the_text() {
    // tlog-tiles, "Partial Tiles": a tree of size 70,000, and one of size 256.
    let partial = |level, size| TilePath::partial(level, size).map(|tile| tile.to_string());
    assert_eq!(partial(0, 70_000).as_deref(), Some("tile/0/273.p/112"));
    assert_eq!(partial(1, 70_000).as_deref(), Some("tile/1/001.p/17"));
    assert_eq!(partial(2, 70_000).as_deref(), Some("tile/2/000.p/1"));
    assert_eq!(partial(3, 70_000), None);
    assert_eq!(partial(0, 256), None);
    assert_eq!(partial(1, 256).as_deref(), Some("tile/1/000.p/1"));
    assert_eq!(partial(0, 0), None);
    assert_eq!(partial(7, u64::MAX).as_deref(), Some("tile/7/000.p/255"));
    assert_eq!(partial(255, u64::MAX), None);
}

#[test]
fn tiles_hold_the_hashes_of_their_level() {
    let log = Log::of(600);
    let digests = |path: TilePath| -> Option<Vec<Digest>> {
        let bytes = path.read(&log.read())?;
        assert_eq!(bytes.len(), usize::from(path.width) * 32);
        Some(bytes.chunks(32).map(|hash| Digest(hash.try_into().unwrap())).collect())
    };
    for (index, width) in [(0, 256), (1, 256), (2, 88), (1, 3)] {
        let tile = digests(path(TileContent::Hashes(0), index, width)).unwrap();
        let first = index * u64::from(TILE_WIDTH);
        let leaves: Vec<_> = (first..first + u64::from(width)).map(|leaf| log.leaf(leaf)).collect();
        assert_eq!(tile, leaves);
    }
    let above = digests(path(TileContent::Hashes(1), 0, 2)).unwrap();
    for (index, root) in above.iter().enumerate() {
        let mut tree = Tree::default();
        for leaf in digests(path(TileContent::Hashes(0), index as u64, 256)).unwrap() {
            tree.append(leaf);
        }
        assert_eq!(tree.head().root, *root, "a hash is the root of a full tile of the level below");
    }
}

#[test]
fn tiles_that_the_tree_does_not_have_are_not_read() {
    let log = Log::of(600);
    let hashes = TileContent::Hashes;
    for missing in [
        path(hashes(0), 2, 89),
        path(hashes(0), 2, 256),
        path(hashes(0), 3, 1),
        path(hashes(1), 0, 3),
        path(hashes(2), 0, 1),
        path(hashes(63), 0, 1),
        path(hashes(255), 0, 1),
        path(hashes(0), u64::MAX, 256),
        path(hashes(0), u64::MAX / 256, 256),
        path(TileContent::Entries, 0, 1),
        path(hashes(0), 0, 0),
        path(hashes(0), 0, 257),
    ] {
        assert_eq!(missing.read(&log.read()), None, "{missing}");
    }
}

#[test]
fn bundles_hold_entries_with_their_lengths() {
    let bundle = write_bundle([&b"one"[..], &[], b"three"]).unwrap();
    assert_eq!(bundle, b"\x00\x03one\x00\x00\x00\x05three");
    assert_eq!(read_bundle(&bundle, 3), Ok(vec![&b"one"[..], &[], b"three"]));
    for width in [0, 1, 2, 4, u16::MAX] {
        assert_eq!(read_bundle(&bundle, width), Err(TileError::Bundle(width)));
    }
    for end in 0..bundle.len() {
        assert!(read_bundle(&bundle[..end], 3).is_err());
    }
    let largest = vec![7; MAX_ENTRY_LENGTH];
    let bundle = write_bundle([&largest[..]]).unwrap();
    assert_eq!(read_bundle(&bundle, 1), Ok(vec![&largest[..]]));
    let larger = vec![7; MAX_ENTRY_LENGTH + 1];
    assert_eq!(write_bundle([&larger[..]]), Err(TileError::Entry(65536)));
}

#[test]
fn entries_of_a_bundle_are_the_leaves_of_the_tile() {
    let log = Log::of(300);
    let entries = log.entries[256..].iter().map(|entry| &entry[..]);
    let bundle = write_bundle(entries).unwrap();
    let tile = TilePath::partial(0, 300).unwrap().read(&log.read()).unwrap();
    let hashes: Vec<u8> =
        read_bundle(&bundle, 44).unwrap().into_iter().flat_map(|entry| leaf_hash(entry).0).collect();
    assert_eq!(hashes, tile);
}

proptest! {
    #[test]
    fn paths_survive(level in prop::option::of(0..64u8), index: u64, shift in 0..64u32, width in 1..=256u16) {
        let content = level.map_or(TileContent::Entries, TileContent::Hashes);
        let path = path(content, index >> shift, width);
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn a_path_that_is_read_is_written_alike(text in "tile/([0-9]{1,3}|entries)/(x?[0-9]{3}/){0,3}[0-9]{3}(\\.p/[0-9]{1,3})?") {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text);
            path.read(&|_| None);
        }
    }

    #[test]
    fn any_bytes_are_a_bundle_or_refused(bytes in prop::collection::vec(0..4u8, 0..60), width in 0..20u16) {
        if let Ok(entries) = read_bundle(&bytes, width) {
            prop_assert_eq!(entries.len(), usize::from(width));
            prop_assert_eq!(write_bundle(entries).unwrap(), bytes);
        }
    }
}
