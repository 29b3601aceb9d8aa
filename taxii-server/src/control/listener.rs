//! The socket through which the command line reaches a running server.
//!
//! Where the system has Unix sockets it is one in the data folder, into which no other account can put its own. Elsewhere
//! it is a port of the loopback address, which may be another program's after this server has ended: so each side proves
//! that it knows the secret (see [`super::proof`]) before the other says more.

use super::file::ControlAddress;
use crate::credentials::new_password;
#[cfg(unix)]
use crate::private;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the socket in the data folder.
#[cfg(unix)]
const SOCKET: &str = "control.sock";
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

/// A listener for the command line.
pub(crate) enum ControlListener {
    #[cfg(unix)]
    Socket(tokio::net::UnixListener),
    #[cfg_attr(unix, allow(dead_code, reason = "for systems without Unix sockets"))]
    Loopback(tokio::net::TcpListener),
}

/// A connection to either.
#[cfg(feature = "cli")]
pub(crate) trait Connection: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

#[cfg(feature = "cli")]
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Connection for T {}

impl ControlListener {
    /// Listens for the operator of a data folder, whose store this process has open.
    pub(crate) fn open(data: &Path) -> io::Result<(Self, ControlAddress)> {
        let secret = new_password().map_err(io::Error::other)?;
        let (listener, place) = Self::bind(data)?;
        Ok((listener, ControlAddress { place, secret, process: std::process::id() }))
    }

    #[cfg(unix)]
    fn bind(data: &Path) -> io::Result<(Self, Place)> {
        let path = data.join(SOCKET);
        match listen_at(&path) {
            Ok(listener) => Ok((Self::Socket(listener), Place::Socket(path))),
            // The path is too long, or the file system has no sockets.
            Err(error) => {
                let folder = std::env::temp_dir().join(format!("concord-{}", uuid::Uuid::new_v4().simple()));
                tracing::info!(%error, "no socket can be in the data folder; it is in {}", folder.display());
                private::folder(&folder)?;
                let path = folder.join(SOCKET);
                Ok((Self::Socket(listen_at(&path)?), Place::Socket(path)))
            }
        }
    }

    #[cfg(not(unix))]
    fn bind(_: &Path) -> io::Result<(Self, Place)> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let place = Place::Loopback(listener.local_addr()?);
        listener.set_nonblocking(true)?;
        Ok((Self::Loopback(tokio::net::TcpListener::from_std(listener)?), place))
    }
}

#[cfg(unix)]
fn listen_at(path: &Path) -> io::Result<tokio::net::UnixListener> {
    // That of a server that was killed: the store has one owner.
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = with_short(path, |path| std::os::unix::net::UnixListener::bind(path))?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

/// Passes on a path that fits into the address of a socket and names the same file.
#[cfg(unix)]
fn with_short<T>(path: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
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
