//! The data folder: what is refused, what is repaired, and what the program says about it.
#![cfg(unix)]

use crate::process::{program, run};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// What a command that fails says, without the text of a panic.
async fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = program(data).args(arguments).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    let store = data.join("store.redb");
    let whole = std::fs::read(&store).unwrap();
    let mut overwritten = whole.clone();
    overwritten[200..].fill(0xAA);
    let cases: [(&[u8], &str); 5] = [
        (b"", "is empty or cut off"),
        (b"{\"type\": \"bundle\"}", "holds something else than a store"),
        (&whole[..4000], "the store is damaged"),
        (&whole[..whole.len() / 2], "the store is damaged"),
        (&overwritten, "the store is damaged"),
    ];
    for (bytes, words) in cases {
        std::fs::write(&store, bytes).unwrap();
        for arguments in [&["collection", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let said = refused(&data, arguments).await;
            assert!(said.contains(words) && said.contains("store.redb"), "{words}: {said}");
            assert_eq!(std::fs::read(&store).unwrap(), bytes, "it must stay as it is");
        }
    }
    let redb = redb::Database::create(folder.path().join("other.redb")).unwrap();
    let transaction = redb.begin_write().unwrap();
    transaction.open_table(redb::TableDefinition::<&str, u64>::new("theirs")).unwrap();
    transaction.commit().unwrap();
    drop(redb);
    std::fs::copy(folder.path().join("other.redb"), &store).unwrap();
    let theirs = std::fs::read(&store).unwrap();
    assert!(refused(&data, &["collection", "list"]).await.contains("a database of another program"));
    assert!(std::fs::read(&store).unwrap() == theirs, "it must stay as it is");
    std::fs::write(&store, whole).unwrap();
    assert!(run(&data, &["api-root", "list"]).await.contains("api"));
}

#[tokio::test]
async fn a_copy_that_was_made_while_a_server_ran_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    run(&data, &["api-root", "add", "api"]).await;
    let store = taxii_server::store::EmbeddedEngine::open(
        &data.join("store.redb"),
        &taxii_server::store::bulk_ranges(),
    );
    let store = store.unwrap();
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(data.join("store.redb"), copy.join("store.redb")).unwrap();
    let said = refused(&copy, &["api-root", "list"]).await;
    assert!(said.contains("copy that was made while") && said.contains("export"), "{said}");
    let said = refused(&data, &["api-root", "list"]).await;
    assert!(said.contains("has it open"), "{said}");
    if cfg!(target_os = "linux") {
        assert!(said.contains(&format!("process {} (", std::process::id())), "{said}");
    }
    drop(store);
    std::fs::copy(data.join("store.redb"), copy.join("store.redb")).unwrap();
    assert!(run(&copy, &["api-root", "list"]).await.contains("api"), "a copy of a closed store is taken");
}

#[tokio::test]
async fn rights_of_others_are_taken_away_and_links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    let (store, administrator) = (data.join("store.redb"), data.join("administrator.txt"));
    std::fs::write(&administrator, "password").unwrap();
    for (path, wide) in [(&data, 0o777), (&store, 0o666), (&administrator, 0o644)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(wide)).unwrap();
    }
    run(&data, &["api-root", "list"]).await;
    assert_eq!([mode(&data), mode(&store), mode(&administrator)], [0o700, 0o600, 0o600]);

    let elsewhere = folder.path().join("elsewhere");
    for path in [&store, &administrator] {
        std::fs::rename(path, &elsewhere).unwrap();
        symlink(&elsewhere, path).unwrap();
        let said = refused(&data, &["api-root", "list"]).await;
        assert!(said.contains("is a symbolic link") && said.contains(path.to_str().unwrap()), "{said}");
        std::fs::rename(&elsewhere, path).unwrap();
    }

    run(&data, &["collection", "add", "c"]).await;
    let (target, link) = (folder.path().join("target"), folder.path().join("link.jsonl"));
    std::fs::write(&target, "precious").unwrap();
    symlink(&target, &link).unwrap();
    let said = refused(&data, &["export", "--collection", "c", "-o", link.to_str().unwrap()]).await;
    assert!(said.contains("is a symbolic link"), "{said}");
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    let part = folder.path().join("plain.jsonl.part");
    symlink(&target, &part).unwrap();
    run(&data, &["export", "--collection", "c", "-o", folder.path().join("plain.jsonl").to_str().unwrap()])
        .await;
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    assert_eq!(mode(&folder.path().join("plain.jsonl")), 0o600);
}

#[tokio::test]
async fn accounts_are_shown_with_the_names_of_their_collections() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "Phishing pages", "--alias", "phishing"]).await;
    run(&data, &["collection", "add", "Plain title"]).await;
    let added =
        run(&data, &["account", "add", "alice", "--read", "phishing", "--write", "phishing", "--read", "*"])
            .await;
    assert!(added.contains("granted") && added.contains("phishing: read+write"), "{added}");
    assert!(added.contains("*: read"), "{added}");
    let added = run(&data, &["account", "add", "bob", "--read", "Plain title", "--json"]).await;
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    let grants = added["grants"].as_object().unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants.values().next().unwrap()["can_read"], true);
    assert!(added["password"].is_string() && added["token"].is_string());
    assert!(run(&data, &["account", "add", "carol"]).await.contains("granted   nothing yet"));
    assert!(
        run(&data, &["account", "add", "root", "--administrator"]).await.contains("administers the server")
    );
    let list = run(&data, &["account", "list"]).await;
    assert!(list.contains("phishing: read+write") && list.contains("Plain title: read"), "{list}");
}

/// A running server, and what it logs until it listens.
async fn serve(data: &Path) -> tokio::process::Child {
    use tokio::io::AsyncBufReadExt;
    let mut child =
        program(data).args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "none"]).spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut log = String::new();
    while !data.join("administrator.txt").exists() || !log.contains("listening") {
        let line = lines.next_line().await.unwrap();
        log += &line.unwrap_or_else(|| panic!("it ended: {log}"));
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

#[tokio::test]
async fn the_command_line_reaches_a_running_server_by_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than the address of a socket.
    let long = folder.path().join("a".repeat(80)).join("b".repeat(80));
    for data in [folder.path().join("data"), long] {
        let mut child = serve(&data).await;
        assert_eq!(mode(&data), 0o700);
        for name in ["control.json", "control.sock", "store.redb", "administrator.txt"] {
            assert_eq!(mode(&data.join(name)), 0o600, "{name}");
        }
        run(&data, &["collection", "add", "c", "--alias", "c"]).await;
        assert!(run(&data, &["account", "list"]).await.contains("admin"));
        child.kill().await.unwrap();
        assert!(data.join("control.json").exists(), "nothing was left behind");
        assert!(run(&data, &["collection", "list"]).await.contains('c'), "the store is opened instead");
        let mut child = serve(&data).await;
        assert!(run(&data, &["collection", "list"]).await.contains('c'));
        child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn an_impostor_learns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    let control = data.join("control.json");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let json = serde_json::json!({"address": address, "secret": "the secret", "process": 1});
    std::fs::write(&control, json.to_string()).unwrap();
    let impostor = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut heard = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            heard.extend_from_slice(&buffer[..length]);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nx-concord-proof: 00\r\ncontent-length: 2\r\n\r\n[]")
                .await;
        }
        String::from_utf8(heard).unwrap()
    });
    assert!(run(&data, &["api-root", "list"]).await.contains("api"), "the store is opened instead");
    let heard = impostor.await.unwrap();
    assert!(heard.contains("x-concord-challenge") && !heard.contains("the secret"), "{heard}");

    std::fs::write(&control, "{").unwrap();
    let said = refused(&data, &["api-root", "list"]).await;
    assert!(said.contains("control.json") && said.contains("remove the file"), "{said}");
}
