//! The file of a backup: compressed by zstd, and encrypted by age.

use super::STANDARD;
use crate::cli::file;
use crate::private::{self, Unfinished};
use age::x25519;
use anyhow::{Context, anyhow, bail, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The first bytes of a file of age, in both of its forms, and of one of zstd.
const AGE: &[u8] = b"age-encryption.org/";
const AGE_TEXT: &[u8] = b"-----BEGIN AGE";
const ZSTD: &[u8] = b"\x28\xB5\x2F\xFD";
/// Favours speed: objects are texts, which compress well at any level.
const LEVEL: i32 = 3;
const BUFFER: usize = 1 << 20;

/// A backup that is being written. It gets its name when it is complete.
pub(super) struct BackupFile {
    out: Compressed,
    unfinished: Option<(Unfinished, PathBuf)>,
}

type Compressed = zstd::Encoder<'static, Layer>;

/// What the compressed bytes go through.
enum Layer {
    Plain(Counted),
    Age(age::stream::StreamWriter<Counted>),
}

/// Counts what is written.
struct Counted {
    out: BufWriter<Box<dyn Write + Send>>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Write for Layer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Age(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Age(out) => out.flush(),
        }
    }
}

impl BackupFile {
    /// Creates a file; without a path, writes to standard output. Without recipients it is not encrypted.
    pub(super) fn create(path: Option<&Path>, recipients: &[x25519::Recipient]) -> anyhow::Result<Self> {
        let (file, unfinished): (Box<dyn Write + Send>, _) = match path {
            Some(path) => {
                let (file, unfinished) = file::create(path)?;
                (Box::new(file), unfinished.map(|unfinished| (unfinished, path.to_owned())))
            }
            None => (Box::new(std::io::stdout()), None),
        };
        let counted = Counted { out: BufWriter::with_capacity(BUFFER, file), bytes: 0 };
        let layer = match recipients {
            [] => Layer::Plain(counted),
            recipients => {
                let each = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
                let encryptor = age::Encryptor::with_recipients(each).map_err(|error| anyhow!("{error}"))?;
                Layer::Age(encryptor.wrap_output(counted).context("cannot write the backup")?)
            }
        };
        let mut out = zstd::Encoder::new(layer, LEVEL)?;
        out.include_checksum(true)?;
        Ok(Self { out, unfinished })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Completes the file, and gives it its name. Returns its length.
    pub(super) fn finish(self) -> std::io::Result<u64> {
        let mut counted = match self.out.finish()? {
            Layer::Plain(out) => out,
            Layer::Age(out) => out.finish()?,
        };
        counted.flush()?;
        if let Some((unfinished, path)) = self.unfinished {
            unfinished.name(&path)?;
        }
        Ok(counted.bytes)
    }
}

/// Opens a backup for reading, and decrypts and unpacks it.
pub(super) fn open(path: &Path, identities: &[PathBuf]) -> anyhow::Result<Box<dyn Read>> {
    let file: Box<dyn Read> = match path == Path::new(STANDARD) {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?),
    };
    let mut file = BufReader::with_capacity(BUFFER, file);
    let start = file.fill_buf().with_context(|| format!("cannot read {}", path.display()))?;
    if start.starts_with(AGE_TEXT) {
        bail!(
            "this file of age is wrapped into text; unwrap it first: age --decrypt -i KEY FILE | taxii-server restore -"
        );
    }
    if start.starts_with(ZSTD) {
        return Ok(Box::new(zstd::Decoder::with_buffer(file)?));
    }
    if !start.starts_with(AGE) {
        ensure!(!start.is_empty(), "the file is empty");
        bail!("this is no backup of taxii-server");
    }
    let keys = keys(identities)?;
    ensure!(!keys.is_empty(), "the backup is encrypted; give --identity with the file of a private key");
    let decryptor = age::Decryptor::new_buffered(file).map_err(|error| unreadable(&error))?;
    let each = keys.iter().map(|key| key as &dyn age::Identity);
    let plain = decryptor.decrypt(each).map_err(|error| unreadable(&error))?;
    Ok(Box::new(zstd::Decoder::new(plain)?))
}

fn unreadable(error: &age::DecryptError) -> anyhow::Error {
    match error {
        age::DecryptError::NoMatchingKeys => {
            anyhow!("the backup is encrypted for other keys than those of --identity")
        }
        age::DecryptError::ExcessiveWork { .. } => {
            anyhow!("the file is encrypted with a passphrase, which no backup of taxii-server is")
        }
        error => anyhow!("the backup is damaged, cut off, or was altered: {error}"),
    }
}

/// The public keys that are given in one way or the other.
pub(super) fn recipients(given: &[String], files: &[PathBuf]) -> anyhow::Result<Vec<x25519::Recipient>> {
    let mut recipients = Vec::new();
    for key in given {
        recipients.push(recipient(key)?);
    }
    for path in files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let before = recipients.len();
        for key in lines(&text) {
            recipients.push(recipient(key).with_context(|| format!("in {}", path.display()))?);
        }
        ensure!(recipients.len() > before, "there is no public key in {}", path.display());
    }
    Ok(recipients)
}

fn recipient(key: &str) -> anyhow::Result<x25519::Recipient> {
    // It may be a private key that was mistyped for a public one, so it is not shown.
    key.parse().map_err(|_| anyhow!("not a public key of age, which begins with age1 (age-keygen makes one)"))
}

/// The private keys of files.
fn keys(files: &[PathBuf]) -> anyhow::Result<Vec<x25519::Identity>> {
    let mut keys = Vec::new();
    for path in files {
        let text = private::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = String::from_utf8_lossy(&text);
        let before = keys.len();
        for key in lines(&text) {
            let key = key.parse().map_err(|_| {
                anyhow!("{} has a line that is no private key of age (AGE-SECRET-KEY-1…)", path.display())
            })?;
            keys.push(key);
        }
        ensure!(keys.len() > before, "there is no private key in {}", path.display());
    }
    Ok(keys)
}

/// The lines that are neither empty nor remarks.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}
