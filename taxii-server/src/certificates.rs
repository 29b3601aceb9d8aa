//! Certificates of the server, and new ones without a restart.

use crate::config::{Tls, TlsVersion};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Interval between looks at the certificate files.
const CHECK: Duration = Duration::from_secs(2);

/// The certificates that new connections get.
pub(crate) struct Certificates {
    tls: Tls,
    loaded: ArcSwap<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    leaf: CertificateDer<'static>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read, hold no certificate or key, or do not fit each other.
    pub(crate) fn load(tls: Tls) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let loaded = ArcSwap::from_pointee(read(&tls)?);
        Ok(Self { tls, loaded })
    }

    /// Settings for a new connection.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.loaded.load().config)
    }

    /// Whether the certificate is valid for this name.
    pub(crate) fn vouch_for(&self, host: &str) -> bool {
        let loaded = self.loaded.load();
        let Ok(name) = ServerName::try_from(host) else { return false };
        ParsedCertificate::try_from(&loaded.leaf)
            .is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
    }

    /// Reads the files again. A pair that cannot be used is logged, and the old one stays.
    pub(crate) fn reload(&self) {
        match read(&self.tls) {
            Ok(loaded) => {
                self.loaded.store(Arc::new(loaded));
                tracing::info!("took the certificate from its files");
            }
            Err(error) => {
                tracing::error!(error = &*error, "the new certificate cannot be used; the old one stays");
            }
        }
    }

    /// Reads the files again when they change.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut seen = self.modified();
        loop {
            tokio::time::sleep(CHECK).await;
            let now = self.modified();
            if now != seen {
                self.reload();
                seen = now;
            }
        }
    }

    /// Times at which the files changed.
    fn modified(&self) -> [Option<SystemTime>; 2] {
        [&self.tls.certificate, &self.tls.key]
            .map(|path: &PathBuf| std::fs::metadata(path).ok()?.modified().ok())
    }
}

fn read(tls: &Tls) -> Result<Loaded, Box<dyn Error + Send + Sync>> {
    let in_file = |path: &PathBuf, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| in_file(&tls.certificate, &error))?;
    let leaf = certificates.first().cloned();
    let leaf = leaf.ok_or_else(|| in_file(&tls.certificate, &"there is no certificate in PEM here"))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| in_file(&tls.key, &error))?;
    let versions: &[_] = match tls.min_version {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let mut config = ServerConfig::builder_with_protocol_versions(versions)
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Loaded { config: Arc::new(config), leaf })
}
