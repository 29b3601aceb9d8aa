//! Rights on the data folder and on what is in it.

use super::Report;
use crate::config::Config;
use std::path::Path;

const CHECK: &str = "files";

#[cfg(not(unix))]
pub(super) fn check(report: &mut Report, _: &Config) {
    report.ok(CHECK, "rights are not checked on this system");
}

#[cfg(unix)]
pub(super) fn check(report: &mut Report, config: &Config) {
    check_private(report, &config.data, "700");
    for name in ["store.redb", "control.json", "administrator.txt", "demo.json"] {
        check_private(report, &config.data.join(name), "600");
    }
    if let Some(tls) = &config.tls {
        check_private(report, &tls.key, "600");
    }
    if config.data.exists() {
        use rustix::fs::{Access, access};
        if access(&config.data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
            let data = config.data.display();
            report.problem(
                CHECK,
                format!("this account may not write into {data}; run it as the owner of the folder"),
            );
        }
    }
    let administrator = config.data.join("administrator.txt");
    if administrator.exists() {
        let file = administrator.display();
        report.warning(
            CHECK,
            format!(
                "{file} still holds the first administrator's password; keep it elsewhere, remove the file"
            ),
        );
    }
    report.ok_if_silent(CHECK, format!("only the owner may use {}", config.data.display()));
}

/// Checks that a file or folder, if it is there, belongs to this account and lets no other account in.
#[cfg(unix)]
fn check_private(report: &mut Report, path: &Path, mode: &str) {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = std::fs::metadata(path) else { return };
    let (found, path, we) = (metadata.mode() & 0o7777, path.display(), rustix::process::geteuid().as_raw());
    if metadata.uid() != we {
        let owner = metadata.uid();
        report.problem(
            CHECK,
            format!(
                "{path} belongs to the user {owner}, and this is the user {we}; run as the owner, or chown it"
            ),
        );
    }
    if found & 0o077 != 0 {
        report.warning(
            CHECK,
            format!("{path} has the mode {found:04o}, which lets others in; chmod {mode} {path}"),
        );
    }
}
