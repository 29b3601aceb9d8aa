//! What `doctor` finds, and what it says to do.

use crate::process::{program, run};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use taxii_server::clock::Clock;

/// Runs `doctor` with these settings, and gives its exit code and its findings.
async fn doctor(folder: &Path, settings: &str) -> (i32, Vec<Value>) {
    let config = folder.join("concord.toml");
    std::fs::write(&config, settings).unwrap();
    let data = folder.join("data");
    let arguments = ["doctor", "--json", "--config", config.to_str().unwrap()];
    let output = program(&data).args(arguments).output().await.unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn says(findings: &[Value], state: &str, check: &str, part: &str) -> bool {
    findings.iter().any(|finding| {
        let message = finding["message"].as_str().unwrap();
        finding["state"] == state && finding["check"] == check && message.contains(part)
    })
}

/// Settings with free ports and a certificate.
fn with_tls(more: &str) -> String {
    format!(
        "listen = '127.0.0.1:0'\nmetrics_listen = '127.0.0.1:0'\n{more}\n[tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'\n"
    )
}

fn leaf(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "taxii.example.org");
    change(&mut params);
    params
}

#[tokio::test]
async fn certificates_are_looked_at_as_clients_do() {
    let now = UNIX_EPOCH + Duration::from_micros(u64::try_from(Clock::System.now_micros()).unwrap());
    let day = Duration::from_secs(24 * 60 * 60);
    let name = &["taxii.example.org"];
    let url = "public_url = 'https://taxii.example.org'";
    let cases = [
        (leaf(name, |_| {}), url, 0, "ok", "fits its key; it is for taxii.example.org"),
        (leaf(name, |params| params.not_after = (now - day).into()), url, 1, "problem", "expired on"),
        (leaf(name, |params| params.not_after = (now + 9 * day).into()), url, 0, "warning", "; renew it"),
        (leaf(name, |params| params.not_before = (now + day).into()), url, 1, "problem", "not valid before"),
        (leaf(&[], |_| {}), url, 1, "problem", "no subjectAltName"),
        (
            leaf(name, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            url,
            0,
            "warning",
            "CA:TRUE",
        ),
        (
            leaf(&["other.example.org", "10.0.0.1"], |_| {}),
            url,
            1,
            "problem",
            "public_url names taxii.example.org",
        ),
        (leaf(&["10.0.0.1"], |_| {}), "public_url = 'https://10.0.0.1:6100'", 0, "ok", "for 10.0.0.1"),
    ];
    for (params, url, code, state, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let settings = with_tls(url).replace("'chain", &format!("'{}/chain", folder.path().display()));
        let settings = settings.replace("'key", &format!("'{}/key", folder.path().display()));
        std::fs::write(folder.path().join("chain.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let (found, findings) = doctor(folder.path(), &settings).await;
        assert!(says(&findings, state, "certificate", message), "{message}: {findings:?}");
        assert_eq!(found, code, "{message}: {findings:?}");
    }
}

#[tokio::test]
async fn chains_begin_with_the_certificate_of_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [key, authority_key, other] = [(); 3].map(|()| KeyPair::generate().unwrap());
    let mut authority = leaf(&[], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    authority.distinguished_name.push(DnType::CommonName, "An authority");
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let end = leaf(&["taxii.example.org"], |_| {}).signed_by(&key, &issuer).unwrap().pem();
    let settings = with_tls("").replace("'chain", &format!("'{}/chain", folder.path().display()));
    let settings = settings.replace("'key", &format!("'{}/key", folder.path().display()));
    let check = async |chain: String, key: &KeyPair| {
        std::fs::write(path("chain.pem"), chain).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        doctor(folder.path(), &settings).await
    };
    let (code, findings) = check(format!("{end}{root}"), &key).await;
    assert_eq!(code, 0, "{findings:?}");
    for (chain, key, message) in [
        (format!("{root}{end}"), &key, "the key belongs to certificate 2"),
        (format!("{end}{end}"), &key, "order the file from the server's certificate up"),
        (end.clone(), &other, "is not the key of"),
        ("no certificate".to_owned(), &key, "holds no certificate"),
    ] {
        let (code, findings) = check(chain, key).await;
        assert!(says(&findings, "problem", "certificate", message), "{message}: {findings:?}");
        assert_eq!(code, 1);
    }
}

#[tokio::test]
async fn settings_addresses_files_and_limits_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let free = "listen = '127.0.0.1:0'\nmetrics_listen = 'none'\n";
    let cases = [
        (free.to_owned(), 0, "ok", "store", "the first start makes it"),
        (free.to_owned(), 0, "ok", "open files", "allowed"),
        (free.to_owned(), 0, "ok", "clock", "20"),
        (
            format!("listen = '{address}'\nmetrics_listen = 'none'"),
            1,
            "problem",
            "addresses",
            "another address with listen",
        ),
        (
            format!("listen = '127.0.0.1:0'\nmetrics_listen = '{address}'"),
            1,
            "problem",
            "addresses",
            "another address with metrics_listen",
        ),
        ("lisen = '127.0.0.1:0'".to_owned(), 1, "problem", "settings", "did you mean `listen`?"),
        ("listen = '0.0.0.0:0'".to_owned(), 1, "problem", "settings", "TLS is needed"),
        (format!("{free}behind_tls_proxy = true"), 0, "warning", "settings", "without public_url"),
        (format!("{free}public_url = 'https://a.example/cti'"), 1, "problem", "settings", "base_path"),
        (format!("{free}public_url = 'http://a.example'"), 0, "warning", "settings", "clear text"),
        (format!("{free}public_url = 'https://a.example'"), 0, "warning", "settings", "speaks plain HTTP"),
    ];
    for (settings, code, state, check, message) in cases {
        let (found, findings) = doctor(folder.path(), &settings).await;
        assert!(says(&findings, state, check, message), "{message}: {findings:?}");
        assert_eq!(found, code, "{settings}: {findings:?}");
        assert!(!data.exists(), "a look makes nothing");
    }
    run(&data, &["api-root", "add", "api"]).await;
    let (_, findings) = doctor(folder.path(), free).await;
    assert!(says(&findings, "warning", "store", "account add NAME --administrator"), "{findings:?}");
    assert!(says(&findings, "ok", "files", "only the owner"), "{findings:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (code, findings) = doctor(folder.path(), free).await;
        assert!(says(&findings, "warning", "files", "chmod 700"), "{findings:?}");
        assert_eq!(code, 0);
        let program = env!("CARGO_BIN_EXE_taxii-server");
        let script = format!("ulimit -n 128; {program} doctor --json");
        let mut limited = tokio::process::Command::new("sh");
        let output = limited.args(["-c", &script]).env("CONCORD_DATA", &data).output().await.unwrap();
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert!(says(&findings, "warning", "open files", "the limit is 128"), "{findings:?}");
    }
    std::fs::write(data.join("store.redb"), "something else than a store, and longer than a header").unwrap();
    let (code, findings) = doctor(folder.path(), free).await;
    assert!(says(&findings, "problem", "store", "store.redb"), "{findings:?}");
    assert_eq!(code, 1);
}
