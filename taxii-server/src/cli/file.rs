//! Files that commands write.

use crate::private::{self, Unfinished};
use anyhow::{Context, bail};
use std::fs::{File, Metadata};
use std::path::Path;

/// Opens a file to write. It gets its name when it is complete, so a failure does not destroy what has the name; a pipe or a
/// device is written through, not replaced.
///
/// # Errors
/// When it cannot be written, or is a symbolic link.
pub(super) fn create(path: &Path) -> anyhow::Result<(File, Option<Unfinished>)> {
    let cannot_write = || format!("cannot write {}", path.display());
    let found = std::fs::symlink_metadata(path).ok();
    if found.as_ref().is_some_and(Metadata::is_symlink) {
        bail!(
            "{} is a symbolic link, which is not followed here; name a file, or `-` for standard output",
            path.display()
        );
    }
    if found.is_some_and(|found| !found.is_file()) {
        let file = private::no_follow(File::options().write(true)).open(path).with_context(cannot_write)?;
        return Ok((file, None));
    }
    let unfinished = Unfinished::beside(path).with_context(cannot_write)?;
    Ok((unfinished.file().try_clone()?, Some(unfinished)))
}
