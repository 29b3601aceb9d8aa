//! Feeds of threat intelligence become STIX 2.1, and go to a TAXII 2.1 server.
//!
//! A [feed](feed::Feed) is a declaration: where it is, how its files are written, which fields mean what, under which terms. Those
//! that are [known] are declared in the same form in which an operator declares one in the [settings]. [`convert()`] reads the
//! bytes of a feed, record by record. What a record says becomes an indicator, what it is based on, and what it
//! points to; a record that says nothing that makes sense is rejected with a reason.
//!
//! ```
//! use taxii_feeds::{Collected, convert, settings::Settings};
//! let feed = Settings::default().feed("feodo-tracker")?;
//! let file = r#""first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"
//! "2023-05-23 17:51:44","192.0.2.7","1194","online","2024-04-01","Pikabot"
//! "2023-05-23 17:51:44","192.0.2.777","1194","online","2024-04-01","Pikabot""#;
//! let mut found = Collected::default();
//! convert(&feed, &"2026-01-02T00:00:00.000Z".parse()?, &mut file.as_bytes(), &mut found)?;
//! assert_eq!((found.records, found.rejected.len()), (2, 1));
//! assert_eq!(found.rejected[0].reason, "`192.0.2.777` is no address");
//! let indicator = found.objects.iter().find(|object| object.id().object_type() == "indicator").unwrap();
//! assert_eq!(indicator.get::<String>("name")?.as_deref(), Some("192.0.2.7:1194"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate does not do
//! It downloads no samples and follows no links in what it reads. It guesses nothing: what a source does not say is not in its
//! objects.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod archive;
mod convert;
mod deliver;
pub mod feed;
mod fetch;
mod frame;
mod indicator;
mod input;
pub mod known;
mod observation;
mod output;
mod page;
mod run;
pub mod settings;
mod shared;
mod span;
mod state;
pub mod time;
pub mod value;
mod walk;
pub mod warninglist;

pub use archive::Members;
pub use convert::{ConvertError, convert};
pub use deliver::{DeliverError, Delivered, Destination};
pub use fetch::{FetchError, Fetched, Fetcher, Request, Secret};
pub use frame::{Frame, NAMESPACE};
pub use indicator::{Maker, ObserveError, quote};
pub use input::convert_file;
pub use observation::{FileFacts, MalwareName, Observation};
pub use output::{Collected, Output, Rejected, Standing};
pub use page::page;
pub use run::{Aggregator, Report, RunError, Start};
pub use shared::{Part, Reference, SharedKey, merge, merged};
pub use span::{Span, SpanError};
pub use state::{Cursor, Staged, Staging, State, StateError};
