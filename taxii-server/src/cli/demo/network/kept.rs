//! What the demo keeps in its folder: addresses, keys and accounts, so that the next start goes on where this one ended.

use super::ORGANISATIONS;
use crate::cli::demo::accounts::Accounts;
use crate::private;
use anyhow::Context;
use consensus::{Digest, SecretKey};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Name of the file.
const FILE: &str = "network-demo.json";

#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// Names the request with which the object is submitted, so that it is submitted once.
    pub(super) request: Uuid,
    pub(super) members: Vec<Member>,
    #[serde(skip)]
    path: PathBuf,
}

/// What is kept of an organisation.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) organisation: String,
    /// Its data folder.
    pub(super) folder: String,
    /// The file of the key with which it votes, for `taxii vote`.
    pub(super) key_file: String,
    /// The secret of that key.
    key: Digest,
    /// The port for TAXII; 0 before the first start.
    pub(super) taxii_port: u16,
    /// The port for the other nodes, which the network knows.
    pub(super) node_port: u16,
    pub(super) accounts: Option<Accounts>,
}

/// Refuses the folder of this demo, for another one.
pub(in crate::cli::demo) fn refuse(data: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        !data.join(FILE).exists(),
        "this data folder holds the demo of a network; add --network, or give --data another folder"
    );
    Ok(())
}

impl Kept {
    /// Reads what an earlier start kept, or makes it. A folder that holds something else is refused.
    pub(super) fn open(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let mut kept = match private::read(&path) {
            Ok(json) => serde_json::from_slice(&json).with_context(|| {
                format!("{} cannot be read; give --data another folder, or remove this one", path.display())
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let entries = std::fs::read_dir(data);
                anyhow::ensure!(
                    entries.map_or(true, |mut entries| entries.next().is_none()),
                    "this data folder holds something that is no demo of a network; give --data another folder"
                );
                private::folder(data)?;
                Self::new()?
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        kept.path = path;
        kept.save()?;
        for member in &kept.members {
            let key_file = data.join(&member.key_file);
            if !key_file.exists() {
                private::write(&key_file, member.key_text().as_bytes())?;
            }
        }
        Ok(kept)
    }

    fn new() -> anyhow::Result<Self> {
        // All are open at once, so that each is another one.
        let free = ORGANISATIONS.map(|_| TcpListener::bind(("127.0.0.1", 0)));
        let mut members = Vec::new();
        for (organisation, free) in ORGANISATIONS.into_iter().zip(free) {
            let mut key = Digest::default();
            getrandom::fill(&mut key.0).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
            let folder = organisation.to_ascii_lowercase().replace(' ', "-");
            members.push(Member {
                organisation: organisation.to_owned(),
                key_file: format!("{folder}.key"),
                folder,
                key,
                taxii_port: 0,
                node_port: free.context("no free port for a node")?.local_addr()?.port(),
                accounts: None,
            });
        }
        Ok(Self { request: Uuid::new_v4(), members, path: PathBuf::new() })
    }

    pub(super) fn save(&self) -> anyhow::Result<()> {
        Ok(private::write(&self.path, &serde_json::to_vec_pretty(self)?)?)
    }
}

impl Member {
    /// The key with which it votes.
    pub(super) fn key(&self) -> SecretKey {
        SecretKey::from_seed(&self.key.0)
    }

    /// The file of the key, as `taxii key new --no-passphrase` makes it.
    fn key_text(&self) -> String {
        let public = Digest(self.key().public().0);
        let (organisation, secret) = (&self.organisation, self.key);
        format!("concord vote key, version 1\nname: {organisation}\npublic: {public}\nsecret: {secret}\n")
    }
}
