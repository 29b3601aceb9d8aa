//! Rules of detection engines: each becomes an indicator that has its whole text as pattern.

use super::unique;
use crate::frame::stamp;
use crate::indicator::Maker;
use crate::output::Output;
use crate::shared::{Part, Reference, SharedKey, cve_reference, technique_in, technique_reference};
use crate::value::{FileHash, Value, read};
use regex_automata::meta::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use stix_model::sco::File;
use stix_model::sdo::Indicator;
use stix_model::vocab::{IndicatorType, PatternType};
use stix_model::{BuildError, ExternalReference, Hashes, KillChainPhase, Object, Timestamp, ToObject};

/// What a rule says of itself.
pub(super) struct Rule {
    /// What the source calls it: it names the indicator.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) pattern: String,
    pub(super) pattern_type: PatternType,
    pub(super) description: Option<String>,
    pub(super) author: Option<String>,
    pub(super) references: Vec<Reference>,
    pub(super) labels: Vec<String>,
    pub(super) confidence: Option<i64>,
    pub(super) created: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
    /// Tactics of ATT&CK.
    pub(super) tactics: Vec<String>,
    /// Techniques of ATT&CK.
    pub(super) techniques: BTreeSet<String>,
    /// Groups of attackers: a name and, where ATT&CK has it, the identifier there.
    pub(super) groups: BTreeSet<String>,
    pub(super) malware: BTreeSet<String>,
    pub(super) vulnerabilities: BTreeSet<String>,
    /// Hashes of files that the rule was made for.
    pub(super) samples: Vec<(FileHash, String)>,
}

impl Rule {
    pub(super) fn new(key: String, name: String, pattern: String, pattern_type: PatternType) -> Self {
        Self {
            key,
            name,
            pattern,
            pattern_type,
            description: None,
            author: None,
            references: Vec::new(),
            labels: Vec::new(),
            confidence: None,
            created: None,
            modified: None,
            tactics: Vec::new(),
            techniques: BTreeSet::new(),
            groups: BTreeSet::new(),
            malware: BTreeSet::new(),
            vulnerabilities: BTreeSet::new(),
            samples: Vec::new(),
        }
    }

    /// Takes a hash of a sample, when it is one.
    pub(super) fn sample(&mut self, text: &str) -> bool {
        match read(crate::value::Kind::Hash, text) {
            Ok((Value::Hash(algorithm, hash), _)) => {
                self.samples.push((algorithm, hash));
                true
            }
            _ => false,
        }
    }

    /// Takes the vulnerabilities and the techniques of ATT&CK that a text names.
    pub(super) fn mentions(&mut self, text: &str) {
        self.vulnerabilities.extend(cves_in(text));
        self.techniques.extend(technique_in(text));
    }
}

/// The CVE identifiers in a text, written with hyphens or underscores.
pub(super) fn cves_in(text: &str) -> Vec<String> {
    static CVE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:^|[^a-z0-9])cve[-_.]?(\d{4})[-_](\d{4,7})(?:\D|$)")
            .expect("it is a regular expression")
    });
    let groups = CVE.captures_iter(text);
    groups
        .filter_map(|found| {
            let part = |index| Some(&text[found.get_group(index)?.range()]);
            Some(format!("CVE-{}-{}", part(1)?, part(2)?))
        })
        .collect()
}

/// Longest rule that is taken, in bytes.
const MAX_RULE: usize = 1 << 20;

/// Makes the objects of rules, each key once.
pub(super) struct Rules<'m, 'f> {
    maker: &'m Maker<'f>,
    keys: BTreeSet<String>,
}

impl<'m, 'f> Rules<'m, 'f> {
    pub(super) fn new(maker: &'m Maker<'f>) -> Self {
        Self { maker, keys: BTreeSet::new() }
    }

    /// Makes the objects of a rule.
    pub(super) fn take(&mut self, rule: &Rule, out: &mut dyn Output) -> Result<(), String> {
        if rule.pattern.len() > MAX_RULE {
            return Err(format!("the rule is longer than {MAX_RULE} bytes"));
        }
        if !self.keys.insert(rule.key.clone()) {
            return Err(format!("`{}` stands for another rule before it", rule.key));
        }
        self.make(rule, out).map_err(|error| error.to_string())
    }

    fn make(&self, rule: &Rule, out: &mut dyn Output) -> Result<(), BuildError> {
        let maker = self.maker;
        let created =
            rule.created.clone().or_else(|| rule.modified.clone()).unwrap_or_else(|| maker.now().clone());
        let indicator = self.indicator(rule, &created)?;
        let (voice, mut objects) = (maker.voice(), Vec::new());
        let mut relate = |word, target: &stix_model::StixId| -> Result<(), BuildError> {
            objects.push(voice.relate(word, indicator.id(), target, &created)?);
            Ok(())
        };
        let part = |name: &str| Part::new(maker.feed(), maker.frame(), name, crate::frame::EPOCH.clone());
        let mut parts = Vec::new();
        for technique in &rule.techniques {
            let key = SharedKey::attack_pattern(technique);
            relate("indicates", &key.id())?;
            let mut part = part(technique);
            part.references.push(technique_reference(technique));
            parts.push((key, part));
        }
        for group in &rule.groups {
            let key = SharedKey::intrusion_set(group);
            relate("indicates", &key.id())?;
            let mut part = part(group);
            if is_group(group) {
                part.references.push(Reference {
                    source: "mitre-attack".to_owned(),
                    id: Some(group.clone()),
                    url: Some(format!("https://attack.mitre.org/groups/{group}")),
                });
            }
            parts.push((key, part));
        }
        for malware in &rule.malware {
            let key = SharedKey::malware(malware);
            relate("indicates", &key.id())?;
            parts.push((key, part(malware)));
        }
        for cve in &rule.vulnerabilities {
            let key = SharedKey::vulnerability(cve);
            relate("related-to", &key.id())?;
            let mut part = part(cve);
            part.references.push(cve_reference(cve));
            parts.push((key, part));
        }
        let mut files = Vec::new();
        for (algorithm, hash) in &rule.samples {
            let mut hashes = Hashes::default();
            hashes.set(algorithm.algorithm(), hash.clone());
            let file = File::new().hashes(hashes).to_object()?;
            relate("based-on", file.id())?;
            files.push(file);
        }
        parts.into_iter().for_each(|(key, part)| out.part(key, part));
        files.into_iter().chain([indicator]).chain(objects).for_each(|object| out.object(object));
        Ok(())
    }

    fn indicator(&self, rule: &Rule, created: &Timestamp) -> Result<Object, BuildError> {
        let feed = self.maker.feed();
        let labels = unique(feed.labels.iter().chain(&rule.labels).cloned());
        // The author has no property of an indicator, and is not who made the object.
        let mut first = ExternalReference::new(feed.publisher.clone()).external_id(rule.key.clone());
        if let Some(author) = &rule.author {
            first = first.description(format!("Written by {author}."));
        }
        let references = rule.references.iter().map(crate::frame::reference);
        let references: Vec<ExternalReference<'_>> = [first].into_iter().chain(references).collect();
        let phases = rule.tactics.iter().map(|tactic| KillChainPhase::new("mitre-attack", tactic.as_str()));
        let stamp = stamp("indicator", &[&feed.name, &rule.key], created);
        let mut indicator =
            Indicator::new(stamp, rule.pattern.as_str(), rule.pattern_type.clone(), created.clone())
                .name(rule.name.as_str())
                .indicator_types(feed.indicator_types.iter().map(|word| IndicatorType::from(word.as_str())))
                .kill_chain_phases(phases)
                .labels(labels)
                .external_references(references);
        self.maker.voice().mark(&mut indicator.common);
        if let Some(modified) = rule.modified.as_ref().filter(|modified| *modified > created) {
            indicator.common.modified = modified.clone();
        }
        if rule.pattern_type == PatternType::Stix {
            indicator = indicator.pattern_version("2.1");
        }
        if let Some(description) = rule.description.as_deref().filter(|text| !text.is_empty()) {
            indicator = indicator.description(description);
        }
        if let Some(confidence) = rule.confidence.or(feed.confidence.map(i64::from)) {
            indicator = indicator.confidence(confidence.clamp(0, 100));
        }
        indicator.to_object()
    }
}

/// Whether a text is the identifier of a group in ATT&CK.
pub(super) fn is_group(text: &str) -> bool {
    text.len() == 5 && text.starts_with('G') && text[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// A page that a source points to; `None` for what is no URL.
pub(super) fn page(source: &str, text: &str) -> Option<Reference> {
    let url = text.trim();
    let is_url = url.contains("://") && !url.contains(char::is_whitespace);
    is_url.then(|| Reference {
        source: source.to_owned(),
        id: None,
        url: Some(crate::indicator::percent_encoded(url)),
    })
}
