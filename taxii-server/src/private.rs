//! Files and folders that only this account may use: the store, the control file, passwords.
//!
//! Symbolic links are not followed, and what belongs to another account is refused; wider rights are taken away.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use tempfile::{NamedTempFile, PersistError};

/// Makes a folder, or checks one that is there. A link to it must belong to this account or to root.
///
/// # Errors
/// When it cannot be made, or belongs to another account.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| explain(path, error))?;
    #[cfg(unix)]
    {
        let link = std::fs::symlink_metadata(path)?;
        if link.is_symlink() && std::os::unix::fs::MetadataExt::uid(&link) != 0 {
            unix::check_owner(path, &link)?;
        }
        unix::restrict(path, &File::open(path).map_err(|error| explain(path, error))?, 0o700)?;
    }
    Ok(())
}

/// Opens a file that is there, to read and write it.
///
/// # Errors
/// [`ErrorKind::NotFound`] when it is not there; also when it is a link, is no file, or belongs to another account.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true).write(true))
}

/// Reads a file that is there. Root may read that of another account.
///
/// # Errors
/// As [`open`].
#[cfg(feature = "cli")]
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    #[cfg(unix)]
    let is_root = rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    let is_root = false;
    let mut file = match is_root {
        true => no_follow(OpenOptions::new().read(true)).open(path).map_err(|error| explain(path, error))?,
        false => open_with(path, OpenOptions::new().read(true))?,
    };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(bytes)
}

/// Checks a file that may be there.
///
/// # Errors
/// As [`open`], but not when it is missing.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match open_with(path, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        checked => checked.map(drop),
    }
}

fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    no_follow(options);
    let file = options.open(path).map_err(|error| explain(path, error))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("{} is no file", path.display())));
    }
    #[cfg(unix)]
    unix::restrict(path, &file, 0o600)?;
    Ok(file)
}

/// Makes an open fail when the path names a symbolic link.
pub(crate) fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits() as i32);
    }
    options
}

/// Writes a file, in the place of what has its name.
///
/// # Errors
/// Those of the file, which is then as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = Unfinished::beside(path)?;
    unfinished.file().write_all(bytes)?;
    unfinished.name(path)
}

/// A file that gets its name when it is complete. Otherwise it is removed.
pub(crate) struct Unfinished(NamedTempFile);

impl Unfinished {
    /// Makes an empty file in the folder of another one.
    ///
    /// # Errors
    /// When the folder does not allow it.
    pub(crate) fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".");
        let made = tempfile::Builder::new().prefix(&hidden).suffix(".part").tempfile_in(folder_of(path));
        made.map(Self).map_err(|error| explain(path, error))
    }

    pub(crate) fn file(&self) -> &File {
        self.0.as_file()
    }

    /// Gives the file its name, in the place of what has it.
    ///
    /// # Errors
    /// When its bytes cannot be brought to the disk, or the name cannot be taken.
    pub(crate) fn name(self, path: &Path) -> io::Result<()> {
        self.file().sync_all()?;
        self.0.persist(path).map_err(|error| explain(path, error.error))?;
        sync_folder(path);
        Ok(())
    }

    /// Gives the file its name, which nothing has.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when something has it.
    pub(crate) fn name_new(self, path: &Path) -> io::Result<()> {
        self.file().sync_all()?;
        match self.0.persist_noclobber(path) {
            // The file system has no second names.
            Err(PersistError { error, file })
                if error.kind() != ErrorKind::AlreadyExists && !path.exists() =>
            {
                file.persist(path).map_err(|error| explain(path, error.error))?;
            }
            named => drop(named?),
        }
        sync_folder(path);
        Ok(())
    }
}

/// Brings a new name to the disk, where the system can.
fn sync_folder(path: &Path) {
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Says which right on which path is missing, and for whom.
fn explain(path: &Path, error: io::Error) -> io::Error {
    #[cfg(unix)]
    let explained = unix::explain(path, &error);
    #[cfg(not(unix))]
    let explained = None::<String>;
    match explained {
        Some(explained) => io::Error::new(error.kind(), explained),
        None => error,
    }
}

/// Name of the process that has a file locked, where the system tells it.
pub(crate) fn lock_holder(file: &File) -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        let inode = std::os::unix::fs::MetadataExt::ino(&file.metadata().ok()?);
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        // A line is `1: FLOCK ADVISORY WRITE 4711 08:01:131073 0 EOF`.
        let holder = locks.lines().find_map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            let is_it =
                *columns.get(1)? == "FLOCK" && columns.get(5)?.rsplit(':').next()? == inode.to_string();
            is_it.then(|| columns.get(4).map(|pid| (*pid).to_owned())).flatten()
        })?;
        let name = std::fs::read_to_string(format!("/proc/{holder}/comm")).ok()?;
        Some(format!("process {holder} ({})", name.trim()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        None
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata, Permissions};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    /// Checks that a file is this account's, and takes away the rights of others.
    pub(super) fn restrict(path: &Path, file: &File, mode: u32) -> io::Result<()> {
        let metadata = file.metadata()?;
        check_owner(path, &metadata)?;
        let found = metadata.mode() & 0o7777;
        if found & 0o077 != 0 {
            match file.set_permissions(Permissions::from_mode(mode)) {
                Ok(()) => tracing::warn!(
                    "{} had the mode {found:04o}, which lets others in; it is {mode:04o} now",
                    path.display()
                ),
                // Some file systems have no modes.
                Err(error) => {
                    tracing::warn!(%error, "{} has the mode {found:04o}, which stays", path.display())
                }
            }
        }
        Ok(())
    }

    pub(super) fn check_owner(path: &Path, metadata: &Metadata) -> io::Result<()> {
        let (owner, we) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner == we {
            return Ok(());
        }
        let [name, owner, we] = [path.display().to_string(), user(owner), user(we)];
        let message = format!(
            "{name} belongs to {owner}, and this process runs as {we}; run it as the owner, or change the owner"
        );
        Err(io::Error::new(ErrorKind::PermissionDenied, message))
    }

    pub(super) fn explain(path: &Path, error: &io::Error) -> Option<String> {
        let shown = path.display();
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return Some(format!(
                "{shown} is a symbolic link, which is not followed here; put the file itself there"
            ));
        }
        if error.kind() == ErrorKind::ReadOnlyFilesystem {
            return Some(format!("the file system of {shown} is mounted read-only; mount it for writing"));
        }
        if error.kind() != ErrorKind::PermissionDenied {
            return None;
        }
        // The first one above a folder that this account may not look into.
        let (place, metadata) = path.ancestors().find_map(|place| {
            let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
            Some((place, std::fs::symlink_metadata(place).ok()?))
        })?;
        let right = if metadata.is_dir() { "enter and change the folder" } else { "read and write" };
        let (mode, owner) = (metadata.mode() & 0o7777, user(metadata.uid()));
        let we = user(rustix::process::geteuid().as_raw());
        Some(format!(
            "{we} may not {right} {}, which has the mode {mode:04o} and belongs to {owner}; run it as the owner, or change \
             owner or mode",
            place.display()
        ))
    }

    /// The name of an account, where the system tells it.
    fn user(id: u32) -> String {
        let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = known.lines().find_map(|line| {
            let mut columns = line.split(':');
            let name = columns.next()?;
            (columns.nth(1)? == id.to_string()).then(|| name.to_owned())
        });
        match name {
            Some(name) => format!("user {name} (uid {id})"),
            None => format!("the user with uid {id}"),
        }
    }
}
