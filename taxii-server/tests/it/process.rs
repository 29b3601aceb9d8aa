//! The real program: started, used, stopped, started again.

use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taxii-server"));
    command.arg("--data").arg(data).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    // It takes the names of the cluster of the tests for mistyped settings.
    for variable in [
        "CONCORD_TIKV_CA",
        "CONCORD_TIKV_CERT",
        "CONCORD_TIKV_KEY",
        "CONCORD_TIKV_KEYSPACE",
        "CONCORD_TIKV_PD",
    ] {
        command.env_remove(variable);
    }
    command
}

pub(crate) async fn demo(data: &Path) -> (Child, Value) {
    let mut command = program(data);
    command.args(["demo", "--json", "--listen", "127.0.0.1:0"]).env("RUST_LOG", "warn");
    ready(command.spawn().unwrap()).await
}

async fn ready(mut child: Child) -> (Child, Value) {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).await.unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line}"));
    (child, ready)
}

pub(crate) async fn stop(mut child: Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let status = child.wait().await.unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(!log.contains("left to repair"), "the store was not closed: {log}");
}

/// Runs a command and gives what it prints; fails when it fails.
pub(crate) async fn run(data: &Path, arguments: &[&str]) -> String {
    let output = program(data).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn count(ready: &Value, collection: &str) -> usize {
    let url = format!("{}collections/{collection}/manifest/", ready["api_root"].as_str().unwrap());
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let mut count = 0;
    let mut next = String::new();
    loop {
        let request = client.get(&url).query(&[("next", &next)]);
        let [name, password] = ["username", "password"].map(|part| ready["reader"][part].as_str().unwrap());
        let page: Value =
            request.basic_auth(name, Some(password)).send().await.unwrap().json().await.unwrap();
        count += page["objects"].as_array().map_or(0, Vec::len);
        match page["next"].as_str() {
            Some(more) => more.clone_into(&mut next),
            None => return count,
        }
    }
}

#[tokio::test]
async fn the_demo_keeps_its_data_and_credentials() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let (child, first) = demo(folder.path()).await;
    for part in ["url", "api_root"] {
        assert!(first[part].as_str().unwrap().starts_with("http://127.0.0.1:"), "{first}");
    }
    let collection = first["collection"]["id"].as_str().unwrap();
    assert_eq!(count(&first, collection).await, 1826);
    stop(child).await;
    let (child, second) = demo(folder.path()).await;
    for part in ["collection", "writable_collection", "reader", "writer", "admin"] {
        assert_eq!(first[part], second[part], "{part}");
    }
    assert_eq!(count(&second, collection).await, 1826);
    stop(child).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_server_listens_where_it_is_told_and_says_how_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    for listen in [":0", "0", "localhost:0", "127.0.0.1:0"] {
        let mut child = program(&folder.path().join("data"))
            .args(["serve", "--listen", listen, "--metrics-listen", "none"])
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut next = async |message: &str| {
            while let Some(line) = log.next_line().await.unwrap() {
                let line: Value = serde_json::from_str(&line).unwrap();
                if line["fields"]["message"].as_str().unwrap().contains(message) {
                    return line["fields"].clone();
                }
            }
            panic!("the log of {listen} has no line: {message}");
        };
        let address = next("listening").await["address"].as_str().unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{listen}: {address}");
        next("administrator").await;
        let pid = child.id().unwrap().to_string();
        let kill = async |signal: &str| Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(kill("-HUP").await.success());
        next("SIGHUP").await;
        assert!(kill("-TERM").await.success());
        assert_eq!(next("stopping").await["signal"], "SIGTERM");
        assert_eq!(next("connections are closed").await["cut"], 0);
        next("stopped").await;
        assert!(child.wait().await.unwrap().success());
        std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    }
    for (listen, said) in
        [("http://localhost:1", "without http://"), ("no-such-host.invalid:1", "cannot find")]
    {
        let output = program(folder.path()).args(["serve", "--listen", listen]).output().await.unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}

/// With a low limit of open files, clients that say nothing do not shut out those that do.
#[cfg(unix)]
#[tokio::test]
async fn silent_clients_do_not_use_up_the_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!(
        "ulimit -n 128 && exec '{}' --data '{}' serve --listen 127.0.0.1:0 --metrics-listen none",
        env!("CARGO_BIN_EXE_taxii-server"),
        folder.path().join("data").display()
    );
    let mut child =
        Command::new("sh").args(["-c", &command]).kill_on_drop(true).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut next = async |message: &str| loop {
        let line = log.next_line().await.unwrap().unwrap_or_else(|| panic!("no line: {message}"));
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["fields"]["message"].as_str().unwrap().contains(message) {
            return line["fields"].clone();
        }
    };
    assert_eq!(next("limit of open files").await["limit"], 128);
    let address = next("listening").await["address"].as_str().unwrap().to_owned();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    assert_eq!(next("too many connections").await["setting"], "max_connections");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = "GET /livez/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    child.kill().await.unwrap();
}

/// The demo with a limit of file sizes, in blocks.
#[cfg(unix)]
async fn limited(data: &Path, blocks: u64) -> (Child, Value) {
    let (program, data) = (env!("CARGO_BIN_EXE_taxii-server"), data.display());
    let command =
        format!("ulimit -f {blocks} && exec '{program}' --data '{data}' demo --json --listen 127.0.0.1:0");
    let mut command_of = Command::new("sh");
    command_of.args(["-c", &command]).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    ready(command_of.spawn().unwrap()).await
}

/// Where nothing can be written, a server starts after a crash, and serves what it has.
#[cfg(unix)]
#[tokio::test]
async fn a_server_starts_where_nothing_can_be_written() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = demo(folder.path()).await;
    child.kill().await.unwrap();
    let (child, ready) = limited(folder.path(), 0).await;
    let collection = ready["collection"]["id"].as_str().unwrap();
    assert_eq!(count(&ready, collection).await, 1826);
    stop(child).await;
}

/// A log on a full disk does not end the server.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_that_cannot_be_written_does_not_end_the_server() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = program(folder.path())
        .args(["demo", "--json", "--listen", "127.0.0.1:0"])
        .env("RUST_LOG", "info")
        .stderr(full)
        .spawn()
        .unwrap();
    let (mut child, ready) = ready(child).await;
    assert_eq!(count(&ready, ready["collection"]["id"].as_str().unwrap()).await, 1826);
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

/// A limit of file sizes is a full disk: writes are refused, and the rest goes on.
#[cfg(unix)]
#[tokio::test]
async fn a_limit_of_file_sizes_does_not_end_the_server() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    stop(demo(folder.path()).await.0).await;
    let length = std::fs::metadata(folder.path().join("store.redb")).unwrap().len();
    // Where a block has 512 bytes as POSIX says, and where it has 1024.
    let (child, ready) = limited(folder.path(), length / 512 + 1024).await;
    let id = ready["writable_collection"]["id"].as_str().unwrap();
    let url = format!("{}collections/{id}/objects/", ready["api_root"].as_str().unwrap());
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let mut refused = Value::Null;
    for number in 0..100 {
        let mut object = crate::app::tool(number, 2001);
        object["description"] = "x".repeat(1 << 20).into();
        let request = client.post(&url).header("content-type", crate::app::TAXII);
        let request = request.basic_auth("writer", ready["writer"]["password"].as_str());
        let answer = request.body(json!({"objects": [object]}).to_string()).send().await.unwrap();
        if answer.status() != 202 {
            refused = answer.json().await.unwrap();
            break;
        }
    }
    assert_eq!(refused["error_code"], "storage_full", "{refused}");
    let collection = ready["collection"]["id"].as_str().unwrap();
    assert_eq!(count(&ready, collection).await, 1826, "reading goes on");
    stop(child).await;
}

/// A client that sends its whole body before it reads must still get the error, not a broken pipe.
#[tokio::test]
async fn refusals_of_large_bodies_arrive() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let (child, ready) = demo(folder.path()).await;
    let id = ready["collection"]["id"].as_str().unwrap();
    let url = format!("{}collections/{id}/objects/", ready["api_root"].as_str().unwrap());
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let password = ready["reader"]["password"].as_str().unwrap();
    for (password, content_type, megabytes, status) in [
        ("wrong", crate::app::TAXII, 7, 401),
        (password, crate::app::TAXII, 7, 403),
        (password, crate::app::TAXII, 30, 403),
    ] {
        let request =
            client.post(&url).header("content-type", content_type).body(vec![b' '; megabytes << 20]);
        let answer =
            request.basic_auth("reader", Some(password)).send().await.expect("an answer, not a broken pipe");
        assert_eq!(answer.status(), status);
    }
    let id = ready["writable_collection"]["id"].as_str().unwrap();
    let url = format!("{}collections/{id}/objects/", ready["api_root"].as_str().unwrap());
    let password = ready["writer"]["password"].as_str().unwrap();
    for (content_type, status) in [(crate::app::TAXII, 413), ("text/plain", 415)] {
        let request = client.post(&url).header("content-type", content_type).body(vec![b' '; 30 << 20]);
        let answer =
            request.basic_auth("writer", Some(password)).send().await.expect("an answer, not a broken pipe");
        assert_eq!(answer.status(), status);
    }
    stop(child).await;
}

#[tokio::test]
async fn administration_works_with_and_without_a_server() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (child, ready) = demo(data).await;
    run(data, &["collection", "add", "Online", "--alias", "online"]).await;
    run(data, &["account", "grant", "reader", "online", "--read"]).await;
    let lines = folder.path().join("two.jsonl");
    let object = |number| crate::app::tool(number, 2001);
    let spanning = serde_json::to_string_pretty(&object(2)).unwrap();
    std::fs::write(&lines, format!("\n{}\n{}\n", object(1), json!({"object_text": spanning}))).unwrap();
    let lines = lines.to_str().unwrap();
    let outcome = run(data, &["import", lines, "--collection", "online", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&outcome).unwrap()["successes"], 2);
    assert_eq!(count(&ready, "online").await, 2);
    let backup = run(data, &["export", "--collection", "online"]).await;
    assert_eq!(backup.lines().count(), 2);
    let doctor = run(data, &["doctor"]).await;
    assert!(doctor.contains("open in a running server"), "{doctor}");
    stop(child).await;

    run(data, &["collection", "add", "Offline"]).await;
    let packed = folder.path().join("backup.jsonl.gz");
    run(data, &["export", "--collection", "online", "-o", packed.to_str().unwrap()]).await;
    assert!(packed.exists() && !folder.path().join("backup.jsonl.gz.part").exists());
    let saved = folder.path().join("backup.jsonl");
    std::fs::write(&saved, &backup).unwrap();
    run(data, &["import", saved.to_str().unwrap(), "--collection", "Offline"]).await;
    let restored = run(data, &["export", "--collection", "Offline"]).await;
    assert_eq!(restored, backup, "a restore keeps date_added and bytes");
    assert!(restored.contains("object_text"), "also of an object that spans lines");
    run(data, &["collection", "remove", "online", "--yes"]).await;
    assert!(!run(data, &["collection", "list"]).await.contains("online"));
    let doctor = run(data, &["doctor"]).await;
    assert!(doctor.contains("not in use, 3 collections, 3 accounts"), "{doctor}");
}

#[tokio::test]
async fn collections_have_profiles_and_import_says_what_is_against_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "Plain"]).await;
    run(&data, &["collection", "add", "Partners", "--profile", "strict"]).await;
    let profiles = async || {
        let list = run(&data, &["collection", "list"]).await;
        let at = list.find("PROFILE").unwrap();
        let column = |line: &str| line[at..].split_whitespace().next().unwrap().to_owned();
        let mut profiles: Vec<_> = list.lines().map(column).collect();
        profiles[1..].sort();
        profiles
    };
    assert_eq!(profiles().await, ["PROFILE", "stix", "strict"]);
    let changed = run(&data, &["collection", "set", "Partners", "--profile", "interop", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&changed).unwrap()["profile"], "interop");
    assert_eq!(profiles().await, ["PROFILE", "interop", "stix"]);
    let unknown =
        program(&data).args(["collection", "set", "Partners", "--profile", "lax"]).output().await.unwrap();
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("header, stix, interop, strict"), "{said}");

    let [good, mut nameless, other] = [1, 2, 3].map(|number| crate::app::tool(number, 2001));
    nameless.as_object_mut().unwrap().remove("name");
    let mut mistyped = other.clone();
    mistyped["aliases"] = json!([1, "a", 2]);
    let lines = folder.path().join("tools.jsonl");
    let restored = json!({"date_added": "2020-01-01T00:00:00Z", "object": mistyped});
    std::fs::write(&lines, format!("{good}\n\n{nameless}\n{{\"a\": 1, \"a\": 2}}\n{restored}\n")).unwrap();
    let bundle = folder.path().join("tools.json");
    std::fs::write(&bundle, json!({"type": "bundle", "objects": [other, nameless, mistyped]}).to_string())
        .unwrap();
    let files = [lines.to_str().unwrap(), bundle.to_str().unwrap()];
    let import = async |options: &[&str]| {
        let arguments = ["import", files[0], files[1], "--collection", "Plain"];
        let output = program(&data).args(arguments).args(options).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        output
    };
    let outcome: Value = serde_json::from_slice(&import(&["--json"]).await.stdout).unwrap();
    assert_eq!((&outcome["total"], &outcome["successes"]), (&json!(7), &json!(2)));
    let said = String::from_utf8(import(&[]).await.stderr).unwrap();
    let [tool_2, tool_3] = [2, 3].map(crate::app::tool_id);
    let twice = "this member name occurs twice in one object";
    let missing = "the required property `name` is missing";
    let wrong = "must be a string, not a number";
    let column = |text: &str, part: &Value| text.find(&part.to_string()).unwrap() + 1;
    let in_line = column(&restored.to_string(), &mistyped);
    let bundle = std::fs::read_to_string(&bundle).unwrap();
    let in_bundle = [&nameless, &mistyped].map(|object| column(&bundle, object));
    let alias = mistyped.to_string().find("[1,").unwrap() + 1;
    // The column of the object, and that of the fault where the server tells which it is.
    let expected = [
        (files[0], 4, 10, 10, "", twice),
        (files[0], 3, 1, 1, &tool_2, missing),
        (files[0], 5, in_line, in_line + alias, &tool_3, wrong),
        (files[1], 1, in_bundle[0], in_bundle[0], &tool_2, missing),
        (files[1], 1, in_bundle[1], in_bundle[1] + alias, &tool_3, wrong),
    ];
    let rows = outcome["failures"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, (file, line, object, fault, id, message)) in rows.iter().zip(expected) {
        let column = if row["pointer"].is_string() { fault } else { object };
        let place = json!([file, line, column, id]);
        assert_eq!(json!([row["file"], row["line"], row["column"], row["id"]]), place, "{row}");
        let place = format!("failed  {file}:{line}:{column}  ");
        let is_shown = |line: &str| line.starts_with(&place) && line.contains(message);
        assert!(said.lines().any(is_shown), "{place}{message} is missing in {said}");
    }
}

#[tokio::test]
async fn import_reads_files_as_taxii_does() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "c"]).await;
    let [one, two, three] = [1, 2, 3].map(|number| crate::app::tool(number, 2001));
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let marked = file("marked.json.gz", &format!("\u{feff}{one}"));
    let list = file("list.json", &format!("[\n{two},\n{three}]"));
    let table = file("table.csv", "id,type\n1,ip\n");
    let misp = file("misp.json", r#"{"Event": {"info": "i", "Attribute": []}}"#);
    let long = file("long.jsonl", &format!("{one}\n[\"{}\"]\n{two}\n", "x".repeat((64 << 20) + 1)));
    let mut command = program(&data);
    let command =
        command.args(["import", &marked, &list, &table, &misp, &long, "--collection", "c", "--json"]);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&outcome["total"], &outcome["successes"]), (&json!(8), &json!(5)));
    let rows: Vec<_> = outcome["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["file"], row["line"], row["code"]]))
        .collect();
    let expected =
        [json!([table, 1, "other-format"]), json!([misp, 1, "other-format"]), json!([long, 2, "too-large"])];
    assert_eq!(rows, expected);

    // Without a file, what is piped in.
    let mut command = program(&data);
    let stdin = std::fs::File::open(&list).unwrap();
    let output = command.args(["import", "--collection", "c"]).stdin(stdin).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn import_tells_places_in_compressed_files_and_in_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "c"]).await;
    let [good, mut nameless] = [1, 2].map(|number| crate::app::tool(number, 2001));
    nameless.as_object_mut().unwrap().remove("name");
    let text = format!("{{\"objects\": [\n  {good},\n  {nameless}\n]}}\n");
    let zstd = folder.path().join("spread");
    std::fs::write(&zstd, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
    let gzip = folder.path().join("lines.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(format!("{good}\n{{\n{nameless}\n").as_bytes()).unwrap();
    std::fs::write(&gzip, encoder.finish().unwrap()).unwrap();
    let arguments =
        ["import", zstd.to_str().unwrap(), gzip.to_str().unwrap(), "-", "--collection", "c", "--json"];
    let mut command = program(&data);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().unwrap().write_all(format!("\n{nameless}").as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = outcome["failures"].as_array().unwrap().iter();
    let mut places: Vec<_> = rows.map(|row| json!([row["file"], row["line"], row["column"]])).collect();
    places.sort_by_key(Value::to_string);
    let mut expected =
        [json!([zstd, 3, 3]), json!([gzip, 2, 2]), json!([gzip, 3, 1]), json!(["standard input", 2, 1])];
    expected.sort_by_key(Value::to_string);
    assert_eq!(places, expected);
}

#[tokio::test]
async fn mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = folder.path().join("concord.toml");
    std::fs::write(&config, "lisen = '127.0.0.1:1'\n").unwrap();
    let config = config.to_str().unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "{\"objects\": [\n  {\"a\": 1, \"a\": 2}\n]}").unwrap();
    let broken = broken.to_str().unwrap();
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "c"]).await;
    let cases: [(&[&str], &str); 5] = [
        (&["serve", "--listen", "0.0.0.0:0"], "TLS is needed"),
        (&["doctor", "--config", config], "did you mean `listen`?"),
        (&["import", "nowhere.json", "--collection", "x"], "there is no collection x"),
        (
            &["import", broken, "--collection", "c"],
            "broken.json:2:12  json at /objects/0/a: this member name occurs twice in one object",
        ),
        (&["account", "add", "a:b"], "name: 1 to 64 letters"),
    ];
    let nowhere = folder.path().join("mistyped");
    let output = program(&nowhere).args(["collection", "list"]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no store in"), "{output:?}");
    assert!(!nowhere.exists(), "a mistyped folder must not become an empty store");
    for (arguments, message) in cases {
        let output = program(&data).args(arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(message), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn help_has_examples_and_shells_are_completed() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        "demo",
        "serve",
        "import",
        "export",
        "backup",
        "migrate",
        "restore",
        "collection",
        "api-root",
        "account",
        "doctor",
    ] {
        let help = run(folder.path(), &[command, "--help"]).await;
        assert!(help.contains("Example"), "{command}");
    }
    assert!(run(folder.path(), &["completions", "bash"]).await.contains("taxii-server"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn systemd_is_told_when_clients_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let child = program(&folder.path().join("data"))
        .args(["serve", "--listen", &listen, "--metrics-listen", "none"])
        .env("NOTIFY_SOCKET", &socket)
        .spawn()
        .unwrap();
    let mut message = [0; 64];
    let length = manager.recv(&mut message).await.unwrap();
    assert_eq!(&message[..length], b"READY=1\n");
    tokio::net::TcpStream::connect(&listen).await.unwrap();
    assert!(folder.path().join("data/administrator.txt").exists());
    stop(child).await;
}
