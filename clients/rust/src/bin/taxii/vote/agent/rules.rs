//! The rules of an agent.

use super::lists::{Extent, List};
use super::values::Values;
use crate::failure::Failure;
use crate::network::Session;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use stix_model::validate::{Profile, Validator};
use stix_model::{Object, Tlp};
use taxii_client::network::{Decision, Item, OrganisationId};
use uuid::Uuid;

/// The rules, of which the first that fits decides.
pub(in crate::vote) struct Rules(Vec<Rule>);

struct Rule {
    conditions: Conditions,
    any_value_in: Vec<List>,
    all_values_in: Vec<List>,
    no_value_in: Vec<List>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Conditions>,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    name: String,
    collections: Option<Vec<String>>,
    types: Option<Vec<String>>,
    submitters: Option<Vec<String>>,
    max_tlp: Option<Tlp>,
    #[serde(default)]
    without_findings: bool,
    #[serde(default)]
    any_value_in: Vec<PathBuf>,
    #[serde(default)]
    all_values_in: Vec<PathBuf>,
    #[serde(default)]
    no_value_in: Vec<PathBuf>,
    then: Then,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Then {
    Approve,
    Reject,
    Abstain,
    Leave,
}

/// An object that is to be decided on.
pub(super) struct Subject<'s> {
    pub(super) session: &'s Session,
    pub(super) collection: Uuid,
    pub(super) submitter: OrganisationId,
    pub(super) signed: &'s Item,
    pub(super) object: &'s Object,
}

/// What the rules say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Nothing leaves it to a person.
    pub(super) decision: Option<Decision>,
    pub(super) rule: String,
    /// What made the rule fit, where that is not plain.
    pub(super) detail: String,
}

impl Rules {
    /// Reads a file of rules and the lists that it names, whose paths begin at its folder.
    pub(in crate::vote) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Failure::input(&name, &error))?;
        let file: File = toml::from_str(&text)
            .map_err(|error| Failure::Input(format!("{name}: {}", error.to_string().trim_end())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let lists = |paths: &[PathBuf]| {
            paths.iter().map(|path| List::read(&folder.join(path))).collect::<Result<Vec<_>, _>>()
        };
        let rule = |conditions: Conditions| {
            Ok(Rule {
                any_value_in: lists(&conditions.any_value_in)?,
                all_values_in: lists(&conditions.all_values_in)?,
                no_value_in: lists(&conditions.no_value_in)?,
                conditions,
            })
        };
        Ok(Self(file.rule.into_iter().map(rule).collect::<Result<_, Failure>>()?))
    }

    /// What the first rule that fits says.
    pub(super) fn decide(&self, subject: &Subject<'_>) -> Verdict {
        let values = Values::of(subject.object);
        for rule in &self.0 {
            if let Some(detail) = rule.fits(subject, &values) {
                let decision = match rule.conditions.then {
                    Then::Approve => Some(Decision::Approve),
                    Then::Reject => Some(Decision::Reject),
                    Then::Abstain => Some(Decision::Abstain),
                    Then::Leave => None,
                };
                return Verdict { decision, rule: rule.conditions.name.clone(), detail };
            }
        }
        Verdict { decision: None, rule: "-".to_owned(), detail: "no rule fits".to_owned() }
    }
}

impl Rule {
    /// What makes the rule fit, if it does.
    fn fits(&self, subject: &Subject<'_>, values: &Values) -> Option<String> {
        let Conditions { collections, types, submitters, max_tlp, without_findings, .. } = &self.conditions;
        let is_in = |list: &Option<Vec<String>>, is_meant: &dyn Fn(&str) -> bool| {
            list.as_ref().is_none_or(|list| list.iter().any(|word| is_meant(word)))
        };
        let Subject { session, collection, submitter, signed, object } = subject;
        let is_collection = |word: &str| {
            let known = session.state.collections.iter().find(|known| known.id == *collection);
            word == collection.to_string()
                || known.is_some_and(|known| {
                    known.title() == word || known.definition["alias"].as_str() == Some(word)
                })
        };
        let is_submitter = |word: &str| {
            // A name that two organisations have is trusted for neither.
            match word.parse() {
                Ok(id) => OrganisationId(id) == *submitter,
                Err(_) => session.organisation(word).is_ok_and(|found| found.id == *submitter),
            }
        };
        let is_marked = max_tlp
            .is_none_or(|max| Tlp::ALL.iter().position(|tlp| *tlp == max) >= Some(usize::from(signed.level)));
        let fits = is_in(collections, &is_collection)
            && is_in(types, &|word| word == signed.object_type)
            && is_in(submitters, &is_submitter)
            && is_marked;
        if !fits {
            return None;
        }
        if *without_findings && !Validator::new(Profile::Stix).object(object.document().root()).is_empty() {
            return None;
        }
        let listed = |value: &String, lists: &[List], extent| {
            let list = lists.iter().find(|list| list.has(value, extent))?;
            Some(format!("{value} is in {}", list.name))
        };
        if !self.no_value_in.is_empty() {
            let is_on = |value: &String| listed(value, &self.no_value_in, Extent::Touching).is_some();
            if !values.is_complete || values.all.iter().any(is_on) {
                return None;
            }
        }
        if !self.all_values_in.is_empty() {
            let is_on = |value: &String| listed(value, &self.all_values_in, Extent::Inside).is_some();
            if !values.is_complete || values.all.is_empty() || !values.all.iter().all(is_on) {
                return None;
            }
        }
        if self.any_value_in.is_empty() {
            return Some(String::new());
        }
        values.all.iter().find_map(|value| listed(value, &self.any_value_in, Extent::Touching))
    }
}
