//! Certificate and key: whether clients take them, and for how long.

use super::Report;
use crate::clock::Clock;
use crate::config::{Config, Tls};
use axum::http::Uri;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::net::IpAddr;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

const CHECK: &str = "certificate";
const DAY: i64 = 24 * 60 * 60;
/// Days before its end at which a certificate should have been renewed.
const SOON: i64 = 30;

pub(super) fn check(report: &mut Report, config: &Config) {
    let Some(tls) = &config.tls else {
        report.ok(CHECK, "none: plain HTTP");
        return;
    };
    let file = tls.certificate.display();
    let chain =
        CertificateDer::pem_file_iter(&tls.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = match chain {
        Ok(chain) => chain,
        Err(error) => return report.problem(CHECK, format!("{file} cannot be read: {error}")),
    };
    let parsed: Result<Vec<_>, _> =
        chain.iter().map(|der| X509Certificate::from_der(der).map(|(_, parsed)| parsed)).collect();
    let Ok(parsed) = parsed else {
        return report.problem(CHECK, format!("{file} holds something that is no certificate"));
    };
    let Some(leaf) = parsed.first() else {
        return report
            .problem(CHECK, format!("{file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"));
    };
    check_key(report, tls, &chain);
    check_chain(report, tls, &parsed);
    for certificate in &parsed {
        check_times(report, certificate);
    }
    check_leaf(report, config, &chain[0], leaf);
    let names = names(leaf).join(", ");
    let until = leaf.validity().not_after;
    report.ok_if_silent(CHECK, format!("{file} fits its key; it is for {names}, until {until}"));
}

fn check_key(report: &mut Report, tls: &Tls, chain: &[CertificateDer<'static>]) {
    let (file, key_file) = (tls.certificate.display(), tls.key.display());
    let key = match PrivateKeyDer::from_pem_file(&tls.key) {
        Ok(key) => key,
        Err(error) => {
            return report.problem(
                CHECK,
                format!("{key_file} cannot be read as a private key in PEM without a passphrase: {error}"),
            );
        }
    };
    let Ok(key) = any_supported_type(&key) else {
        return report.problem(CHECK, format!("{key_file} holds a key of a kind that is not supported"));
    };
    let fits = |first: usize| CertifiedKey::new(chain[first..].to_vec(), key.clone()).keys_match().is_ok();
    match (0..chain.len()).find(|first| fits(*first)) {
        Some(0) => {}
        Some(place) => report.problem(
            CHECK,
            format!(
                "the key belongs to certificate {} of {file}; put that one first, then each that issued the one before",
                place + 1
            ),
        ),
        None => report.problem(
            CHECK,
            format!("{key_file} is not the key of {file}; take both from the same request or renewal"),
        ),
    }
}

/// Each certificate must be issued by the next one (RFC 5246, section 7.4.2).
fn check_chain(report: &mut Report, tls: &Tls, parsed: &[X509Certificate<'_>]) {
    for (place, pair) in parsed.windows(2).enumerate() {
        if pair[0].issuer().as_raw() != pair[1].subject().as_raw() {
            let (place, file) = (place + 1, tls.certificate.display());
            report.problem(
                CHECK,
                format!(
                    "certificate {place} of {file} was issued by {}, and the next one is {}; order the file from the \
                     server's certificate up",
                    pair[0].issuer(),
                    pair[1].subject()
                ),
            );
        }
    }
}

fn check_times(report: &mut Report, certificate: &X509Certificate<'_>) {
    let now = Clock::System.now_micros() / 1_000_000;
    let (from, until) = (certificate.validity().not_before, certificate.validity().not_after);
    let (subject, left) = (certificate.subject(), until.timestamp() - now);
    if left < 0 {
        report.problem(CHECK, format!("{subject} expired on {until}; renew it"));
    } else if left < SOON * DAY {
        let days = left / DAY;
        report.warning(CHECK, format!("{subject} expires on {until}, in {days} days; renew it"));
    }
    if from.timestamp() > now {
        report
            .problem(CHECK, format!("{subject} is not valid before {from}; check the clock of this machine"));
    }
}

fn check_leaf(
    report: &mut Report,
    config: &Config,
    der: &CertificateDer<'static>,
    leaf: &X509Certificate<'_>,
) {
    if names(leaf).is_empty() {
        report.problem(
            CHECK,
            "the certificate has no subjectAltName, and clients ignore its common name; make one with \
             -addext 'subjectAltName=DNS:taxii.example.org'",
        );
        return;
    }
    if leaf.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca) {
        report.warning(
            CHECK,
            "the certificate is that of an authority (CA:TRUE), which some clients refuse for a server; make one with \
             -addext 'basicConstraints=critical,CA:FALSE'",
        );
    }
    let url = config.public_url.as_ref().and_then(|url| url.parse::<Uri>().ok());
    let Some(host) = url.as_ref().and_then(Uri::host) else { return };
    let host = host.trim_matches(['[', ']']);
    let is_valid = ServerName::try_from(host).is_ok_and(|name| {
        ParsedCertificate::try_from(der).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    });
    if !is_valid {
        let names = names(leaf).join(", ");
        report.problem(
            CHECK,
            format!("the certificate is for {names}, and public_url names {host}; get one for {host}"),
        );
    }
}

/// The names and addresses that a certificate is for.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}
