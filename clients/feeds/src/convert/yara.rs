//! Rules of YARA. The pattern of each has what it needs to be used alone: the imports and includes of its file, and the rules
//! that it names.

use super::ConvertError;
use super::rule::{Rule, Rules, page};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::time;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use stix_model::vocab::PatternType;
use yara_x_parser::Parser;
use yara_x_parser::ast::{AST, Error, MetaValue, RuleFlags};
use yara_x_parser::cst::{CST, Immutable, Node, NodeOrToken, SyntaxKind};

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| ConvertError::Form("it is not UTF-8".to_owned()))?;
    let cst = CST::try_from(Parser::new(text.as_bytes()))
        .map_err(|_| ConvertError::Form("it is not UTF-8".to_owned()))?;
    let file = File::read(text, &cst.root());
    let mut rules = Rules::new(maker);
    for declared in &file.rules {
        out.record();
        let made = rule(&file, declared).and_then(|rule| rules.take(&rule, out));
        if let Err(reason) = made {
            out.reject(Rejected { record: declared.place(), reason });
        }
    }
    for (line, reason) in file.wrong {
        out.record();
        out.reject(Rejected { record: format!("line {line}"), reason });
    }
    Ok(())
}

/// What stands in a file.
struct File<'t> {
    /// Imports and includes.
    head: String,
    rules: Vec<Declared<'t>>,
    /// Lines of what is no rule.
    wrong: Vec<(usize, String)>,
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
    fn read(text: &'t str, root: &Node<Immutable>) -> Self {
        let mut file = Self { head: String::new(), rules: Vec::new(), wrong: Vec::new() };
        let (mut line, mut counted) = (1, 0);
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
        file
    }

    /// The rules that a rule needs, in the order of the file: those that it names, those that these name, and global ones.
    fn needed(&self, rule: &Declared<'_>) -> Vec<&Declared<'t>> {
        let by_name: BTreeMap<&str, usize> =
            self.rules.iter().enumerate().map(|(index, rule)| (rule.name.as_str(), index)).collect();
        let mut found: BTreeSet<usize> = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.is_global)
            .map(|(index, _)| index)
            .collect();
        let mut open = vec![rule];
        open.extend(found.iter().map(|index| &self.rules[*index]));
        while let Some(next) = open.pop() {
            for name in &next.names {
                if let Some(index) = by_name.get(name.as_str())
                    && found.insert(*index)
                {
                    open.push(&self.rules[*index]);
                }
            }
        }
        found.iter().map(|index| &self.rules[*index]).filter(|needed| needed.name != rule.name).collect()
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

fn rule(file: &File<'_>, declared: &Declared<'_>) -> Result<Rule, String> {
    let ast = AST::from(declared.text);
    let Some(parsed) = ast.rules().next().filter(|_| ast.errors().is_empty()) else {
        return Err(ast.errors().first().map_or("it is no rule".to_owned(), reason));
    };
    let mut pattern = file.head.clone();
    let needed = file.needed(declared);
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
