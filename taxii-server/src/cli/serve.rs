use super::{Place, install_crypto, output, start_logging};
use crate::config::{Config, MetricsListen, Tls};
use crate::control::{Control, write_private};
use crate::serve::{Server, StopSignal};
use axum::http::Method;
use clap::Args;
use serde_json::json;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  taxii-server serve --data /var/lib/concord
  taxii-server serve --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem
  taxii-server serve --listen 0.0.0.0:6100 --behind-tls-proxy --public-url https://taxii.example.org";

/// Settings of `serve`; each overrides the configuration file.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Address for TAXII [default: 127.0.0.1:6100]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The address that clients use
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A proxy in front terminates TLS
    #[arg(long)]
    behind_tls_proxy: bool,
    /// Certificate chain (PEM), read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Address for /metrics, without credentials [default: 127.0.0.1:9090; none to switch it off]
    #[arg(long, value_name = "ADDRESS:PORT|none")]
    metrics_listen: Option<MetricsListen>,
}

impl Serve {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        start_logging();
        install_crypto();
        let config = self.over(place.config(None)?)?;
        let stop = StopSignal::register()?;
        let server = Server::start(config.clone()).await?;
        first_start(config).await?;
        server.run(stop).await?;
        Ok(true)
    }

    fn over(self, mut config: Config) -> anyhow::Result<Config> {
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if self.public_url.is_some() {
            config.public_url = self.public_url;
        }
        config.behind_tls_proxy |= self.behind_tls_proxy;
        if let (Some(certificate), Some(key)) = (self.tls_certificate, self.tls_key) {
            config.tls = Some(Tls { certificate, key });
        }
        config.metrics_listen = self.metrics_listen.unwrap_or(config.metrics_listen);
        Ok(config)
    }
}

/// A new store gets an API root and one administrator, whose credentials are shown this once.
async fn first_start(config: Config) -> anyhow::Result<()> {
    let data = config.data.clone();
    let control = Control::open(config).await?;
    let roots = control.json(Method::GET, "/admin/api-roots/", ()).await?;
    if roots.as_array().is_some_and(|roots| roots.is_empty()) {
        control.json(Method::POST, "/admin/api-roots/", json!({"name": "api", "title": "Concord"})).await?;
    }
    let accounts = control.json(Method::GET, "/admin/accounts/", ()).await?;
    if accounts.as_array().is_some_and(|accounts| accounts.is_empty()) {
        let admin = json!({"name": "admin", "is_administrator": true});
        tell(&data, &control.json(Method::POST, "/admin/accounts/", admin).await?)?;
    }
    Ok(())
}

/// Secrets go to a terminal; where standard error is a log, they go into a file that only its owner can read.
fn tell(data: &Path, secrets: &serde_json::Value) -> anyhow::Result<()> {
    let text = |name: &str| secrets[name].as_str().unwrap_or_default().to_owned();
    let lines = format!(
        "  username  {}\n  password  {}\n  token     {}\n",
        text("username"),
        text("password"),
        text("token")
    );
    if std::io::stderr().is_terminal() {
        output::complaint(&format!("\nThis store is new. Its administrator, shown this once:\n{lines}"));
    } else {
        let path = data.join("administrator.txt");
        write_private(&path, lines.as_bytes())?;
        tracing::info!(file = %path.display(), "this store is new; its administrator is in the file, keep it elsewhere");
    }
    Ok(())
}
