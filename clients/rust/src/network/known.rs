//! Networks of servers that were used before.

use super::NetworkId;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of servers and their networks: on each line the origin of a server, a blank, and the identifier of its network.
///
/// The first network of a server is remembered. Another one later means that another network answers under the same
/// name, for which no vote may be signed.
#[derive(Clone, Debug)]
pub struct KnownNetworks {
    path: PathBuf,
}

/// What is known of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is that of the server.
    Same,
    /// The server was not known, and is now.
    New,
}

/// Why a network cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// The server had another one.
    #[error(
        "{origin} answers for network {found}, and was known for network {expected}; nothing is signed for another network. \
         If the members founded it anew, remove the line of this server from {path}"
    )]
    Other {
        /// The server.
        origin: String,
        /// The network that is known.
        expected: NetworkId,
        /// The network that it answers for.
        found: NetworkId,
        /// The file.
        path: String,
    },
    /// The file cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A line is not understood.
    #[error("{path}, line {line}: a server and the identifier of its network are expected")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
    },
}

impl KnownNetworks {
    /// Those in a file, which need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Compares the network of a server with the one that is known, and remembers the first one.
    ///
    /// # Errors
    /// When it is another one, or the file cannot be used.
    pub fn check(&self, origin: &str, found: NetworkId) -> Result<Known, KnownError> {
        let path = || self.path.display().to_string();
        let broken = |source| KnownError::File { path: path(), source };
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(broken(error)),
        };
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts = line.split_once(' ').and_then(|(origin, id)| Some((origin, id.trim().parse().ok()?)));
            let Some((known, expected)) = parts else {
                return Err(KnownError::Line { path: path(), line: number });
            };
            if known == origin {
                return match expected == found {
                    true => Ok(Known::Same),
                    false => {
                        Err(KnownError::Other { origin: origin.to_owned(), expected, found, path: path() })
                    }
                };
            }
        }
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(broken)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(broken)?;
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        writeln!(file, "{separator}{origin} {found}").and_then(|()| file.sync_all()).map_err(broken)?;
        Ok(Known::New)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::Digest;

    #[test]
    fn the_first_network_of_a_server_is_the_one_that_counts() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownNetworks::at(folder.path().join("new/known"));
        let [one, other] = [1, 2].map(|byte| NetworkId(Digest([byte; 32])));
        assert_eq!(known.check("https://a", one).unwrap(), Known::New);
        assert_eq!(known.check("https://b", other).unwrap(), Known::New);
        assert_eq!(known.check("https://a", one).unwrap(), Known::Same);
        let refused = known.check("https://a", other).unwrap_err().to_string();
        assert!(
            refused.contains("https://a answers for network 0202")
                && refused.contains("known for network 0101"),
            "{refused}"
        );
        fs::write(known.path(), "# a remark\n\nhttps://a nothing\n").unwrap();
        let refused = known.check("https://a", one).unwrap_err().to_string();
        assert!(refused.contains("line 3: a server and the identifier"), "{refused}");
    }
}
