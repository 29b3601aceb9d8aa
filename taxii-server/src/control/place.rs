//! Where a running server listens for the command line.

use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Longest path that fits into the address of a socket on all systems.
#[cfg(unix)]
const LONGEST: usize = 100;

/// Place at which a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// A Unix socket.
    #[serde(rename = "socket")]
    Socket(PathBuf),
    /// A loopback address.
    #[serde(rename = "address")]
    Loopback(SocketAddr),
}

/// A connection to a running server.
#[cfg(feature = "cli")]
pub(crate) trait Connection: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

#[cfg(feature = "cli")]
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Connection for T {}

impl Place {
    /// The same place as the file in the data folder names it: folders are moved, and seen under several paths.
    pub(super) fn inside(&self, data: &Path) -> Self {
        match self {
            Self::Socket(path) => Self::Socket(path.strip_prefix(data).unwrap_or(path).to_owned()),
            Self::Loopback(address) => Self::Loopback(*address),
        }
    }

    /// The place that the file in a data folder names.
    #[cfg(feature = "cli")]
    pub(super) fn below(self, data: &Path) -> Self {
        match self {
            Self::Socket(path) => Self::Socket(data.join(path)),
            place @ Self::Loopback(_) => place,
        }
    }

    /// Connects to the server that listens here.
    ///
    /// # Errors
    /// When none does.
    #[cfg(feature = "cli")]
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match self {
            #[cfg(unix)]
            Self::Socket(path) => {
                let stream = with_short(path, |path| std::os::unix::net::UnixStream::connect(path))?;
                stream.set_nonblocking(true)?;
                Box::new(tokio::net::UnixStream::from_std(stream)?)
            }
            #[cfg(not(unix))]
            Self::Socket(_) => return Err(io::ErrorKind::Unsupported.into()),
            Self::Loopback(address) => Box::new(tokio::net::TcpStream::connect(address).await?),
        })
    }

    /// Removes what a server that stops leaves.
    pub(crate) fn remove(&self) {
        let Self::Socket(path) = self else { return };
        let _ = std::fs::remove_file(path);
        if let Some(folder) = path.parent()
            && folder.starts_with(std::env::temp_dir())
        {
            // Only one that was made for the socket is empty now.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Passes on a path that fits into the address of a socket and names the same file.
#[cfg(unix)]
pub(super) fn with_short<T>(path: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() <= LONGEST {
        return work(path);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let folder = std::fs::File::open(folder)?;
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&folder);
    work(&Path::new("/proc/self/fd").join(descriptor.to_string()).join(name))
}
