//! The socket through which the command line reaches a running server.
//!
//! Where the system has Unix sockets it is one in the data folder, into which no other account can put its own. Elsewhere
//! it is a port of the loopback address, which may be another program's after this server has ended: so each side proves
//! that it knows the secret (see [`super::proof`]) before the other says more.

use super::file::ControlAddress;
use super::place::Place;
#[cfg(unix)]
use super::place::with_short;
use crate::credentials::new_password;
#[cfg(unix)]
use crate::private;
use std::io;
use std::path::Path;

/// Name of the socket in the data folder.
#[cfg(unix)]
const SOCKET: &str = "control.sock";

/// A listener for the command line.
pub(crate) enum ControlListener {
    #[cfg(unix)]
    Socket(tokio::net::UnixListener),
    #[cfg_attr(unix, allow(dead_code, reason = "for systems without Unix sockets"))]
    Loopback(tokio::net::TcpListener),
}

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
