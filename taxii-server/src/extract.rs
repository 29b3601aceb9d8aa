//! Text of a request becomes types here, or an error. Nothing later checks it again.

mod account;
mod body;
mod check;
mod media_type;
mod page;
mod posted;

pub(crate) use account::{
    Administrator, At, Deletable, LocalOperator, ObjectAt, PathParts, Readable, RootAt, StatusAt,
    TaxiiCaller, Writable,
};
pub(crate) use body::EnvelopeBody;
pub(crate) use page::{PageQuery, VersionQuery};
pub(crate) use posted::Posted;
