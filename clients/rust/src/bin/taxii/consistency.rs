//! `taxii verify-consistency`

mod tiles;

use crate::failure::Failure;
use crate::input::small;
use crate::network::names::line;
use crate::out::Out;
use crate::server::Server;
use consensus::evidence::{
    Checkpoint, MAX_NOTE_BYTES, Note, TreeHead, TrustPolicy, nodes_of_consistency, nodes_of_root,
    prove_consistency, root_of,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use tiles::Tiles;

/// Check that a transparency log kept all that it held: two of its checkpoints, an earlier and a later one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Both checkpoints are checked under the trust policy. Where they are of different sizes, the hashes between them come from the
server (--url or TAXII_URL) or from a copy of its log, a folder with tile/0/000 and so on (C2SP tlog-tiles). No one has to
trust where they come from: wrong hashes lead to no root that was signed.

The verdict is one of
  same         both are of the same entries
  extended     all entries of the smaller one are the first ones of the larger one
  split view   the log signed two histories; both files, with the hashes, prove it to all: keep them
  not shown    the hashes that came belong to neither; ask again elsewhere
With --json, one line: {\"verdict\":\"same\"|\"extended\"|\"split_view\"|\"not_shown\",\"origin\",\"old\",\"new\"}, the last two with
\"size\" and \"root\". The exit code is 0 for the first two, else 1.

Examples:
  taxii verify-consistency 2026-11-01.note 2026-11-29.note --policy trust.txt
  taxii verify-consistency mine.note theirs.note --policy trust.txt --tiles /srv/mirror")]
pub(crate) struct Arguments {
    /// The earlier checkpoint, as `taxii proof checkpoint` writes it; `-` is standard input
    old: PathBuf,
    /// The later checkpoint
    new: PathBuf,
    /// The trust policy: whose logs count, and whose cosignatures are needed
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// A folder with a copy of the log, instead of the server
    #[arg(long, value_name = "DIR")]
    tiles: Option<PathBuf>,
}

/// What two checkpoints show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Extended,
    SplitView,
    NotShown,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Extended => "extended",
            Self::SplitView => "split_view",
            Self::NotShown => "not_shown",
        }
    }
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let files = [&arguments.old, &arguments.new, &arguments.policy];
    if files.into_iter().filter(|file| file.as_path() == Path::new("-")).count() > 1 {
        return Err(Failure::Usage("standard input holds one file: give `-` once".to_owned()));
    }
    let trust = crate::verify::trust(&arguments.policy, out)?;
    let old = checkpoint(&arguments.old, &trust, out)?;
    let new = checkpoint(&arguments.new, &trust, out)?;
    if old.origin() != new.origin() {
        return Err(Failure::Failed(format!(
            "these are checkpoints of two logs: {} and {}",
            line(old.origin()),
            line(new.origin())
        )));
    }
    let is_swapped = old.head().size > new.head().size;
    let (small, large) = if is_swapped { (&new, &old) } else { (&old, &new) };
    if is_swapped {
        out.complain(format!(
            "{} is of fewer entries than {}; if it is really the later one, the log went back",
            arguments.new.display(),
            arguments.old.display()
        ));
    }
    let (small, large) = (*small.head(), *large.head());
    let verdict = match small.size == large.size {
        true if small.root == large.root => Verdict::Same,
        true => Verdict::SplitView,
        false => compare(small, large, &mut Tiles::open(arguments.tiles.as_deref(), server)?).await?,
    };
    tell(verdict, &old, &new, out)
}

/// Reads a checkpoint that the policy trusts.
fn checkpoint(file: &Path, trust: &TrustPolicy, out: &Out) -> Result<Checkpoint, Failure> {
    let name = file.display();
    let bytes = small(file, MAX_NOTE_BYTES, out)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::Failed(format!("{name}: this is no text")))?;
    let note: Note = text.parse().map_err(|error| Failure::Failed(format!("{name}: {error}")))?;
    let endorsed = trust.verify(&note);
    let endorsed = endorsed.map_err(|error| Failure::Failed(format!("{name}: not trusted: {error}")))?;
    Ok(endorsed.checkpoint)
}

/// Compares trees of different sizes by the hashes of the log.
async fn compare(old: TreeHead, new: TreeHead, tiles: &mut Tiles) -> Result<Verdict, Failure> {
    let nodes = [nodes_of_consistency(old.size, new.size), nodes_of_root(old.size)].concat();
    tiles.fetch(nodes, new.size).await?;
    let found = prove_consistency(old.size, new.size, &*tiles).zip(root_of(old.size, &*tiles));
    let Some((proof, first)) = found else { return Ok(Verdict::NotShown) };
    if new.check_consistency(&old, &proof).is_ok() {
        return Ok(Verdict::Extended);
    }
    // The root over the first entries of the later tree is certain when a proof leads from it to the root that was signed.
    // Without that, the sender of the hashes could make an honest log look like one with a split view.
    match new.check_consistency(&first, &proof) {
        Ok(()) => Ok(Verdict::SplitView),
        Err(_) => Ok(Verdict::NotShown),
    }
}

fn tell(verdict: Verdict, old: &Checkpoint, new: &Checkpoint, out: &mut Out) -> Result<(), Failure> {
    let (small, large) = (old.head().size.min(new.head().size), old.head().size.max(new.head().size));
    let origin = line(old.origin());
    if out.is_json() {
        let head = |checkpoint: &Checkpoint| json!({ "size": checkpoint.head().size, "root": checkpoint.head().root });
        out.json(
            &json!({ "verdict": verdict.word(), "origin": old.origin(), "old": head(old), "new": head(new) }),
        )?;
    }
    let shown = match verdict {
        Verdict::Same => format!("same: both checkpoints of {origin} are of the same {small} entries"),
        Verdict::Extended => {
            format!(
                "extended: the {small} entries of {origin} are the first of its {large}; nothing was changed or removed"
            )
        }
        Verdict::SplitView if small == large => {
            return Err(Failure::Failed(format!(
                "split view: {origin} signed two different logs of {small} entries; both notes together prove it: keep them"
            )));
        }
        Verdict::SplitView => {
            return Err(Failure::Failed(format!(
                "split view: {origin} signed a log of {large} entries whose first {small} are not those that it signed before; \
                 both notes together with its hashes prove it: keep them"
            )));
        }
        Verdict::NotShown => {
            return Err(Failure::Failed(format!(
                "not shown: the hashes that came do not lead to what {origin} signed; this proves nothing, so ask again \
                 elsewhere"
            )));
        }
    };
    if !out.is_json() {
        out.line(shown)?;
    }
    Ok(())
}
