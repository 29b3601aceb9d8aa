//! The format of the store: a small store of each format is kept, and opens; others are refused with their numbers.

use crate::app::{PASSWORD, TestApp, tool};
use axum::http::Method;
use bytes::Bytes;
use flate2::Compression;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taxii_server::config::Config;
use taxii_server::engines;
use taxii_server::store::engine::{Commit, Engine};
use taxii_server::store::{EmbeddedEngine, FORMAT, OLDEST_FORMAT, bulk_ranges};

/// The store that a version of this program made, compressed, and what was in it.
fn fixture(format: u32, extension: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    folder.join(format!("store-{format}.{extension}"))
}

async fn open(path: &Path) -> TestApp {
    let engine = EmbeddedEngine::open(path, &bulk_ranges()).unwrap();
    TestApp::over(Config::default(), Arc::new(engine)).await
}

/// What a client sees of the store, apart from what changes with each answer.
async fn seen(test: &TestApp, id: &str, next: &str) -> Value {
    let path = format!("/admin/collections/{id}/records/");
    let records = test.control.call(Method::GET, &path, Bytes::new()).await.unwrap();
    let accounts = test.admin(Method::GET, "/admin/accounts/", json!(null)).await;
    let collections = test.admin(Method::GET, "/admin/collections/", json!(null)).await;
    let page = test.get(&format!("/api/collections/{id}/objects/?limit=2&next={next}")).send().await;
    json!({
        "accounts": accounts,
        "collections": collections,
        "records": String::from_utf8(records.body.to_vec()).unwrap(),
        "page": page.json()["objects"],
    })
}

/// `UPDATE_STORE=1 cargo test -p taxii-server format` makes the fixture of a new format, once. That of an old one stays as
/// it is for ever.
async fn make() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let engine: Arc<dyn Engine> = Arc::new(EmbeddedEngine::open(&path, &bulk_ranges()).unwrap());
    let test = TestApp::with(Config::default(), Arc::clone(&engine)).await;
    let id = test.collection("all").await;
    test.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    let marked = |number, marking: &str| {
        let mut tool = tool(number, 2002);
        tool["object_marking_refs"] = json!([marking]);
        tool
    };
    let (red, green) = (
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    );
    let url = json!({"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"});
    let mut old = tool(3, 2003);
    old.as_object_mut().unwrap().remove("spec_version");
    test.add(&id, &[tool(1, 2001), marked(1, red), marked(2, green), old, url.clone()]).await;
    test.add(&id, &[tool(4, 2001), tool(4, 2002), tool(5, 2001)]).await;
    let other = json!({"type": "url", "id": url["id"], "value": "u:x", "defanged": true});
    let mut revoked = tool(6, 2004);
    revoked["revoked"] = json!(true);
    test.add(&id, &[tool(6, 2003), tool(6, 2001), tool(6, 2002), revoked, other]).await;
    let gone = format!("/api/collections/{id}/objects/{}/", crate::app::tool_id(4));
    test.call(Method::DELETE, &gone).send().await;
    let status = test.add(&id, &[json!({"type": "tool", "id": crate::app::tool_id(9)})]).await;
    let first = test.get(&format!("/api/collections/{id}/objects/?limit=2")).send().await.json();
    let next = first["next"].as_str().unwrap();
    let expected = json!({"id": id, "next": next, "status": status, "seen": seen(&test, &id, next).await});
    std::fs::write(fixture(FORMAT, "json"), serde_json::to_string_pretty(&expected).unwrap()).unwrap();
    drop(test);
    // The tasks of the store end soon after it.
    while Arc::strong_count(&engine) > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    drop(engine);
    let file = std::fs::File::create(fixture(FORMAT, "redb.gz")).unwrap();
    let mut compressed = flate2::write::GzEncoder::new(file, Compression::best());
    compressed.write_all(&std::fs::read(&path).unwrap()).unwrap();
    compressed.finish().unwrap();
}

/// Whether an answer has everything that is expected; later versions may add properties.
fn includes(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| found.get(name).is_some_and(|found| includes(found, expected))),
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| includes(a, b))
        }
        (found, expected) => found == expected,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_each_format_open() {
    if std::env::var_os("UPDATE_STORE").is_some() {
        make().await;
    }
    for format in OLDEST_FORMAT..=FORMAT {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let mut store = Vec::new();
        let compressed = std::fs::File::open(fixture(format, "redb.gz")).unwrap();
        flate2::read::GzDecoder::new(compressed).read_to_end(&mut store).unwrap();
        std::fs::write(&path, store).unwrap();
        let expected: Value =
            serde_json::from_slice(&std::fs::read(fixture(format, "json")).unwrap()).unwrap();
        let [id, next] = ["id", "next"].map(|name| expected[name].as_str().unwrap());
        let test = open(&path).await;
        let seen = seen(&test, id, next).await;
        assert!(includes(&seen, &expected["seen"]), "format {format}: {seen}");
        let objects = || {
            seen["records"].as_str().unwrap().lines().map(|line| {
                let (_, object) = line.split_once(r#""object":"#).unwrap();
                &object[..object.len() - 1]
            })
        };
        let ids =
            objects().map(|object| serde_json::from_str::<Value>(object).unwrap()["id"].clone().to_string());
        let contents = &seen["collections"][0];
        assert_eq!(contents["bytes"], objects().map(str::len).sum::<usize>(), "format {format}: {contents}");
        assert_eq!(contents["objects"], ids.collect::<BTreeSet<_>>().len(), "format {format}");
        assert_eq!(contents["versions"], objects().count(), "format {format}");
        // Alice's password and the status of her last request are there too, and the store takes new objects.
        let path = format!("/api/status/{}/", expected["status"]["id"].as_str().unwrap());
        assert_eq!(test.get(&path).send().await.json(), expected["status"], "{PASSWORD}");
        assert_eq!(test.add(id, &[tool(77, 2001), tool(1, 2001)]).await["success_count"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_formats_are_refused_with_their_numbers() {
    for (found, advice) in [(FORMAT + 5, "use a newer version"), (OLDEST_FORMAT - 1, "export it")] {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_owned(), ..Config::default() };
        engines::open(&config).await.unwrap().close().await;
        let engine = EmbeddedEngine::open(&folder.path().join("store.redb"), &bulk_ranges()).unwrap();
        let writes = BTreeMap::from([(b"mformat".to_vec(), Some(found.to_string().into()))]);
        engine.commit(Commit { writes, ..Commit::default() }).await.unwrap();
        drop(engine);
        let before = std::fs::read(folder.path().join("store.redb")).unwrap();
        let error = engines::open(&config).await.err().unwrap().to_string();
        assert!(std::fs::read(folder.path().join("store.redb")).unwrap() == before, "it must stay as it is");
        let range =
            format!("format {found}, and this version reads formats from {OLDEST_FORMAT} to {FORMAT}");
        assert!(error.contains(&range) && error.contains(advice), "{error}");
    }
}

/// Format 1 kept everything in one table of another name.
#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_of_format_1_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = redb::Database::create(folder.path().join("store.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let table: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("concord");
    transaction.open_table(table).unwrap().insert(&b"mformat"[..], &b"1"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = std::fs::read(folder.path().join("store.redb")).unwrap();
    let config = Config { data: folder.path().to_owned(), ..Config::default() };
    let error = engines::open(&config).await.err().unwrap().to_string();
    assert!(std::fs::read(folder.path().join("store.redb")).unwrap() == before, "it must stay as it is");
    assert!(error.contains("format 1,") && error.contains("export it"), "{error}");
}
