//! Certificates: which are trusted, and what is said of those that are not.

use crate::script::{JSON, Script};
use crate::stub::{Behaviour, Stub, taxii, text};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// A server with a certificate of its own making, and the file of that.
struct Server {
    script: Script,
    file: PathBuf,
    /// Digest of the certificate, and of its key.
    digests: [String; 2],
    _folder: tempfile::TempDir,
}

fn server(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Server {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    change(&mut parameters);
    let key = KeyPair::generate().unwrap();
    presenting(&parameters.self_signed(&key).unwrap(), &key)
}

fn presenting(certificate: &Certificate, key: &KeyPair) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.pem");
    std::fs::write(&file, certificate.pem()).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.unwrap().with_no_client_auth().with_single_cert(chain, secret).unwrap();
    let answer = |_: &_| (200, JSON, r#"{"collections":[]}"#.to_owned());
    let script = Script::start_with(Some(Arc::new(config)), answer);
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let digests = [hex(certificate.der()), hex(&key.subject_public_key_info())];
    Server { script, file, digests, _folder: folder }
}

impl Server {
    fn list(&self, more: &[&str]) -> Result<(), String> {
        list(&self.script.url, more)
    }

    fn trusted(&self) -> Result<(), String> {
        self.list(&["--ca", self.file.to_str().unwrap()])
    }
}

fn list(url: &str, more: &[&str]) -> Result<(), String> {
    let output = taxii().args(["--url", url]).args(more).arg("list").output().unwrap();
    if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
}

fn authority(parameters: &mut CertificateParams) {
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

#[track_caller]
fn says(outcome: Result<(), String>, parts: &[&str]) {
    let said = outcome.unwrap_err();
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_certificate_in_the_file_is_trusted_whatever_signed_it() {
    for change in [|_: &mut CertificateParams| {}, authority] {
        let server = server(&["127.0.0.1", "localhost"], change);
        server.trusted().unwrap();
        says(server.list(&[]), &["is self-signed", "--ca", &format!("--pin sha256:{}", server.digests[0])]);
        let other = self::server(&["127.0.0.1"], change);
        says(server.list(&["--ca", other.file.to_str().unwrap()]), &["is self-signed"]);
    }
}

#[test]
fn only_authorities_vouch_for_others() {
    for change in [|_: &mut CertificateParams| {}, authority] {
        let mut parameters = CertificateParams::new(vec!["taxii.example".to_owned()]).unwrap();
        change(&mut parameters);
        let is_authority = parameters.is_ca != IsCa::NoCa;
        // One that was an authority long ago is one all the same: the dates of what it issued count.
        parameters.not_before = date_time_ymd(2000, 1, 1);
        parameters.not_after = date_time_ymd(2001, 1, 1);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let mut server = presenting(&names.signed_by(&key, &issuer).unwrap(), &key);
        std::fs::write(&server.file, issuer.as_ref().pem()).unwrap();
        let digest = format!("--pin sha256:{}", server.digests[0]);
        match is_authority {
            true => server.trusted().unwrap(),
            false => says(server.trusted(), &["not that of an authority", "without CA:TRUE", &digest]),
        }
        server.digests.swap(0, 1);
        let pin = format!("sha256:{}", server.digests[0]);
        server.list(&["--ca", server.file.to_str().unwrap(), "--pin", &pin]).unwrap();
    }
}

#[test]
fn a_certificate_in_the_file_is_trusted_where_the_system_trusts_none() {
    let server = server(&["127.0.0.1"], |_| {});
    let none = server.file.with_file_name("none.pem");
    std::fs::write(&none, "").unwrap();
    let list = |more: &[&str]| {
        let mut command = taxii();
        command.args(["--url", &server.script.url]).args(more).arg("list").env("SSL_CERT_FILE", &none);
        command.env("SSL_CERT_DIR", none.parent().unwrap().join("nowhere")).output().unwrap()
    };
    let output = list(&["--ca", server.file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!list(&[]).status.success());
    for broken in ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&none, broken).unwrap();
        let output = server.list(&["--ca", none.to_str().unwrap()]);
        says(output, &["CA file", "none.pem: holds "]);
    }
}

#[test]
fn name_and_dates_count_for_a_certificate_in_the_file_too() {
    for change in [|_: &mut CertificateParams| {}, authority] {
        let elsewhere = server(&["taxii.example", "10.0.0.1"], change);
        says(elsewhere.trusted(), &["not for 127.0.0.1 but for taxii.example, 10.0.0.1;"]);
        let old = server(&["127.0.0.1"], |parameters| {
            change(parameters);
            parameters.not_after = date_time_ymd(2001, 2, 3);
        });
        says(old.trusted(), &["expired on 2001-02-03T00:00:00Z", "the clock of this machine says 2"]);
        let new = server(&["127.0.0.1"], |parameters| {
            change(parameters);
            parameters.not_before = date_time_ymd(4001, 2, 3);
        });
        says(new.trusted(), &["is valid from 4001-02-03T00:00:00Z"]);
    }
    says(server(&[], |_| {}).trusted(), &["no name at all (subjectAltName)"]);
}

#[test]
fn a_pin_says_which_certificate_it_is() {
    let server = server(&["taxii.example"], |_| {});
    for digest in &server.digests {
        server.list(&["--pin", &format!("sha256:{digest}")]).unwrap();
    }
    let wrong = server.list(&["--pin", &format!("sha256:{}", "0".repeat(64))]);
    says(wrong, &["another certificate than the pinned one", &server.digests[0], &server.digests[1]]);
    says(server.list(&["--pin", "sha1:00"]), &["openssl x509"]);
}

#[test]
fn tls_and_plain_http_are_told_apart() {
    let server = server(&["127.0.0.1"], |_| {});
    let plain = Stub::start(Behaviour::default());
    says(list(&server.script.url.replace("https", "http"), &[]), &["begins with https://"]);
    says(list(&plain.url.replace("http", "https"), &[]), &["begins with http://"]);
    let mute = Script::start(|_| (0, "", String::new()));
    says(list(&mute.url, &[]), &["closed the connection before it answered; perhaps it speaks TLS"]);
    says(list("http://127.0.0.1:1/root/", &[]), &["connection refused by 127.0.0.1: is the server running"]);
}
