//! `taxii key`

pub(crate) mod passphrase;

use crate::failure::Failure;
use crate::out::Out;
use passphrase::PassphraseOption;
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use taxii_client::network::{Digest, KeyFile, SecretKey};

/// Make and show the keys with which people vote in a network of organisations
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    New(NewArguments),
    Show(ShowArguments),
}

/// Make a key that votes, encrypted under a passphrase
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file holds the public key in plain text and the secret encrypted by age under a passphrase, which is asked for twice. A
file that is there is never overwritten. Without the passphrase, the key is lost: keep a copy of both in a safe place.

With --json, one line: {\"file\",\"name\",\"public\",\"id\",\"encrypted\"}.

Examples:
  taxii key new vote.key --name Alice
  taxii key new agent.key --passphrase-file /run/secrets/vote-passphrase
  taxii key new agent.key --no-passphrase")]
pub(crate) struct NewArguments {
    /// The file to write
    file: PathBuf,
    /// Whose key it is, for the first lines of the file
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseOption,
    /// Leave the secret as it is, for a program that runs unattended: all who can read the file can vote
    #[arg(long, conflicts_with = "passphrase_file")]
    no_passphrase: bool,
}

/// Show the public key in a key file and its id; no passphrase is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii key show vote.key
  taxii --json key show vote.key | jq -r .public")]
pub(crate) struct ShowArguments {
    /// The file
    file: PathBuf,
}

/// A key that votes, and how it is opened.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyOption {
    /// The key that votes, as `taxii key new` makes it
    #[arg(long, value_name = "FILE", env = "CONCORD_KEY")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseOption,
}

impl KeyOption {
    /// Reads the file. The secret stays closed.
    pub(crate) fn read(&self, out: &Out) -> Result<KeyFile, Failure> {
        let file = read(&self.key)?;
        if !file.is_encrypted() && is_open_to_others(&self.key) {
            out.complain(format!("{}: other users of this machine can read this secret", self.key.display()));
        }
        Ok(file)
    }

    /// Opens the secret.
    pub(crate) fn open(&self, file: &KeyFile) -> Result<SecretKey, Failure> {
        let passphrase = match file.is_encrypted() {
            true => Some(self.passphrase.get(&format!("Passphrase of {}: ", self.key.display()))?),
            false => None,
        };
        let opened = file.open(passphrase.as_deref());
        opened.map_err(|error| Failure::Input(format!("{}: {error}", self.key.display())))
    }
}

/// Reads a key file.
pub(crate) fn read(path: &Path) -> Result<KeyFile, Failure> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Failure::input(&name, &error))?;
    KeyFile::parse(&text).map_err(|error| Failure::Input(format!("{name}: {error}")))
}

pub(crate) fn run(command: &Command, out: &mut Out) -> Result<(), Failure> {
    match command {
        Command::New(arguments) => new(arguments, out),
        Command::Show(arguments) => show(&arguments.file, &read(&arguments.file)?, out),
    }
}

fn new(arguments: &NewArguments, out: &mut Out) -> Result<(), Failure> {
    let path = &arguments.file;
    // Before anything is asked; what counts is that the file is created anew below.
    if path.exists() {
        return Err(Failure::Failed(format!(
            "{}: the file is there; a key is never overwritten",
            path.display()
        )));
    }
    let passphrase = match arguments.no_passphrase {
        true => None,
        false => Some(arguments.passphrase.choose()?),
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::Failed(format!("no random numbers: {error}")))?;
    let made = KeyFile::new(seed, arguments.name.as_deref(), passphrase.as_deref());
    let file = made.map_err(|error| Failure::Usage(error.to_string()))?;
    write(path, &file.text()).map_err(|error| Failure::file(path, error))?;
    if arguments.no_passphrase {
        out.complain(format!(
            "{}: the secret is not encrypted: all who can read the file can vote for your organisation",
            path.display()
        ));
    }
    show(path, &file, out)?;
    out.flush()?;
    out.remark(
        "Next: give the public key to the operator who founds the network (taxii-server network init --vote-key PUBLIC), or \
         let a member propose it: taxii governance propose --add-key PUBLIC. Keep a copy of the file and of the passphrase: \
         they cannot be restored.",
    );
    Ok(())
}

/// Creates a file that only its owner reads, and that is on the disk.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

fn show(path: &Path, file: &KeyFile, out: &mut Out) -> Result<(), Failure> {
    let (public, id) = (Digest(file.public().0), file.public().id());
    if out.is_json() {
        return Ok(out.json(&json!({
            "file": path.display().to_string(), "name": file.name(), "public": public, "id": id,
            "encrypted": file.is_encrypted(),
        }))?);
    }
    if let Some(name) = file.name() {
        out.line(format!("name    {name}"))?;
    }
    out.line(format!("public  {public}"))?;
    out.line(format!("id      {id}"))?;
    Ok(out.line(format!("secret  {}", if file.is_encrypted() { "encrypted" } else { "not encrypted" }))?)
}
