//! The meaning of commands: a pure fold over what is stored.
//!
//! [`apply`] looks at a group and an overlay, and at nothing else: no clock, no randomness, no order that is not given. So
//! a log of groups that is applied in one commit, one by one, or in any other portions leaves equal bytes under every
//! key, on every engine.

mod add;
mod clear;
mod conclude;
mod delete;
mod erase;
mod object;
mod ordered;
mod relevel;

pub(super) use add::{admits, level_of, oldest_first};
pub(super) use object::find_version;
pub(super) use ordered::{Answer, apply_entry, renew_directory};

use super::StoreError;
use super::announce::Announcement;
use super::command::{Command, Fence, Group, Request, Scope, Stamps, Target};
use super::directory::{self, Account, Collection, DirectoryRefusal};
use super::engine::Key;
use super::keys::{self, Region, Space};
use super::overlay::Overlay;
use super::receipt::{self, Done};
use super::record::{Head, LatestVersion, encode_length};
use std::collections::BTreeSet;
use stix_model::Timestamp;

/// The effects of a group beyond its writes.
#[derive(Default)]
pub(super) struct Applied {
    /// The outcome of each request, in their order.
    pub(super) outcomes: Vec<Outcome>,
    /// New versions, by collection.
    pub(super) announcements: Vec<Announcement>,
    /// Whether the directory is another one now.
    pub(super) is_directory: bool,
    /// Versions whose content was replaced.
    pub(super) replaced: u64,
}

impl Applied {
    /// What a single request has done that replaces no content.
    fn single(outcome: Outcome, announcement: Option<Announcement>) -> Self {
        let announcements = announcement.into_iter().collect();
        Self { outcomes: vec![outcome], announcements, is_directory: false, replaced: 0 }
    }
}

/// The outcome of a request.
pub(super) type Outcome = Result<Done, Rejection>;

/// Why a request is not carried out. It leaves nothing behind, so it can be sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The account or the collection changed since the request was checked.
    #[error("the account or the collection changed meanwhile")]
    Stale,
    /// The collection was removed.
    #[error("there is no such collection")]
    NoCollection,
    /// The store is being moved, and takes no writes meanwhile; or it was moved, and takes none any more.
    #[error(
        "the store is moving to another place, or has moved there: writes go to the new place when that is over, and reading \
         goes on"
    )]
    Frozen,
    /// The collection is one of a network.
    #[error("this collection changes by the approval of organisations only")]
    NeedsApproval,
    /// This server is no member of a network, or of one already.
    #[error("{0}")]
    Membership(&'static str),
    /// The viewer sees no such object in the collection.
    #[error("there is no such object")]
    NoObject,
    /// The identifier belongs to another request of the same account.
    #[error("this identifier was used for another request; a new request needs a new one")]
    RequestReused,
    /// A given `date_added` does not fit.
    #[error("date_added {given} cannot be given: {reason} (it ends at {last})")]
    DateAdded {
        /// The given instant.
        given: Timestamp,
        /// The end of the collection.
        last: Timestamp,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The directory refuses a change.
    #[error(transparent)]
    Directory(#[from] DirectoryRefusal),
}

/// Applies a group to the overlay.
pub(super) async fn apply(overlay: &mut Overlay<'_>, group: &Group) -> Result<Applied, StoreError> {
    match group.scope {
        Scope::Collection(_) => collection(overlay, group).await,
        Scope::Directory | Scope::Maintenance => {
            let mut outcomes = Vec::with_capacity(group.requests.len());
            for request in &group.requests {
                outcomes.push(single(overlay, request).await?);
            }
            let is_directory = group.scope == Scope::Directory;
            Ok(Applied { outcomes, announcements: Vec::new(), is_directory, replaced: 0 })
        }
        Scope::Network => ordered::apply(overlay, group).await,
    }
}

async fn single(overlay: &mut Overlay<'_>, request: &Request) -> Result<Outcome, StoreError> {
    match &request.command {
        Command::Directory(command) => {
            let account = keys::account(Region::Local, request.account);
            overlay.load([receipt::key(Region::Local, request), account.clone()]).await?;
            // A backup changes the heads of collections; what is not about one of them compares its marker.
            overlay.hold_marker().await?;
            if let Some(outcome) = repeated(overlay, Region::Local, request).await? {
                return Ok(outcome);
            }
            if overlay.is_frozen()? {
                return Ok(Err(Rejection::Frozen));
            }
            // The operator of this machine has no account.
            if !request.account.is_nil() {
                let account = overlay.get(&account).map(|record| directory::decode(record)).transpose()?;
                if !account.is_some_and(|account: Account| account.is_administrator) {
                    return Ok(Err(Rejection::Stale));
                }
            }
            let outcome = directory::apply(overlay, command).await?;
            if outcome.is_ok() {
                receipt::write(overlay, Region::Local, request, None, &Done::Changed)?;
            }
            Ok(outcome.map(|()| Done::Changed).map_err(Rejection::from))
        }
        Command::Clear(clear) => {
            overlay.hold_marker().await?;
            match overlay.is_frozen()? {
                true => Ok(Err(Rejection::Frozen)),
                false => clear::apply(overlay, *clear).await.map(Ok),
            }
        }
        // A group of another scope holds no such commands.
        Command::Add(_)
        | Command::Delete(_)
        | Command::Relevel(_)
        | Command::Erase(_)
        | Command::Conclude(_)
        | Command::Fence(_)
        | Command::Enter(_)
        | Command::Apply(_) => Ok(Err(Rejection::Stale)),
    }
}

/// The outcome that a request had when it was carried out before.
async fn repeated(
    overlay: &mut Overlay<'_>,
    region: Region,
    request: &Request,
) -> Result<Option<Outcome>, StoreError> {
    let found = receipt::find(overlay, region, request).await?;
    Ok(found.map(|found| found.done_by(request).ok_or(Rejection::RequestReused)))
}

/// Requests of one collection, in runs: additions that follow each other are stamped together, everything else by itself.
async fn collection(overlay: &mut Overlay<'_>, group: &Group) -> Result<Applied, StoreError> {
    overlay.load(group.requests.iter().flat_map(first_reads)).await?;
    let mut outcomes = Vec::with_capacity(group.requests.len());
    let mut announcements: Vec<Announcement> = Vec::new();
    let mut replaced = 0;
    let mut requests = &group.requests[..];
    while let Some(first) = requests.first() {
        let (run, rest) = requests.split_at(run_length(requests));
        requests = rest;
        let applied = match &first.command {
            Command::Delete(command) => delete::apply(overlay, first, command).await?,
            Command::Relevel(command) => relevel::apply(overlay, first, command, group.time).await?,
            Command::Erase(command) => erase::apply(overlay, first, command).await?,
            Command::Conclude(command) => conclude::apply(overlay, first, command).await?,
            Command::Fence(command) => fence(overlay, first, command).await?,
            Command::Add(_) => add::apply(overlay, run, group.time).await?,
            Command::Directory(_) | Command::Clear(_) | Command::Enter(_) | Command::Apply(_) => {
                Applied::single(Err(Rejection::Stale), None)
            }
        };
        outcomes.extend(applied.outcomes);
        announcements.extend(applied.announcements);
        replaced += applied.replaced;
    }
    Ok(Applied { outcomes, announcements, is_directory: false, replaced })
}

/// The length of the first run: additions of different requests. One with given stamps stands alone, because whether they
/// fit is known only after everything before it.
fn run_length(requests: &[Request]) -> usize {
    let is_stamped_by_clock =
        |request: &Request| matches!(&request.command, Command::Add(add) if add.stamps == Stamps::Clock);
    let mut seen = BTreeSet::new();
    let run = requests
        .iter()
        .take_while(|request| is_stamped_by_clock(request) && seen.insert((request.id, request.account)));
    run.count().max(1)
}

/// The keys that a request needs in any case, read for the whole group in one step.
fn first_reads(request: &Request) -> Vec<Key> {
    let (target, ids) = match &request.command {
        Command::Add(add) => (&add.target, add::ids(add)),
        Command::Delete(delete) => (&delete.target, vec![&delete.id]),
        Command::Relevel(relevel) => (&relevel.target, Vec::new()),
        Command::Erase(erase) => (&erase.target, Vec::new()),
        Command::Conclude(conclude) => (&conclude.target, Vec::new()),
        Command::Fence(fence) => (&fence.target, Vec::new()),
        Command::Directory(_) | Command::Clear(_) | Command::Enter(_) | Command::Apply(_) => {
            return Vec::new();
        }
    };
    let space = target.space();
    let mut keys = vec![
        keys::collection(space.region, target.collection),
        keys::head(space),
        receipt::key(Region::Local, request),
    ];
    if target.account_revision.is_some() {
        keys.push(keys::account(Region::Local, request.account));
    }
    keys.extend(ids.into_iter().map(|id| keys::object(space, id)));
    keys
}

/// Checks the revisions of a request, and returns its collection, or the outcome that the request has already.
async fn check(
    overlay: &mut Overlay<'_>,
    request: &Request,
    target: &Target,
) -> Result<Result<Collection, Outcome>, StoreError> {
    let region = target.region;
    if let Some(outcome) = repeated(overlay, Region::Local, request).await? {
        return Ok(Err(outcome));
    }
    // What one node writes there by itself, the others do not have.
    let is_of_network = matches!(region, Region::Network { .. });
    if is_of_network && !matches!(request.command, Command::Conclude(_)) {
        return Ok(Err(Err(Rejection::NeedsApproval)));
    }
    if overlay.is_frozen()? && !matches!(request.command, Command::Fence(_)) {
        return Ok(Err(Err(Rejection::Frozen)));
    }
    let Some(record) = overlay.get(&keys::collection(region, target.collection)) else {
        return Ok(Err(Err(Rejection::NoCollection)));
    };
    let collection = directory::decode_collection(record, region)?;
    let mut is_fresh = (collection.revision, collection.space()) == (target.revision, target.space());
    if let Some(revision) = target.account_revision {
        let account = overlay.get(&keys::account(Region::Local, request.account));
        let account: Option<Account> = account.map(|record| directory::decode(record)).transpose()?;
        is_fresh &= account.is_some_and(|account| account.revision == revision);
    }
    Ok(if is_fresh { Ok(collection) } else { Err(Err(Rejection::Stale)) })
}

/// Changes the head of a collection.
async fn fence(
    overlay: &mut Overlay<'_>,
    request: &Request,
    Fence { target }: &Fence,
) -> Result<Applied, StoreError> {
    let outcome = match check(overlay, request, target).await? {
        Err(outcome) => outcome,
        Ok(collection) => {
            let head = head(overlay, collection.space())?;
            put_head(overlay, collection.space(), head);
            Ok(Done::Changed)
        }
    };
    Ok(Applied::single(outcome, None))
}

/// Reads the head of a collection, whose key was loaded.
fn head(overlay: &Overlay<'_>, space: Space) -> Result<Head, StoreError> {
    let head = overlay.get(&keys::head(space)).ok_or(StoreError::Corrupt("the head of a collection"))?;
    Head::decode(head)
}

/// Writes a head that was changed.
fn put_head(overlay: &mut Overlay<'_>, space: Space, mut head: Head) {
    head.revision += 1;
    head.latest.retain(|_, count| *count > 0);
    overlay.put_head(keys::head(space), Some(head.encode()));
}

/// Updates the timelines of latest versions, and their counts in the head, when an object changes.
fn move_latest(
    overlay: &mut Overlay<'_>,
    space: Space,
    head: &mut Head,
    object_type: &str,
    [before, after]: [&[LatestVersion]; 2],
) {
    let timelines = |latest: &LatestVersion| {
        [
            keys::Timeline::Latest(latest.interval).at(space, latest.position),
            keys::Timeline::LatestOfType(object_type, latest.interval).at(space, latest.position),
        ]
    };
    for gone in before.iter().filter(|latest| !after.contains(latest)) {
        timelines(gone).into_iter().for_each(|key| overlay.remove(key));
        let count = head.latest.entry(gone.interval).or_default();
        *count = count.saturating_sub(1);
    }
    for new in after.iter().filter(|latest| !before.contains(latest)) {
        timelines(new).into_iter().for_each(|key| overlay.put(key, encode_length(new.length)));
        *head.latest.entry(new.interval).or_default() += 1;
    }
}
