//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use taxii_conformance::hostile;
use taxii_conformance::{Auth, Options};

const EXAMPLES: &str = "\
Examples:
  Everything, with an account that may write:
    taxii-conformance --url https://taxii.example.com --auth basic:analyst:secret

  Read only, one API root and one collection, results for a build server:
    taxii-conformance --url https://taxii.example.com/api1/ --auth bearer:TOKEN \\
        --collection 91a7b528-80eb-42ed-a74d-c6fbd5a26116 --read-only --junit taxii.xml

  Two requirements, as JSON:
    taxii-conformance --url http://127.0.0.1:8080 --only T-052,T-074 --json -

  Malformed requests; the seed repeats them:
    taxii-conformance hostile --url http://127.0.0.1:8080 --auth token:KEY --count 2000 --seed 7

Exit code: 0 when no MUST fails, 1 when one does, 2 when the server cannot be tested.";

/// Tests any TAXII 2.1 server against the standard, from outside.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sends malformed requests and reports each answer that is not a proper refusal.
    ///
    /// A server that accepts what it should refuse keeps it: use a collection that holds nothing of value.
    Hostile(HostileArgs),
}

/// Where the server is and who asks.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// The server, its discovery URL, or one of its API roots.
    // Not required by the parser, because --list and the subcommand go without it.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// basic:USER:PASSWORD, bearer:TOKEN, token:TOKEN or none.
    #[arg(long, env = "TAXII_AUTH", hide_env_values = true, default_value = "none")]
    auth: Auth,

    /// A PEM file with further certificate authorities.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Accept any server certificate.
    #[arg(long)]
    insecure: bool,

    /// Seconds that one answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The collection to read, by id or alias [default: the first readable one].
    #[arg(long, value_name = "ID")]
    collection: Option<String>,

    /// The collection to add objects to [default: the first with both rights].
    #[arg(long, value_name = "ID")]
    writable_collection: Option<String>,

    /// Add and delete nothing.
    #[arg(long)]
    read_only: bool,

    /// A second account with fewer rights, for the access rules.
    #[arg(long, value_name = "AUTH", env = "TAXII_LIMITED_AUTH", hide_env_values = true)]
    limited_auth: Option<Auth>,

    /// Write JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Write JSON; - is standard output, in place of the table.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Only these requirements.
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    only: Vec<String>,

    /// List the requirements and end.
    #[arg(long, exclusive = true)]
    pub(crate) list: bool,
}

#[derive(Args, Debug)]
pub(crate) struct HostileArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The collection to aim at, by id or alias [default: the first with both rights, else a readable one].
    #[arg(long, value_name = "ID")]
    collection: Option<String>,

    /// How many requests to send.
    #[arg(long, default_value_t = 2000)]
    count: usize,

    /// Where the generator starts [default: drawn and printed].
    #[arg(long)]
    seed: Option<u64>,

    /// Send only this case of the seed.
    #[arg(long, value_name = "NUMBER")]
    case: Option<usize>,

    /// How many requests are under way at a time.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
}

impl ServerArgs {
    fn options(&self) -> Result<Options, String> {
        let mut options = Options::new(self.url.clone().ok_or("say which server: --url URL")?);
        options.auth = self.auth.clone();
        options.insecure = self.insecure;
        options.timeout = Duration::from_secs(self.timeout.max(1));
        if let Some(file) = &self.ca {
            let pem = std::fs::read(file).map_err(|problem| format!("{}: {problem}", file.display()))?;
            options.ca = Some(pem);
        }
        Ok(options)
    }
}

impl RunArgs {
    pub(crate) fn options(&self) -> Result<Options, String> {
        let mut options = self.server.options()?;
        options.collection.clone_from(&self.collection);
        options.writable_collection.clone_from(&self.writable_collection);
        options.limited_auth.clone_from(&self.limited_auth);
        options.read_only = self.read_only;
        options.only.clone_from(&self.only);
        Ok(options)
    }
}

impl HostileArgs {
    pub(crate) fn options(&self) -> Result<Options, String> {
        let mut options = self.server.options()?;
        options.collection.clone_from(&self.collection);
        Ok(options)
    }

    /// The plan, and the command line that repeats one case of it.
    pub(crate) fn plan(&self) -> (hostile::Plan, String) {
        let seed = self.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 32);
        let plan = hostile::Plan { seed, count: self.count, only: self.case, concurrency: self.concurrency };
        let url = self.server.url.as_deref().unwrap_or_default();
        let mut command = format!("taxii-conformance hostile --url {url} --auth … --seed {seed}");
        if let Some(collection) = &self.collection {
            command.push_str(&format!(" --collection {collection}"));
        }
        (plan, command)
    }
}
