//! STIX as consensus sees it: the definitions of collections, and what an object is.

use crate::store::apply::level_of;
use crate::store::command::{Admitted, Submitted};
use crate::store::directory::Collection;
use crate::store::keys::Region;
use crate::store::{CollectionMode, Conflicts, Profile};
use bytes::Bytes;
use consensus::Inspect;
use consensus::statement::Item;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use stix_model::json::{Document, Limits};
use stix_model::{Object, SpecVersion, Tlp};
use uuid::Uuid;

/// What a collection of a network is, as its organisations agree on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Title for people.
    pub title: String,
    /// Purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Name that may stand for the id in URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The STIX versions that it takes.
    #[serde(default = "stix_2_1")]
    #[schema(value_type = Vec<String>)]
    pub spec_versions: Vec<SpecVersion>,
    /// The rules that objects must satisfy to be proposed.
    #[serde(default)]
    pub profile: Profile,
    /// The level of objects that carry no TLP marking.
    #[serde(default = "clear")]
    #[schema(value_type = String)]
    pub unmarked: Tlp,
}

fn stix_2_1() -> Vec<SpecVersion> {
    vec![SpecVersion::V2_1]
}

fn clear() -> Tlp {
    Tlp::Clear
}

impl Definition {
    /// The collection as readers see it, and the one that shows reviewers what awaits votes.
    pub(in crate::store) fn collections(self, id: Uuid, region: Region, number: u32) -> [Collection; 2] {
        let Self { title, description, alias, spec_versions, profile, unmarked } = self;
        let review = Collection {
            id: review_id(id),
            revision: 0,
            api_root: String::new(),
            title: format!("{title} (review)"),
            description: Some(format!("What awaits approval for {title}")),
            alias: alias.as_ref().map(|alias| format!("{alias}-review")),
            spec_versions: spec_versions.clone(),
            // What may not follow the versions that are visible is refused before it comes here.
            profile: Profile::Header,
            unmarked,
            conflicts: Conflicts::Refuse,
            mode: CollectionMode::Review,
            region,
            number: number + 1,
        };
        let mode = CollectionMode::Approval;
        let shown = Collection { id, title, description, alias, profile, mode, number, ..review.clone() };
        [shown, review]
    }
}

/// The identifier of the collection that shows reviewers what awaits votes.
pub(crate) fn review_id(collection: Uuid) -> Uuid {
    let digest =
        Sha256::new_with_prefix(b"concord/review/v1\0").chain_update(collection.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Reads objects for consensus. A part of its protocol: all members must read the same.
pub(in crate::store) struct Stix;

impl Inspect for Stix {
    fn inspect(&self, definition: &str, text: &[u8]) -> Result<Item, String> {
        let definition: Definition = serde_json::from_str(definition).map_err(|error| error.to_string())?;
        let admitted = read_object(&Bytes::copy_from_slice(text))?;
        if !definition.spec_versions.contains(&admitted.spec_version) {
            return Err(format!("the collection does not take STIX {}", admitted.spec_version.as_str()));
        }
        Ok(item_of(&admitted, definition.unmarked))
    }

    fn check_collection(&self, definition: &str) -> Result<(), String> {
        let definition: Definition = serde_json::from_str(definition).map_err(|error| error.to_string())?;
        let mut spec_versions = definition.spec_versions.clone();
        spec_versions.sort_unstable();
        spec_versions.dedup();
        if definition.title.trim().is_empty() || definition.title.len() > 200 {
            return Err("the title has 1 to 200 bytes".to_owned());
        }
        if spec_versions.is_empty() || spec_versions != definition.spec_versions {
            return Err("`spec_versions` are 2.0 and 2.1, or one of them".to_owned());
        }
        Ok(())
    }
}

/// Bytes of objects that are kept as they were read: one is read when it is proposed, shown to reviewers, decided on, and shown
/// to all.
const KEPT_BYTES: u64 = 32 << 20;
/// Bytes of a kept object beside its text.
const KEPT_BESIDE: usize = 1024;

static KEPT: LazyLock<Cache<Bytes, Admitted>> = LazyLock::new(|| {
    let weight = |text: &Bytes, _: &Admitted| u32::try_from(text.len() + KEPT_BESIDE).unwrap_or(u32::MAX);
    Cache::builder().max_capacity(KEPT_BYTES).weigher(weight).build()
});

/// Reads an object from its text.
pub(in crate::store) fn read_object(text: &Bytes) -> Result<Admitted, String> {
    if let Some(kept) = KEPT.get(text) {
        return Ok(kept);
    }
    // A part of a larger text would keep all of it.
    let text = Bytes::copy_from_slice(text);
    let limits = Limits::default().bytes(consensus::MAX_OBJECT_BYTES);
    let document = Document::read(&text, limits).map_err(|error| error.to_string())?;
    let object = Object::from_value(document.root(), &text).map_err(|error| error.to_string())?;
    let admitted = Admitted::of(&object, document.root());
    KEPT.insert(text.clone(), admitted.clone());
    Ok(admitted)
}

/// An object as consensus sees it.
pub(in crate::store) fn item_of(admitted: &Admitted, unmarked: Tlp) -> Item {
    let version = admitted.facts.version.as_ref();
    Item {
        id: admitted.id.as_str().to_owned(),
        version: version.map_or(String::new(), |version| version.sort_key().to_owned()),
        object_type: admitted.id.object_type().to_owned(),
        level: level_of(admitted, unmarked) as u8 - Tlp::Clear as u8,
        digest: consensus::Digest(admitted.digest.0),
    }
}

impl From<Admitted> for Submitted {
    fn from(admitted: Admitted) -> Self {
        Self::Admitted(Box::new(admitted))
    }
}
