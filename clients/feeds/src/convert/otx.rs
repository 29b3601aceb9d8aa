//! Pulses of AlienVault OTX: each a report of its author, with indicators, families, techniques and the adversary.

use super::ConvertError;
use super::document;
use super::misp::{Seen, Shape, shape};
use super::rule::page;
use super::unique;
use crate::frame::{EPOCH, Voice, id, sdo_uuid, stamp};
use crate::indicator::{Maker, quote};
use crate::output::{Output, Rejected};
use crate::shared::{Part, Reference, SharedKey, cve_reference, technique_in, technique_reference};
use crate::time;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use stix_model::sco::{Directory, File};
use stix_model::sdo::{Identity, Indicator, Location, Note, Report};
use stix_model::vocab::{IdentityClass, IndicatorType, PatternType, ReportType};
use stix_model::{
    BuildError, Common, ExternalReference, Object, Ref, Stamp, StixId, Timestamp, Tlp, ToObject,
};

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let document: Value = document::parse(&document::bytes(input)?)?;
    let pulses: Vec<&Value> = match document.get("results").unwrap_or(&document) {
        Value::Array(pulses) => pulses.iter().collect(),
        pulse if pulse.get("indicators").is_some() => vec![pulse],
        _ => return Err(ConvertError::Form("it has no pulses".to_owned())),
    };
    for (number, pulse) in pulses.into_iter().enumerate() {
        out.record();
        let name =
            one(pulse, "id").map_or_else(|| format!("pulse {}", number + 1), |id| format!("pulse {id}"));
        let made = Pulse::new(maker, pulse).and_then(|made| made.read(pulse, &name, out));
        if let Err(reason) = made {
            out.reject(Rejected { record: name, reason });
        }
    }
    Ok(())
}

fn one<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Texts of a list. Some lists have objects with a name in them.
fn texts(value: &Value, name: &str) -> Vec<String> {
    let all = value.get(name).and_then(Value::as_array);
    let named = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        object => ["display_name", "name", "id"].iter().find_map(|name| one(object, name)).map(str::to_owned),
    };
    all.into_iter().flatten().filter_map(named).filter(|text| !text.is_empty()).collect()
}

fn at(value: &Value, name: &str) -> Option<Timestamp> {
    one(value, name).and_then(time::read)
}

/// The type of MISP that stands for one of OTX; both name the same things.
fn kind_of(name: &str) -> &str {
    match name {
        "IPv4" | "IPv6" | "CIDR" => "ip-dst",
        "FileHash-MD5" => "md5",
        "FileHash-SHA1" => "sha1",
        "FileHash-SHA256" => "sha256",
        "FileHash-PEHASH" => "pehash",
        "FileHash-IMPHASH" => "imphash",
        "URL" => "url",
        "URI" => "uri",
        "Mutex" => "mutex",
        "SSLCertFingerprint" => "x509-fingerprint-sha1",
        // A rule has its text elsewhere.
        "YARA" => "text",
        "CVE" => "vulnerability",
        other => other,
    }
}

struct Pulse<'m, 'f> {
    maker: &'m Maker<'f>,
    key: String,
    voice: Voice,
    author: Object,
    created: Timestamp,
    modified: Timestamp,
    refs: Vec<StixId>,
    known: BTreeSet<StixId>,
}

impl<'m, 'f> Pulse<'m, 'f> {
    fn new(maker: &'m Maker<'f>, pulse: &Value) -> Result<Self, String> {
        let key = one(pulse, "id").ok_or("it has no `id`")?.to_owned();
        let created = at(pulse, "created").or_else(|| at(pulse, "modified"));
        let created = created.ok_or("it does not say when it was created")?;
        let modified = at(pulse, "modified").filter(|modified| *modified > created);
        let name = one(pulse, "author_name")
            .or_else(|| pulse.get("author").and_then(|author| one(author, "username")));
        let name = name.unwrap_or(&maker.feed().publisher);
        let author = Identity::new(stamp("identity", &["OTX author", name], &EPOCH), name).to_object();
        let author = author.map_err(|error| error.to_string())?;
        let tlp = one(pulse, "tlp").or_else(|| one(pulse, "TLP")).map(str::to_lowercase);
        let tlp = tlp.and_then(|level| level.replace("white", "clear").parse::<Tlp>().ok());
        let mut voice = maker.voice().at_least(tlp);
        voice.created_by = Ref::try_from(&author).map_err(|error| error.to_string())?;
        let modified = modified.unwrap_or_else(|| created.clone());
        Ok(Self { maker, key, voice, author, created, modified, refs: Vec::new(), known: BTreeSet::new() })
    }

    fn read(mut self, pulse: &Value, place: &str, out: &mut dyn Output) -> Result<(), String> {
        out.object(self.author.clone());
        let mut unpatterned: BTreeMap<String, u64> = BTreeMap::new();
        for indicator in pulse.get("indicators").and_then(Value::as_array).into_iter().flatten() {
            out.record();
            match self.indicator(indicator, out) {
                Ok(None) => {}
                Ok(Some(kind)) => *unpatterned.entry(kind).or_default() += 1,
                Err(reason) => {
                    let value = one(indicator, "indicator").unwrap_or("without a value");
                    let value: String = value.chars().take(120).collect();
                    out.reject(Rejected { record: format!("{place}: indicator {value}"), reason });
                }
            }
        }
        for (kind, count) in unpatterned {
            out.note(format!("{place}: {count} of type `{kind}` have no pattern in STIX: they are notes"));
        }
        self.names(pulse, out).map_err(|error| error.to_string())?;
        self.report(pulse, out).map_err(|error| error.to_string())
    }

    fn emit(&mut self, object: Object, out: &mut dyn Output) {
        self.mention(object.id().clone());
        out.object(object);
    }

    fn mention(&mut self, id: StixId) {
        if self.known.insert(id.clone()) {
            self.refs.push(id);
        }
    }

    fn part(&mut self, key: SharedKey, name: &str, references: Vec<Reference>, out: &mut dyn Output) {
        if key.is_empty() {
            return;
        }
        let mut part = Part::new(self.maker.feed(), self.maker.frame(), name, EPOCH.clone());
        part.references = references;
        part.tlp = part.tlp.max(self.voice.tlp);
        self.mention(key.id());
        out.part(key, part);
    }

    /// Makes what an indicator becomes; gives its type when it is only a note.
    fn indicator(&mut self, indicator: &Value, out: &mut dyn Output) -> Result<Option<String>, String> {
        let kind = one(indicator, "type").ok_or("it has no `type`")?;
        let value = one(indicator, "indicator").ok_or("it has no `indicator`")?;
        let failed = |error: BuildError| error.to_string();
        if kind == "YARA"
            && let Some(rule) = one(indicator, "content")
        {
            let title = one(indicator, "title").unwrap_or(value);
            let made = self.build(kind, value, title, rule, PatternType::Yara, indicator).map_err(failed)?;
            self.emit(made, out);
            return Ok(None);
        }
        if kind == "FilePath"
            && let Some((directory, name)) = value.rsplit_once(['\\', '/'])
            && !name.is_empty()
            && !directory.is_empty()
        {
            let seen = path(directory, name).map_err(failed)?;
            self.observed(kind, value, seen, indicator, out).map_err(failed)?;
            return Ok(None);
        }
        let kind_there = if kind == "FilePath" { "filename" } else { kind_of(kind) };
        match shape(kind_there, value)? {
            Shape::Observable(seen) => {
                self.observed(kind, value, seen, indicator, out).map_err(failed)?;
                Ok(None)
            }
            Shape::Vulnerability => {
                let cve = value.to_uppercase();
                self.part(SharedKey::vulnerability(value), &cve, vec![cve_reference(&cve)], out);
                Ok(None)
            }
            _ => {
                let key = ["note", &self.maker.feed().name, &self.key, kind, value];
                let stamp = Stamp { uuid: sdo_uuid(&key), created: self.created.clone() };
                let about = id("report", &[&self.maker.feed().name, &self.key]);
                let refs = vec![Ref::try_from(about).map_err(|error| error.to_string())?];
                let content = [Some(value), one(indicator, "content"), one(indicator, "description")];
                let content: Vec<&str> = content.into_iter().flatten().collect();
                let mut note = Note::new(stamp, content.join("\n"), refs).abstract_text(kind.to_owned());
                self.mark(&mut note.common);
                let note = note.to_object().map_err(failed)?;
                self.emit(note, out);
                Ok(Some(kind.to_owned()))
            }
        }
    }

    fn observed(
        &mut self,
        kind: &str,
        value: &str,
        seen: Seen,
        indicator: &Value,
        out: &mut dyn Output,
    ) -> Result<(), BuildError> {
        let pattern = format!("[{}]", seen.comparison);
        let made = self.build(kind, value, value, &pattern, PatternType::Stix, indicator)?;
        let main = seen.objects.last().map(|object| object.id().clone());
        let based_on =
            main.map(|main| self.voice.relate("based-on", made.id(), &main, &self.created)).transpose()?;
        seen.objects.into_iter().chain([made]).chain(based_on).for_each(|object| self.emit(object, out));
        Ok(())
    }

    fn build(
        &self,
        kind: &str,
        value: &str,
        name: &str,
        pattern: &str,
        language: PatternType,
        indicator: &Value,
    ) -> Result<Object, BuildError> {
        let feed = self.maker.feed();
        let created = at(indicator, "created").unwrap_or_else(|| self.created.clone());
        let stamp = stamp("indicator", &[&feed.name, &self.key, kind, value], &created);
        let is_stix = language == PatternType::Stix;
        let mut made = Indicator::new(stamp, pattern, language, created.clone())
            .name(name)
            .indicator_types(feed.indicator_types.iter().map(|word| IndicatorType::from(word.as_str())));
        if is_stix {
            made = made.pattern_version("2.1");
        }
        self.mark(&mut made.common);
        made.common.modified = self.modified.clone().max(created.clone());
        let texts: Vec<&str> = ["title", "description"]
            .iter()
            .filter_map(|member| one(indicator, member))
            .filter(|text| *text != name)
            .collect();
        if !texts.is_empty() {
            made = made.description(texts.join("\n"));
        }
        made.common.confidence = feed.confidence.map(i64::from);
        let mut labels = feed.labels.clone();
        labels.extend(one(indicator, "role").map(|role| format!("role:{role}")));
        if indicator
            .get("is_active")
            .is_some_and(|active| active == &Value::from(0) || active == &Value::Bool(false))
        {
            labels.push("inactive".to_owned());
        }
        let live = feed.time_to_live.map(|live| live.micros());
        let lived = live.and_then(|live| time::from_micros(created.micros().saturating_add(live)));
        if let Some(until) = at(indicator, "expiration").or(lived).filter(|until| *until > created) {
            made = made.valid_until(until);
        }
        made.labels(labels).to_object()
    }

    fn mark(&self, common: &mut Common<'_>) {
        self.voice.mark(common);
        common.modified = self.modified.clone();
    }

    /// What the pulse names as a whole.
    fn names(&mut self, pulse: &Value, out: &mut dyn Output) -> Result<(), BuildError> {
        for name in one(pulse, "adversary").unwrap_or_default().split(',').map(str::trim) {
            self.part(SharedKey::intrusion_set(name), name, Vec::new(), out);
        }
        for name in texts(pulse, "malware_families") {
            // Some have their identifier in ATT&CK behind them.
            let (plain, id) = match name.rsplit_once(" - ") {
                Some((plain, id)) if id.starts_with('S') && id.len() == 5 => {
                    (plain.trim(), Some(id.to_owned()))
                }
                _ => (name.as_str(), None),
            };
            let references =
                id.map(|id| Reference { source: "mitre-attack".to_owned(), id: Some(id), url: None });
            self.part(SharedKey::malware(plain), plain, references.into_iter().collect(), out);
        }
        for text in texts(pulse, "attack_ids") {
            let references = technique_in(&text).map(|technique| technique_reference(&technique));
            // Some have the name behind the identifier.
            let name = text.split_once(" - ").map_or(text.as_str(), |(_, name)| name.trim());
            self.part(SharedKey::attack_pattern(&text), name, references.into_iter().collect(), out);
        }
        for name in texts(pulse, "industries") {
            let stamp = stamp("identity", &[&self.maker.feed().name, "sector", &name], &EPOCH);
            let object =
                Identity::new(stamp, name.as_str()).identity_class(IdentityClass::Class).to_object()?;
            self.emit(object, out);
        }
        for name in texts(pulse, "targeted_countries").iter().filter(|name| is_country(name)) {
            let stamp = stamp("location", &[&self.maker.feed().name, "country", name], &EPOCH);
            let object = Location::new(stamp).name(name.as_str()).country(name.as_str()).to_object()?;
            self.emit(object, out);
        }
        Ok(())
    }

    fn report(mut self, pulse: &Value, out: &mut dyn Output) -> Result<(), BuildError> {
        let feed = self.maker.feed();
        if self.refs.is_empty() {
            self.mention(self.author.id().clone());
        }
        let refs = self.refs.iter().map(Ref::try_from).collect::<Result<Vec<_>, _>>()?;
        let stamp = stamp("report", &[&feed.name, &self.key], &self.created);
        let name = one(pulse, "name").unwrap_or(&self.key);
        let mut references =
            vec![ExternalReference::new(feed.publisher.clone()).external_id(self.key.clone()).url(format!(
                "https://otx.alienvault.com/pulse/{}",
                crate::indicator::percent_encoded(&self.key)
            ))];
        for text in texts(pulse, "references") {
            references.push(match page("reference", &text) {
                Some(reference) => crate::frame::reference(&reference),
                None => ExternalReference::new("reference").description(text),
            });
        }
        let countries = texts(pulse, "targeted_countries").into_iter().filter(|name| !is_country(name));
        let countries = countries.map(|name| format!("targeted-country:{name}"));
        let labels = unique(feed.labels.iter().cloned().chain(texts(pulse, "tags")).chain(countries));
        let mut report = Report::new(stamp, name, self.created.clone(), refs)
            .report_types([ReportType::ThreatReport])
            .labels(labels)
            .external_references(references);
        self.mark(&mut report.common);
        if let Some(description) = one(pulse, "description") {
            report = report.description(description);
        }
        out.object(report.to_object()?);
        Ok(())
    }
}

/// Whether a text is the code of a country; of names there is no list here.
fn is_country(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A file in a directory.
fn path(directory: &str, name: &str) -> Result<Seen, BuildError> {
    let place = Directory::new(directory).to_object()?;
    let file = File::new().name(name).parent_directory_ref(Ref::try_from(&place)?).to_object()?;
    let comparison =
        format!("file:parent_directory_ref.path = {} AND file:name = {}", quote(directory), quote(name));
    Ok(Seen { objects: vec![place, file], comparison, relations: Vec::new() })
}
