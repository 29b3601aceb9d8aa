//! The rooms of the library stand in an order, and a file names what is in its own room or below; read from its source.

use std::collections::BTreeMap;
use std::path::Path;

/// The rooms from the ground up: a file, or a folder with the file of its name. Of two that fit the longer one counts.
const ROOMS: [&str; 41] = [
    "setters",
    "word",
    "json",
    "refs",
    "timestamp",
    "id",
    "sco_id",
    "class",
    "marking",
    "object",
    "confidence",
    "schema",
    "model/data_type",
    "model/vocab",
    "model/hashes",
    "model/reference",
    "model/stamp",
    "system",
    "model/common",
    "model/stix_type",
    "model/extension",
    "model/macros",
    "model/sdo",
    "model/sro",
    "model/sco",
    "model/meta",
    "model",
    "registry",
    "typed",
    "version",
    "graph",
    "finding",
    "pattern",
    "equivalence",
    "convert",
    "validate",
    "reader",
    "bundle",
    "build",
    "taxii",
    "lib",
];

#[test]
fn no_file_names_a_room_above_its_own() {
    let house = House::read();
    assert!(house.files.len() > 150, "only {} files were read", house.files.len());
    let empty: Vec<_> =
        ROOMS.iter().filter(|room| !house.files.keys().any(|file| room_of(file) == Some(**room))).collect();
    assert!(empty.is_empty(), "no file is in these rooms: {empty:?}");
    let faults: Vec<_> = house.files.iter().flat_map(|(file, text)| house.faults(file, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The check itself: arrows that run up, in all the forms that paths are written in.
#[test]
fn an_arrow_that_runs_up_is_seen() {
    let house = House::read();
    for (file, text) in [
        ("model/sdo/tool", "use crate::validate::checks;"),
        ("model/sdo/tool", "use crate::{Timestamp, validate};"),
        ("model/sdo/tool", "use crate::{\n    json::{self, Value},\n    validate::Validator,\n};"),
        ("model/macros", "    (class) => { $crate::validate::Validator };"),
        ("model/macros", "    fn x() -> crate::registry::AnyObject<'static>;"),
        ("schema/table", "use crate::registry;"),
        ("schema/table", "use crate::schema::of;"),
        ("schema/table", "use crate::sdo::Tool;"),
        ("object", "use crate::{Ref, StixId};"),
        ("object", "use super::validate;"),
        ("marking/tlp", "use super::super::Object;"),
        ("json", "mod tests {\n    use super::super::Object;\n}"),
        ("graph", "use crate::taxii::Status;"),
        ("unknown", ""),
    ] {
        assert_eq!(house.faults(file, text).len(), 1, "{file}: {text}");
    }
    for (file, text) in [
        ("model/sdo/tool", "use crate::{Timestamp, json::Value};"),
        ("model/sdo/tool", "/// See [`crate::validate`].\n// crate::validate"),
        ("model/reference", "pub mod to {\n    use super::Target;\n}"),
        ("registry", "    $(crate::model::$module::$name)"),
        ("build", "use crate::{Object, validate::Validator};"),
        ("object", "mod tests {\n    use super::*;\n}"),
    ] {
        assert_eq!(house.faults(file, text), [] as [String; 0], "{file}: {text}");
    }
}

/// The sources by their path without `.rs`, and the homes of what the front page hands on.
struct House {
    files: BTreeMap<String, String>,
    handed_on: BTreeMap<String, String>,
}

impl House {
    fn read() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = BTreeMap::new();
        let mut open = vec![source.clone()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let name = path.strip_prefix(&source).unwrap().with_extension("");
            let name = name.to_str().unwrap().replace('\\', "/");
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
        let mut handed_on = BTreeMap::new();
        for (module, text) in statements("lib", &code(&files["lib"]), "pub use ") {
            let mut paths = Vec::new();
            read_tree(&mut text.strip_prefix("crate::").unwrap_or(text), "", &mut paths);
            for path in paths {
                // A child of the inline module, if it is no path from the root.
                let is_child = files.contains_key(&joined(&module, path.split('/').next().unwrap()));
                let home = if is_child { joined(&module, &path) } else { path.clone() };
                handed_on.insert(joined(&module, path.rsplit('/').next().unwrap()), home);
            }
        }
        assert_eq!(handed_on["schema/Shape"], "schema/table/Shape");
        assert_eq!(handed_on["schema/of"], "registry/of");
        assert_eq!(handed_on["sdo"], "model/sdo");
        Self { files, handed_on }
    }

    /// The arrows of a file that run up.
    fn faults(&self, file: &str, text: &str) -> Vec<String> {
        let Some(own) = room_of(file) else {
            return vec![format!("src/{file}.rs stands in no room: give it a place in `ROOMS`")];
        };
        let mut faults: Vec<_> = paths(file, &code(text))
            .into_iter()
            .map(|path| self.home(&path))
            .filter_map(|path| match room_of(&path) {
                None => Some(format!("src/{file}.rs names `{path}`, which stands in no room")),
                Some(room) if rank(room) <= rank(own) => None,
                Some(room) => {
                    Some(format!("src/{file}.rs ({own}) names `{path}`, but {room} stands above {own}"))
                }
            })
            .collect();
        faults.sort();
        faults.dedup();
        faults
    }

    /// Where a path leads, if it begins with what the front page hands on.
    fn home(&self, path: &str) -> String {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut homes =
            ends.filter_map(|end| Some(format!("{}{}", self.handed_on.get(&path[..end])?, &path[end..])));
        homes.next_back().unwrap_or_else(|| path.to_owned())
    }
}

fn room_of(path: &str) -> Option<&'static str> {
    let holds =
        |room: &&str| path.strip_prefix(*room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ROOMS.into_iter().filter(holds).max_by_key(|room| room.len())
}

fn rank(room: &str) -> usize {
    ROOMS.iter().position(|known| *known == room).unwrap()
}

fn joined(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}/{name}") }
}

/// A text without its lines of comment.
fn code(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).flat_map(|line| [line, "\n"]).collect()
}

/// What follows each occurrence of a word, and the module that it stands in.
fn statements<'t>(file: &str, code: &'t str, word: &str) -> Vec<(String, &'t str)> {
    let file = if file == "lib" { "" } else { file };
    let mut inline: Vec<(usize, &str)> = Vec::new();
    let mut found = Vec::new();
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim();
        if words == "}" && inline.last().is_some_and(|(opened, _)| *opened == indent) {
            inline.pop();
        }
        let module = inline.iter().fold(file.to_owned(), |module, (_, name)| joined(&module, name));
        for (at, _) in line.match_indices(word) {
            let is_first =
                !line[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before));
            if is_first {
                found.push((module.clone(), &code[start + at + word.len()..]));
            }
        }
        if let Some((before, name)) = words.strip_suffix(" {").and_then(|words| words.split_once("mod "))
            && (before.is_empty() || before.starts_with("pub"))
        {
            inline.push((indent, name));
        }
        start += line.len();
    }
    found
}

/// Every path from the root of the crate, with `/` between its names.
fn paths(file: &str, code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (_, mut rest) in statements(file, code, "crate::") {
        read_tree(&mut rest, "", &mut paths);
    }
    for (module, mut rest) in statements(file, code, "super::") {
        let mut steps: Vec<_> = module.split('/').collect();
        steps.pop();
        while let Some(further) = rest.strip_prefix("super::") {
            steps.pop();
            rest = further;
        }
        read_tree(&mut rest, &steps.join("/"), &mut paths);
    }
    paths
}

/// Reads what follows `::`, with the groups in it.
fn read_tree(rest: &mut &str, before: &str, paths: &mut Vec<String>) {
    *rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        *rest = inside;
        while !rest.trim_start().starts_with('}') {
            read_tree(rest, before, paths);
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            *rest = rest[end..].trim_start_matches(',');
            assert!(!rest.is_empty(), "a group in {before} has no end");
        }
        *rest = &rest[rest.find('}').unwrap() + 1..];
        return;
    }
    let end = rest.find(|char: char| !(char.is_alphanumeric() || "_$*".contains(char))).unwrap_or(rest.len());
    let (name, further) = rest.split_at(end);
    let path = if name == "*" || name == "self" { before.to_owned() } else { joined(before, name) };
    *rest = further;
    match further.strip_prefix("::") {
        Some(deeper) if !deeper.starts_with('<') => {
            *rest = deeper;
            read_tree(rest, &path, paths);
        }
        // All names of the root are those of the front page, which stands above the rest.
        _ => paths.push(if path.is_empty() { "lib".to_owned() } else { path }),
    }
}
