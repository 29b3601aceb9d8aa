//! Settings that are allowed, and yet most likely not meant.

use super::Report;
use crate::config::Config;

const CHECK: &str = "settings";

pub(super) fn check(report: &mut Report, config: &Config) {
    if let Err(error) = config.check() {
        report.problem(CHECK, error.to_string());
    }
    for variable in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if variable.starts_with("CONCORD_") && !Config::is_variable(&variable) {
            report.warning(CHECK, format!("{variable} is no setting, so it does nothing; unset it"));
        }
    }
    check_public_url(report, config);
    if config.behind_tls_proxy {
        check_proxy(report, config);
    }
    if config.proxy_protocol_from.has_all() {
        report.warning(
            CHECK,
            format!(
                "proxy_protocol_from = {} takes the word of every address; name those of your proxies",
                config.proxy_protocol_from
            ),
        );
    }
    report.ok_if_silent(CHECK, format!("serves on {}", config.listen));
}

fn check_public_url(report: &mut Report, config: &Config) {
    let Some(url) = &config.public_url else { return };
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.is_empty() {
        report.problem(
            CHECK,
            format!("public_url has the path /{path}, and ends at the host; put the path into base_path"),
        );
    }
    if scheme == "https" && !config.is_tls() {
        report.warning(
            CHECK,
            format!(
                "public_url is {url}, and this server speaks plain HTTP: set tls.certificate and tls.key, or \
                 behind_tls_proxy when a proxy in front speaks TLS"
            ),
        );
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    if scheme == "http" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        report
            .warning(CHECK, format!("public_url is {url}: clients send passwords in clear text; use https"));
    }
}

fn check_proxy(report: &mut Report, config: &Config) {
    if config.tls.is_some() {
        report.warning(
            CHECK,
            "behind_tls_proxy and [tls] are both set: the proxy must speak TLS to this server, else remove [tls]",
        );
    }
    if config.public_url.is_none() {
        report.warning(
            CHECK,
            "behind_tls_proxy without public_url: discovery gives relative URLs, which some clients do not take; set \
             public_url to the address that clients use",
        );
    }
}
