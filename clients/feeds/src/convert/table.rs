//! Records by declared fields: what each of them says becomes an observation.

use super::ConvertError;
use super::record::{Found, Record};
use super::unique;
use crate::feed::{Feed, KindPick, Pick};
use crate::indicator::Maker;
use crate::observation::{MalwareName, Observation};
use crate::output::{Output, Rejected};
use crate::time;
use crate::value::{self, FileHash, Kind, Value};
use std::collections::BTreeMap;

pub(super) struct Table<'m, 'f> {
    maker: &'m Maker<'f>,
    feed: &'f Feed,
}

impl<'m, 'f> Table<'m, 'f> {
    pub(super) fn new(maker: &'m Maker<'f>) -> Result<Self, ConvertError> {
        let feed = maker.feed();
        if feed.fields.value.is_none() && feed.fields.hashes.is_empty() {
            return Err(ConvertError::Declaration("it does not say which field is the value".to_owned()));
        }
        Ok(Self { maker, feed })
    }

    /// Makes the objects of a record, or says why there are none.
    pub(super) fn take(&mut self, found: Found<'_>, out: &mut dyn Output) {
        let Found { place, record } = found;
        let is_skipped = record.as_ref().is_ok_and(|record| self.is_skipped(record));
        if is_skipped {
            return;
        }
        out.record();
        let seen = record.and_then(|record| self.observe(&record));
        let made = seen.and_then(|all| {
            all.iter().try_for_each(|seen| self.maker.observe(seen, out).map_err(|error| error.to_string()))
        });
        if let Err(reason) = made {
            out.reject(Rejected { record: place, reason });
        }
    }

    fn is_skipped(&self, record: &Record<'_>) -> bool {
        self.feed.skip.iter().any(|(field, value)| record.texts(field).iter().any(|text| text == value))
    }

    /// What a record says: of several values in one field, the same of each.
    fn observe(&self, record: &Record<'_>) -> Result<Vec<Observation>, String> {
        let fields = &self.feed.fields;
        let mut hashes = BTreeMap::new();
        for (algorithm, pick) in &fields.hashes {
            if let Some(text) = self.first(record, Some(pick)) {
                hashes.insert(*algorithm, algorithm.read(&text).map_err(|error| error.to_string())?);
            }
        }
        let values = match &fields.value {
            Some(pick) => self.values(record, pick)?,
            None => {
                let best = [FileHash::Sha256, FileHash::Sha512, FileHash::Sha1, FileHash::Md5];
                let best =
                    best.into_iter().find_map(|algorithm| Some((algorithm, hashes.get(&algorithm)?.clone())));
                let (algorithm, text) = best.ok_or("it has no hash")?;
                vec![(Value::Hash(algorithm, text), None)]
            }
        };
        let port = match self.first(record, fields.port.as_ref()) {
            Some(text) => Some(text.parse().map_err(|_| format!("`{text}` is no port"))?),
            None => None,
        };
        let common = self.common(record)?;
        Ok(values
            .into_iter()
            .map(|(value, own_port)| {
                // Only an address is a place with ports.
                let port = port.filter(|_| matches!(value, Value::Address(_)));
                let mut seen = Observation { value, port: own_port.or(port), ..common.clone() };
                seen.file.hashes.clone_from(&hashes);
                seen
            })
            .collect())
    }

    fn values(&self, record: &Record<'_>, pick: &Pick) -> Result<Vec<(Value, Option<u16>)>, String> {
        let kind = match &self.feed.fields.kind {
            None => Kind::Any,
            Some(KindPick::All(kind)) => *kind,
            Some(KindPick::Field { field, map }) => {
                let text =
                    record.texts(field).into_iter().next().ok_or_else(|| format!("it has no `{field}`"))?;
                *map.get(&*text).ok_or_else(|| format!("`{field}` is `{text}`, which has no meaning here"))?
            }
        };
        let texts = self.all(record, Some(pick));
        if texts.is_empty() {
            return Err("it has no value".to_owned());
        }
        texts.iter().map(|text| value::read(kind, text).map_err(|error| error.to_string())).collect()
    }

    fn common(&self, record: &Record<'_>) -> Result<Observation, String> {
        let fields = &self.feed.fields;
        let first = |pick: &Option<Pick>| self.first(record, pick.as_ref());
        let at = |pick: &Option<Pick>, what: &str| match self.first(record, pick.as_ref()) {
            None => Ok(None),
            Some(text) => match time::read(&text) {
                Some(time) => Ok(Some(time)),
                // Some write the first year of all for what they do not know.
                None if text.starts_with("0001-") || text.starts_with("0000-") => Ok(None),
                None => Err(format!("{what} `{text}` is no time")),
            },
        };
        let mut seen = Observation::new(Value::FileName(String::new()));
        seen.external_id = first(&fields.id);
        seen.links = self.all(record, fields.link.as_ref());
        seen.links.retain(|link| link.contains("://"));
        seen.description = first(&fields.description);
        seen.labels = self.all(record, fields.labels.as_ref());
        seen.malware =
            first(&fields.malware).filter(|name| !name.eq_ignore_ascii_case("unknown malware")).map(|name| {
                let aliases = self.all(record, fields.malware_aliases.as_ref());
                MalwareName { name, aliases, link: first(&fields.malware_link) }
            });
        seen.confidence = match first(&fields.confidence) {
            Some(text) => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                Some(number.ok_or_else(|| format!("`{text}` is no confidence"))?.round() as i64)
            }
            None => None,
        };
        seen.first_seen = at(&fields.first_seen, "first seen")?;
        seen.last_seen = at(&fields.last_seen, "last seen")?;
        seen.is_over = first(&fields.over).is_some();
        seen.file.name = first(&fields.file_name);
        seen.file.mime_type = first(&fields.mime_type);
        seen.file.size = first(&fields.file_size).and_then(|text| text.parse().ok());
        Ok(seen)
    }

    fn first(&self, record: &Record<'_>, pick: Option<&Pick>) -> Option<String> {
        self.all(record, pick).into_iter().next()
    }

    /// The values of a pick, in their order, each once.
    fn all(&self, record: &Record<'_>, pick: Option<&Pick>) -> Vec<String> {
        let Some(pick) = pick else { return Vec::new() };
        let mut found: Vec<String> = Vec::new();
        for field in &pick.fields {
            for text in record.texts(field) {
                match &pick.split {
                    Some(split) => {
                        text.split(split.as_str()).for_each(|part| found.push(part.trim().to_owned()))
                    }
                    None => found.push(text.trim().to_owned()),
                }
            }
        }
        if let Some(strip) = &pick.strip {
            for text in &mut found {
                if let Some(rest) = text.strip_suffix(strip.as_str()) {
                    text.truncate(rest.trim_end().len());
                }
            }
        }
        if let Some(format) = &pick.format {
            found
                .iter_mut()
                .filter(|text| !text.is_empty())
                .for_each(|text| *text = format.replace("{}", text));
        }
        found.retain(|text| !text.is_empty() && !self.feed.empty.contains(text));
        if !pick.map.is_empty() {
            found = found.iter().filter_map(|text| pick.map.get(text).cloned()).collect();
        }
        if let Some(join) = &pick.join {
            return if found.len() == pick.fields.len() { vec![found.join(join)] } else { Vec::new() };
        }
        unique(found)
    }
}
