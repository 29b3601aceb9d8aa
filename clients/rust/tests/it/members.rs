//! A server of a network with three organisations, in as few lines as the commands need. What it shows can be changed.

use crate::script::{JSON, Reply, Request, Script};
use crate::stub::{taxii, text};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use stix_model::Object;
use taxii_client::network::{
    Decision, Digest, Envelope, Item, KeyFile, NetworkId, Nonce, OrganisationId, ProposalId, SecretKey,
    Statement, Submit, Vote,
};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const NETWORK: NetworkId = NetworkId(Digest([5; 32]));
pub(crate) const COLLECTION: Uuid = Uuid::from_u128(0x91a7);

pub(crate) fn organisation(number: u8) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number.into()))
}

/// The key with which a person votes; 101 and so on are those of servers.
pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

/// What the server holds.
pub(crate) struct Held {
    pub(crate) state: Value,
    pub(crate) organisations: Value,
    /// Those that are shown, as JSON text: an object in one keeps its bytes.
    pub(crate) proposals: Vec<(ProposalId, String)>,
    /// The object that is visible, as readers get it.
    pub(crate) visible: Option<String>,
    /// Why statements do not count.
    pub(crate) refusal: Option<&'static str>,
    /// Statements that came: path and envelope.
    pub(crate) said: Vec<(String, Envelope)>,
}

/// A server, and a folder with the keys of the members: `1.key`, `2.key`, `3.key`.
pub(crate) struct Members {
    pub(crate) script: Script,
    pub(crate) held: Arc<Mutex<Held>>,
    pub(crate) folder: TempDir,
}

/// An indicator whose text no library would write so.
pub(crate) fn indicator(number: u8, address: &str) -> String {
    format!(
        r#"{{ "type":"indicator", "spec_version":"2.1", "id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c{number:03}",
            "created":"2026-01-01T00:00:00.000Z", "modified":"2026-01-01T00:00:00.000Z", "name":"n{number}",
            "description":"d", "indicator_types":["benign"], "pattern":"[ipv4-addr:value = '{address}']",
            "pattern_type":"stix", "valid_from":"2026-01-01T00:00:00Z" }}"#
    )
}

pub(crate) fn submit(by: u8, texts: &[String]) -> Submit {
    let item = |text: &String| {
        let object = Object::parse(text).unwrap();
        let header = object.header();
        Item {
            id: header.id.as_str().to_owned(),
            version: header.version().unwrap().sort_key().to_owned(),
            object_type: header.id.object_type().to_owned(),
            level: header.tlp.map_or(0, |tlp| tlp as u8 - 1),
            digest: Digest(header.digest.0),
        }
    };
    Submit {
        network: NETWORK,
        organisation: organisation(by),
        collection: COLLECTION,
        items: texts.iter().map(item).collect(),
        nonce: Nonce([by; 16]),
        emergency: false,
        expires_in_seconds: None,
        claimed_at: 0,
    }
}

/// A proposal as the server shows it.
pub(crate) fn shown(
    kind: &str,
    envelope: &Envelope,
    by: u8,
    index: u64,
    texts: &[String],
) -> (ProposalId, String) {
    let id = ProposalId(envelope.digest());
    let collection = (kind != "govern").then_some(COLLECTION);
    let row = |number: usize, object: &str| {
        format!(r#"{{"item":{number},"phase":"open","deadline":"2126-01-01T00:00:00Z","object":{object}}}"#)
    };
    let items: Vec<_> = match texts {
        [] => vec![r#"{"item":0,"phase":"open","deadline":"2126-01-01T00:00:00Z"}"#.to_owned()],
        texts => texts.iter().enumerate().map(|(number, text)| row(number, text)).collect(),
    };
    let head = json!({
        "id": id, "kind": kind, "organisation": organisation(by), "collection": collection, "index": index,
        "time": "2026-01-01T00:00:00Z", "policy": 1, "is_open": true, "votes": [],
    })
    .to_string();
    let head = head.trim_end_matches('}');
    (id, format!(r#"{head},"items":[{}],"envelope":{}}}"#, items.join(","), envelope.to_json()))
}

impl Members {
    /// A server that shows these submissions of the second organisation.
    pub(crate) fn with(submissions: &[&[String]]) -> Self {
        let proposals = (1..).zip(submissions).map(|(index, texts)| {
            let mut submit = submit(2, texts);
            submit.claimed_at = index;
            shown("submit", &Envelope::sign(&submit, &key(102)), 2, index, texts)
        });
        Self::holding(proposals.collect())
    }

    pub(crate) fn holding(proposals: Vec<(ProposalId, String)>) -> Self {
        let key_of = |number: u8, role: &str| json!({"id": key(number).public().id(), "public": key(number).public(), "role": role, "since": 1});
        let member = |number: u8| {
            json!({"id": organisation(number), "name": format!("Organisation {number}"), "joined": 1, "left": null,
                   "keys": [key_of(number, "vote"), key_of(number + 100, "submit")]})
        };
        let state = json!({
            "network": NETWORK, "organisation": organisation(1), "index": 9, "policy": 1,
            "collections": [{"id": COLLECTION, "review": Uuid::nil(),
                             "definition": {"title": "Indicators", "alias": "indicators"}}],
        });
        let organisations = json!([member(1), member(2), member(3)]);
        let held = Held { state, organisations, proposals, visible: None, refusal: None, said: Vec::new() };
        let held = Arc::new(Mutex::new(held));
        let shared = held.clone();
        let script = Script::start(move |request| shared.lock().unwrap().answer(request));
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=3 {
            let file = KeyFile::new([number; 32], None, None).unwrap();
            let path = folder.path().join(format!("{number}.key"));
            std::fs::write(&path, file.text()).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        Self { script, held, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit code, standard output, standard error of the program in the folder of the keys.
    pub(crate) fn taxii(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = taxii();
        command.args(arguments).current_dir(self.folder.path()).env("TAXII_URL", &self.script.url);
        command.env("CONCORD_KNOWN_NETWORKS", self.path("known"));
        for name in ["CONCORD_KEY", "CONCORD_KEY_PASSPHRASE"] {
            command.env_remove(name);
        }
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    /// The name of the proposal that came at this place.
    pub(crate) fn id(&self, at: usize) -> String {
        self.held.lock().unwrap().proposals[at].0.to_string()
    }

    /// Changes the text of a proposal.
    pub(crate) fn tamper(&self, from: &str, to: &str) {
        let mut held = self.held.lock().unwrap();
        let changed = held.proposals[0].1.replace(from, to);
        assert_ne!(changed, held.proposals[0].1, "{from} stands in it");
        held.proposals[0].1 = changed;
    }

    /// The statements that came, each with its path, and whose key signed them.
    pub(crate) fn said<S: Statement>(&self, by: u8) -> Vec<(String, S)> {
        let held = self.held.lock().unwrap();
        let read = |(path, envelope): &(String, Envelope)| {
            assert!(envelope.is_signed_by(&key(by).public()));
            (path.clone(), envelope.read().unwrap())
        };
        held.said.iter().map(read).collect()
    }
}

impl Held {
    fn answer(&mut self, request: &Request) -> Reply {
        let path = request.path.split('?').next().unwrap();
        let ok = |body: String| (200, JSON, body);
        if request.method == "POST" {
            assert!(
                request.head.to_lowercase().contains("content-type: application/json"),
                "{}",
                request.head
            );
            let envelope = Envelope::from_json(request.body.as_bytes()).unwrap();
            if let Some(refusal) = self.refusal {
                let error = json!({"title": "Refused", "description": refusal, "error_code": "refused"});
                return (403, JSON, error.to_string());
            }
            let proposal = match envelope.read::<Vote>() {
                Ok(vote) => {
                    self.count(&vote, &envelope);
                    vote.proposal
                }
                Err(_) => ProposalId(envelope.digest()),
            };
            self.said.push((path.to_owned(), envelope));
            return ok(json!({"index": 10, "proposal": proposal}).to_string());
        }
        let Some(path) = path.strip_prefix("/consensus/v1/") else {
            let is_object = path.starts_with(&format!("/root/collections/{COLLECTION}/objects/"));
            return match &self.visible {
                Some(text) if is_object => ok(format!(r#"{{"objects":[{text}]}}"#)),
                _ if path == "/root/collections/" => ok(
                    json!({"collections": [{"id": COLLECTION, "title": "Indicators", "alias": "indicators",
                                            "can_read": true, "can_write": true}]})
                    .to_string(),
                ),
                _ => (404, "", String::new()),
            };
        };
        match path {
            "state/" => ok(self.state.to_string()),
            "organisations/" => ok(self.organisations.to_string()),
            "policies/1/" => ok(serde_json::to_string(&taxii_client::network::Policy::standard()).unwrap()),
            "proposals/" => {
                let after = request.path.split("after=").nth(1).unwrap().split('&').next().unwrap();
                let all: Vec<Value> =
                    self.proposals.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
                let later = |row: &&Value| row["index"].as_u64() > after.parse().ok();
                ok(json!(all.iter().filter(later).collect::<Vec<_>>()).to_string())
            }
            path => {
                let found = self.proposals.iter().find(|(id, _)| path == format!("proposals/{id}/"));
                found.map_or((404, "", String::new()), |(_, text)| ok(text.clone()))
            }
        }
    }

    /// Takes a vote as a server does that knows no policy.
    fn count(&mut self, vote: &Vote, envelope: &Envelope) {
        let (_, text) = self.proposals.iter_mut().find(|(id, _)| *id == vote.proposal).unwrap();
        let cast = json!({
            "organisation": vote.organisation, "key": envelope.key, "index": 10, "decision": vote.decision,
            "items": vote.items, "sequence": vote.sequence, "reason": vote.reason,
            "envelope": serde_json::from_str::<Value>(&envelope.to_json()).unwrap(),
        });
        let separator = if text.contains(r#""votes":[]"#) { "" } else { "," };
        *text = text.replacen(r#""votes":["#, &format!(r#""votes":[{cast}{separator}"#), 1);
        if vote.items.is_none() && vote.decision == Decision::Approve {
            *text = text.replace(r#""phase":"open""#, r#""phase":"approved""#);
        }
    }
}
