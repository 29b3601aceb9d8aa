//! Extractors: they parse the text of a request into types, or refuse it. Nothing later checks it again.

mod account;
mod body;
mod idempotency;
mod media_type;
mod page;
mod path;
mod room;

pub(crate) use account::{
    AccountAt, Administrator, Deletable, Listed, LocalOperator, ObjectAt, RECHECKS, Readable, RootAt,
    StatusAt, TaxiiCaller, Writable,
};
pub(crate) use body::EnvelopeBody;
pub(crate) use idempotency::RequestId;
pub(crate) use page::{PageQuery, VersionQuery};
pub(crate) use path::{
    AccountPath, ApiRootPath, ApiRootRecordPath, CollectionPath, CollectionRecordPath, GrantPath, LogPath,
    ObjectPath, PolicyPath, ProposalPath, StatusPath, TokenPath,
};
pub(crate) use room::{ConnectionBudget, HasRoom, IsCoded};
