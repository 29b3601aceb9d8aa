//! The program as somebody at a terminal meets it.

use crate::stub::{Behaviour, COLLECTION, Stub, date_added, object, taxii, text};
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
    stub.behaviour().refusals.push((401, Vec::new(), String::new()));
    assert_eq!(code(&["list"]), 3);
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
    let commands =
        "discover list get pull push validate id canonicalize graph manifest status delete completions";
    let commands = commands.split(' ').map(|command| vec![command]);
    for command in commands.chain([vec!["pattern"], vec!["pattern", "parse"], vec!["pattern", "match"]]) {
        let help = text(&taxii().args(&command).arg("--help").output().unwrap().stdout);
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_default();
        assert!(examples.contains("  taxii ") || examples.contains("| taxii "), "{command:?}");
    }
    let script = text(&taxii().args(["completions", "bash"]).output().unwrap().stdout);
    assert!(script.contains("_taxii()"));
    for command in ["canonicalize", "graph", "pattern__subcmd__match"] {
        assert!(script.contains(command), "{command}");
    }
}
