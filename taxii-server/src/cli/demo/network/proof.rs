//! Proofs, which are checked here with nothing but files.

use super::Host;
use super::founding::Founded;
use crate::control::{KeyResource, OrganisationResource};
use crate::private;
use anyhow::Context;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use consensus::evidence::{Bundle, Member, Proven, TrustPolicy};
use consensus::statement::Item;
use consensus::{Digest, OrganisationId, OrganisationKey, PublicKey};
use serde_json::json;
use std::path::Path;
use stix_model::Object;
use stix_model::json::{Document, Limits};

/// The proof, for `taxii verify`.
pub(super) const FILE: &str = "proof.json";
/// What its readers trust.
pub(super) const TRUST: &str = "trust";
/// The organisations and their keys.
pub(super) const MEMBERS: &str = "members.json";

/// What a reader holds before it looks at a proof.
pub(super) struct Reader {
    trust: TrustPolicy,
    members: Vec<Member>,
}

impl Reader {
    /// Takes from a server what a reader would compare with what the organisations publish, and keeps it in files.
    pub(super) async fn of(host: &Host, data: &Path) -> anyhow::Result<Self> {
        let trust = get(host, "/consensus/v1/trust/").await?.context("the network has no trust policy")?;
        let organisations = host.control.organisations().await?;
        private::write(&data.join(TRUST), &trust)?;
        private::write(&data.join(MEMBERS), &serde_json::to_vec_pretty(&organisations)?)?;
        let members = organisations.into_iter().map(member).collect::<anyhow::Result<_>>()?;
        Ok(Self { trust: TrustPolicy::parse(&trust)?, members })
    }

    /// Checks a proof, and says why it does not hold.
    pub(super) fn check(&self, proof: &[u8]) -> Result<Proven, String> {
        let bundle = Bundle::from_json(proof).map_err(|error| error.to_string())?;
        let level = bundle.item.level;
        let inspect = |text: &[u8]| item(text, level);
        bundle.verify(&self.trust, Some(&self.members), inspect).map_err(|error| error.to_string())
    }
}

/// The proof of an object, from a server; `None` where it has none.
pub(super) async fn get_proof(host: &Host, founded: &Founded, id: &str) -> anyhow::Result<Option<Bytes>> {
    get(host, &format!("/consensus/v1/proof/?collection={}&id={id}", founded.collection)).await
}

/// The digest of an object by which organisations know it.
pub(super) fn digest_of(text: &str) -> anyhow::Result<Digest> {
    item(text.as_bytes(), 0).map(|item| item.digest).map_err(anyhow::Error::msg)
}

async fn get(host: &Host, path: &str) -> anyhow::Result<Option<Bytes>> {
    let reply = host.control.call(Method::GET, path, Bytes::new()).await?;
    match reply.status {
        StatusCode::NOT_FOUND => Ok(None),
        _ => Ok(Some(reply.success()?.body)),
    }
}

/// An object as organisations see it.
fn item(text: &[u8], level: u8) -> Result<Item, String> {
    let limits = Limits::default().bytes(consensus::MAX_OBJECT_BYTES);
    let document = Document::read(text, limits).map_err(|error| error.to_string())?;
    let text = Bytes::copy_from_slice(text);
    let object = Object::from_value(document.root(), &text).map_err(|error| error.to_string())?;
    let header = object.header();
    Ok(Item {
        id: header.id.as_str().to_owned(),
        version: header.version().map_or(String::new(), |version| version.sort_key().to_owned()),
        object_type: header.id.object_type().to_owned(),
        level,
        digest: Digest(header.digest.0),
    })
}

fn member(organisation: OrganisationResource) -> anyhow::Result<Member> {
    let key = |key: KeyResource| {
        let public: Digest = key.public.parse()?;
        let role = serde_json::from_value(json!(key.role))?;
        Ok(OrganisationKey { public: PublicKey(public.0), role, since: key.since, until: key.until })
    };
    let OrganisationResource { id, name, joined, left, keys, .. } = organisation;
    let keys = keys.into_iter().map(key).collect::<anyhow::Result<_>>()?;
    Ok(Member { id: OrganisationId(id), name, joined, left, keys })
}
