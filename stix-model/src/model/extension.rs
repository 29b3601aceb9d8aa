//! The predefined extensions of cyber-observable objects (STIX 2.1, section 6).
//!
//! ```
//! use stix_model::{Object, extension::ArchiveExt, sco::File};
//! let file = Object::parse(r#"{"type": "file", "id": "file--ec3415cc-5f4f-5ec8-bdb1-6f86996ae66d", "name": "a.zip",
//!     "extensions": {"archive-ext": {"contains_refs": ["file--019fde1c-94ca-5967-8b3c-a906a51d87ac"]}}}"#)?;
//! let file: File = file.read()?;
//! let document = file.common.extensions.document("archive-ext").expect("it is there");
//! let archive = ArchiveExt::read(document.root())?;
//! assert_eq!(archive.contains_refs.len(), 1);
//! # Ok::<(), stix_model::ObjectError>(())
//! ```

mod archive_ext;
mod http_request_ext;
mod icmp_ext;
mod ntfs_ext;
mod pdf_ext;
mod raster_image_ext;
mod socket_ext;
mod tcp_ext;
mod unix_account_ext;
mod windows_pebinary_ext;
mod windows_process_ext;
mod windows_service_ext;

use crate::schema::table::Schema;

pub use archive_ext::ArchiveExt;
pub use http_request_ext::HttpRequestExt;
pub use icmp_ext::IcmpExt;
pub use ntfs_ext::{AlternateDataStream, NtfsExt};
pub use pdf_ext::PdfExt;
pub use raster_image_ext::RasterImageExt;
pub use socket_ext::SocketExt;
pub use tcp_ext::TcpExt;
pub use unix_account_ext::UnixAccountExt;
pub use windows_pebinary_ext::{WindowsPeBinaryExt, WindowsPeOptionalHeader, WindowsPeSection};
pub use windows_process_ext::WindowsProcessExt;
pub use windows_service_ext::WindowsServiceExt;

/// The tables of all of them.
pub(crate) const SCHEMAS: [&Schema; 12] = [
    ArchiveExt::SCHEMA,
    NtfsExt::SCHEMA,
    PdfExt::SCHEMA,
    RasterImageExt::SCHEMA,
    WindowsPeBinaryExt::SCHEMA,
    HttpRequestExt::SCHEMA,
    IcmpExt::SCHEMA,
    SocketExt::SCHEMA,
    TcpExt::SCHEMA,
    WindowsProcessExt::SCHEMA,
    WindowsServiceExt::SCHEMA,
    UnixAccountExt::SCHEMA,
];
