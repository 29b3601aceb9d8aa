//! Holds what pages and help texts say against the command line.

use super::Cli;
use crate::config::{Config, KEYS};
use clap::{CommandFactory, Parser};
use std::path::Path;

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The text of all code blocks of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        if let Some(fence) = line.strip_prefix("```") {
            is_inside = fence == language;
            if is_inside {
                blocks.push(String::new());
            }
        } else if let (true, Some(block)) = (is_inside, blocks.last_mut()) {
            *block += line;
            *block += "\n";
        }
    }
    blocks
}

/// The words of a line of shell, up to a comment, a pipe or another redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut is_open) = (String::new(), None, false);
    for character in line.chars() {
        match (quote, character) {
            (None, '\'' | '"') => (quote, is_open) = (Some(character), true),
            (Some(open), _) if open == character => quote = None,
            (None, ' ') if is_open => {
                words.push(std::mem::take(&mut word));
                is_open = false;
            }
            (None, ' ') => {}
            (None, '#') if !is_open => return words,
            (None, '|' | '>' | '<' | ';' | '&') => return words,
            _ => {
                word.push(character);
                is_open = true;
            }
        }
    }
    words.extend(is_open.then_some(word));
    words
}

/// Each use of the program in a text, as the words of a command line.
fn uses(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let program = |word: &&str| *word == "taxii-server" || word.ends_with("/taxii-server");
    let start = |line: &str| {
        let first = line.split(' ').find(program)?;
        line.find(first).map(|at| line[at..].to_owned())
    };
    // Where the program is copied, a path follows.
    let is_use = |words: &Vec<String>| words.get(1).is_some_and(|word| !word.starts_with('/'));
    joined.lines().filter_map(start).map(|line| words(&line)).filter(is_use).collect()
}

fn assert_parses(command: &[String], place: &str) {
    if let Err(error) = Cli::try_parse_from(command) {
        assert!(!error.use_stderr(), "{place}: {command:?}: {error}");
    }
}

#[test]
fn commands_of_the_pages_are_those_of_the_program() {
    let mut count = 0;
    for name in [
        "OPERATE.md",
        "NETWORK.md",
        "../README.md",
        "../deploy/README.md",
        "../deploy/network.md",
        "../deploy/concord.service",
    ] {
        let page = page(name);
        let texts = if name.ends_with(".md") { blocks(&page, "sh") } else { vec![page] };
        for command in texts.iter().flat_map(|text| uses(text)) {
            // `cargo run` puts it before the command.
            if command.iter().any(|word| word == "--") {
                continue;
            }
            assert_parses(&command, name);
            count += 1;
        }
    }
    assert!(count > 30, "only {count} commands were found");
}

#[test]
fn examples_of_the_help_are_commands() {
    let mut commands = vec![Cli::command()];
    let mut count = 0;
    while let Some(command) = commands.pop() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in
            help.lines().filter(|line| line.starts_with("  taxii-server") || line.contains("| taxii-server"))
        {
            // Two blanks begin a remark.
            let line = line.trim_start().split("   ").next().unwrap();
            uses(line).iter().for_each(|words| assert_parses(words, command.get_name()));
            count += 1;
        }
        commands.extend(command.get_subcommands().cloned());
    }
    assert!(count > 30, "only {count} examples were found");
    Cli::command().debug_assert();
}

#[test]
fn settings_of_the_page_are_all_settings_with_their_defaults() {
    let page = page("OPERATE.md");
    let blocks = blocks(&page, "toml");
    let defaults = &blocks[0];
    assert_eq!(Config::parse(defaults).unwrap(), Config::default(), "the block has the defaults");
    let of_replicas = self::blocks(&self::page("../deploy/README.md"), "toml");
    for block in blocks.iter().chain(&of_replicas) {
        Config::parse(block).unwrap().check().unwrap();
    }
    for (key, _) in KEYS {
        let table = ["tls_", "store_", "network_"].iter().find(|table| key.starts_with(**table));
        let name = table.map_or(key, |table| &key[table.len()..]);
        let dotted = table.map_or(key.to_owned(), |table| format!("{}.{name}", table.trim_end_matches('_')));
        let row = format!("| `{dotted}` | `CONCORD_{}` |", key.to_ascii_uppercase());
        assert!(page.contains(&row), "{row} is missing");
        assert!(defaults.contains(&format!("{name} = ")), "{name} is missing among the defaults");
    }
}

#[test]
fn addresses_of_the_page_are_routes() {
    let page = page("OPERATE.md");
    let document = crate::router::openapi_json();
    for path in ["/livez/", "/readyz/", "/metrics/"] {
        assert!(page.contains(&format!("`{path}`")), "{path}");
        assert!(document.contains(&format!("\"{path}\"")), "{path}");
    }
}

#[test]
fn mistyped_commands_are_guessed() {
    for (given, meant) in [("colection", "collection"), ("docter", "doctor"), ("improt", "import")] {
        let error = Cli::try_parse_from(["taxii-server", given]).err().unwrap().to_string();
        assert!(error.contains(&format!("'{meant}'")), "{error}");
    }
    let error = Cli::try_parse_from(["taxii-server", "collection", "renam", "a", "b"]).err().unwrap();
    assert!(error.to_string().contains("'rename'"), "{error}");
}
