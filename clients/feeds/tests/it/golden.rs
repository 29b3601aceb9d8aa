//! What becomes of the samples, readable in review. `UPDATE=1 cargo test` writes it anew.

use crate::{converted, feed, samples};
use std::fmt::Write;
use std::fs;

#[test]
fn samples_become_these_objects() {
    let golden = samples().with_file_name("golden");
    let mut wrong = Vec::new();
    for file in fs::read_dir(samples()).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        let name = file.file_stem().unwrap().to_str().unwrap();
        // Of a source with several samples, the rest of the name tells them apart.
        let (source, _) = name.split_once("--").unwrap_or((name, ""));
        let (found, objects) = converted(&feed(source), &fs::read(&file).unwrap()).unwrap();
        let mut text = format!("{} records\n", found.records);
        for rejected in &found.rejected {
            writeln!(text, "rejected {}: {}", rejected.record, rejected.reason).unwrap();
        }
        found.notes.iter().for_each(|note| writeln!(text, "note: {note}").unwrap());
        for object in &objects {
            writeln!(text, "{}", String::from_utf8_lossy(object.json())).unwrap();
        }
        let expected = golden.join(format!("{}.txt", file.file_name().unwrap().to_str().unwrap()));
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&golden).unwrap();
            fs::write(&expected, &text).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(expected);
        }
    }
    assert!(wrong.is_empty(), "UPDATE=1 writes these anew: {wrong:?}");
}
