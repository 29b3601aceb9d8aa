//! What the machine gives: addresses, disk space, open files, time.

use super::Report;
use crate::clock::{Clock, timestamp};
use crate::config::{Config, MetricsListen, Unnamed};
use crate::control::CollectionResource;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

/// 1 November 2026. A clock that shows an earlier time is wrong.
const EARLIEST_MICROS: i64 = 1_793_491_200_000_000;
/// Difference of clocks that is no reason to worry.
const TOLERANCE_MICROS: i64 = 60_000_000;
/// Free bytes below which writing fails soon.
const LITTLE: u64 = 64 << 20;
/// Free bytes that should make an operator look.
const ENOUGH: u64 = 1 << 30;
/// Open files beside the connections of clients.
const OTHER_FILES: u64 = 80;

/// Checks that each address can be listened on, unless the server of this data folder does already.
pub(super) async fn check_addresses(report: &mut Report, config: &Config, is_server: bool) {
    if is_server {
        return report.ok("addresses", "the server of this data folder listens");
    }
    let unnamed = if config.is_tls() { Unnamed::All } else { Unnamed::Loopback };
    let mut listeners = vec![("listen", config.listen.clone(), Config::PORT, unnamed)];
    if let MetricsListen::At(address) = &config.metrics_listen {
        listeners.push(("metrics_listen", address.clone(), Config::METRICS_PORT, Unnamed::Loopback));
    }
    for (setting, address, port, unnamed) in listeners {
        let sockets = match address.resolve(port, unnamed).await {
            Ok(sockets) => sockets,
            Err(error) => {
                report.problem(
                    "addresses",
                    format!("the name in {setting} = {address} is not known here ({error}); give an address"),
                );
                continue;
            }
        };
        let Err(error) = TcpListener::bind(&sockets[..]) else {
            report.ok("addresses", format!("{setting} = {address} is free"));
            continue;
        };
        let advice = match error.kind() {
            ErrorKind::AddrInUse => format!(
                "another process listens there; stop it, or choose another address with {setting}{}",
                if setting == "metrics_listen" { " (or `none`)" } else { "" }
            ),
            ErrorKind::PermissionDenied => {
                "ports below 1024 need the capability CAP_NET_BIND_SERVICE; give it, or choose a higher port behind a \
                 proxy"
                    .to_owned()
            }
            ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            _ => error.to_string(),
        };
        report.problem("addresses", format!("{setting} = {address} cannot be used: {advice}"));
    }
}

#[cfg(not(unix))]
pub(super) fn check_space(_: &mut Report, _: &Config) {}

/// Checks the space on the file system of the data folder, or of the folder in which it will be made.
#[cfg(unix)]
pub(super) fn check_space(report: &mut Report, config: &Config) {
    use super::super::output::size;
    let folder = config.data.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let data = config.data.display();
    match rustix::fs::statvfs(folder) {
        Err(error) => report.warning("space", format!("the space for {data} cannot be read: {error}")),
        Ok(disk) if disk.f_files > 0 && disk.f_favail == 0 => {
            report.problem("space", format!("the file system of {data} has no file numbers (inodes) free"));
        }
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let message = format!("{} free for {data}", size(free));
            if free < LITTLE {
                report.problem("space", format!("only {message}; make room before writes are refused"));
            } else if free < ENOUGH {
                report.warning("space", format!("only {message}; make room"));
            } else {
                report.ok("space", message);
            }
        }
    }
}

#[cfg(not(unix))]
pub(super) fn check_open_files(_: &mut Report, _: &Config) {}

/// Checks the hard limit: the server raises the soft one as far as that.
#[cfg(unix)]
pub(super) fn check_open_files(report: &mut Report, config: &Config) {
    use rustix::process::{Resource, getrlimit};
    let Some(limit) = getrlimit(Resource::Nofile).maximum else {
        return report.ok("open files", "no limit");
    };
    let needed = config.max_connections as u64 + OTHER_FILES;
    if limit < needed {
        report.warning(
            "open files",
            format!(
                "the limit is {limit}, and max_connections = {} needs {needed}; raise it (LimitNOFILE= of systemd, or \
                 ulimit -n), or lower max_connections",
                config.max_connections
            ),
        );
    } else {
        report.ok("open files", format!("{limit} allowed, {needed} needed"));
    }
}

/// Compares the clock with what was written before: the store, its file, this program.
pub(super) fn check_clock(report: &mut Report, config: &Config, collections: &[CollectionResource]) {
    let now = Clock::System.now_micros();
    let shown = Clock::System.now();
    if now < EARLIEST_MICROS {
        return report.problem("clock", format!("it shows {shown}; set it, or date_added will be wrong"));
    }
    let newest = collections.iter().filter_map(|collection| Some(collection.newest.as_ref()?.micros())).max();
    let written = std::fs::metadata(config.data.join("store.redb")).and_then(|file| file.modified());
    let written = written.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let written = written.and_then(|since| i64::try_from(since.as_micros()).ok());
    for (what, before) in [("an object was added", newest), ("the store was written", written)] {
        if let Some(before) = before.filter(|before| before - now > TOLERANCE_MICROS) {
            let before = timestamp(before);
            report.warning(
                "clock",
                format!(
                    "it shows {shown}, and {what} at {before}: it is or was wrong; set it by a time service"
                ),
            );
        }
    }
    report.ok_if_silent("clock", shown.to_string());
}

/// Asks systemd-timesyncd, where it runs, whether it has set the clock.
pub(super) fn check_time_service(report: &mut Report) {
    let state = Path::new("/run/systemd/timesync");
    if state.exists() && !state.join("synchronized").exists() {
        report.warning(
            "clock",
            "systemd-timesyncd has not set it since the start of the machine; see timedatectl",
        );
    }
}
