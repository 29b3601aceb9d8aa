//! Rules of YARA. The pattern of each has what it needs to be used alone: the imports and includes of its file, and the rules
//! that it names.

use super::ConvertError;
use super::document;
use super::rule::{Rule, Rules, page};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::time;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use stix_model::vocab::PatternType;
use yara_x_parser::Parser;
use yara_x_parser::ast::{AST, Error, MetaValue, RuleFlags};
use yara_x_parser::cst::{CST, Immutable, Node, NodeOrToken, SyntaxKind};

/// How deep a condition may be nested. The parser needs stack for each level.
const MAX_DEPTH: usize = 500;

/// How many other rules a rule may need.
const MAX_NEEDED: usize = 256;

/// The stack of the parser.
const STACK: usize = 256 << 20;

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let text = document::text(input)?;
    let parsed = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(&text))?;
        thread.join().map_err(|_| io::Error::other("the parser failed"))
    });
    let mut rules = Rules::new(maker);
    for (place, parsed) in parsed? {
        out.record();
        if let Err(reason) = parsed.and_then(|rule| rules.take(&rule, out)) {
            out.reject(Rejected { record: place, reason });
        }
    }
    Ok(())
}

fn parse(text: &str) -> Vec<(String, Result<Rule, String>)> {
    let mut file = File::default();
    for (line, part) in parts(text) {
        if depth(part) > MAX_DEPTH {
            file.wrong.push((line, "it is nested too deep".to_owned()));
            continue;
        }
        if let Ok(cst) = CST::try_from(Parser::new(part.as_bytes())) {
            file.add(part, line, &cst.root());
        }
    }
    file.index();
    // What rules share stands in each of them; a file of rules that name each other must not grow without a limit.
    let mut budget = text.len().saturating_mul(16).saturating_add(1 << 20);
    let mut parsed: Vec<(String, Result<Rule, String>)> =
        file.rules.iter().map(|declared| (declared.place(), rule(&file, declared, &mut budget))).collect();
    parsed.extend(file.wrong.iter().map(|(line, reason)| (format!("line {line}"), Err(reason.clone()))));
    parsed
}

/// Parts of a file that begin where a line begins with `rule`, each with its line. In what looks like a comment none begins, so that
/// a part may have several rules.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let (mut parts, mut began, mut began_line, mut is_comment, mut offset) = (Vec::new(), 0, 1, false, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let mut words = line.split_whitespace().skip_while(|word| matches!(*word, "private" | "global"));
        if !is_comment && words.next() == Some("rule") && offset > began {
            parts.push((began_line, &text[began..offset]));
            (began, began_line) = (offset, number + 1);
        }
        let mut rest = line;
        while let Some(place) = rest.find(if is_comment { "*/" } else { "/*" }) {
            // In a text it begins no comment.
            let quotes = rest[..place].replace("\\\"", "").matches('"').count();
            rest = &rest[place + 2..];
            if is_comment || quotes % 2 == 0 {
                is_comment = !is_comment;
            } else {
                rest = rest.split_once('"').map_or("", |(_, rest)| rest);
            }
        }
        offset += line.len();
    }
    parts.push((began_line, &text[began..]));
    parts
}

/// How deep a part may be nested at most, whatever of it is a text or a comment: brackets that are open, and operators that stand
/// before something.
fn depth(part: &str) -> usize {
    let (mut open, mut deepest, mut signs) = (0_usize, 0, 0);
    for line in part.lines() {
        let mut last = None;
        for character in line.chars() {
            match character {
                '(' | '[' => open += 1,
                ')' | ']' => open = open.saturating_sub(1),
                '-' | '~' => {
                    let ends = |last: char| last.is_alphanumeric() || matches!(last, '"' | ')' | ']');
                    signs += usize::from(!last.is_some_and(ends));
                }
                _ => {}
            }
            deepest = deepest.max(open);
            if !character.is_whitespace() {
                last = Some(character);
            }
        }
    }
    let is_word = |character: char| !character.is_alphanumeric() && character != '_';
    let words = part.split(is_word).filter(|word| matches!(*word, "not" | "defined")).count();
    deepest.max(signs).max(words)
}

/// What stands in a file.
#[derive(Default)]
struct File<'t> {
    /// Imports and includes.
    head: String,
    rules: Vec<Declared<'t>>,
    /// Lines of what is no rule.
    wrong: Vec<(usize, String)>,
    by_name: BTreeMap<String, usize>,
    /// Rules that hold for all others.
    global: Vec<usize>,
}

struct Declared<'t> {
    name: String,
    line: usize,
    text: &'t str,
    is_global: bool,
    /// Names in it, which may be those of other rules.
    names: BTreeSet<String>,
}

impl Declared<'_> {
    fn place(&self) -> String {
        format!("line {}: rule {}", self.line, self.name)
    }
}

impl<'t> File<'t> {
    /// Takes what stands in a part that begins in a line.
    fn add(&mut self, text: &'t str, first_line: usize, root: &Node<Immutable>) {
        let file = self;
        let (mut line, mut counted) = (first_line, 0);
        for child in root.children_with_tokens() {
            let span = child.span();
            let Some(part) = text.get(span.start()..span.end()) else { continue };
            line += text.get(counted..span.start()).map_or(0, |between| between.matches('\n').count());
            counted = span.start();
            match child.kind() {
                SyntaxKind::IMPORT_STMT | SyntaxKind::INCLUDE_STMT => {
                    file.head.push_str(part);
                    file.head.push('\n');
                }
                SyntaxKind::RULE_DECL => {
                    if let NodeOrToken::Node(node) = &child {
                        file.rules.push(Declared::read(part, line, node));
                    }
                }
                SyntaxKind::ERROR => {
                    let beginning: String = part.trim().chars().take(60).collect();
                    file.wrong
                        .push((line, format!("`{}` is no rule", beginning.replace(char::is_control, " "))));
                }
                _ => {}
            }
        }
    }

    fn index(&mut self) {
        for (index, rule) in self.rules.iter().enumerate() {
            self.by_name.entry(rule.name.clone()).or_insert(index);
            if rule.is_global {
                self.global.push(index);
            }
        }
    }

    /// The rules that a rule needs, in the order of the file: those that it names, those that these name, and global ones.
    /// `None` when they are too many.
    fn needed(&self, rule: &Declared<'_>) -> Option<Vec<&Declared<'t>>> {
        let mut found: BTreeSet<usize> = self.global.iter().copied().collect();
        let mut open = vec![rule];
        open.extend(found.iter().map(|index| &self.rules[*index]));
        while let Some(next) = open.pop() {
            if found.len() > MAX_NEEDED {
                return None;
            }
            for name in &next.names {
                if let Some(index) = self.by_name.get(name.as_str())
                    && found.insert(*index)
                {
                    open.push(&self.rules[*index]);
                }
            }
        }
        let needed = found.iter().map(|index| &self.rules[*index]).filter(|needed| needed.name != rule.name);
        Some(needed.collect())
    }
}

impl<'t> Declared<'t> {
    fn read(text: &'t str, line: usize, node: &Node<Immutable>) -> Self {
        let mut names = BTreeSet::new();
        let mut declared = Self { name: String::new(), line, text, is_global: false, names: BTreeSet::new() };
        for child in node.children_with_tokens() {
            match child {
                NodeOrToken::Token(token) if token.kind() == SyntaxKind::IDENT => {
                    token.text().clone_into(&mut declared.name);
                }
                NodeOrToken::Node(child) if child.kind() == SyntaxKind::RULE_MODS => {
                    declared.is_global =
                        child.text() == "global" || child.text().to_string().contains("global");
                }
                NodeOrToken::Node(child) if child.kind() == SyntaxKind::CONDITION_BLK => {
                    let mut token = child.first_token();
                    while let Some(found) = token.filter(|token| token.span().end() <= child.span().end()) {
                        if found.kind() == SyntaxKind::IDENT {
                            names.insert(found.text().to_owned());
                        }
                        token = found.next_token();
                    }
                }
                _ => {}
            }
        }
        names.remove(&declared.name);
        declared.names = names;
        declared
    }
}

fn rule(file: &File<'_>, declared: &Declared<'_>, budget: &mut usize) -> Result<Rule, String> {
    let ast = AST::from(declared.text);
    let Some(parsed) = ast.rules().next().filter(|_| ast.errors().is_empty()) else {
        return Err(ast.errors().first().map_or("it is no rule".to_owned(), reason));
    };
    let needed =
        file.needed(declared).ok_or_else(|| format!("it needs more than {MAX_NEEDED} other rules"))?;
    let length = needed.iter().map(|needed| needed.text.len()).sum::<usize>() + file.head.len();
    *budget = budget.checked_sub(length).ok_or("the rules of the file name each other too often")?;
    let mut pattern = file.head.clone();
    for text in needed.iter().map(|needed| needed.text).chain([declared.text]) {
        if !pattern.is_empty() {
            pattern.push('\n');
        }
        pattern.push_str(text.trim());
        pattern.push('\n');
    }
    let name = parsed.identifier.name.to_owned();
    let mut rule = Rule::new(name.clone(), name.clone(), pattern, PatternType::Yara);
    rule.mentions(&name);
    if parsed.flags.contains(RuleFlags::Private) {
        rule.labels.push("private".to_owned());
    }
    for tag in parsed.tags.iter().flatten() {
        rule.labels.push(tag.name.to_owned());
        rule.mentions(tag.name);
    }
    for meta in parsed.meta.iter().flatten() {
        let value = match &meta.value {
            MetaValue::String((text, _)) => (*text).trim().to_owned(),
            MetaValue::Bytes((bytes, _)) => String::from_utf8_lossy(bytes).trim().to_owned(),
            value => value.to_string(),
        };
        if !value.is_empty() {
            described(&mut rule, meta.identifier.name, &value);
        }
    }
    Ok(rule)
}

fn reason(error: &Error) -> String {
    match error {
        Error::SyntaxError { message, .. } => message.clone(),
        other => format!("{other:?}").chars().take(200).collect(),
    }
}

/// What a line of `meta` says. Names are free in YARA; these are the usual ones. What has no place stays in the pattern.
fn described(rule: &mut Rule, name: &str, value: &str) {
    let name = name.to_ascii_lowercase();
    let word = name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '_');
    match word {
        "description" | "desc" => {
            rule.mentions(value);
            rule.description = Some(value.to_owned());
        }
        "author" | "authors" => {
            let all =
                rule.author.take().map_or_else(|| value.to_owned(), |author| format!("{author}, {value}"));
            rule.author = Some(all);
        }
        "date" | "created" | "creation_date" | "first_version" => {
            rule.created = rule.created.take().or_else(|| time::read(value));
        }
        "modified" | "last_modified" | "updated" | "last_version" => rule.modified = time::read(value),
        "reference" | "references" | "ref" | "url" | "link" | "source" => {
            rule.mentions(value);
            rule.references.extend(page("reference", value));
        }
        "hash" | "md" | "sha" | "sample" | "parent_hash" => drop(rule.sample(value)),
        "cve" | "mitre" | "mitre_att" | "mitre_attack" | "attack" | "technique" => rule.mentions(value),
        "malware" | "malware_family" | "family" => drop(rule.malware.insert(value.to_owned())),
        "actor" | "threat_actor" | "actor_group" => drop(rule.groups.insert(value.to_owned())),
        "score" => rule.confidence = value.parse().ok(),
        "severity" | "os" | "category" | "status" | "tlp" => rule.labels.push(format!("{word}:{value}")),
        _ => {}
    }
}
