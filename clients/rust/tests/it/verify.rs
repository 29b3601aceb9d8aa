//! `taxii verify` and `taxii proof`

use crate::approved::{Approved, COLLECTION, organisation, trust, vote_key};
use crate::program::said;
use crate::script::{JSON, Script};
use crate::stub::{taxii, text};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Exit code, standard output and standard error of `taxii verify` for a bundle in a file.
fn verify(folder: &Path, bundle: &str, more: &[&str]) -> (i32, String, String) {
    std::fs::write(folder.join("proof.json"), bundle).unwrap();
    let mut command = taxii();
    command.current_dir(folder).args(["verify", "proof.json", "--policy", "trust.txt"]).args(more);
    let output = command.output().unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_a_proof_proves_is_told_in_words() {
    let approved = Approved::new();
    let (code, shown, said) = verify(approved.path(), &approved.bundle, &["--members", "members.json"]);
    assert_eq!(code, 0, "{said}");
    for part in [
        "proved: this object was approved\n",
        "object        indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c001, version 2026-01-01T00:00:00.000Z, TLP:GREEN\n",
        &*format!("submitted by  Organisation 1 ({})\n", organisation(1)),
        &*format!("approved by   Organisation 2 ({})\n", organisation(2)),
        &*format!("              Organisation 3 ({})\n", organisation(3)),
        "in entry 4\n",
        "checkpoint    2 decisions in the log ",
        "witnesses     ministry/witness\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("rests on the log"), "{shown}");
    assert_eq!(said, "A proof does not tell whether the object was taken back since.\n");
}

#[test]
fn what_rests_on_the_log_alone_is_told() {
    let approved = Approved::new();
    std::fs::write(approved.path().join("trust.txt"), trust(approved.network, false)).unwrap();
    let (code, shown, said) = verify(approved.path(), &approved.bundle, &[]);
    assert_eq!(code, 0, "{said}");
    let rests = shown.split_once("This rests on the log alone:\n").unwrap().1;
    assert_eq!(rests.lines().count(), 2, "{shown}");
    assert!(rests.contains("and give --members\n") && rests.contains("no witness cosigned"), "{shown}");
}

#[test]
fn a_submission_that_is_not_shown_is_told() {
    let approved = Approved::of_one_of_two();
    let bundle: Value = serde_json::from_str(&approved.bundle).unwrap();
    assert!(bundle.get("submission").is_none());
    let (code, shown, said) = verify(approved.path(), &approved.bundle, &["--members", "members.json"]);
    assert_eq!(code, 0, "{said}");
    assert!(shown.contains("what the submitter signed is not shown"), "{shown}");
    assert!(
        shown.contains(&format!("Organisation 1 ({}), by the word of the log\n", organisation(1))),
        "{shown}"
    );
}

#[test]
fn programs_get_the_same_as_json() {
    let approved = Approved::new();
    let (code, row, _) = verify(approved.path(), &approved.bundle, &["--json"]);
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!((code, &row["proved"]), (0, &true.into()));
    assert_eq!(row["object"]["tlp"], "green");
    assert_eq!(row["object"]["version"], "2026-01-01T00:00:00.000Z");
    assert_eq!(row["approved_by"][1], json!({"id": organisation(3), "name": "Organisation 3"}));
    assert_eq!((&row["entry"], &row["checkpoint"]["size"]), (&4.into(), &2.into()));
    assert_eq!((&row["are_members_trusted"], &row["is_submission_shown"]), (&false.into(), &true.into()));
    assert_eq!(row["rests_on_the_log"].as_array().unwrap().len(), 1);
    let (code, row, said) = verify(approved.path(), "{}", &["--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &*row, &said["error"]["exit_code"]), (1, "", &1.into()));
}

/// Each change of a bundle, and a part of the message that it leads to.
fn changes(bundle: &Value) -> Vec<(Value, &'static str)> {
    let with = |pointer: &str, value: Value| {
        let mut changed = bundle.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let object = bundle["object"].as_str().unwrap();
    let mut without_vote = bundle.clone();
    without_vote["votes"].as_array_mut().unwrap().pop();
    let mut twice = bundle.clone();
    let vote = twice["votes"][0].clone();
    twice["votes"].as_array_mut().unwrap().push(vote);
    let mut other_key = bundle.clone();
    other_key["organisations"][1]["keys"][1]["public"] = json!(vote_key(9).public());
    let checkpoint = bundle["checkpoint"].as_str().unwrap();
    vec![
        (with("/object", json!(object.replace("198.51.100.7", "198.51.100.8"))), "its digest is not that"),
        (with("/object", json!(object.replace("malicious", "benign"))), "its digest is not that"),
        (with("/object", json!("{")), "the object cannot be read: "),
        (with("/object", json!("[".repeat(100_000))), "the object cannot be read: "),
        (with("/item/level", json!(0)), "bound to another object"),
        (with("/salt", json!("00".repeat(16))), "bound to another object"),
        (with("/submitter", json!(organisation(4))), "bound to another object"),
        (with("/policy/version", json!(2)), "under another policy"),
        (with("/leaf_number", json!(1)), "the decision is not in the log"),
        (with("/inclusion/0", json!("00".repeat(32))), "the decision is not in the log"),
        (with("/checkpoint", json!(checkpoint.replace("\n2\n", "\n3\n"))), "the checkpoint is not trusted"),
        (
            with("/votes/0/signatures/0/sig", bundle["votes"][1]["signatures"][0]["sig"].clone()),
            "does not match",
        ),
        (with("/format", json!("concord/proof/v9")), "it says concord/proof/v9"),
        (without_vote, "do not satisfy rule"),
        (twice, "votes twice"),
        (other_key, "is none of this organisation"),
    ]
}

#[test]
fn a_proof_that_was_changed_is_refused_with_the_reason() {
    let approved = Approved::new();
    let bundle: Value = serde_json::from_str(&approved.bundle).unwrap();
    for (changed, message) in changes(&bundle) {
        let (code, shown, said) = verify(approved.path(), &changed.to_string(), &[]);
        assert_eq!((code, &*shown), (1, ""), "{message}: {said}");
        assert!(said.starts_with("proof.json: not proved: ") && said.contains(message), "{message}: {said}");
    }
}

#[test]
fn no_bytes_make_the_program_stop_in_another_way() {
    let approved = Approved::new();
    let bytes = approved.bundle.as_bytes();
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 7);
        for bytes in [&changed[..], &bytes[..at]] {
            std::fs::write(approved.path().join("hostile"), bytes).unwrap();
            let mut command = taxii();
            command.current_dir(approved.path()).args(["verify", "hostile", "--policy", "trust.txt"]);
            let output = command.output().unwrap();
            // A name of an organisation may change where the reader does not know the members.
            assert!(matches!(output.status.code(), Some(0 | 1)), "{at}: {}", text(&output.stderr));
        }
    }
}

#[test]
fn a_level_other_than_that_of_the_marking_is_refused() {
    // Members do not agree on such a level; a log and its witnesses that agree on everything could.
    let approved = Approved::with_level(0);
    let (code, _, said) = verify(approved.path(), &approved.bundle, &[]);
    let expected = "proof.json: not proved: the object is marked TLP:GREEN, and was approved as TLP:CLEAR\n";
    assert_eq!((code, &*said), (1, expected));
}

#[test]
fn members_that_the_reader_trusts_take_the_place_of_those_in_the_proof() {
    let approved = Approved::new();
    let members = approved.path().join("members.json");
    let listed = std::fs::read_to_string(&members).unwrap();
    let public = |number: u8| serde_json::to_string(&vote_key(number).public()).unwrap();
    let other = listed.replace(&public(2), &public(9));
    assert_ne!(other, listed);
    std::fs::write(&members, other).unwrap();
    let (code, _, said) = verify(approved.path(), &approved.bundle, &["--members", "members.json"]);
    assert!(code == 1 && said.contains("is none of this organisation"), "{said}");
    std::fs::write(&members, "{}").unwrap();
    let (code, _, said) = verify(approved.path(), &approved.bundle, &["--members", "members.json"]);
    assert!(code == 2 && said.starts_with("members.json: this is no list of organisations: "), "{said}");
}

#[test]
fn a_proof_comes_from_standard_input_too() {
    let approved = Approved::new();
    let trust = approved.path().join("trust.txt");
    let trust = trust.to_str().unwrap();
    let (code, shown, complaint) = said(&["verify", "-", "--policy", trust], &approved.bundle);
    assert_eq!(code, 0, "{complaint}");
    assert!(shown.starts_with("proved: "), "{shown}");
    let (code, _, complaint) = said(&["verify", "-", "--policy", "-"], &approved.bundle);
    assert_eq!((code, &*complaint), (2, "standard input holds one file: give `-` once\n"));
}

#[test]
fn files_that_are_too_large_or_none_are_refused_at_once() {
    let approved = Approved::new();
    let file = std::fs::File::create(approved.path().join("large")).unwrap();
    file.set_len(100 << 20).unwrap();
    let start = Instant::now();
    for (arguments, code, message) in [
        (["verify", "large", "--policy", "trust.txt"], 1, "it has more than 8388608 bytes"),
        (["verify", "proof.json", "--policy", "large"], 2, "1048576 are the most"),
        (["verify", "missing", "--policy", "trust.txt"], 2, "missing: "),
        (["verify", "proof.json", "--policy", "missing"], 2, "missing: "),
    ] {
        let output = taxii().current_dir(approved.path()).args(arguments).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(message), "{said}");
    }
    assert!(start.elapsed() < Duration::from_secs(10), "the program read it all");
}

#[test]
fn proofs_and_what_they_need_are_fetched() {
    let approved = Approved::new();
    let [bundle, trust, members, note] = [
        approved.bundle.clone(),
        approved.read("trust.txt"),
        approved.read("members.json"),
        approved.read("new.note"),
    ];
    let script = Script::start(move |request| {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let body = match path {
            "/consensus/v1/proof/" => {
                let expected = format!(
                    "collection={COLLECTION}&id=indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c001\
                     &version=2026-01-01T00%3A00%3A00.000Z"
                );
                assert_eq!(query, expected);
                bundle.clone()
            }
            "/consensus/v1/trust/" => trust.clone(),
            "/consensus/v1/organisations/" => members.clone(),
            "/tlog/checkpoint" => note.clone(),
            _ => return (404, "", String::new()),
        };
        (200, JSON, body)
    });
    let run = |arguments: &[&str]| {
        let mut command = taxii();
        command.current_dir(approved.path()).env("TAXII_URL", &script.url).args(arguments);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let collection = COLLECTION.to_string();
    let id = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c001";
    let get = [
        "proof",
        "get",
        "-c",
        &collection,
        id,
        "--version",
        "2026-01-01T00:00:00.000Z",
        "-o",
        "fetched.json",
    ];
    assert_eq!(run(&get), (0, String::new(), String::new()));
    assert_eq!(approved.read("fetched.json"), approved.bundle);
    let (code, _, said) = run(&get);
    assert_eq!((code, &*said), (1, "fetched.json: the file is there, and is not overwritten\n"));
    assert_eq!(run(&["proof", "checkpoint"]), (0, approved.read("new.note"), String::new()));
    let (code, shown, said) = run(&["proof", "trust"]);
    assert_eq!((code, shown), (0, approved.read("trust.txt")));
    assert!(said.contains("compare them with what the organisations publish elsewhere"), "{said}");
    let (code, _, _) = run(&["proof", "members", "-o", "fetched-members.json", "-q"]);
    assert_eq!((code, approved.read("fetched-members.json")), (0, approved.read("members.json")));
    let other = ["proof", "get", "-c", &collection, "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c00"];
    assert_ne!(run(&other).0, 0);
}
