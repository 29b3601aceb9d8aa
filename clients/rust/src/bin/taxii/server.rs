//! The options that say which server to talk to, and as whom.

use crate::failure::Failure;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use taxii_client::{Auth, Client, Options, Pin};

/// Which server, and who is calling.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Server {
    /// Server (https://host), discovery URL, API root, or collection
    #[arg(long, global = true, env = "TAXII_URL")]
    url: Option<String>,
    /// User name for HTTP Basic
    #[arg(long, global = true, env = "TAXII_USER")]
    user: Option<String>,
    /// Password for HTTP Basic; other users of this machine can see it, so prefer the variable or --password-stdin
    #[arg(long, global = true, env = "TAXII_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, global = true, conflicts_with = "password")]
    password_stdin: bool,
    /// API token instead of user and password
    #[arg(long, global = true, env = "TAXII_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// How the token is sent
    #[arg(long, global = true, value_enum, default_value = "bearer", env = "TAXII_TOKEN_SCHEME")]
    token_scheme: TokenScheme,
    /// PEM file of certificates to trust besides those of the system: of authorities, or of the server itself
    #[arg(long, global = true, value_name = "FILE", env = "TAXII_CA")]
    ca: Option<PathBuf>,
    /// Digest of the server's certificate or of its public key, in hexadecimal or base64; nothing else of the
    /// certificate is checked then. `openssl x509 -in cert.pem -noout -fingerprint -sha256` shows it
    #[arg(long, global = true, value_name = "sha256:DIGEST", env = "TAXII_PIN")]
    pin: Option<Pin>,
    /// Allow http:// to another machine: everybody on the way can read password and data
    #[arg(long, global = true)]
    allow_plain_http: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum TokenScheme {
    /// Authorization: Bearer …
    Bearer,
    /// Authorization: Token …
    Token,
}

impl Server {
    /// A client for it.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let usage = |message: &str| Failure::Usage(message.to_owned());
        let url = given(&self.url).filter(|url| !url.trim().is_empty());
        let url = url.ok_or_else(|| usage("which server? Give --url or set TAXII_URL"))?;
        let auth = match (given(&self.user), given(&self.token)) {
            (Some(_), Some(_)) => {
                return Err(usage("give a user or a token, not both (TAXII_USER, TAXII_TOKEN)"));
            }
            (Some(user), None) if user.contains(':') => {
                return Err(Failure::Usage(format!(
                    "{user}: the name for HTTP Basic has no colon (RFC 7617); the password is given by TAXII_PASSWORD or \
                     --password-stdin"
                )));
            }
            (Some(user), None) => {
                let password = match given(&self.password) {
                    Some(password) => password,
                    None if self.password_stdin => password_from_stdin()?,
                    None if std::io::stdin().is_terminal() => ask(&user)?,
                    None => return Err(usage("which password? Set TAXII_PASSWORD or give --password-stdin")),
                };
                Auth::Basic { user, password }
            }
            (None, Some(token)) => match self.token_scheme {
                TokenScheme::Bearer => Auth::Bearer(token),
                TokenScheme::Token => Auth::Token(token),
            },
            (None, None) => Auth::None,
        };
        let mut options = Options::new(url).auth(auth).allow_plain_http(self.allow_plain_http);
        (options.ca_file, options.pin) = (self.ca.clone(), self.pin);
        Ok(Client::new(options)?)
    }
}

/// A variable that is set to nothing counts as not set.
fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|value| !value.is_empty())
}

/// Asks a person, who types without an echo.
fn ask(user: &str) -> Result<String, Failure> {
    let answer = rpassword::prompt_password(format!("Password of {user}: "));
    answer.map_err(|error| Failure::Failed(format!("no password: {error}")))
}

fn password_from_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::Failed(format!("standard input: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
