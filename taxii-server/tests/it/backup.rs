//! Backups of the real program, and what is restored from them.

use crate::app::{TAXII, tool, tool_id};
use crate::process::{program, run, stop};
use age::secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Starts a server, and returns the URL of the API root.
async fn serve(data: &Path) -> (Child, String) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "none"];
    let mut child = program(data).args(arguments).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    loop {
        let line = log.next_line().await.unwrap().expect("it listens");
        let entry: Value = serde_json::from_str(&line).unwrap();
        if entry["fields"]["message"] == "listening" {
            let address = entry["fields"]["address"].as_str().unwrap();
            return (child, format!("http://{address}/api/"));
        }
    }
}

struct Client {
    http: reqwest::Client,
    root: String,
    token: String,
}

impl Client {
    fn new(root: &str, token: &str) -> Self {
        crate::tls::install_crypto();
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        Self { http, root: root.to_owned(), token: token.to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.root)).header("accept", TAXII);
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn post(&self, key: &str, objects: &[Value]) -> Value {
        let request = self.http.post(format!("{}collections/c/objects/", self.root)).header("accept", TAXII);
        let request = request.header("content-type", TAXII).header("idempotency-key", key);
        let body = json!({"objects": objects}).to_string();
        let answer = request.bearer_auth(&self.token).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        answer.json().await.unwrap()
    }

    /// Identifier and `date_added` of everything, in its order.
    async fn manifest(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("collections/c/manifest/?limit=500&next={next}")).await;
            let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
            let records = page["objects"].as_array().into_iter().flatten();
            found.extend(records.map(|record| (text(record, "id"), text(record, "date_added"))));
            match page["next"].as_str() {
                Some(more) => more.clone_into(&mut next),
                None => return found,
            }
        }
    }
}

/// Makes a pair of keys, and returns the public one and the file of the private one.
fn keys(folder: &Path, name: &str) -> (String, PathBuf) {
    let identity = age::x25519::Identity::generate();
    let path = folder.join(name);
    let private = format!("# made for a test\n{}\n", identity.to_string().expose_secret());
    std::fs::write(&path, private).unwrap();
    (identity.to_public().to_string(), path)
}

fn uuid(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A data folder with an API root, the collection `c` and an account. Returns its token.
async fn prepare(data: &Path) -> String {
    run(data, &["api-root", "add", "api"]).await;
    run(data, &["collection", "add", "C", "--alias", "c"]).await;
    let account = run(data, &["account", "add", "alice", "--read", "c", "--write", "c", "--json"]).await;
    let account: Value = serde_json::from_str(&account).unwrap();
    account["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_backup_of_a_server_in_use_restores_to_the_same_server() {
    let folder = tempfile::tempdir().unwrap();
    let [data, elsewhere] = ["data", "elsewhere"].map(|name| folder.path().join(name));
    let token = prepare(&data).await;
    let (recipient, identity) = keys(folder.path(), "key");
    let (server, root) = serve(&data).await;
    let client = Arc::new(Client::new(&root, &token));
    let tools: Vec<_> = (0..900).map(|number| tool(number, 2001)).collect();
    for (number, some) in (0..).zip(tools.chunks(300)) {
        client.post(&uuid(number), some).await;
    }
    let page = client.get("collections/c/objects/?limit=10").await;
    let next = format!("collections/c/objects/?limit=10&next={}", page["next"].as_str().unwrap());
    let following = client.get(&next).await;
    let status = client.post(&uuid(7), &[tool(1, 2001), tool(9_999, 2001)]).await;

    let is_over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (client, is_over) = (Arc::clone(&client), Arc::clone(&is_over));
        async move {
            for number in 1000.. {
                if is_over.load(Ordering::SeqCst) {
                    return number;
                }
                client.post(&uuid(number), &[tool(number, 2001)]).await;
            }
            unreachable!()
        }
    });
    let file = folder.path().join("concord.backup");
    let (file, identity) = (file.to_str().unwrap(), identity.to_str().unwrap());
    let outcome = run(&data, &["backup", file, "--recipient", &recipient, "--json"]).await;
    let before = client.manifest().await.len();
    is_over.store(true, Ordering::SeqCst);
    let posted = writer.await.unwrap();
    assert!(posted > 1000, "something was written meanwhile");
    let outcome: Value = serde_json::from_str(&outcome).unwrap();
    assert_eq!(outcome["bytes"], std::fs::metadata(file).unwrap().len());
    assert!(outcome["versions"].as_u64().unwrap() >= 901, "{outcome}");
    let bytes = std::fs::read(file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    let source = client.manifest().await;
    stop(server).await;

    run(&elsewhere, &["restore", file, "--identity", identity]).await;
    let (server, root) = serve(&elsewhere).await;
    let restored = Client::new(&root, &token);
    let found = restored.manifest().await;
    assert!(found.len() >= 901 && found.len() <= before, "{} of {}", found.len(), source.len());
    assert_eq!(found[..], source[..found.len()], "it is what the store said at one instant");
    assert_eq!(restored.get(&next).await, following, "cursors go on");
    let id = status["id"].as_str().unwrap();
    assert_eq!(restored.get(&format!("status/{id}/")).await["id"], id);
    let again = restored.post(&uuid(7), &[tool(1, 2001), tool(9_999, 2001)]).await;
    assert_eq!(again, status, "a request that comes again has the outcome of the first");
    restored.post(&uuid(999_999), &[tool(20_000, 2001)]).await;
    let later = restored.manifest().await;
    assert_eq!(later.len(), found.len() + 1);
    assert_eq!(later.last().unwrap().0, tool_id(20_000));
    assert!(later.last().unwrap().1 > found.last().unwrap().1, "stamps rise");
    // One that runs can be backed up again, and so can one that does not.
    run(&elsewhere, &["backup", file, "--recipient", &recipient, "--force"]).await;
    stop(server).await;
    run(&elsewhere, &["backup", file, "--recipient", &recipient, "--force"]).await;
}

/// Runs a command that must fail, and gives what it says.
async fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = program(data).args(arguments).stdin(Stdio::null()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn what_is_no_whole_backup_is_refused_and_leaves_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    prepare(&data).await;
    let lines: String = (0..500).map(|number| format!("{}\n", tool(number, 2001))).collect();
    let objects = folder.path().join("objects.jsonl");
    std::fs::write(&objects, lines).unwrap();
    run(&data, &["import", objects.to_str().unwrap(), "--collection", "c"]).await;
    let (recipient, identity) = keys(folder.path(), "key");
    let (_, other) = keys(folder.path(), "other");
    let [identity, other] = [&identity, &other].map(|path| path.to_str().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (encrypted, plain) = (path("encrypted"), path("plain"));
    let said = refused(&data, &["backup", &encrypted]).await;
    assert!(said.contains("--recipient") && !Path::new(&encrypted).exists(), "{said}");
    let said = refused(&data, &["backup", &encrypted, "--recipient", "AGE-SECRET-KEY-1X"]).await;
    assert!(said.contains("not a public key") && !said.contains("SECRET-KEY"), "{said}");
    let file_of_keys = path("recipients.txt");
    std::fs::write(&file_of_keys, format!("# the team\n\n{recipient}\n")).unwrap();
    run(&data, &["backup", &encrypted, "--recipients-file", &file_of_keys]).await;
    run(&data, &["backup", &plain, "--unencrypted"]).await;
    let said = refused(&data, &["backup", &plain, "--unencrypted"]).await;
    assert!(said.contains("--force"), "{said}");
    run(&data, &["backup", &plain, "--unencrypted", "--force"]).await;

    let target = folder.path().join("target");
    let bytes = std::fs::read(&encrypted).unwrap();
    let (cut, altered, foreign) = (path("cut"), path("altered"), path("foreign"));
    std::fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&altered, changed).unwrap();
    std::fs::write(&foreign, "{}").unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["restore", &encrypted], "give --identity"),
        (&["restore", &encrypted, "--identity", other], "other keys"),
        (&["restore", &cut, "--identity", identity], "cut off"),
        (&["restore", &altered, "--identity", identity], "altered"),
        (&["restore", &foreign, "--identity", identity], "no backup of taxii-server"),
    ];
    for (arguments, message) in cases {
        let said = refused(&target, arguments).await;
        assert!(said.contains(message), "{arguments:?}: {said}");
        let opened = refused(&target, &["collection", "list"]).await;
        assert!(opened.contains("there is no store") || opened.contains("not finished"), "{opened}");
    }
    // Broken off in the middle, it is no store; the next restore begins again.
    let bytes = std::fs::read(&plain).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 20]).unwrap();
    let said = refused(&target, &["restore", &cut]).await;
    assert!(said.contains("cut off"), "{said}");
    let said = refused(&target, &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "none"]).await;
    assert!(said.contains("restore into this store is not finished"), "{said}");
    run(&target, &["restore", &plain]).await;
    let list = async |data: &Path| run(data, &["collection", "list", "--json"]).await;
    assert_eq!(list(&target).await, list(&data).await);
    let said = refused(&target, &["restore", &plain]).await;
    assert!(said.contains("already"), "{said}");
    assert_eq!(list(&target).await, list(&data).await);

    // Through pipes.
    let output = program(&data).args(["backup", "-", "--recipient", &recipient]).output().await.unwrap();
    assert!(output.status.success());
    let piped = path("piped");
    std::fs::write(&piped, output.stdout).unwrap();
    let third = folder.path().join("third");
    let mut command = program(&third);
    let command = command.args(["restore", "-", "--identity", identity]);
    let output = command.stdin(std::fs::File::open(&piped).unwrap()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(list(&third).await, list(&data).await);
    let export = async |data: &Path| run(data, &["export", "--collection", "c"]).await;
    assert_eq!(export(&third).await, export(&data).await);
}

#[tokio::test]
async fn a_store_moves_to_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let [data, elsewhere] = ["data", "elsewhere"].map(|name| folder.path().join(name));
    let token = prepare(&data).await;
    let lines: String = (0..500).map(|number| format!("{}\n", tool(number, 2001))).collect();
    let objects = folder.path().join("objects.jsonl");
    std::fs::write(&objects, lines).unwrap();
    run(&data, &["import", objects.to_str().unwrap(), "--collection", "c"]).await;
    let [from, to] = [&data, &elsewhere].map(|path| path.to_str().unwrap());
    let said = refused(&data, &["migrate", "--from", from, "--to", from]).await;
    assert!(said.contains("same place"), "{said}");
    let said = refused(&data, &["migrate", "--from", to, "--to", from]).await;
    assert!(said.contains("there is no store in") && !elsewhere.exists(), "{said}");
    let (server, _) = serve(&data).await;
    let said = refused(&data, &["migrate", "--from", from, "--to", to]).await;
    assert!(said.contains("has it open"), "{said}");
    stop(server).await;
    let outcome = run(&data, &["migrate", "--from", from, "--to", to, "--json"]).await;
    let outcome: Value = serde_json::from_str(&outcome).unwrap();
    assert!(outcome["keys"].as_u64().unwrap() > 2500, "{outcome}");
    let export = async |data: &Path| run(data, &["export", "--collection", "c"]).await;
    assert_eq!(export(&elsewhere).await, export(&data).await);
    let said = refused(&data, &["migrate", "--from", from, "--to", to]).await;
    assert!(said.contains("replaces nothing"), "{said}");
    let (server, root) = serve(&elsewhere).await;
    let moved = Client::new(&root, &token);
    assert_eq!(moved.manifest().await.len(), 500);
    moved.post(&uuid(1), &[tool(1000, 2001)]).await;
    stop(server).await;
    let said = refused(&data, &["collection", "add", "late"]).await;
    assert!(said.contains("has moved"), "{said}");
    let said = refused(&data, &["backup", &format!("{from}/late.backup"), "--unencrypted"]).await;
    assert!(said.contains("--release"), "{said}");
    run(&data, &["migrate", "--from", from, "--release"]).await;
    run(&data, &["import", objects.to_str().unwrap(), "--collection", "c"]).await;
}
