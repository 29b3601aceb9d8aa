//! The predefined extensions of cyber-observable objects (STIX 2.1, section 6).

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

use crate::schema::Schema;

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

/// The table of the type with this name.
pub(crate) fn schema(name: &str) -> Option<&'static Schema> {
    Some(match name {
        "archive-ext" => ArchiveExt::SCHEMA,
        "ntfs-ext" => NtfsExt::SCHEMA,
        "pdf-ext" => PdfExt::SCHEMA,
        "raster-image-ext" => RasterImageExt::SCHEMA,
        "windows-pebinary-ext" => WindowsPeBinaryExt::SCHEMA,
        "http-request-ext" => HttpRequestExt::SCHEMA,
        "icmp-ext" => IcmpExt::SCHEMA,
        "socket-ext" => SocketExt::SCHEMA,
        "tcp-ext" => TcpExt::SCHEMA,
        "windows-process-ext" => WindowsProcessExt::SCHEMA,
        "windows-service-ext" => WindowsServiceExt::SCHEMA,
        "unix-account-ext" => UnixAccountExt::SCHEMA,
        _ => return None,
    })
}
