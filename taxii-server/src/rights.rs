//! Who may do what: principals, grants, and the one function that decides.
//!
//! [`decide`] is total and pure. No handler is reached without it, because extractors ask it for what they hand out.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::Tlp;
use uuid::Uuid;

/// An account after authentication, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The account, or the operator of this machine.
    pub subject: Subject,
    /// The organisation that the account belongs to.
    pub organisation: Uuid,
    /// Whether it may administer the server, and read and write everything.
    pub is_administrator: bool,
    /// Rights by collection.
    pub grants: Grants,
}

/// Rights by collection.
pub type Grants = BTreeMap<GrantScope, Access>;

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The operator of this machine, who owns the data folder and needs no account.
    Operator,
    /// An account.
    Account {
        /// Its identifier, which is never given again.
        id: Uuid,
        /// Revision of the directory in which it last changed.
        revision: u64,
    },
}

impl Principal {
    /// The operator of this machine.
    pub fn operator(organisation: Uuid) -> Self {
        Self { subject: Subject::Operator, organisation, is_administrator: true, grants: Grants::new() }
    }

    /// The identifier of the account; nil for the operator.
    pub fn account(&self) -> Uuid {
        match self.subject {
            Subject::Operator => Uuid::nil(),
            Subject::Account { id, .. } => id,
        }
    }

    /// Revision of the account; `None` for the operator.
    pub fn revision(&self) -> Option<u64> {
        match self.subject {
            Subject::Operator => None,
            Subject::Account { revision, .. } => Some(revision),
        }
    }

    /// What is granted on a resource; `None` when it does not exist for the principal.
    pub fn access(&self, resource: Resource) -> Option<Access> {
        let (id, is_review) = match resource {
            Resource::Server => return None,
            Resource::Collection(id) => (id, false),
            Resource::Review(id) => (id, true),
        };
        if self.is_administrator {
            return Some(Access { can_read: true, can_write: !is_review });
        }
        let [all, one] = [GrantScope::All, GrantScope::Collection(id)].map(|scope| self.grants.get(&scope));
        // Nothing that is not approved must reach those who read all collections.
        let all = all.filter(|_| !is_review);
        let granted = |right: fn(&Access) -> bool| all.is_some_and(right) || one.is_some_and(right);
        all.or(one)?;
        Some(Access {
            can_read: granted(|access| access.can_read),
            can_write: granted(|access| access.can_write) && !is_review,
        })
    }
}

/// The collections that a grant is about: one, or all of them (`*`) but those for reviewers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GrantScope {
    /// Every collection, also those that are made later.
    All,
    /// One collection.
    Collection(Uuid),
}

impl From<Uuid> for GrantScope {
    fn from(collection: Uuid) -> Self {
        Self::Collection(collection)
    }
}

impl std::str::FromStr for GrantScope {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        if text == "*" { Ok(Self::All) } else { text.parse().map(Self::Collection) }
    }
}

impl TryFrom<String> for GrantScope {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, uuid::Error> {
        text.parse()
    }
}

impl From<GrantScope> for String {
    fn from(scope: GrantScope) -> String {
        match scope {
            GrantScope::All => "*".to_owned(),
            GrantScope::Collection(id) => id.to_string(),
        }
    }
}

/// What may be done with a collection. A collection without a grant does not exist for an account; one with a grant
/// of neither right is listed, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Get objects.
    pub can_read: bool,
    /// Add objects.
    pub can_write: bool,
}

/// A principal as a reader: what it sees of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    clearance: Tlp,
}

impl Viewer {
    /// A viewer that sees objects up to a level.
    pub fn with_clearance(clearance: Tlp) -> Self {
        Self { clearance }
    }

    /// The highest level that it sees.
    pub fn clearance(self) -> Tlp {
        self.clearance
    }

    /// Whether it sees objects of a level.
    pub fn sees(self, level: Tlp) -> bool {
        level <= self.clearance
    }
}

/// Something that a principal asks to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Learn that a collection exists (TAXII 2.1, sections 5.1 and 5.2).
    List,
    /// Read objects, manifests and versions (sections 5.3, 5.4, 5.6 and 5.8).
    Read,
    /// Add objects (section 5.5).
    Add,
    /// Delete objects (section 5.7).
    Delete,
    /// Give objects their `date_added`, for restores.
    Restore,
    /// Administer the server.
    Administer,
    /// Read statuses of every account (section 4.3); an account always reads its own.
    ReadAllStatuses,
}

/// Something that an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The server as a whole.
    Server,
    /// A collection.
    Collection(Uuid),
    /// A collection that shows what awaits approval. A grant on all collections is none on this one.
    Review(Uuid),
}

/// The answer of [`decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The principal may, and sees what this viewer sees.
    Allow(Viewer),
    /// The principal may not, and may know that the resource exists.
    Forbid,
    /// The resource does not exist for the principal.
    Hide,
}

/// Decides whether a principal may do something.
///
/// Accounts have full clearance on each collection that they may read.
///
/// ```
/// use taxii_server::rights::{Access, Action, Decision, GrantScope, Grants, Principal, Resource, Subject, decide};
/// use uuid::Uuid;
/// let (feed, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
/// let reader = Principal {
///     subject: Subject::Account { id: Uuid::from_u128(3), revision: 1 },
///     organisation: Uuid::nil(),
///     is_administrator: false,
///     grants: Grants::from([(GrantScope::Collection(feed), Access { can_read: true, can_write: false })]),
/// };
/// assert!(matches!(decide(&reader, Action::Read, Resource::Collection(feed)), Decision::Allow(_)));
/// assert_eq!(decide(&reader, Action::Add, Resource::Collection(feed)), Decision::Forbid);
/// assert_eq!(decide(&reader, Action::Read, Resource::Collection(other)), Decision::Hide);
/// ```
pub fn decide(principal: &Principal, action: Action, resource: Resource) -> Decision {
    let viewer = Viewer::with_clearance(Tlp::Red);
    let allow_if = |is_allowed| if is_allowed { Decision::Allow(viewer) } else { Decision::Forbid };
    match (action, resource) {
        (Action::Administer | Action::ReadAllStatuses, _) | (_, Resource::Server) => {
            allow_if(principal.is_administrator)
        }
        (_, Resource::Collection(_) | Resource::Review(_)) => {
            let Some(Access { can_read, can_write }) = principal.access(resource) else {
                return Decision::Hide;
            };
            match action {
                Action::List => allow_if(true),
                Action::Read => allow_if(can_read),
                Action::Add => allow_if(can_write),
                // TAXII 2.1, section 5.7: with neither right the answer is 404.
                Action::Delete if !can_read && !can_write => Decision::Hide,
                Action::Delete => allow_if(can_read && can_write),
                Action::Restore | Action::Administer | Action::ReadAllStatuses => {
                    allow_if(principal.is_administrator)
                }
            }
        }
    }
}

/// A principal that many requests share.
pub(crate) type SharedPrincipal = Arc<Principal>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every action against every kind of principal, on an own and on another collection.
    #[test]
    fn the_table_of_rights() {
        use Action::{Add, Administer, Delete, List, Read, ReadAllStatuses, Restore};
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let account = |is_administrator, rights: Option<(bool, bool)>| Principal {
            subject: Subject::Account { id: Uuid::from_u128(9), revision: 1 },
            organisation: Uuid::nil(),
            is_administrator,
            grants: rights
                .map(|(can_read, can_write)| (GrantScope::Collection(own), Access { can_read, can_write }))
                .into_iter()
                .collect(),
        };
        let actions = [List, Read, Add, Delete, Restore, Administer, ReadAllStatuses];
        // a: allowed, f: forbidden, h: hidden; on the own collection, on another one, on the server.
        let table = [
            (Principal::operator(Uuid::nil()), ["aaaaaaa", "aaaaaaa", "aaaaaaa"]),
            (account(true, None), ["aaaaaaa", "aaaaaaa", "aaaaaaa"]),
            (account(false, Some((true, true))), ["aaaafff", "hhhhhff", "fffffff"]),
            (account(false, Some((true, false))), ["aafffff", "hhhhhff", "fffffff"]),
            (account(false, Some((false, true))), ["afaffff", "hhhhhff", "fffffff"]),
            (account(false, Some((false, false))), ["affhfff", "hhhhhff", "fffffff"]),
            (account(false, None), ["hhhhhff", "hhhhhff", "fffffff"]),
        ];
        for (principal, expected) in &table {
            let resources = [Resource::Collection(own), Resource::Collection(other), Resource::Server];
            for (resource, expected) in resources.into_iter().zip(expected) {
                let decided = actions.map(|action| match decide(principal, action, resource) {
                    Decision::Allow(_) => 'a',
                    Decision::Forbid => 'f',
                    Decision::Hide => 'h',
                });
                assert_eq!(decided.iter().collect::<String>(), **expected, "{principal:?} {resource:?}");
            }
        }
    }

    #[test]
    fn a_grant_on_all_collections_adds_to_a_grant_on_one() {
        let one = Uuid::from_u128(1);
        let grants = Grants::from([
            (GrantScope::All, Access { can_read: true, can_write: false }),
            (GrantScope::Collection(one), Access { can_read: false, can_write: true }),
        ]);
        let principal = Principal { is_administrator: false, grants, ..Principal::operator(Uuid::nil()) };
        assert_eq!(
            principal.access(Resource::Collection(one)),
            Some(Access { can_read: true, can_write: true })
        );
        assert_eq!(
            principal.access(Resource::Collection(Uuid::nil())),
            Some(Access { can_read: true, can_write: false })
        );
    }

    #[test]
    fn what_awaits_approval_is_read_by_a_grant_of_its_own_and_written_by_no_one() {
        let one = Uuid::from_u128(1);
        let both = Access { can_read: true, can_write: true };
        let reader = |scope| {
            let grants = Grants::from([(scope, both)]);
            Principal { is_administrator: false, grants, ..Principal::operator(Uuid::nil()) }
        };
        let review = Resource::Review(one);
        assert_eq!(reader(GrantScope::All).access(review), None);
        assert_eq!(decide(&reader(GrantScope::All), Action::Read, review), Decision::Hide);
        let granted = reader(GrantScope::Collection(one));
        assert_eq!(granted.access(review), Some(Access { can_read: true, can_write: false }));
        assert_eq!(decide(&granted, Action::Add, review), Decision::Forbid);
        assert_eq!(decide(&Principal::operator(Uuid::nil()), Action::Delete, review), Decision::Forbid);
    }
}
