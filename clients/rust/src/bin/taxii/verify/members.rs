//! The organisations that a reader trusts, from a file.

use crate::failure::Failure;
use crate::input::small;
use crate::out::Out;
use consensus::OrganisationKey;
use consensus::evidence::Member;
use serde::Deserialize;
use std::path::Path;
use taxii_client::network::{OrganisationId, PublicKey, Role};

/// Largest list, in bytes.
const MOST: usize = 8 << 20;

/// An organisation as servers show it, with more than is needed here.
#[derive(Deserialize)]
struct Listed {
    id: OrganisationId,
    name: String,
    joined: u64,
    left: Option<u64>,
    keys: Vec<ListedKey>,
}

#[derive(Deserialize)]
struct ListedKey {
    public: PublicKey,
    role: Role,
    since: u64,
    until: Option<u64>,
}

/// Reads a list of organisations, as `GET /consensus/v1/organisations/` gives it.
pub(super) fn read(file: &Path, out: &Out) -> Result<Vec<Member>, Failure> {
    let bytes = small(file, MOST, out)?;
    let wrong = |reason: String| {
        Failure::Input(format!("{}: this is no list of organisations: {reason}", file.display()))
    };
    if bytes.len() > MOST {
        return Err(wrong(format!("it has more than {MOST} bytes")));
    }
    let listed: Vec<Listed> = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let key = |ListedKey { public, role, since, until }| OrganisationKey { public, role, since, until };
    let member = |Listed { id, name, joined, left, keys }: Listed| Member {
        id,
        name,
        joined,
        left,
        keys: keys.into_iter().map(key).collect(),
    };
    Ok(listed.into_iter().map(member).collect())
}
