//! The program as somebody at a terminal meets it.

use crate::stub::{Behaviour, COLLECTION, OTHER, Stub, date_added, object, taxii, text};
use serde_json::{Value, json};
use std::process::Stdio;

#[test]
fn servers_and_collections_are_shown() {
    let stub = Stub::start(Behaviour { api_roots: vec!["/root/", "/locked/"], ..Behaviour::default() });
    let url = &stub.url;
    let output = stub.run(&["discover"]);
    let expected = format!(
        "A stub\n\n{url}root/\n  Root (up to 1048576 bytes per request)\n  {COLLECTION}  read, write  Stub\n\n\
         {url}locked/\n  {url}locked/: HTTP 404: Nothing here – Try something else. (code stub, error id e-1)\n"
    );
    assert_eq!(text(&output.stdout), expected);

    let output = stub.run(&["--json", "discover"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["api_roots"][0]["collections"][0]["id"], COLLECTION);

    let output = stub.run(&["--url", &format!("{url}root/"), "list"]);
    let expected = format!(
        "ID                                    ALIAS  ACCESS       TITLE\n{COLLECTION}         read, write  Stub\n"
    );
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn an_object_is_printed_as_it_came() {
    let stub = Stub::start(Behaviour::default());
    let id = "url--7d45bfa7-9b83-5b0c-b5ae-000000000004";
    let output = stub.run(&["get", id]);
    assert_eq!(text(&output.stdout), object(4) + "\n");
    let output = stub.run(&["get", id, "--pretty"]);
    let expected = format!(
        "{{\n  \"type\": \"url\",\n  \"id\": \"{id}\",\n  \"z\": 1.50,\n  \"a\": \"\\u0041\\n\"\n}}\n"
    );
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(stub.run(&["get", "url--x"]).status.code(), Some(1));
    assert!(stub.run(&["delete", id]).status.success());
    assert!(stub.behaviour().requests.last().unwrap().ends_with(&format!("{id}/?match%5Bversion%5D=last")));
}

#[test]
fn a_manifest_is_a_list() {
    let stub = Stub::start(Behaviour::default());
    let id = "url--7d45bfa7-9b83-5b0c-b5ae-000000000000";
    let first = format!("{}  {}  {id}", date_added(0), date_added(0));
    assert_eq!(text(&stub.run(&["manifest"]).stdout).lines().next(), Some(&*first));
    let output = stub.run(&["--json", "manifest"]);
    let record: serde_json::Value =
        serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(record["id"], id);
}

#[test]
fn exit_codes_tell_what_to_look_at() {
    let stub = Stub::start(Behaviour::default());
    let code = |arguments: &[&str]| stub.run(arguments).status.code().unwrap();
    assert_eq!(code(&["list"]), 0);
    assert_eq!(code(&["get", "url--missing"]), 1);
    assert_eq!(code(&["list", "--unknown"]), 2);
    assert_eq!(code(&["--url", "http://taxii.example/", "list"]), 2);
    assert_eq!(code(&["--user", "u", "list"]), 2);
    assert_eq!(code(&["--url", "http://127.0.0.1:1/", "list"]), 3);
    for status in [401, 403] {
        stub.behaviour().refusals.push((status, Vec::new(), String::new()));
        assert_eq!(code(&["list"]), 4);
    }
    stub.behaviour().refusals.push((400, Vec::new(), String::new()));
    assert_eq!(code(&["list"]), 1);
    assert_eq!(taxii().arg("list").output().unwrap().status.code(), Some(2));
}

#[test]
fn credentials_come_from_the_environment_or_standard_input() {
    let stub = Stub::start(Behaviour::default());
    let sent = |command: &mut std::process::Command| {
        let output = command.arg("list").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let value = stub.behaviour().headers.last().unwrap().get("authorization").cloned();
        value.map(|value| text(value.as_bytes()))
    };
    assert_eq!(sent(&mut stub.command()), None);
    let basic = Some("Basic dTpw".to_owned());
    assert_eq!(
        sent(stub.command().envs([("TAXII_USER", "u"), ("TAXII_PASSWORD", "p"), ("TAXII_TOKEN", "")])),
        basic
    );
    assert_eq!(sent(stub.command().env("TAXII_TOKEN", "t")), Some("Bearer t".into()));
    assert_eq!(
        sent(stub.command().args(["--token", "t", "--token-scheme", "token"])),
        Some("Token t".into())
    );
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "p\n").unwrap();
    let stdin = std::fs::File::open(&secret).unwrap();
    assert_eq!(sent(stub.command().args(["--user", "u", "--password-stdin"]).stdin(stdin)), basic);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    // Far more than a pipe holds.
    let objects = (0..5000).map(object).collect();
    let stub = Stub::start(Behaviour { objects, page: 1000, ..Behaviour::default() });
    let mut child = stub.command().arg("pull").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
fn titles_cannot_command_the_terminal() {
    let stub = Stub::start(Behaviour::default());
    let body = "{\"title\":\"\\u001b[2Jgone\",\"api_roots\":[\"/root/\"]}";
    let media_type = ("content-type", "application/taxii+json;version=2.1".to_owned());
    stub.behaviour().refusals.push((200, vec![media_type], body.into()));
    let output = stub.run(&["discover"]);
    assert!(text(&output.stdout).starts_with("\u{fffd}[2Jgone\n"));
}

#[test]
fn every_command_has_examples() {
    let commands = "discover list get pull push validate convert id canonicalize graph manifest status delete completions";
    let commands = commands.split(' ').map(|command| vec![command]);
    for command in commands.chain([vec!["pattern"], vec!["pattern", "parse"], vec!["pattern", "match"]]) {
        let help = text(&taxii().args(&command).arg("--help").output().unwrap().stdout);
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_default();
        assert!(examples.contains("  taxii ") || examples.contains("| taxii "), "{command:?}");
    }
    let script = text(&taxii().args(["completions", "bash"]).output().unwrap().stdout);
    assert!(script.contains("_taxii()"));
    for command in ["canonicalize", "convert", "graph", "pattern__subcmd__match"] {
        assert!(script.contains(command), "{command}");
    }
}

#[test]
fn the_help_of_a_command_shows_only_options_that_it_uses() {
    let help = |command: &str| {
        let arguments: Vec<_> = command.split(' ').chain(["--help"]).collect();
        text(&taxii().args(arguments).output().unwrap().stdout)
    };
    for command in
        ["validate", "convert", "id", "canonicalize", "graph", "pattern", "pattern parse", "completions"]
    {
        let help = help(command);
        assert!(!help.contains("--url") && !help.contains("--password"), "{command}: {help}");
        let is_written = command == "completions";
        assert_eq!(help.contains("--json"), !is_written, "{command}");
        let has_colours = command == "validate" || command.starts_with("pattern");
        assert_eq!(help.contains("--color"), has_colours, "{command}");
    }
    for command in ["discover", "list", "get", "pull", "push", "manifest", "status", "delete"] {
        assert!(help(command).contains("--url"), "{command}");
    }
    // They may stand there all the same, because the environment sets them too.
    let stdin = Stdio::null();
    assert!(taxii().args(["validate", "--url", "h"]).stdin(stdin).status().unwrap().success());
    let top = text(&taxii().arg("--help").output().unwrap().stdout);
    assert!(top.contains("\n  4  the server refused the credentials"), "{top}");
}

#[test]
fn all_api_roots_are_looked_through() {
    let api_roots = vec!["/root/", "/locked/", "/empty/", "/other/"];
    let stub = Stub::start(Behaviour { api_roots, ..Behaviour::default() });
    let url = &stub.url;
    let output = stub.run(&["list"]);
    let expected = format!(
        "{url}root/\nID                                    ALIAS  ACCESS       TITLE\n\
         {COLLECTION}         read, write  Stub\n\n\
         {url}other/\nID                                    ALIAS  ACCESS  TITLE\n\
         {OTHER}  other  read    Other feed\n"
    );
    assert_eq!(text(&output.stdout), expected);
    assert!(text(&output.stderr).contains("/locked/"), "{}", text(&output.stderr));
    let output = stub.run(&["--json", "list"]);
    let rows: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> = rows.iter().map(|row| json!([row["id"], row["api_root"]])).collect();
    assert_eq!(found, [json!([COLLECTION, format!("{url}root/")]), json!([OTHER, format!("{url}other/")])]);

    // What is listed can be used, by each of its names.
    for name in [OTHER, "other", "Other feed", "other FEED"] {
        let output = stub.run(&["pull", "-c", name]);
        assert_eq!(text(&output.stdout).lines().count(), 10, "{name}: {}", text(&output.stderr));
        let request = stub.behaviour().requests.last().unwrap().clone();
        assert!(request.starts_with(&format!("GET /other/collections/{OTHER}/objects/")), "{request}");
    }
    let by_url = stub.run(&["--url", &format!("{url}other/collections/Other%20feed/"), "pull"]);
    assert_eq!(text(&by_url.stdout).lines().count(), 10, "{}", text(&by_url.stderr));
    let unknown = stub.run(&["pull", "-c", "othr"]);
    let said = text(&unknown.stderr);
    assert!(said.contains("did you mean other?") && said.contains(OTHER), "{said}");
    // Two of them can be read.
    assert_eq!(stub.run(&["pull"]).status.code(), Some(2));
}

#[test]
fn errors_are_json_for_programs() {
    let stub = Stub::start(Behaviour::default());
    let error = |arguments: &[&str]| {
        let output = stub.run(&[&["--json"], arguments].concat());
        let said = text(&output.stderr);
        let error: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(error["error"]["exit_code"], output.status.code().unwrap());
        assert_ne!(error["error"]["message"], "");
        error["error"].clone()
    };
    assert_eq!(error(&["get", "url--missing"])["http_status"], 404);
    let kind = |arguments: &[&str]| error(arguments)["kind"].as_str().unwrap().to_owned();
    assert_eq!(kind(&["get", "url--missing"]), "server");
    assert_eq!(kind(&["list", "--unknown"]), "usage");
    assert_eq!(kind(&["pull", "-c", "nothing"]), "failed");
    assert_eq!(kind(&["validate", "missing.json"]), "input");
    assert_eq!(kind(&["--url", "http://127.0.0.1:1/", "list"]), "connection");
    stub.behaviour().refusals.push((401, Vec::new(), String::new()));
    assert_eq!(kind(&["list"]), "credentials");
    // Remarks are JSON too.
    let output = stub.run(&["--json", "pull", "-c", "stub"]);
    assert_eq!(text(&output.stderr), "{\"remark\":\"10 objects\"}\n");
}

#[test]
fn an_address_needs_no_scheme() {
    let stub = Stub::start(Behaviour::default());
    let bare = stub.url.strip_prefix("http://").unwrap();
    for address in [bare.trim_end_matches('/').to_owned(), format!("{bare}root/"), format!("{bare}taxii2")] {
        assert!(stub.run(&["--url", &address, "list"]).status.success(), "{address}");
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_may_have_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let name = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name(b"f\xff.jsonl"));
    let object = r#"{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}"#;
    std::fs::write(&file, object).unwrap();
    let stub = Stub::start(Behaviour::default());
    for command in ["validate", "convert", "id", "canonicalize", "graph", "push"] {
        let output = stub.command().arg(command).arg(&file).output().unwrap();
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
    }
    let match_ = ["pattern", "match", "--objects", "--pattern", "[ipv4-addr:value = '198.51.100.3']"];
    assert!(taxii().args(match_).arg(&file).output().unwrap().status.success());
    let patterns = folder.path().join(name(b"p\xff"));
    std::fs::write(&patterns, "[url:value = 'x']").unwrap();
    assert!(taxii().args(["pattern", "parse"]).arg(&patterns).output().unwrap().status.success());
    let missing = folder.path().join(name(b"\xff"));
    let output = taxii().arg("validate").arg(&missing).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    for _ in 0..2 {
        let mut pull = stub.command();
        let output =
            pull.args(["--json", "pull", "-o"]).arg(folder.path().join(name(b"o\xff"))).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["objects"], 10);
    }
    for (arguments, code) in [(&["pull", "-c"][..], 2), (&["--url"], 2), (&["--json", "get"], 2)] {
        let output = stub.command().args(arguments).arg(name(b"\xff")).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_or_device_is_written_through() {
    let stub = Stub::start(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut pull = stub.command().args(["pull", "-o"]).arg(&pipe).spawn().unwrap();
    let got = std::fs::read_to_string(&pipe).unwrap();
    assert!(pull.wait().unwrap().success());
    assert_eq!(got.lines().count(), 10);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no state stands beside it");
    let output = stub.run(&["pull", "-o", folder.path().to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("is a folder; name a file in it"), "{said}");
    let full = std::path::Path::new("/dev/full");
    if full.exists() {
        let output = stub.run(&["pull", "-o", "/dev/full"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).starts_with("/dev/full: "), "{}", text(&output.stderr));
        assert!(!std::path::Path::new("/dev/full.taxii-state").exists());
    }
}

#[test]
fn passwords_in_addresses_are_not_repeated() {
    for url in ["https://u:secret@taxii.example/", "u:secret@taxii.example", "https://u:secret@h:99999/"] {
        let output = taxii().args(["--url", url, "list"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(!text(&output.stderr).contains("secret"), "{}", text(&output.stderr));
    }
    let output = taxii()
        .args(["--url", "https://h", "--user", "a:b", "--password", "secret", "list"])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("has no colon") && !said.contains("secret"),
        "{said}"
    );
}

#[test]
fn what_is_not_well_stays_so_when_the_reader_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines.jsonl");
    // More than a pipe holds.
    std::fs::write(&file, "{\"type\":\"tool\",\"id\":1}\n{\n".repeat(20_000)).unwrap();
    for (command, code) in
        [("validate", 1), ("id", 1), ("canonicalize", 1), ("pattern parse", 1), ("pattern match", 1)]
    {
        let mut command = {
            let mut taxii = taxii();
            taxii.args(command.split(' ')).arg("--json").arg(&file);
            taxii
        };
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{command:?}");
    }
}
