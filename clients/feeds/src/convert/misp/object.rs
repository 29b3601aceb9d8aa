//! An object: attributes that belong together, such as the hashes and the name of one file.

use super::event::{Event, uuid_of};
use super::observable::{
    End, Seen, Shape, file_comparison, hash, hash_name, registry, resolved, shape, traffic, unnamed,
};
use super::{is_true, list, text};
use crate::indicator::quote;
use crate::output::Output;
use crate::time;
use crate::value::{Kind, Value as Plain, read};
use serde_json::Value;
use std::borrow::Cow;
use stix_model::sco::{EmailAddress, EmailMessage, File};
use stix_model::vocab::{HashAlgorithm, PatternType};
use stix_model::{BuildError, Hashes, Object, Ref, ToObject, to};

/// An attribute of an object.
pub(super) struct Member<'v> {
    value: &'v Value,
    relation: Cow<'v, str>,
    kind: Cow<'v, str>,
    text: Cow<'v, str>,
    is_for_detection: bool,
    /// Whether it has become a part of an observable.
    is_used: bool,
}

/// What members became: an observable, and the comparison of those that are for detection.
struct Built {
    seen: Seen,
    detection: Option<String>,
}

impl Event<'_, '_> {
    /// Makes the objects of an object.
    pub(super) fn object(&mut self, object: &Value, out: &mut dyn Output) -> Result<(), String> {
        let name = text(object, "name").ok_or("it has no `name`")?;
        let mut members: Vec<Member<'_>> = Vec::new();
        for value in list(object, "Attribute").filter(|value| !is_true(value, "deleted")) {
            let (Some(kind), Some(content)) = (text(value, "type"), text(value, "value")) else {
                self.reject("attribute", value, "it has no type or value".to_owned(), out);
                continue;
            };
            let relation = text(value, "object_relation").unwrap_or_else(|| kind.clone());
            let is_for_detection = is_true(value, "to_ids");
            members.push(Member { value, relation, kind, text: content, is_for_detection, is_used: false });
        }
        let mut built = together(&name, &mut members).map_err(|error| error.to_string())?;
        // What has no place in an observable of the whole is one of its own.
        let mut rest = Vec::new();
        for (index, member) in members.iter_mut().enumerate().filter(|(_, member)| !member.is_used) {
            match shape(&member.kind, &member.text) {
                Ok(Shape::Observable(seen)) if !seen.objects.is_empty() || member.is_for_detection => {
                    let detection = member.is_for_detection.then(|| seen.comparison.clone());
                    built.push(Built { seen, detection });
                    member.is_used = true;
                }
                Ok(Shape::Observable(_) | Shape::Text) => rest.push(index),
                Ok(other) => self
                    .shaped(member.value, &member.kind, &member.text, other, out)
                    .map_err(|error| error.to_string())?,
                Err(reason) => self.reject("attribute", member.value, reason, out),
            }
        }
        let rest: Vec<&Member<'_>> = rest.into_iter().map(|index| &members[index]).collect();
        self.whole(object, &name, &members, built, &rest, out).map_err(|error| error.to_string())
    }

    fn whole(
        &mut self,
        object: &Value,
        name: &str,
        members: &[Member<'_>],
        built: Vec<Built>,
        rest: &[&Member<'_>],
        out: &mut dyn Output,
    ) -> Result<(), BuildError> {
        let names = members.iter().map(|member| &*member.text).collect::<Vec<_>>().join("\n");
        let uuid = uuid_of(object, &["misp-object", &self.maker.feed().name, name, &names]);
        // Each that is for detection says something by itself.
        let patterns: Vec<String> = built
            .iter()
            .filter_map(|built| built.detection.as_ref())
            .map(|text| format!("[{text}]"))
            .collect();
        let (mut all, mut mains) = (Vec::new(), Vec::new());
        for built in built {
            all.extend(built.seen.objects.iter().map(|object| object.id().clone()));
            mains.extend(self.observables(built.seen, out)?);
        }
        all.sort_unstable();
        all.dedup();
        let id = if !patterns.is_empty() {
            let title =
                members.iter().find(|member| member.is_for_detection).map_or(name, |member| &member.text);
            let title = format!("{name}: {title}");
            let id = self.indicator(uuid, &title, &patterns.join(" OR "), PatternType::Stix, object, out)?;
            self.based_on(&id, &mains, out)?;
            Some(id)
        } else if !all.is_empty() {
            Some(self.observed(uuid, &all, object, out)?)
        } else {
            None
        };
        for member in rest.iter().filter(|member| member.is_for_detection) {
            *self.unpatterned.entry(member.kind.to_string()).or_default() += 1;
        }
        let mut lines: Vec<String> =
            rest.iter().map(|member| format!("{}: {}", member.relation, member.text)).collect();
        for member in members {
            if let Some(comment) = text(member.value, "comment") {
                lines.push(format!("{} ({}): {comment}", member.relation, member.text));
            }
        }
        let is_said = id.as_ref().is_some_and(|id| id.object_type() == "indicator");
        if let Some(comment) = text(object, "comment").filter(|_| !is_said) {
            lines.insert(0, comment.into_owned());
        }
        let id = match (id, lines.is_empty()) {
            (Some(id), true) => id,
            (id, false) => {
                let note = self.note(uuid, Some(name), &lines.join("\n"), id.as_ref(), object, out)?;
                id.unwrap_or(note)
            }
            (None, true) => return Ok(()),
        };
        self.around(object, &id, out)?;
        for member in members {
            if let Some(uuid) = text(member.value, "uuid") {
                self.became.entry(uuid.into_owned()).or_insert_with(|| id.clone());
            }
            self.around(member.value, &id, out)?;
        }
        for reference in list(object, "ObjectReference").filter(|reference| !is_true(reference, "deleted")) {
            self.open.push((id.clone(), reference.clone()));
        }
        if let Some(uuid) = text(object, "uuid") {
            self.became.insert(uuid.into_owned(), id);
        }
        Ok(())
    }
}

/// Observables of several members, for the objects that have such.
fn together(name: &str, members: &mut [Member<'_>]) -> Result<Vec<Built>, BuildError> {
    Ok(match name {
        "file" | "pe" | "elf" | "macho" => file(members)?.into_iter().collect(),
        "domain-ip" => domain(members)?.into_iter().collect(),
        "ip-port" | "network-connection" => connection(members)?,
        "email" => email(members)?.into_iter().collect(),
        "registry-key" => key(members)?.into_iter().collect(),
        _ => Vec::new(),
    })
}

fn file(members: &mut [Member<'_>]) -> Result<Option<Built>, BuildError> {
    let (mut name, mut size, mut mime) = (None, None, None);
    let (mut hashes, mut detected, mut detected_name) = (Vec::new(), Vec::new(), None);
    for member in members.iter_mut() {
        let (half, kind) = match member.kind.strip_prefix("filename|") {
            Some(kind) => (true, kind),
            None if &*member.kind == "malware-sample" => (true, "md5"),
            None => (false, &*member.kind),
        };
        let (own_name, digits) = match member.text.rsplit_once('|') {
            Some((own_name, digits)) if half => (Some(own_name.trim()), digits),
            _ => (None, &*member.text),
        };
        if hash_name(kind).is_some() {
            let Ok(found) = hash(kind, digits) else { continue };
            if hashes.iter().any(|(algorithm, _)| *algorithm == found.0) && !hashes.contains(&found) {
                continue;
            }
            if member.is_for_detection && !detected.contains(&found) {
                detected.push(found.clone());
            }
            if !hashes.contains(&found) {
                hashes.push(found);
            }
            name = name.or_else(|| own_name.map(str::to_owned));
            member.is_used = true;
        } else if kind == "filename" && &*member.relation == "filename" && name.is_none() {
            name = Some(member.text.to_string());
            if member.is_for_detection {
                detected_name = Some(member.text.to_string());
            }
            member.is_used = true;
        } else if kind == "size-in-bytes" && size.is_none() {
            size = member.text.trim().parse::<i64>().ok();
            member.is_used = size.is_some();
        } else if kind == "mime-type" && mime.is_none() {
            mime = Some(member.text.to_string());
            member.is_used = true;
        }
    }
    if name.is_none() && hashes.is_empty() {
        members.iter_mut().for_each(|member| member.is_used = false);
        return Ok(None);
    }
    let mut file = File::new();
    if !hashes.is_empty() {
        let mut all = Hashes::default();
        hashes.iter().for_each(|(name, digits)| all.set(HashAlgorithm::from(*name), digits.clone()));
        file = file.hashes(all);
    }
    if let Some(name) = name {
        file = file.name(name);
    }
    if let Some(size) = size.filter(|size| *size >= 0) {
        file = file.size(size);
    }
    if let Some(mime) = mime {
        file = file.mime_type(mime);
    }
    let comparison = file_comparison(detected_name.as_deref(), &detected);
    let detection = Some(comparison.clone()).filter(|comparison| !comparison.is_empty());
    Ok(Some(Built { seen: Seen::plain(file.to_object()?, comparison), detection }))
}

fn domain(members: &mut [Member<'_>]) -> Result<Option<Built>, BuildError> {
    let (mut name, mut addresses, mut is_for_detection) = (None, Vec::new(), false);
    for member in members.iter_mut() {
        let kind = match &*member.kind {
            "domain" | "hostname" if name.is_none() => Kind::Domain,
            "ip-src" | "ip-dst" => Kind::Ip,
            _ => continue,
        };
        let Ok((value, _)) = read(kind, &member.text) else { continue };
        match value {
            Plain::Domain(_) => name = Some(value),
            _ => addresses.push(value),
        }
        is_for_detection |= member.is_for_detection;
        member.is_used = true;
    }
    let Some(name) = name else {
        members.iter_mut().for_each(|member| member.is_used = false);
        return Ok(None);
    };
    let seen = resolved(&name, &addresses)?;
    let detection = is_for_detection.then(|| seen.comparison.clone());
    Ok(Some(Built { seen, detection }))
}

/// Connections: with one port each end has it; several ports at one address are several connections.
fn connection(members: &mut [Member<'_>]) -> Result<Vec<Built>, BuildError> {
    let mut built = Vec::new();
    for end in [End::Source, End::Destination] {
        let is_source = |member: &Member<'_>| {
            member.relation.starts_with("src")
                || member.relation.ends_with("-src")
                || &*member.kind == "ip-src"
        };
        let is_end = |member: &Member<'_>| is_source(member) == matches!(end, End::Source);
        let ports: Vec<(u16, bool, usize)> = members
            .iter()
            .enumerate()
            .filter(|(_, member)| &*member.kind == "port" && is_end(member))
            .filter_map(|(index, member)| {
                Some((member.text.trim().parse().ok()?, member.is_for_detection, index))
            })
            .collect();
        let mut hosts = Vec::new();
        for (index, member) in members.iter().enumerate().filter(|(_, member)| is_end(member)) {
            let kind = match &*member.kind {
                "ip-src" | "ip-dst" => Kind::Ip,
                "domain" | "hostname" => Kind::Domain,
                _ => continue,
            };
            if let Ok((host, _)) = read(kind, &member.text) {
                hosts.push((host, member.is_for_detection, index));
            }
        }
        // Each host with each port: many of both are no connections.
        if hosts.is_empty() || ports.is_empty() || hosts.len().saturating_mul(ports.len()) > 256 {
            continue;
        }
        for (host, host_is_for_detection, index) in &hosts {
            for (port, port_is_for_detection, _) in &ports {
                let seen = traffic(host, end, Some(*port))?;
                let detection =
                    (*host_is_for_detection || *port_is_for_detection).then(|| seen.comparison.clone());
                built.push(Built { seen, detection });
            }
            members[*index].is_used = true;
        }
        ports.iter().for_each(|(_, _, index)| members[*index].is_used = true);
    }
    Ok(built)
}

fn email(members: &mut [Member<'_>]) -> Result<Option<Built>, BuildError> {
    let mut message = EmailMessage::new(false);
    let mut objects: Vec<Object> = Vec::new();
    let (mut to_refs, mut cc_refs, mut detections) = (Vec::new(), Vec::new(), Vec::new());
    let (mut is_any, mut has_sender, mut has_subject, mut has_body) = (false, false, false, false);
    for member in members.iter_mut() {
        let relation = &*member.relation;
        let address = |text: &str| match read(Kind::Email, text) {
            Ok((Plain::Email(address), _)) => Some(address),
            _ => None,
        };
        let place = match relation {
            "from" if !has_sender => "from_ref.value",
            "to" => "to_refs[*].value",
            "cc" => "cc_refs[*].value",
            "subject" if !has_subject => "subject",
            "message-id" => "message_id",
            "email-body" => "body",
            "send-date" => "date",
            _ => continue,
        };
        let mut compared = member.text.to_string();
        match place {
            "subject" => {
                has_subject = true;
                message = message.subject(member.text.to_string());
            }
            "message_id" => message = message.message_id(member.text.to_string()),
            "body" => {
                has_body = true;
                message = message.body(member.text.to_string());
            }
            "date" => match time::read(&member.text) {
                Some(date) => message = message.date(date),
                None => continue,
            },
            _ => {
                let Some(found) = address(&member.text) else { continue };
                compared.clone_from(&found);
                let object = EmailAddress::new(found).to_object()?;
                let reference = Ref::<to::EmailAddress>::try_from(&object)?;
                match place {
                    "from_ref.value" => {
                        has_sender = true;
                        message = message.from_ref(reference);
                    }
                    "to_refs[*].value" => to_refs.push(reference),
                    _ => cc_refs.push(reference),
                }
                objects.push(object);
            }
        }
        if member.is_for_detection && place != "date" {
            detections.push(format!("email-message:{place} = {}", quote(&compared)));
        }
        member.is_used = true;
        is_any = true;
    }
    if !is_any {
        return Ok(None);
    }
    let text: Vec<&str> = members.iter().map(|member| &*member.text).collect();
    let uuid = unnamed(&[["email-message"].as_slice(), &text].concat());
    let mut message = message.to_refs(to_refs).cc_refs(cc_refs);
    if !has_sender && !has_subject && !has_body {
        // Then nothing that its identifier follows from is known.
        message = message.id(uuid);
    }
    objects.push(message.to_object()?);
    let comparison = detections.join(" AND ");
    let detection = Some(comparison.clone()).filter(|comparison| !comparison.is_empty());
    Ok(Some(Built { seen: Seen { objects, comparison, relations: Vec::new() }, detection }))
}

fn key(members: &mut [Member<'_>]) -> Result<Option<Built>, BuildError> {
    let found = |relation: &str| members.iter().position(|member| member.relation == relation);
    let Some(key) = found("key") else { return Ok(None) };
    let (name, data) = (found("name"), found("data"));
    let value = data.map(|data| (name.map(|name| &*members[name].text), &*members[data].text));
    let seen = registry(&members[key].text, value)?;
    let used: Vec<usize> = [Some(key), data, name.filter(|_| data.is_some())].into_iter().flatten().collect();
    let is_for_detection = used.iter().any(|index| members[*index].is_for_detection);
    used.into_iter().for_each(|index| members[index].is_used = true);
    let detection = is_for_detection.then(|| seen.comparison.clone());
    Ok(Some(Built { seen, detection }))
}
