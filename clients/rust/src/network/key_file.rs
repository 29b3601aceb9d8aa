//! Files of keys that vote: the public key for all, the secret encrypted under a passphrase.

use super::{PublicKey, SecretKey};
use age::secrecy::SecretString;
use std::fmt;
use std::io::{Read, Write};

/// The first line.
const HEAD: &str = "concord vote key, version 1";
/// Where the encrypted secret begins, as age has it.
const ARMOUR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
/// Work to try a passphrase, as a power of two: about a second, and 256 MiB.
const WORK: u8 = 18;
/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// The file of a key that votes.
///
/// ```text
/// concord vote key, version 1
/// name: Alice
/// public: 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
/// -----BEGIN AGE ENCRYPTED FILE-----
/// …
/// ```
///
/// The secret is encrypted by [age](https://age-encryption.org) under a passphrase, or stands in a line `secret:` for
/// programs that run unattended.
#[derive(Clone)]
pub struct KeyFile {
    name: Option<String>,
    public: PublicKey,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Encrypted(String),
    Plain([u8; 32]),
}

/// Shows no secret.
impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("name", &self.name)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is none.
    #[error("this is no key file: {0}")]
    Form(&'static str),
    /// The name cannot stand on a line.
    #[error("the name of a key has 1 to {MAX_NAME_BYTES} bytes, on one line")]
    Name,
    /// It is encrypted.
    #[error("the key is encrypted; a passphrase is needed")]
    NeedsPassphrase,
    /// The passphrase is wrong.
    #[error("the passphrase is not that of this key")]
    Passphrase,
    /// The encrypted part is damaged.
    #[error("the encrypted part of the key file is damaged: {0}")]
    Damaged(String),
    /// The public key belongs to another secret.
    #[error("the public key in the file is not that of its secret: the file was changed; do not use it")]
    Public,
}

impl KeyFile {
    /// Makes the file of the key whose secret these random bytes are, under a passphrase or without one.
    ///
    /// # Errors
    /// When the name cannot stand on a line, or the passphrase is empty.
    pub fn new(seed: [u8; 32], name: Option<&str>, passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        Self::with_work(seed, name, passphrase, WORK)
    }

    fn with_work(
        seed: [u8; 32],
        name: Option<&str>,
        passphrase: Option<&str>,
        work: u8,
    ) -> Result<Self, KeyFileError> {
        let is_line = |name: &str| {
            !name.trim().is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)
        };
        if name.is_some_and(|name| !is_line(name)) {
            return Err(KeyFileError::Name);
        }
        let secret = match passphrase {
            Some("") => return Err(KeyFileError::NeedsPassphrase),
            Some(passphrase) => Secret::Encrypted(encrypt(&seed, passphrase, work)?),
            None => Secret::Plain(seed),
        };
        let name = name.map(|name| name.trim().to_owned());
        Ok(Self { name, public: SecretKey::from_seed(&seed).public(), secret })
    }

    /// Reads a file. Its secret stays closed.
    ///
    /// # Errors
    /// When it is no key file.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(KeyFileError::Form("it does not begin as one that `taxii key new` writes"));
        }
        let (mut name, mut public, mut secret) = (None, None, None);
        for line in lines {
            if line == ARMOUR {
                let at = text.find(ARMOUR).expect("a line of it is there");
                secret = Some(Secret::Encrypted(text[at..].to_owned()));
                break;
            }
            match line.split_once(": ") {
                Some(("name", value)) => name = Some(value.to_owned()),
                Some(("public", value)) => public = bytes(value).map(PublicKey),
                Some(("secret", value)) => secret = bytes(value).map(Secret::Plain),
                _ if line.trim().is_empty() => {}
                _ => return Err(KeyFileError::Form("a line of it is not understood")),
            }
        }
        let public = public.ok_or(KeyFileError::Form("its public key is missing or damaged"))?;
        let secret = secret.ok_or(KeyFileError::Form("its secret is missing or damaged"))?;
        Ok(Self { name, public, secret })
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let name = self.name.as_ref().map_or_else(String::new, |name| format!("name: {name}\n"));
        let public = consensus::Digest(self.public.0);
        let secret = match &self.secret {
            Secret::Encrypted(armour) => armour.clone(),
            Secret::Plain(seed) => format!("secret: {}\n", consensus::Digest(*seed)),
        };
        format!("{HEAD}\n{name}public: {public}\n{secret}")
    }

    /// The name that its owner gave it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The public key, as the file says. [`open`](Self::open) checks it.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Whether a passphrase is needed to open it.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.secret, Secret::Encrypted(_))
    }

    /// Opens the secret, and checks that the public key is that of it.
    ///
    /// # Errors
    /// When the passphrase is missing or wrong, or the file was changed.
    pub fn open(&self, passphrase: Option<&str>) -> Result<SecretKey, KeyFileError> {
        let key = match (&self.secret, passphrase) {
            (Secret::Plain(seed), _) => SecretKey::from_seed(seed),
            (Secret::Encrypted(_), None) => return Err(KeyFileError::NeedsPassphrase),
            (Secret::Encrypted(armour), Some(passphrase)) => decrypt(armour, passphrase)?,
        };
        if key.public() == self.public { Ok(key) } else { Err(KeyFileError::Public) }
    }
}

/// Reads 64 hexadecimal digits.
fn bytes(text: &str) -> Option<[u8; 32]> {
    text.trim().parse::<consensus::Digest>().ok().map(|digest| digest.0)
}

fn encrypt(seed: &[u8; 32], passphrase: &str, work: u8) -> Result<String, KeyFileError> {
    let damaged = |error: &dyn fmt::Display| KeyFileError::Damaged(error.to_string());
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(work);
    let each = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(each).map_err(|error| damaged(&error))?;
    let mut text = Vec::new();
    let write = || -> std::io::Result<()> {
        let armour = age::armor::ArmoredWriter::wrap_output(&mut text, age::armor::Format::AsciiArmor)?;
        let mut out = encryptor.wrap_output(armour)?;
        out.write_all(seed)?;
        out.finish()?.finish()?;
        Ok(())
    };
    write().map_err(|error| damaged(&error))?;
    String::from_utf8(text).map_err(|error| damaged(&error))
}

fn decrypt(armour: &str, passphrase: &str) -> Result<SecretKey, KeyFileError> {
    let damaged = |error: &dyn fmt::Display| KeyFileError::Damaged(error.to_string());
    let reader = age::armor::ArmoredReader::new(armour.as_bytes());
    let decryptor = age::Decryptor::new_buffered(reader).map_err(|error| damaged(&error))?;
    let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase));
    // A file of a faster machine opens too; one that asks for hours of work does not.
    identity.set_max_work_factor(WORK + 4);
    let opened = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity));
    let mut opened = opened.map_err(|error| match error {
        age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
            KeyFileError::Passphrase
        }
        error => damaged(&error),
    })?;
    let mut seed = [0; 32];
    opened.read_exact(&mut seed).map_err(|error| damaged(&error))?;
    match opened.read(&mut [0; 1]).map_err(|error| damaged(&error))? {
        0 => Ok(SecretKey::from_seed(&seed)),
        _ => Err(damaged(&"it is too long")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Little work, so that the tests are fast.
    fn file(passphrase: Option<&str>) -> KeyFile {
        KeyFile::with_work([7; 32], Some("Alice"), passphrase, 2).unwrap()
    }

    #[test]
    fn a_key_is_read_back_under_its_passphrase() {
        let text = file(Some("open sesame")).text();
        let public = SecretKey::from_seed(&[7; 32]).public();
        assert!(text.starts_with("concord vote key, version 1\nname: Alice\npublic: "), "{text}");
        assert!(!text.contains("0707070707"), "the secret does not stand in it");
        let read = KeyFile::parse(&text).unwrap();
        assert_eq!((read.name(), read.public(), read.is_encrypted()), (Some("Alice"), public, true));
        assert_eq!(read.open(Some("open sesame")).unwrap().public(), public);
        assert_eq!(read.text(), text);
        assert!(!format!("{read:?}").contains("AGE"));
    }

    #[test]
    fn without_the_passphrase_it_stays_closed() {
        let read = KeyFile::parse(&file(Some("open sesame")).text()).unwrap();
        assert_eq!(read.open(None).unwrap_err().to_string(), "the key is encrypted; a passphrase is needed");
        let wrong = read.open(Some("open barley")).unwrap_err().to_string();
        assert_eq!(wrong, "the passphrase is not that of this key");
        let empty = KeyFile::new([7; 32], None, Some("")).unwrap_err().to_string();
        assert_eq!(empty, "the key is encrypted; a passphrase is needed");
    }

    #[test]
    fn a_key_without_passphrase_is_in_plain_sight() {
        let text = file(None).text();
        assert!(text.contains("\nsecret: 0707"), "{text}");
        let read = KeyFile::parse(&text).unwrap();
        assert!(!read.is_encrypted());
        assert_eq!(read.open(None).unwrap().public(), read.public());
    }

    #[test]
    fn a_public_key_that_was_exchanged_is_noticed() {
        let other = SecretKey::from_seed(&[8; 32]).public();
        for passphrase in [None, Some("open sesame")] {
            let file = KeyFile { public: other, ..file(passphrase) };
            let read = KeyFile::parse(&file.text()).unwrap();
            let refused = read.open(passphrase).unwrap_err().to_string();
            assert!(refused.starts_with("the public key in the file is not that of its secret"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_key_file_says_why() {
        let text = file(Some("open sesame")).text();
        let said = |text: &str| KeyFile::parse(text).unwrap_err().to_string();
        assert!(said("ssh-ed25519 AAAA").contains("does not begin as one"));
        assert!(said(&text.replace("public: ", "public: 0")).contains("public key is missing or damaged"));
        assert!(said(&text.replace("name: ", "nom: ")).contains("a line of it is not understood"));
        assert!(said(&text[..text.find("-----").unwrap()]).contains("its secret is missing"));
        let cut = &text[..text.len() - 60];
        let cut = KeyFile::parse(cut).unwrap().open(Some("open sesame")).unwrap_err().to_string();
        assert!(cut.starts_with("the encrypted part of the key file is damaged"), "{cut}");
        for name in ["", " ", "a\nb", "a\u{7f}b"] {
            assert!(matches!(KeyFile::new([7; 32], Some(name), None), Err(KeyFileError::Name)), "{name:?}");
        }
    }
}
