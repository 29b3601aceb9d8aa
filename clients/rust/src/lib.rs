//! A TAXII 2.1 client.
//!
//! ```no_run
//! use taxii_client::{Auth, Client, Filter, Options};
//!
//! # async fn tour() -> Result<(), taxii_client::Error> {
//! let auth = Auth::Basic { user: "reader".into(), password: "secret".into() };
//! let client = Client::new(Options::new("https://taxii.example/").auth(auth))?;
//!
//! // The API root is found through discovery, unless the URL already names one.
//! for collection in client.collections().await? {
//!     println!("{} {}", collection.id, collection.title);
//! }
//!
//! // Objects arrive page by page, each as the very text that the server sent.
//! let filter = Filter::default().object_type("indicator");
//! let mut pages = client.objects("91a7b528-80eb-42ed-a74d-c6fbd5a26116", filter).await?;
//! while let Some(page) = pages.next().await? {
//!     for object in &page.objects {
//!         println!("{}", object.get());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Pull what is new, again and again
//! A walk has a [`Position`] after each page. A program that keeps what is on a page and then the position loses nothing, and
//! gets nothing twice but the page that a crash interrupted:
//!
//! ```no_run
#![doc = include_str!("../examples/pull.rs")]
//! ```
//!
//! Objects come as a stream, too: [`Pages::into_objects`] gives each with its header read.
//!
//! # TLS
//! The cryptography is the one that the program has installed in rustls, else aws-lc. `http://` needs none; it is for this
//! machine, unless [`Options::allow_plain_http`] says otherwise.
//!
//! # Push, and what else there is
//! [`Pages`] walks a collection and knows its [`Position`], which a program can keep to go on later. [`Packing`]
//! cuts many objects into envelopes that the server takes. [`Error`] shows what the server said. With the feature `network`, the
//! module `network` lists proposals of a network of organisations, checks what the server shows of them, and votes.
//!
//! Objects, identifiers and times are those of [`stix_model`], which this crate hands on without its default features.
//!
//! # What this crate does not do
//! It changes no object: what was received is handed on as it was, what is sent stands as it was given. It trusts
//! no server: answers have a size limit, a page that leads nowhere is an error, and credentials never go to
//! another host than the one that was named, nor over plain HTTP to another machine, nor through a proxy to this one.
//! It reads no wall clock.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod cause;
mod client;
mod date;
mod error;
mod filter;
mod http;
#[doc(hidden)]
pub mod kept;
mod options;
mod packing;
mod page;
mod proxy;
mod remark;
mod resource;
mod retry;
mod tls;

#[cfg(feature = "network")]
pub mod network;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use client::Client;
pub use error::Error;
pub use filter::{Filter, VersionMatch};
pub use options::{Auth, Options};
pub use packing::Packing;
pub use page::{Page, Paged, Pages, Position};
pub use remark::Remark;
pub use retry::Retry;
pub use tls::{Pin, PinError};

pub use reqwest::Url;
pub use stix_model;
pub use stix_model::taxii;
