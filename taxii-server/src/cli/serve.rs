use super::admin::unless_exists;
use super::{CommonOptions, install_crypto, output, start_logging};
use crate::config::{Config, ListenAddress, MetricsListen, Networks, Tls, TlsVersion};
use crate::control::{AccountSecrets, Control, NewAccount, NewApiRoot};
use crate::serve::{Server, StopSignal};
use crate::{engines, private};
use clap::Args;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  taxii-server serve --data /var/lib/concord
  taxii-server serve --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem
  taxii-server serve --listen 0.0.0.0:6100 --behind-tls-proxy --public-url https://taxii.example.org";

/// Settings of `serve`; each overrides the configuration file.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Address for TAXII, as localhost:6100, [::]:443 or :6100 [default: 127.0.0.1:6100]. Without a host it is every
    /// address with TLS or behind a proxy, else that of this machine
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<ListenAddress>,
    /// The address that clients use
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Serve below this path, as /cti
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
    /// A proxy in front terminates TLS
    #[arg(long)]
    behind_tls_proxy: bool,
    /// Proxies that tell the address of the client in a header (PROXY protocol, version 2), as 10.0.0.7,10.1.0.0/16
    #[arg(long, value_name = "NETWORKS")]
    proxy_protocol_from: Option<Networks>,
    /// Certificate chain (PEM), read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Oldest version of TLS that is spoken: 1.2 or 1.3 [default: 1.2]
    #[arg(long, value_name = "VERSION")]
    tls_min_version: Option<TlsVersion>,
    /// Address for /metrics, without credentials [default: 127.0.0.1:9090; none to switch it off]
    #[arg(long, value_name = "HOST:PORT|none")]
    metrics_listen: Option<MetricsListen>,
    /// Open connections at most [default: 1000]
    #[arg(long, value_name = "NUMBER")]
    max_connections: Option<usize>,
    /// Open connections from one address at most; not for this machine, nor behind a proxy that does not tell addresses
    /// [default: 100]
    #[arg(long, value_name = "NUMBER")]
    max_connections_per_address: Option<usize>,
    /// Seconds for which a server that was told to stop still takes connections while /readyz fails, so that proxies turn
    /// to others [default: 0]
    #[arg(long, value_name = "SECONDS")]
    shutdown_delay: Option<u32>,
}

impl Serve {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        start_logging();
        install_crypto();
        let config = self.over(options.config(None)?)?;
        let stop = StopSignal::register()?;
        let server = Server::start(config.clone()).await?;
        first_start(&config.data, &Control::of(Arc::clone(server.app()))?).await?;
        say_ready();
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
        if let Some(base_path) = self.base_path {
            config.base_path = base_path;
        }
        config.behind_tls_proxy |= self.behind_tls_proxy;
        if let (Some(certificate), Some(key)) = (self.tls_certificate, self.tls_key) {
            config.tls = Some(Tls { certificate, key, min_version: TlsVersion::default() });
        }
        if let (Some(tls), Some(version)) = (&mut config.tls, self.tls_min_version) {
            tls.min_version = version;
        }
        config.max_connections = self.max_connections.unwrap_or(config.max_connections);
        config.max_connections_per_address =
            self.max_connections_per_address.unwrap_or(config.max_connections_per_address);
        config.proxy_protocol_from = self.proxy_protocol_from.unwrap_or(config.proxy_protocol_from);
        config.shutdown_delay = self.shutdown_delay.unwrap_or(config.shutdown_delay);
        config.metrics_listen = self.metrics_listen.unwrap_or(config.metrics_listen);
        Ok(config)
    }
}

/// Tells systemd, where it waits for it (`Type=notify`), that clients are served.
fn say_ready() {
    #[cfg(unix)]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(%error, "systemd cannot be told that the server is ready");
    }
}

/// Adds an API root and an administrator to a new store, and shows the credentials. Of several servers that start on it at
/// once, one adds each.
async fn first_start(data: &Path, control: &Control) -> anyhow::Result<()> {
    if control.api_roots().await?.is_empty() {
        let title = Some("Concord".to_owned());
        let api = NewApiRoot { title, ..NewApiRoot::new("api") };
        unless_exists(control.add_api_root(&api).await)?;
    }
    if control.accounts().await?.is_empty() {
        let admin = NewAccount { is_administrator: true, ..NewAccount::new("admin") };
        if let Some(secrets) = unless_exists(control.add_account(&admin).await)? {
            show(data, &secrets)?;
        }
    }
    Ok(())
}

/// Shows secrets on the terminal; when standard error is a log, writes them into a file that only its owner can read.
fn show(data: &Path, secrets: &AccountSecrets) -> anyhow::Result<()> {
    let AccountSecrets { username, password, token } = secrets;
    let lines = format!("  username  {username}\n  password  {password}\n  token     {token}\n");
    if std::io::stderr().is_terminal() {
        output::complaint(&format!("\nThis store is new. Its administrator, shown this once:\n{lines}"));
    } else {
        let path = data.join(engines::ADMINISTRATOR);
        // Another store may have been made from this folder before, whose password is shown nowhere else.
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        private::write(&path, format!("{before}{lines}").as_bytes())?;
        tracing::info!(file = %path.display(), "this store is new; its administrator is in the file, keep it elsewhere");
    }
    Ok(())
}
