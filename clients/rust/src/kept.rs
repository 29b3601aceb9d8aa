//! Values that outlive a process: each in a file, as JSON.

use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file in one step: after a crash it holds what it held before, or the value.
///
/// # Errors
/// When the file cannot be written.
pub fn save(file: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut scratch = tempfile::Builder::new();
    // Those of every new file; the umask takes some away.
    #[cfg(unix)]
    scratch.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut scratch = scratch.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    serde_json::to_writer(&mut scratch, value)?;
    scratch.flush()?;
    scratch.as_file().sync_all()?;
    scratch.persist(file)?;
    Ok(())
}
