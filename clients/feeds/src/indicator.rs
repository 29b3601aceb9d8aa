//! From what a record says to objects: an indicator with its pattern, what it is based on, and the malware that it points to.

use crate::convert::unique;
use crate::feed::{Feed, OnWarninglist};
use crate::frame::{Frame, Voice, id, reference};
use crate::observation::{MalwareName, Observation};
use crate::output::{Output, Standing};
use crate::shared::{Part, Reference, SharedKey};
use crate::value::{FileHash, Value};
use percent_encoding::{AsciiSet, CONTROLS};
use std::net::IpAddr;
use stix_model::pattern::Constant;
use stix_model::sco::{
    AutonomousSystem, DomainName, EmailAddress, File, Ipv4Address, Ipv6Address, Mutex, Url, X509Certificate,
};
use stix_model::sdo::Indicator;
use stix_model::vocab::{HashAlgorithm, IndicatorType, PatternType};
use stix_model::{BuildError, ExternalReference, Hashes, Object, Stamp, StixId, Timestamp, ToObject};

/// Makes the objects of a feed.
pub struct Maker<'f> {
    feed: &'f Feed,
    frame: Frame,
    /// When the feed was fetched.
    now: Timestamp,
}

/// Why an observation becomes no objects.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// It is no valid object.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// It is on a warning list, and the feed is to be held to those.
    #[error("it is on the warning list `{0}`")]
    Held(String),
}

/// The highest confidence of what is on a warning list.
const WARNED: i64 = 10;

fn warned(seen: &Observation, list: &str, usual: Option<u8>) -> Observation {
    let mut seen = seen.clone();
    let confidence = seen.confidence.or(usual.map(i64::from));
    seen.confidence = Some(confidence.unwrap_or(WARNED).min(WARNED));
    seen.labels.push(format!("warninglist: {list}"));
    seen
}

impl<'f> Maker<'f> {
    /// What makes the objects of a feed that was fetched at a time.
    ///
    /// # Errors
    /// When its declaration holds what no object can.
    pub fn new(feed: &'f Feed, now: Timestamp) -> Result<Self, BuildError> {
        Ok(Self { feed, frame: Frame::new(feed)?, now })
    }

    /// The publisher and the terms.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// When the feed was fetched.
    pub fn now(&self) -> &Timestamp {
        &self.now
    }

    /// The feed.
    pub fn feed(&self) -> &'f Feed {
        self.feed
    }

    /// Makes the objects of an observation.
    ///
    /// # Errors
    /// When the observation is no valid object.
    pub fn observe(&self, seen: &Observation, out: &mut dyn Output) -> Result<(), ObserveError> {
        let list = out.warninglist(&seen.value).map(str::to_owned);
        let warned = match list {
            Some(list) if self.feed.on_warninglist == OnWarninglist::Hold => {
                return Err(ObserveError::Held(list));
            }
            Some(list) => Some(warned(seen, &list, self.feed.confidence)),
            None => None,
        };
        let seen = warned.as_ref().unwrap_or(seen);
        let observable = observable(seen)?;
        let indicator = self.indicator(seen, out)?;
        let created = indicator.header().created.clone().unwrap_or_else(|| self.now.clone());
        let voice = self.voice();
        let based_on = voice.relate("based-on", indicator.id(), observable.id(), &created);
        let malware = seen.malware.as_ref().map(|malware| (SharedKey::malware(&malware.name), malware));
        let indicates =
            malware.as_ref().map(|(key, _)| voice.relate("indicates", indicator.id(), &key.id(), &created));
        let (based_on, indicates) = (based_on?, indicates.transpose()?);
        if let Some((key, malware)) = malware {
            out.part(key, self.malware(malware));
        }
        [Some(observable), Some(indicator), Some(based_on), indicates]
            .into_iter()
            .flatten()
            .for_each(|object| out.object(object));
        Ok(())
    }

    fn malware(&self, malware: &MalwareName) -> Part {
        let mut part = Part::new(self.feed, &self.frame, &malware.name, crate::frame::EPOCH.clone());
        part.aliases.clone_from(&malware.aliases);
        let source = || {
            malware.link.as_deref().and_then(host).map_or_else(|| self.feed.publisher.clone(), str::to_owned)
        };
        part.references = malware
            .link
            .iter()
            .map(|url| Reference { source: source(), id: None, url: Some(url.clone()) })
            .collect();
        part
    }

    /// The publisher, and how what it says may be used.
    pub(crate) fn voice(&self) -> Voice {
        self.frame.voice(self.feed)
    }

    fn indicator(&self, seen: &Observation, out: &dyn Output) -> Result<Object, BuildError> {
        let name = name_of(seen);
        let (id, standing) = self.standing(&[&self.feed.name, kind_of(&seen.value), &name], out);
        let made = match &standing {
            Standing::Made { created, .. } => created,
            _ => &self.now,
        };
        let valid_from = seen.first_seen.as_ref().unwrap_or(made).clone();
        let stamp = Stamp { uuid: id.uuid(), created: valid_from.clone() };
        let feed = self.feed;
        let labels = unique(feed.labels.iter().chain(&seen.labels).cloned());
        let types =
            if seen.indicator_types.is_empty() { &feed.indicator_types } else { &seen.indicator_types };
        let mut references: Vec<Reference> = Vec::new();
        let source = || feed.publisher.clone();
        match (&seen.external_id, seen.links.split_first()) {
            (id, Some((first, rest))) => {
                references.push(Reference { source: source(), id: id.clone(), url: Some(first.clone()) });
                references.extend(rest.iter().map(|url| Reference {
                    source: source(),
                    id: None,
                    url: Some(url.clone()),
                }));
            }
            (Some(id), None) => {
                references.push(Reference { source: source(), id: Some(id.clone()), url: None })
            }
            (None, None) => {}
        }
        let references: Vec<ExternalReference<'_>> = references.iter().map(reference).collect();
        let mut indicator = Indicator::new(stamp, pattern(seen), PatternType::Stix, valid_from.clone())
            .name(name)
            .pattern_version("2.1")
            .indicator_types(types.iter().map(|word| IndicatorType::from(word.as_str())))
            .labels(labels)
            .external_references(references);
        self.voice().mark(&mut indicator.common);
        if let Some(confidence) = seen.confidence.or(feed.confidence.map(i64::from)) {
            indicator = indicator.confidence(confidence.clamp(0, 100));
        }
        if let Some(description) = &seen.description {
            indicator = indicator.description(description.as_str());
        }
        if let Some(valid_until) = self.valid_until(seen, &valid_from, &standing) {
            indicator = indicator.valid_until(valid_until);
        }
        indicator.to_object()
    }

    /// The identifier of an indicator, and what earlier runs made under it. What was withdrawn stays withdrawn: when the
    /// source has it again, it is another indicator.
    fn standing(&self, names: &[&str], out: &dyn Output) -> (StixId, Standing) {
        let mut known = id("indicator", names);
        for again in 2.. {
            match out.standing(&known) {
                Standing::Revoked => known = id("indicator", &[names, &[&format!("again {again}")]].concat()),
                standing => return (known, standing),
            }
        }
        unreachable!("one of the identifiers was never used")
    }

    /// Until when it is worth looking for: from the last time that the source saw it, as long as the feed says. A source that
    /// has no times has it while it lists it, so this is renewed when half of it is over.
    fn valid_until(&self, seen: &Observation, from: &Timestamp, standing: &Standing) -> Option<Timestamp> {
        let last = seen.last_seen.as_ref().filter(|last| *last >= from);
        let after = |from: &Timestamp, micros| crate::time::from_micros(from.micros().saturating_add(micros));
        match (last, self.feed.time_to_live, standing) {
            (Some(last), None, _) if seen.is_over => after(last, 1_000),
            (_, None, _) => None,
            (Some(last), Some(live), _) => after(last, live.micros()),
            (None, Some(live), _) if seen.first_seen.is_some() => after(from, live.micros()),
            (None, Some(live), Standing::Made { valid_until: Some(until), .. })
                if until.micros() - self.now.micros() >= live.micros() / 2 =>
            {
                Some(until.clone())
            }
            (None, Some(live), _) => after(&self.now, live.micros()),
        }
    }
}

/// The host that a URL names.
pub(crate) fn host(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split('/').next().filter(|host| !host.is_empty())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Address(_) | Value::Network(_) => "address",
        Value::Domain(_) => "domain",
        Value::Url(_) => "url",
        Value::Email(_) => "email",
        Value::Hash(..) => "file",
        Value::CertificateSha1(_) => "certificate",
        Value::Asn(_) => "asn",
        Value::Mutex(_) => "mutex",
        Value::FileName(_) => "file-name",
    }
}

/// A name for people, by which the feed has one indicator.
fn name_of(seen: &Observation) -> String {
    let value = text_of(&seen.value);
    match (&seen.value, seen.port) {
        (Value::Address(IpAddr::V6(_)), Some(port)) => format!("[{value}]:{port}"),
        (_, Some(port)) => format!("{value}:{port}"),
        (_, None) => value,
    }
}

pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Address(address) => address.to_string(),
        Value::Network(network) => network.to_string(),
        Value::Asn(number) => format!("AS{number}"),
        Value::Domain(text)
        | Value::Url(text)
        | Value::Email(text)
        | Value::Hash(_, text)
        | Value::CertificateSha1(text)
        | Value::Mutex(text)
        | Value::FileName(text) => text.clone(),
    }
}

/// A string constant of a pattern (STIX 2.1, section 9.6).
///
/// ```
/// assert_eq!(taxii_feeds::quote(r"a'b\c"), r"'a\'b\\c'");
/// ```
pub fn quote(text: &str) -> String {
    Constant::String(text.into()).to_string()
}

pub(crate) fn pattern(seen: &Observation) -> String {
    let text = quote(&text_of(&seen.value));
    let family = |address: &IpAddr| if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    match (&seen.value, seen.port) {
        (Value::Address(address), Some(port)) => format!(
            "[network-traffic:dst_ref.type = '{}' AND network-traffic:dst_ref.value = {text} AND network-traffic:dst_port = {port}]",
            family(address)
        ),
        (Value::Address(address), None) => format!("[{}:value = {text}]", family(address)),
        (Value::Network(network), _) => format!("[{}:value ISSUBSET {text}]", family(&network.addr())),
        (Value::Domain(_), _) => format!("[domain-name:value = {text}]"),
        (Value::Url(_), _) => format!("[url:value = {text}]"),
        (Value::Email(_), _) => format!("[email-addr:value = {text}]"),
        (Value::Hash(algorithm, _), _) => format!("[file:hashes.'{}' = {text}]", algorithm.name()),
        (Value::CertificateSha1(_), _) => format!("[x509-certificate:hashes.'SHA-1' = {text}]"),
        (Value::Asn(number), _) => format!("[autonomous-system:number = {number}]"),
        (Value::Mutex(_), _) => format!("[mutex:name = {text}]"),
        (Value::FileName(_), _) => format!("[file:name = {text}]"),
    }
}

/// A URL with those characters encoded that none may have (RFC 3986, section 2); what attackers use is often not valid. The
/// pattern has the URL as it was seen.
pub(crate) fn percent_encoded(url: &str) -> String {
    const FORBIDDEN: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    percent_encoding::utf8_percent_encode(url, FORBIDDEN).to_string()
}

pub(crate) fn observable(seen: &Observation) -> Result<Object, BuildError> {
    let text = text_of(&seen.value);
    let is_v4 = |address: IpAddr| address.is_ipv4();
    match &seen.value {
        Value::Address(address) if is_v4(*address) => Ipv4Address::new(text).to_object(),
        Value::Network(network) if is_v4(network.addr()) => Ipv4Address::new(text).to_object(),
        Value::Address(_) | Value::Network(_) => Ipv6Address::new(text).to_object(),
        Value::Domain(_) => DomainName::new(text).to_object(),
        Value::Url(_) => Url::new(percent_encoded(&text)).to_object(),
        Value::Email(_) => EmailAddress::new(text).to_object(),
        Value::Hash(algorithm, _) => file(seen, Some((*algorithm, text))).to_object(),
        Value::FileName(_) => file(seen, None).name(text).to_object(),
        Value::CertificateSha1(_) => {
            let mut hashes = Hashes::default();
            hashes.set(HashAlgorithm::Sha1, text);
            X509Certificate::new().hashes(hashes).to_object()
        }
        Value::Asn(number) => AutonomousSystem::new(i64::from(*number)).to_object(),
        Value::Mutex(_) => Mutex::new(text).to_object(),
    }
}

fn file(seen: &Observation, named_by: Option<(FileHash, String)>) -> File<'static> {
    let mut hashes = Hashes::default();
    let facts = &seen.file;
    let mut all = facts.hashes.clone();
    all.extend(named_by);
    let has_hashes = !all.is_empty();
    for (algorithm, text) in all {
        hashes.set(algorithm.algorithm(), text);
    }
    let mut file = File::new();
    if has_hashes {
        file = file.hashes(hashes);
    }
    if let Some(name) = &facts.name {
        file = file.name(name.clone());
    }
    if let Some(size) = facts.size {
        file = file.size(size);
    }
    if let Some(mime_type) = &facts.mime_type {
        file = file.mime_type(mime_type.clone());
    }
    file
}
