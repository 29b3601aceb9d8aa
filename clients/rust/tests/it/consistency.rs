//! `taxii verify-consistency`

use crate::approved::{note, trust};
use crate::stub::{taxii, text};
use consensus::evidence::{Node, TILE_WIDTH, TileContent, TilePath, Tree, TreeHead, leaf_hash, origin};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use taxii_client::network::{Digest, NetworkId};
use tempfile::TempDir;

const NETWORK: NetworkId = NetworkId(Digest([0xAB; 32]));

/// A log, and the heads that it had.
#[derive(Default)]
struct Log {
    tree: Tree,
    hashes: BTreeMap<Node, Digest>,
    heads: Vec<TreeHead>,
}

impl Log {
    /// A log of some size, in which all entries from some number on are those of another history.
    fn of(size: u64, other_from: u64) -> Self {
        let mut log = Self::default();
        log.heads.push(log.tree.head());
        for number in 0..size {
            let history = u8::from(number >= other_from);
            log.hashes.extend(log.tree.append(leaf_hash(format!("{number} {history}").as_bytes())));
            log.heads.push(log.tree.head());
        }
        log
    }

    fn note(&self, size: u64) -> String {
        note(&origin(NETWORK), self.heads[size as usize]).to_string()
    }

    fn tile(&self, path: &TilePath) -> Option<Vec<u8>> {
        path.is_within(self.tree.size()).then(|| path.read(&|node| self.hashes.get(&node).copied()))?
    }
}

/// A folder with a trust policy, notes, and the tiles of a log in `mirror`.
struct Files(TempDir);

impl Files {
    fn new(notes: &[(&str, String)], mirror: &Log) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trust.txt"), trust(NETWORK, true)).unwrap();
        for (name, note) in notes {
            std::fs::write(folder.path().join(name), note).unwrap();
        }
        let size = mirror.tree.size();
        for level in 0..3 {
            let full = (0..(size >> (8 * level)) / u64::from(TILE_WIDTH)).map(|index| TilePath {
                content: TileContent::Hashes(level),
                index,
                width: TILE_WIDTH,
            });
            for path in full.chain(TilePath::partial(level, size)) {
                let file = folder.path().join("mirror").join(path.to_string());
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, mirror.tile(&path).unwrap()).unwrap();
            }
        }
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = taxii();
        command.current_dir(self.0.path()).arg("verify-consistency").args(arguments);
        let output = command.args(["--policy", "trust.txt"]).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn equal_checkpoints_need_no_server() {
    let log = Log::of(7, 9);
    let files = Files::new(&[("a", log.note(7)), ("b", log.note(7))], &log);
    let (code, shown, said) = files.run(&["a", "b"]);
    assert_eq!((code, &*said), (0, ""));
    assert_eq!(shown, "same: both checkpoints of abababababababab/approvals are of the same 7 entries\n");
}

#[test]
fn a_log_that_grew_is_shown_by_its_tiles() {
    let log = Log::of(70_000, 70_000);
    for (old, new) in
        [(0, 9), (1, 2), (7, 9), (8, 9), (255, 257), (256, 700), (700, 70_000), (65_536, 70_000)]
    {
        let mirror = Log::of(new, new);
        let files = Files::new(&[("old", log.note(old)), ("new", log.note(new))], &mirror);
        let (code, shown, said) = files.run(&["old", "new", "--tiles", "mirror"]);
        assert_eq!((code, &*said), (0, ""), "{old} {new}");
        let expected = format!(
            "extended: the {old} entries of abababababababab/approvals are the first of its {new}; nothing was changed or \
             removed\n"
        );
        assert_eq!(shown, expected);
    }
}

#[test]
fn tiles_of_a_log_that_grew_on_do_as_well() {
    let log = Log::of(600, 600);
    let files = Files::new(&[("old", log.note(200)), ("new", log.note(300))], &log);
    // This one is shorter in the tree of 300 entries; the mirror has it whole.
    assert!(!files.0.path().join("mirror/tile/0/001.p/44").exists());
    let (code, _, said) = files.run(&["old", "new", "--tiles", "mirror"]);
    assert_eq!(code, 0, "{said}");
}

/// A server of tiles in `mirror`, and what it was asked for.
fn serve(files: &Files) -> (String, Arc<Mutex<Vec<String>>>) {
    let (mirror, asked) = (files.0.path().join("mirror"), Arc::new(Mutex::new(Vec::new())));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let log = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let found = std::fs::read(mirror.join(path.trim_start_matches("/tlog/")));
            let status = if found.is_ok() { "200 OK" } else { "404 Not Found" };
            let body = found.unwrap_or_default();
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            log.lock().unwrap().push(path);
            // The client may be gone.
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    (url, asked)
}

#[test]
fn tiles_come_from_the_server() {
    let log = Log::of(300, 300);
    let files = Files::new(&[("old", log.note(7)), ("new", log.note(300))], &log);
    let (url, asked) = serve(&files);
    let (code, shown, said) = files.run(&["old", "new", "--url", &url]);
    assert!(code == 0 && shown.starts_with("extended: "), "{said}");
    let paths = asked.lock().unwrap().clone();
    assert_eq!(paths, ["/tlog/tile/0/000", "/tlog/tile/0/001.p/44"]);
    std::fs::remove_file(files.0.path().join("mirror/tile/0/000")).unwrap();
    let (code, _, said) = files.run(&["old", "new", "--url", &url]);
    assert_eq!((code, &*said), (1, "tile/0/000: the log has no such tile\n"));
    let (code, _, said) = files.run(&["old", "new"]);
    assert_eq!((code, &*said), (2, "which server? Give --url or set TAXII_URL\n"));
}

#[test]
fn two_roots_of_one_size_are_a_split_view() {
    let (log, other) = (Log::of(9, 9), Log::of(9, 3));
    let files = Files::new(&[("a", log.note(9)), ("b", other.note(9))], &log);
    let (code, row, said) = files.run(&["a", "b", "--json"]);
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!((code, &row["verdict"], &row["old"]["size"]), (1, &"split_view".into(), &9.into()));
    assert_ne!(row["old"]["root"], row["new"]["root"]);
    assert!(said.contains("both notes together prove it: keep them"), "{said}");
}

#[test]
fn a_log_that_changed_an_entry_is_a_split_view() {
    for (old, new) in [(7, 9), (8, 9), (300, 700), (256, 70_000)] {
        let (log, other) = (Log::of(old, old), Log::of(new, 3));
        let files = Files::new(&[("old", log.note(old)), ("new", other.note(new))], &other);
        let (code, shown, said) = files.run(&["old", "new", "--tiles", "mirror"]);
        assert_eq!((code, &*shown), (1, ""), "{old} {new}");
        assert!(
            said.starts_with("split view: ") && said.contains(&format!("whose first {old} are not")),
            "{said}"
        );
    }
}

#[test]
fn wrong_tiles_accuse_nobody() {
    let log = Log::of(70_000, 70_000);
    for (old, new) in [(7, 9), (256, 300), (700, 70_000)] {
        let files = Files::new(&[("old", log.note(old)), ("new", log.note(new))], &Log::of(new, 3));
        let (code, _, said) = files.run(&["old", "new", "--tiles", "mirror"]);
        assert!(code == 1 && said.starts_with("not shown: "), "{old} {new}: {said}");
    }
    // Only the hashes of leaves are wrong, so that those above still lead to the root that was signed.
    let files = Files::new(&[("old", log.note(700)), ("new", log.note(70_000))], &log);
    let tile = files.0.path().join("mirror/tile/0/002");
    std::fs::write(&tile, [1; 8192]).unwrap();
    let (code, _, said) = files.run(&["old", "new", "--tiles", "mirror"]);
    assert!(code == 1 && said.starts_with("not shown: "), "{said}");
    std::fs::write(&tile, [1; 100]).unwrap();
    let (code, _, said) = files.run(&["old", "new", "--tiles", "mirror"]);
    assert!(code == 1 && said.contains("a tile of 256 hashes has 8192 bytes"), "{said}");
}

#[test]
fn checkpoints_that_are_not_trusted_or_of_another_log_are_refused() {
    let log = Log::of(9, 9);
    let forged = log.note(9).replace("\n9\n", "\n8\n");
    let files = Files::new(&[("a", log.note(9)), ("forged", forged), ("none", "x".to_owned())], &log);
    let (code, _, said) = files.run(&["a", "forged"]);
    assert!(code == 1 && said.starts_with("forged: not trusted: "), "{said}");
    let (code, _, said) = files.run(&["none", "a"]);
    assert!(code == 1 && said.starts_with("none: "), "{said}");
    let (code, _, said) = files.run(&["a", "missing"]);
    assert!(code == 2 && said.starts_with("missing: "), "{said}");
}

#[test]
fn a_smaller_log_later_is_told() {
    let log = Log::of(9, 9);
    let files = Files::new(&[("old", log.note(9)), ("new", log.note(7))], &log);
    let (code, shown, said) = files.run(&["old", "new", "--tiles", "mirror"]);
    assert!(code == 0 && shown.starts_with("extended: the 7 entries"), "{shown}{said}");
    assert_eq!(said, "new is of fewer entries than old; if it is really the later one, the log went back\n");
}
