//! Hashes of a log, from its tiles (C2SP tlog-tiles).

use crate::failure::Failure;
use crate::server::Server;
use consensus::evidence::{Hashes, Node, TILE_WIDTH, TileContent, TilePath, node_hash};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use taxii_client::network::Digest;
use taxii_client::{Client, Error};

/// Levels of the tree that a tile spans.
const LEVELS: u8 = TILE_WIDTH.ilog2() as u8;

/// Tiles that were fetched.
pub(super) struct Tiles {
    source: Source,
    /// The hashes of a tile, by its level and number.
    found: BTreeMap<(u8, u64), Vec<Digest>>,
}

enum Source {
    Server(Box<Client>),
    Folder(PathBuf),
}

impl Tiles {
    pub(super) fn open(folder: Option<&Path>, server: &Server) -> Result<Self, Failure> {
        let source = match folder {
            Some(folder) => Source::Folder(folder.to_owned()),
            None => Source::Server(Box::new(server.client()?)),
        };
        Ok(Self { source, found: BTreeMap::new() })
    }

    /// Fetches the tiles that have the hashes of some nodes of a tree.
    pub(super) async fn fetch(
        &mut self,
        nodes: impl IntoIterator<Item = Node>,
        size: u64,
    ) -> Result<(), Failure> {
        let wanted: BTreeSet<_> = nodes.into_iter().map(|node| place(node).0).collect();
        for (level, index) in wanted {
            // A full tile takes the place of a partial one, which need not be kept (tlog-tiles, "Pruning").
            let full = TilePath { content: TileContent::Hashes(level), index, width: TILE_WIDTH };
            let partial = TilePath::partial(level, size).filter(|partial| partial.index == index);
            let mut bytes = None;
            if let Some(partial) = partial {
                bytes = self.source.read(partial).await?;
            }
            if bytes.is_none() {
                bytes = self.source.read(full).await?;
            }
            let missing =
                || Failure::Failed(format!("{}: the log has no such tile", partial.unwrap_or(full)));
            let bytes = bytes.ok_or_else(missing)?;
            let hashes = bytes.as_chunks().0.iter().map(|hash| Digest(*hash)).collect();
            self.found.insert((level, index), hashes);
        }
        Ok(())
    }
}

/// The tile of a node by its level and number, and the first of its hashes in that tile and their number.
fn place(node: Node) -> ((u8, u64), usize, usize) {
    let (level, height) = (node.level / LEVELS, node.level % LEVELS);
    let per_tile = u64::from(TILE_WIDTH) >> height;
    let first = (node.index % per_tile) << height;
    ((level, node.index / per_tile), first as usize, 1 << height)
}

impl Hashes for Tiles {
    fn hash(&self, node: Node) -> Option<Digest> {
        let (tile, first, count) = place(node);
        let mut hashes = self.found.get(&tile)?.get(first..first + count)?.to_vec();
        while hashes.len() > 1 {
            hashes = hashes.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        hashes.first().copied()
    }
}

impl Source {
    /// The bytes of a tile, or none where it is missing.
    async fn read(&self, tile: TilePath) -> Result<Option<Vec<u8>>, Failure> {
        let length = usize::from(tile.width) * 32;
        let (name, bytes) = match self {
            Self::Server(client) => match client.network().log_file(&tile.to_string()).await {
                Ok(bytes) => (tile.to_string(), bytes),
                Err(Error::Refused { status: 404 | 410, .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            },
            Self::Folder(folder) => {
                let path = folder.join(tile.to_string());
                let name = path.display().to_string();
                let mut bytes = Vec::new();
                let read =
                    File::open(&path).and_then(|file| file.take(length as u64 + 1).read_to_end(&mut bytes));
                match read {
                    Ok(_) => (name, bytes),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(Failure::input(&name, &error)),
                }
            }
        };
        match bytes.len() == length {
            true => Ok(Some(bytes)),
            false => {
                Err(Failure::Failed(format!("{name}: a tile of {} hashes has {length} bytes", tile.width)))
            }
        }
    }
}
