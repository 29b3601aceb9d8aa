//! `taxii key`

use crate::stub::{taxii, text};
use serde_json::Value;
use std::path::Path;

fn run(folder: &Path, arguments: &[&str], passphrase: Option<&str>) -> (i32, String, String) {
    let mut command = taxii();
    command.arg("key").args(arguments).current_dir(folder).env_remove("CONCORD_KEY_PASSPHRASE");
    if let Some(passphrase) = passphrase {
        command.env("CONCORD_KEY_PASSPHRASE", passphrase);
    }
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_key_is_made_once_and_shown_without_its_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let (code, made, said) = run(folder.path(), &["new", "v.key", "--name", "Alice"], Some("open sesame"));
    assert_eq!(code, 0, "{said}");
    assert!(made.starts_with("name    Alice\npublic  ") && made.ends_with("secret  encrypted\n"), "{made}");
    assert!(said.contains("--add-key PUBLIC"), "{said}");
    assert_eq!(run(folder.path(), &["show", "v.key"], None), (0, made, String::new()));
    let (code, _, said) = run(folder.path(), &["new", "v.key"], Some("other"));
    assert_eq!((code, said.as_str()), (1, "v.key: the file is there; a key is never overwritten\n"));
    let (code, _, said) = run(folder.path(), &["show", "missing.key"], None);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn a_key_without_passphrase_is_for_its_owner_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (code, row, said) = run(folder.path(), &["new", "a.key", "--no-passphrase", "--json"], None);
    assert_eq!(code, 0, "{said}");
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!((&row["encrypted"], &row["name"]), (&false.into(), &Value::Null));
    assert_eq!(row["public"].as_str().unwrap().len(), 64);
    assert!(said.contains("all who can read the file can vote for your organisation"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("a.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_passphrase_comes_from_a_file_or_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, said) = run(folder.path(), &["new", "v.key"], None);
    assert_eq!(code, 2);
    assert_eq!(said, "which passphrase? Give --passphrase-file or set CONCORD_KEY_PASSPHRASE\n");
    assert!(!folder.path().join("v.key").exists());
    std::fs::write(folder.path().join("p"), "\nsecond line").unwrap();
    let (code, _, said) = run(folder.path(), &["new", "v.key", "--passphrase-file", "p"], None);
    assert!(code == 2 && said.starts_with("the passphrase is empty"), "{said}");
    std::fs::write(folder.path().join("p"), "open sesame\r\n").unwrap();
    let (code, _, said) = run(folder.path(), &["new", "v.key", "--passphrase-file", "p", "-q"], None);
    assert_eq!((code, said.as_str()), (0, ""));
}
