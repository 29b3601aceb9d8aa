//! Things that several sources describe: a vulnerability, a malware family. There is one object for each, with one identifier
//! whichever source came first, and an extension tells what each source says.

mod following;

use crate::convert::unique;
use crate::feed::Feed;
use crate::frame::{CONCORD, EPOCH, Frame, reference, sdo_uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use stix_model::meta::ExtensionDefinition;
use stix_model::sdo::{AttackPattern, IntrusionSet, Malware, Tool, Vulnerability};
use stix_model::vocab::ExtensionType;
use stix_model::{BuildError, ExternalReference, Object, Ref, Stamp, StixId, Timestamp, Tlp, ToObject, to};

/// The name by which sources mean the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedKey {
    /// A malware family, by its name in lower case without anything but letters and digits.
    Malware(String),
    /// A vulnerability, by its CVE identifier, or by that of another catalogue.
    Vulnerability(String),
    /// A way to attack, by its identifier in ATT&CK, or by its name.
    AttackPattern(String),
    /// A group of attackers, by its name as that of a malware family.
    IntrusionSet(String),
    /// A tool, by its name as that of a malware family.
    Tool(String),
}

impl SharedKey {
    /// The key of a malware family.
    pub fn malware(name: &str) -> Self {
        Self::Malware(plain(name))
    }

    /// The key of a group of attackers.
    pub fn intrusion_set(name: &str) -> Self {
        Self::IntrusionSet(plain(name))
    }

    /// The key of a tool.
    pub fn tool(name: &str) -> Self {
        Self::Tool(plain(name))
    }

    /// The key of a way to attack, as of `T1059.001`, `t1059.001` or `PowerShell - T1059.001`.
    pub fn attack_pattern(name: &str) -> Self {
        Self::AttackPattern(technique_in(name).unwrap_or_else(|| plain(name)))
    }

    /// The key of a vulnerability.
    pub fn vulnerability(name: &str) -> Self {
        Self::Vulnerability(name.trim().to_uppercase())
    }

    fn object_type(&self) -> &'static str {
        match self {
            Self::Malware(_) => "malware",
            Self::Vulnerability(_) => "vulnerability",
            Self::AttackPattern(_) => "attack-pattern",
            Self::IntrusionSet(_) => "intrusion-set",
            Self::Tool(_) => "tool",
        }
    }

    fn name(&self) -> &str {
        let (Self::Malware(name)
        | Self::Vulnerability(name)
        | Self::AttackPattern(name)
        | Self::IntrusionSet(name)
        | Self::Tool(name)) = self;
        name
    }

    /// Whether the name had no letter or digit.
    pub(crate) fn is_empty(&self) -> bool {
        self.name().is_empty()
    }

    /// The identifier of its object.
    pub fn id(&self) -> StixId {
        let name = self.name();
        let uuid = sdo_uuid(&[self.object_type(), name]);
        format!("{}--{uuid}", self.object_type()).parse().expect("a type and a UUID make an identifier")
    }
}

/// A name without what sources write differently: letters in lower case, and digits.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The identifier of a technique of ATT&CK in a text, in capitals.
pub(crate) fn technique_in(text: &str) -> Option<String> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '.').find_map(|word| {
        let digits = word.strip_prefix(['T', 't'])?;
        let (number, sub) = digits.split_once('.').unwrap_or((digits, "000"));
        let is_number =
            |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(number, 4) && is_number(sub, 3)).then(|| word.to_ascii_uppercase())
    })
}

/// What one source says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The feed.
    pub feed: String,
    /// Its name for people.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// When the source first had it.
    pub created: Timestamp,
    /// When the source changed what it says.
    pub modified: Timestamp,
    /// Other names.
    pub aliases: Vec<String>,
    /// Words of the source.
    pub labels: Vec<String>,
    /// Where it is described: a source name, an identifier there, a URL.
    pub references: Vec<Reference>,
    /// Whether the source withdrew it.
    pub is_revoked: bool,
    /// The marking of the source.
    pub tlp: Tlp,
    /// Other markings of the source.
    pub markings: Vec<StixId>,
    /// What else the source says, in its words.
    pub facts: Map<String, Json>,
}

/// A pointer to a catalogue or a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// The catalogue or the publisher.
    pub source: String,
    /// The identifier there.
    pub id: Option<String>,
    /// The page.
    pub url: Option<String>,
}

impl Part {
    /// What a feed says, with nothing but a name and a time.
    pub fn new(feed: &Feed, frame: &Frame, name: impl Into<String>, created: Timestamp) -> Self {
        Self {
            feed: feed.name.clone(),
            name: name.into(),
            description: None,
            modified: created.clone(),
            created,
            aliases: Vec::new(),
            labels: Vec::new(),
            references: Vec::new(),
            is_revoked: false,
            tlp: feed.tlp,
            markings: frame.statement().into_iter().cloned().collect(),
            facts: Map::new(),
        }
    }

    /// Adds what another record of the same feed says.
    pub fn join(&mut self, other: Self) {
        let add = |all: &mut Vec<String>, more: Vec<String>| {
            *all = unique(std::mem::take(all).into_iter().chain(more));
        };
        if other.name != self.name {
            add(&mut self.aliases, vec![other.name]);
        }
        add(&mut self.aliases, other.aliases);
        add(&mut self.labels, other.labels);
        for reference in other.references {
            if !self.references.contains(&reference) {
                self.references.push(reference);
            }
        }
        self.description = self.description.take().or(other.description);
        if other.created < self.created {
            self.created = other.created;
        }
        if other.modified > self.modified {
            self.modified = other.modified;
        }
        self.is_revoked &= other.is_revoked;
        self.facts.extend(other.facts);
    }
}

/// The extension that tells what each source says.
fn extension_id() -> String {
    format!("extension-definition--{}", sdo_uuid(&["extension-definition", "sources"]))
}

/// The objects that merged ones need: who made them and, where they tell facts, the extension that they stand in.
pub(crate) fn frame(has_facts: bool) -> Result<Vec<Object>, BuildError> {
    let concord = crate::frame::concord()?;
    if !has_facts {
        return Ok(vec![concord]);
    }
    let stamp = Stamp { uuid: sdo_uuid(&["extension-definition", "sources"]), created: EPOCH.clone() };
    let schema =
        "https://github.com/concord-cti/concord/blob/main/clients/feeds/README.md#what-each-source-says";
    let kinds = [ExtensionType::PropertyExtension];
    let extension = ExtensionDefinition::new(stamp, "What each source says", schema, "1.0.0", kinds)
        .description("Facts of several sources about one object: `sources` has one member for each feed.")
        .created_by_ref(Ref::<to::Identity>::try_from(concord.id())?)
        .to_object()?;
    Ok(vec![concord, extension])
}

/// Makes the object of what sources say. The order of the parts does not matter.
///
/// # Errors
/// When the sources say what no object can hold.
pub fn merge(key: &SharedKey, parts: &[Part]) -> Result<Object, BuildError> {
    let mut parts: Vec<&Part> = parts.iter().collect();
    let order =
        |part: &&Part| (part.feed.clone(), part.created.clone(), part.modified.clone(), part.name.clone());
    parts.sort_by_cached_key(order);
    let first = parts.first().expect("a source says something");
    let is_identifier = |name: &str| matches!(key, SharedKey::AttackPattern(id) if id == name);
    // A source that knows more than an identifier gives the name.
    let name = parts.iter().map(|part| &part.name).find(|name| !is_identifier(name)).unwrap_or(&first.name);
    let created = parts.iter().map(|part| &part.created).min().unwrap_or(&first.created).clone();
    let modified = parts.iter().map(|part| &part.modified).max().unwrap_or(&created).clone();
    let description = parts.iter().filter_map(|part| part.description.as_ref()).max_by_key(|text| text.len());
    let tlp = parts.iter().map(|part| part.tlp).max().unwrap_or(Tlp::Clear);
    let collect = |of: fn(&Part) -> &Vec<String>| {
        let mut all: Vec<String> = parts.iter().flat_map(|part| of(part).iter().cloned()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut aliases = collect(|part| &part.aliases);
    aliases.extend(parts.iter().map(|part| part.name.clone()));
    aliases.sort_unstable();
    aliases.dedup();
    aliases.retain(|alias| alias != name && !is_identifier(alias));
    let labels = collect(|part| &part.labels);
    let mut references: Vec<Reference> =
        parts.iter().flat_map(|part| part.references.iter().cloned()).collect();
    references.sort_unstable();
    references.dedup();
    let references: Vec<ExternalReference<'_>> = references.iter().map(reference).collect();
    let mut markings: Vec<&StixId> = parts.iter().flat_map(|part| &part.markings).collect();
    markings.sort_unstable();
    markings.dedup();
    let markings: Vec<Ref<to::MarkingDefinition>> =
        markings.into_iter().map(Ref::try_from).collect::<Result<_, _>>()?;
    let is_revoked = parts.iter().all(|part| part.is_revoked);
    let extension = facts(&parts);
    let created_by = Ref::<to::Identity>::try_from(CONCORD.clone())?;
    let stamp = Stamp { uuid: key.id().uuid(), created };
    macro_rules! finish {
        ($object:expr) => {{
            let mut object = $object
                .created_by_ref(created_by)
                .labels(labels)
                .external_references(references)
                .object_marking_refs(markings)
                .tlp(tlp);
            object.common.modified = modified;
            if let Some(description) = description {
                object = object.description(description.as_str());
            }
            if is_revoked {
                object = object.revoked(true);
            }
            if let Some(extension) = extension {
                object = object.extension(extension_id(), extension);
            }
            object.to_object()
        }};
    }
    match key {
        SharedKey::Malware(_) => {
            finish!(Malware::new(stamp, true).name(name.as_str()).aliases(aliases))
        }
        SharedKey::Vulnerability(_) => finish!(Vulnerability::new(stamp, name.as_str())),
        SharedKey::AttackPattern(_) => finish!(AttackPattern::new(stamp, name.as_str()).aliases(aliases)),
        SharedKey::IntrusionSet(_) => finish!(IntrusionSet::new(stamp, name.as_str()).aliases(aliases)),
        SharedKey::Tool(_) => finish!(Tool::new(stamp, name.as_str()).aliases(aliases)),
    }
}

fn facts(parts: &[&Part]) -> Option<stix_model::Json<'static>> {
    // A feed may have several records of one thing, such as two advisories; each tells its facts under a name of its own.
    let mut sources: BTreeMap<&str, BTreeMap<&str, &Json>> = BTreeMap::new();
    for part in parts.iter().filter(|part| !part.facts.is_empty()) {
        let facts = part.facts.iter().map(|(name, fact)| (name.as_str(), fact));
        sources.entry(&part.feed).or_default().extend(facts);
    }
    if sources.is_empty() {
        return None;
    }
    let sources = serde_json::json!({ "extension_type": "property-extension", "sources": sources });
    stix_model::Json::parse(sources.to_string()).ok()
}

/// The objects of all things that sources share, with what they refer to.
///
/// # Errors
/// When the sources say what no object can hold.
pub fn merged(parts: &BTreeMap<SharedKey, Vec<Part>>) -> Result<Vec<Object>, BuildError> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let mut objects = frame(parts.values().flatten().any(|part| !part.facts.is_empty()))?;
    for (key, parts) in parts {
        objects.push(merge(key, parts)?);
    }
    Ok(objects)
}

/// The catalogue of vulnerabilities.
pub(crate) fn cve_reference(cve: &str) -> Reference {
    Reference { source: "cve".to_owned(), id: Some(cve.to_owned()), url: None }
}

/// Where ATT&CK describes a technique.
pub(crate) fn technique_reference(technique: &str) -> Reference {
    Reference {
        source: "mitre-attack".to_owned(),
        id: Some(technique.to_owned()),
        url: Some(format!("https://attack.mitre.org/techniques/{}", technique.replace('.', "/"))),
    }
}
