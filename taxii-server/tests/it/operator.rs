//! What an operator does with the real program, with and without a running server.

use crate::process::{demo, program, run, stop};
use serde_json::{Value, json};
use std::path::Path;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

async fn json_of(data: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(data, &[arguments, &["--json"]].concat()).await).unwrap()
}

/// Runs a command that must be refused, and gives what it says.
async fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = program(data).args(arguments).stdin(std::process::Stdio::null()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A store with the API root `api`; a running server over it when `is_served`.
async fn store(data: &Path, is_served: bool) -> Option<Child> {
    if is_served {
        crate::tls::install_crypto();
        let (child, _) = demo(data).await;
        return Some(child);
    }
    run(data, &["api-root", "add", "api"]).await;
    None
}

/// Starts a server, and waits until it listens.
async fn serve(data: &Path) -> Child {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "none"];
    let mut child = program(data).args(arguments).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    while !log.next_line().await.unwrap().expect("it listens").contains("listening") {}
    child
}

async fn import(data: &Path, collection: &str, objects: &[Value]) {
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let path = data.join("objects.jsonl");
    std::fs::write(&path, lines).unwrap();
    run(data, &["import", path.to_str().unwrap(), "--collection", collection]).await;
}

#[tokio::test]
async fn a_collection_changes_in_every_field() {
    for is_served in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let server = store(data, is_served).await;
        let foreign = "91A7B528-80EB-12ED-A74D-C6FBD5A26116";
        let added = run(data, &["collection", "add", "Old", "--id", foreign, "--alias", "old"]).await;
        assert_eq!(added.trim(), foreign.to_lowercase(), "a foreign id stays");
        import(data, "old", &[crate::app::tool(1, 2001)]).await;
        let fields = [
            ("--title", json!("New"), "title"),
            ("--description", json!("what it holds"), "description"),
            ("--alias", json!("new"), "alias"),
            ("--alias", json!("0a0e3a4c-3b3a-11ee-be56-0242ac120002"), "alias"),
            ("--profile", json!("strict"), "profile"),
            ("--unmarked", json!("green"), "unmarked"),
        ];
        for (flag, value, property) in fields {
            let changed = json_of(data, &["collection", "set", foreign, flag, value.as_str().unwrap()]).await;
            assert_eq!(changed[property], value, "{changed}");
        }
        run(data, &["collection", "set", foreign, "--profile", "stix"]).await;
        let both = ["collection", "set", foreign, "--stix", "2.1", "--stix", "2.0"];
        assert_eq!(json_of(data, &both).await["spec_versions"], json!(["2.0", "2.1"]));
        let said = refused(data, &["collection", "set", foreign, "--stix", "2.0"]).await;
        assert!(said.contains("holds objects of STIX 2.1"), "{said}");
        let gone = json_of(data, &["collection", "set", foreign, "--alias", "", "--description", ""]).await;
        assert_eq!([&gone["alias"], &gone["description"]], [&Value::Null, &Value::Null]);
        let renamed = json_of(data, &["collection", "rename", "New", "Feeds 1.0"]).await;
        assert_eq!((&renamed["title"], &renamed["versions"]), (&json!("Feeds 1.0"), &json!(1)));
        let output =
            program(data).args(["collection", "rename", foreign, "Feeds 1.1"]).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains("OpenCTI"), "{said}");
        let said = refused(data, &["collection", "rename", "Feeds 1.2", "Feeds"]).await;
        assert!(said.contains("did you mean \"Feeds 1.1\"?"), "{said}");
        let usage = program(data).args(["collection", "set", foreign]).output().await.unwrap();
        assert_eq!(usage.status.code(), Some(2), "{usage:?}");
        if let Some(server) = server {
            stop(server).await;
        }
    }
}

#[tokio::test]
async fn ids_and_aliases_name_one_collection_each() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    run(data, &["api-root", "add", "api"]).await;
    let [one, other] = ["0a0e3a4c-3b3a-11ee-be56-0242ac120002", "0a0e3a4c-3b3a-11ee-be56-0242ac120003"];
    run(data, &["collection", "add", "One", "--id", one]).await;
    run(data, &["collection", "add", "Two", "--alias", other]).await;
    for arguments in [
        &["collection", "add", "Three", "--id", one][..],
        &["collection", "add", "Three", "--id", other],
        &["collection", "add", "Three", "--alias", one],
        &["collection", "add", "Three", "--alias", &one.to_uppercase()],
        &["collection", "add", "One"],
        &["collection", "set", "Two", "--alias", one],
        &["collection", "rename", "Two", "One"],
        &["collection", "add", "Three", "--id", "collection-3"],
    ] {
        refused(data, arguments).await;
    }
    assert_eq!(json_of(data, &["collection", "list"]).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_list_has_counts_and_removing_asks() {
    for is_served in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let server = store(data, is_served).await;
        run(data, &["collection", "add", "Feeds", "--alias", "feeds"]).await;
        run(data, &["account", "add", "alice", "--read", "feeds"]).await;
        let objects = [crate::app::tool(1, 2001), crate::app::tool(1, 2002), crate::app::tool(2, 2001)];
        import(data, "feeds", &objects).await;
        let list = json_of(data, &["collection", "list"]).await;
        let feeds = list.as_array().unwrap().iter().find(|row| row["alias"] == "feeds").unwrap();
        let bytes: usize = objects.iter().map(|object| object.to_string().len()).sum();
        assert_eq!([&feeds["objects"], &feeds["versions"], &feeds["bytes"]], [2, 3, bytes], "{feeds}");
        let exported = run(data, &["export", "--collection", "feeds"]).await;
        assert!(exported.lines().last().unwrap().contains(feeds["newest"].as_str().unwrap()), "{exported}");
        let table = run(data, &["collection", "list"]).await;
        let row = table.lines().find(|row| row.contains(" feeds ")).unwrap();
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells[4..8], ["2", "3", "516", "B"], "{table}");

        let said = refused(data, &["collection", "remove", "feeds"]).await;
        for part in ["2 objects in 3 versions", "516 B", "1 accounts", "no terminal", "--yes"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let said = refused(data, &["account", "remove", "alice"]).await;
        assert!(
            said.contains("1 API tokens and rights on 1 collections") && said.contains("--yes"),
            "{said}"
        );
        let said = refused(data, &["api-root", "remove", "api", "--yes"]).await;
        assert!(said.contains("has collections") && said.contains("Feeds"), "{said}");

        run(data, &["account", "rename", "alice", "alice.smith"]).await;
        run(data, &["account", "set", "alice.smith", "--administrator", "yes"]).await;
        assert!(refused(data, &["account", "remove", "alice.smith"]).await.contains("alice.smith"));
        run(data, &["account", "set", "alice.smith", "--administrator", "no"]).await;
        let accounts = json_of(data, &["account", "list"]).await;
        let alice = accounts.as_array().unwrap().iter().find(|row| row["name"] == "alice.smith").unwrap();
        assert_eq!(alice["grants"].as_object().unwrap().len(), 1);
        let removed = run(data, &["collection", "remove", "feeds", "--yes"]).await;
        assert!(removed.contains("2 objects in 3 versions"), "{removed}");
        let removed = run(data, &["account", "remove", "alice.smith", "--yes"]).await;
        assert!(removed.contains("rights on 0 collections"), "{removed}");
        assert!(!run(data, &["account", "list"]).await.contains("alice"));
        if let Some(server) = server {
            stop(server).await;
        } else {
            run(data, &["api-root", "remove", "api", "--yes"]).await;
        }
    }
}

#[tokio::test]
async fn the_default_api_root_is_chosen() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (child, ready) = demo(data).await;
    run(data, &["api-root", "add", "aaa", "--title", "St. A"]).await;
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let discovery = async || {
        let url = format!("{}/taxii2/", ready["url"].as_str().unwrap());
        let [name, password] = ["username", "password"].map(|part| ready["reader"][part].as_str().unwrap());
        let answer = client.get(url).basic_auth(name, Some(password)).send().await.unwrap();
        let discovery: Value = answer.json().await.unwrap();
        assert_eq!(discovery["default"], discovery["api_roots"][0], "for clients that take the first");
        let default = discovery["default"].as_str().unwrap().to_owned();
        (default, discovery["api_roots"].as_array().unwrap().len())
    };
    let (default, count) = discovery().await;
    assert!(default.ends_with("/api/") && count == 2, "the first one made, not the first by name: {default}");
    run(data, &["api-root", "set", "aaa", "--default"]).await;
    assert!(discovery().await.0.ends_with("/aaa/"));
    let said = refused(data, &["api-root", "remove", "aaa", "--yes"]).await;
    assert!(said.contains("default"), "{said}");
    run(data, &["api-root", "rename", "aaa", "members"]).await;
    assert!(discovery().await.0.ends_with("/members/"), "it stays the default");
    run(data, &["collection", "add", "Here"]).await;
    let list = json_of(data, &["collection", "list"]).await;
    let here = list.as_array().unwrap().iter().find(|row| row["title"] == "Here").unwrap();
    assert_eq!(here["api_root"], "members", "the default is where collections are added");
    run(data, &["api-root", "rename", "members", "b"]).await;
    let list = json_of(data, &["collection", "list"]).await;
    assert!(list.as_array().unwrap().iter().any(|row| row["title"] == "Here" && row["api_root"] == "b"));
    stop(child).await;
}

#[tokio::test]
async fn the_space_of_a_removed_collection_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let length = || std::fs::metadata(data.join("store.redb")).unwrap().len();
    let large = |number| {
        let mut tool = crate::app::tool(number, 2001);
        tool["description"] = json!("x".repeat(20_000));
        tool
    };
    run(data, &["api-root", "add", "api"]).await;
    run(data, &["collection", "add", "Kept"]).await;
    import(data, "Kept", &[crate::app::tool(1, 2001)]).await;
    for is_served in [false, true] {
        run(data, &["collection", "add", "Large"]).await;
        import(data, "Large", &(1..=1000).map(large).collect::<Vec<_>>()).await;
        let full = length();
        assert!(full > 20_000_000, "{full}");
        run(data, &["collection", "remove", "Large", "--yes"]).await;
        if is_served {
            // The start finishes the removal, and the store is small before the server is ready.
            let child = serve(data).await;
            assert!(length() < full / 10, "{full} {}", length());
            stop(child).await;
        } else {
            let compacted = json_of(data, &["compact"]).await;
            // The file may have got a little smaller by itself when the collection was cleared.
            assert!(compacted["bytes_before"].as_u64().unwrap() > full / 2, "{compacted}");
            assert_eq!(compacted["bytes"], length(), "{compacted}");
            assert!(length() < full / 10, "{full} {}", length());
        }
    }
    assert!(run(data, &["export", "--collection", "Kept"]).await.contains("tool--"));
}

#[tokio::test]
async fn errors_are_json_where_json_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["api-root", "add", "api"]).await;
    for (arguments, code, message) in [
        (&["collection", "remove", "nothing", "--json"][..], 1, "there is no collection nothing"),
        (&["collection", "list", "--json", "--unknown"], 2, "unexpected argument '--unknown'"),
        (&["account", "set", "alice", "--administrator", "yes", "--json"], 1, "there is no such account"),
    ] {
        let output = program(folder.path()).args(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(code));
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["exit_code"], code);
        assert!(error["error"]["message"].as_str().unwrap().contains(message), "{error}");
    }
    let output = program(folder.path()).args(["collection", "add", "a.b", "--json"]).output().await.unwrap();
    let warning: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(warning["warning"].as_str().unwrap().contains("first dot"), "{warning}");
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(
        refused(&file, &["account", "list"]).await.contains("there is no store in"),
        "a file is no folder"
    );
}

#[tokio::test]
async fn what_changes_an_account_prints_it_as_json() {
    for is_served in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let child = store(data, is_served).await;
        let collection = json_of(data, &["collection", "add", "Feeds", "--alias", "feeds"]).await;
        let scope = collection["id"].as_str().unwrap();
        json_of(data, &["account", "add", "alice"]).await;
        let alice = json_of(data, &["account", "grant", "alice", "feeds", "--read"]).await;
        assert_eq!(alice["grants"][scope], json!({"can_read": true, "can_write": false}));
        let alice = json_of(data, &["account", "set", "alice", "--administrator", "yes"]).await;
        assert_eq!((&alice["name"], &alice["is_administrator"]), (&json!("alice"), &json!(true)));
        let smith = json_of(data, &["account", "rename", "alice", "alice.smith"]).await;
        assert_eq!((&smith["name"], &smith["grants"]), (&json!("alice.smith"), &alice["grants"]));
        let tokens = smith["tokens"].as_object().unwrap();
        let token = tokens.keys().next().unwrap();
        let smith = json_of(data, &["account", "token", "alice.smith", "--revoke", token]).await;
        assert_eq!(smith["tokens"], json!({}));
        let smith = json_of(data, &["account", "revoke", "alice.smith", "feeds"]).await;
        assert_eq!(smith["grants"], json!({}));
        let listed = json_of(data, &["account", "list"]).await;
        assert!(listed.as_array().unwrap().contains(&smith), "{listed}");
        if let Some(child) = child {
            stop(child).await;
        }
    }
}

/// A public key, as `taxii key new` prints it.
fn vote_key(number: u8) -> String {
    let key = consensus::SecretKey::from_seed(&[number; 32]).public();
    serde_json::to_value(key).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_network_is_founded_and_looked_at() {
    for is_served in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let server = store(data, is_served).await;
        let no_network = refused(data, &["network", "status"]).await;
        assert!(no_network.contains("this server is no member of a network"), "{no_network}");
        let file = data.join("rob.key");
        std::fs::write(&file, format!("concord vote key, version 1\npublic: {}\n", vote_key(1))).unwrap();
        let (key, member) = (file.to_str().unwrap(), format!("Partner Ltd={}", vote_key(2)));
        let begin = ["network", "init", "example.org/sharing", "--organisation", "Example Corp"];
        let names = ["--collection", "Indicators", "--alias", "indicators"];
        let keys = ["--vote-key", key, "--member", &member];
        let unknown = refused(data, &[&begin[..], &names, &["--vote-key", "5f"]].concat()).await;
        assert!(unknown.contains("give a public key (64 hexadecimal digits)"), "{unknown}");
        let founded = json_of(data, &[&begin[..], &names, &keys].concat()).await;
        assert_eq!(founded["collections"][0]["definition"]["alias"], "indicators");
        assert_eq!(json_of(data, &["network", "status"]).await["network"], founded["network"]);
        let members = json_of(data, &["network", "members"]).await;
        let mut names: Vec<_> = members["organisations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["name"].clone())
            .collect();
        names.sort_by_key(ToString::to_string);
        assert_eq!(names, ["Example Corp", "Partner Ltd"]);
        assert_eq!(json_of(data, &["network", "policy"]).await["version"], 1);
        let listed = json_of(data, &["collection", "list"]).await;
        let modes: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["mode"].clone()).collect();
        assert!(modes.contains(&json!("approval")) && modes.contains(&json!("review")), "{listed}");
        run(data, &["account", "add", "rob", "--read", "indicators-review"]).await;
        let again = refused(data, &[&begin[..], &keys].concat()).await;
        assert!(again.contains("a member of a network already"), "{again}");
        let removed = refused(data, &["collection", "remove", "indicators", "--yes"]).await;
        assert!(removed.contains("change by a vote"), "{removed}");
        let renamed = run(data, &["api-root", "rename", "network", "sharing"]).await;
        assert!(renamed.is_empty(), "{renamed}");
        let listed = json_of(data, &["collection", "list"]).await;
        let of_network = listed.as_array().unwrap().iter().filter(|one| one["mode"] != "open");
        assert!(
            of_network.clone().count() == 2 && of_network.clone().all(|one| one["api_root"] == "sharing")
        );
        if let Some(server) = server {
            stop(server).await;
        }
    }
}
