//! Credentials: how requests carry them, how they are stored, how they are checked.
//!
//! Passwords are stored as argon2id. A check takes tens of milliseconds by design, so checks run on threads of their
//! own, few at a time, and a pair that was right is remembered for some minutes under a keyed hash.

mod queue;

use crate::error::ApiError;
use crate::rights::SharedPrincipal;
use crate::store::{Account, Directory};
use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use subtle::ConstantTimeEq;

use queue::Queue;
pub(crate) use queue::Source;

/// Header with a text that a server answers with its proof, before the command line tells it the secret.
pub(crate) const CHALLENGE: &str = "x-concord-challenge";
/// Header with the proof.
pub(crate) const PROOF: &str = "x-concord-proof";
const TOKEN_PREFIX: &str = "concord_";
/// Maximum number of remembered pairs.
const REMEMBERED: u64 = 10_000;
/// How long a pair is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);

/// Why credentials cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Random(getrandom::Error),
    /// A password cannot be hashed.
    #[error("cannot hash a password: {0}")]
    Hash(argon2::password_hash::Error),
}

/// Credentials of a request, not checked yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// Name and password of HTTP Basic.
    Password { name: String, password: String },
    /// An API token.
    Token(String),
}

impl Presented {
    /// Reads the header `Authorization` (schemes `Basic`, `Bearer` and `Token`, in any case), or else the header for API keys.
    pub(crate) fn read(headers: &HeaderMap, api_key_header: &str) -> Option<Self> {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            return headers
                .get(api_key_header)?
                .to_str()
                .ok()
                .map(|token| Self::Token(token.trim().to_owned()));
        };
        let (scheme, value) = authorization.to_str().ok()?.trim().split_once(' ')?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            // Clients send UTF-8, as the challenge asks (RFC 7617, section 2.1), or Latin-1, as older ones do.
            let decoded = String::from_utf8(STANDARD.decode(value).ok()?)
                .unwrap_or_else(|latin| latin.as_bytes().iter().map(|byte| char::from(*byte)).collect());
            let (name, password) = decoded.split_once(':')?;
            return Some(Self::Password { name: name.to_owned(), password: password.to_owned() });
        }
        let is_token = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        is_token.then(|| Self::Token(value.to_owned()))
    }
}

/// A principal, and the credential that it was recognised by.
#[derive(Clone)]
pub(crate) struct Recognised {
    pub(crate) principal: SharedPrincipal,
    pub(crate) proof: Proof,
}

/// The stored side of a credential that was right. A request may take long, and the credential may be withdrawn meanwhile.
#[derive(Clone)]
pub(crate) enum Proof {
    /// The secret of the data folder.
    Operator,
    /// The password that is stored for the account.
    Password(String),
    /// The public part of a token.
    Token(String),
}

impl Proof {
    /// Whether an account still has this credential.
    pub(crate) fn holds(&self, account: &Account) -> bool {
        match self {
            Self::Operator => true,
            Self::Password(stored) => account.password.as_ref() == Some(stored),
            Self::Token(public) => account.tokens.contains_key(public),
        }
    }
}

/// Checks credentials.
pub(crate) struct Credentials {
    /// The stored password that a pair was right for, by the keyed hash of the pair.
    remembered: moka::sync::Cache<[u8; 32], Arc<str>>,
    key: Hmac<Sha256>,
    queue: Arc<Queue>,
    /// Memory for checks, used again and again: 19 MiB that are allocated for each check stay in the allocator's arenas,
    /// one for each thread that has checked.
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    /// Stored password for names without an account, so that checking them takes as long.
    placeholder: String,
}

impl Credentials {
    pub(crate) fn new() -> Result<Self, CredentialError> {
        let key = random::<32>()?;
        Ok(Self {
            remembered: moka::sync::Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(REMEMBERED_FOR)
                .build(),
            key: Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"),
            queue: Arc::default(),
            memory: Arc::default(),
            placeholder: hash_password("placeholder")?,
        })
    }

    /// Returns the principal that credentials belong to.
    ///
    /// # Errors
    /// When they are wrong, or too many logins from the same source wait for a check.
    pub(crate) async fn check(
        &self,
        directory: &Directory,
        presented: Presented,
        source: Source,
    ) -> Result<Recognised, ApiError> {
        let found = match presented {
            Presented::Token(token) => check_token(directory, &token),
            Presented::Password { name, password } => {
                let account = directory.accounts.get(&name);
                let stored = account.and_then(|account| account.password.clone());
                let is_right = self.check_password(&name, password, stored.clone(), source).await?;
                account.filter(|_| is_right).zip(stored.map(Proof::Password))
            }
        };
        let (account, proof) = found.ok_or(ApiError::Unauthorized)?;
        let principal = directory.principal(account.id).cloned().ok_or(ApiError::Unauthorized)?;
        Ok(Recognised { principal, proof })
    }

    async fn check_password(
        &self,
        name: &str,
        password: String,
        stored: Option<String>,
        source: Source,
    ) -> Result<bool, ApiError> {
        let pair = self.key.clone().chain_update(name).chain_update([0]).chain_update(&password);
        let pair: [u8; 32] = pair.finalize().into_bytes().into();
        if let (Some(stored), Some(remembered)) = (&stored, self.remembered.get(&pair))
            && **stored == *remembered
        {
            return Ok(true);
        }
        let is_account = stored.is_some();
        let turn = self.queue.turn(source, name, is_account).await?;
        let against = stored.unwrap_or_else(|| self.placeholder.clone());
        let memory = Arc::clone(&self.memory);
        let check = move || {
            // The check goes on when the client has disconnected, so it keeps the turn.
            let _turn = turn;
            let mut blocks = memory.lock().ok()?.pop().unwrap_or_default();
            let is_right = verify(&password, &against, &mut blocks);
            memory.lock().ok()?.push(blocks);
            is_right.filter(|is_right| *is_right).map(|_| against)
        };
        match tokio::task::spawn_blocking(check).await {
            Ok(Some(stored)) if is_account => {
                self.remembered.insert(pair, stored.into());
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Whether a password matches a stored one; `None` when the stored one cannot be parsed.
fn verify(password: &str, stored: &str, blocks: &mut Vec<Block>) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let (salt, expected) = (stored.salt.as_ref()?, stored.hash.as_ref()?);
    let params = Params::try_from(&stored).ok()?;
    blocks.resize(params.block_count().max(blocks.len()), Block::default());
    let mut computed = vec![0; expected.as_bytes().len()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut computed, &mut blocks[..]).ok()?;
    Some(computed.ct_eq(expected.as_bytes()).into())
}

fn check_token<'d>(directory: &'d Directory, token: &str) -> Option<(&'d Arc<Account>, Proof)> {
    let (public, _) = token.strip_prefix(TOKEN_PREFIX)?.split_once('_')?;
    let (account, stored) = directory.account_of_token(public)?;
    let is_right: bool = sha256_hex(token).as_bytes().ct_eq(stored.sha256.as_bytes()).into();
    is_right.then(|| (account, Proof::Token(public.to_owned())))
}

/// Hashes a password with argon2id and a random salt; the result has the PHC string format.
pub(crate) fn hash_password(password: &str) -> Result<String, CredentialError> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(CredentialError::Hash)?;
    Ok(hash.to_string())
}

/// Makes an API token and returns its public part and the whole token.
pub(crate) fn new_token() -> Result<(String, String), CredentialError> {
    let public = random_hex::<8>()?;
    let token = format!("{TOKEN_PREFIX}{public}_{}", random_hex::<32>()?);
    Ok((public, token))
}

/// Makes a password with 160 random bits.
pub(crate) fn new_password() -> Result<String, CredentialError> {
    random_hex::<20>()
}

/// SHA-256 of a token, in hexadecimal digits.
pub(crate) fn sha256_hex(token: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

/// Proves that one knows the secret of the control file, without telling it: HMAC-SHA-256 of the challenge, in
/// hexadecimal digits.
pub(crate) fn proof(secret: &str, challenge: &[u8]) -> String {
    let hash = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    HEXLOWER.encode(&hash.chain_update(challenge).finalize().into_bytes())
}

fn random_hex<const N: usize>() -> Result<String, CredentialError> {
    Ok(HEXLOWER.encode(&random::<N>()?))
}

fn random<const N: usize>() -> Result<[u8; N], CredentialError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(CredentialError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_right_password_is_checked_once_and_forgotten_with_the_account() {
        let credentials = Credentials::new().unwrap();
        let stored = hash_password("a long enough password").unwrap();
        let check = async |password: &str, stored: &str| {
            let stored = Some(stored.to_owned());
            let check = credentials.check_password("alice", password.to_owned(), stored, None);
            tokio::time::timeout(Duration::from_secs(5), check).await.map(Result::unwrap)
        };
        assert_eq!(check("a long enough password", &stored).await, Ok(true));
        assert_eq!(check("a wrong password here", &stored).await, Ok(false));
        // With all permits taken argon2 cannot run, so an answer was remembered.
        let turn = async || credentials.queue.turn(None, "bob", true).await.unwrap();
        let _all = [turn().await, turn().await];
        assert_eq!(check("a long enough password", &stored).await, Ok(true));
        tokio::time::pause();
        assert!(check("a wrong password here", &stored).await.is_err(), "a wrong one is never remembered");
        let changed = stored.replace("m=", "m =");
        assert!(
            check("a long enough password", &changed).await.is_err(),
            "nor one for another stored password"
        );
    }

    #[test]
    fn credentials_are_read_from_headers() {
        let read = |name: &'static str, value: &str| {
            let headers =
                HeaderMap::from_iter([(header::HeaderName::from_static(name), value.parse().unwrap())]);
            Presented::read(&headers, "x-api-key")
        };
        let alice = || Presented::Password { name: "alice".to_owned(), password: "a:b".to_owned() };
        assert_eq!(read("authorization", "Basic YWxpY2U6YTpi"), Some(alice()));
        for encoded in ["YWxpY2U6cORzcw==", "YWxpY2U6cMOkc3M="] {
            let password = "p\u{e4}ss".to_owned();
            let alice = Presented::Password { name: "alice".to_owned(), password };
            assert_eq!(read("authorization", &format!("Basic {encoded}")), Some(alice));
        }
        assert_eq!(read("authorization", "bAsIc  YWxpY2U6YTpi "), Some(alice()));
        assert_eq!(read("authorization", "token t"), Some(Presented::Token("t".to_owned())));
        assert_eq!(read("x-api-key", "t"), Some(Presented::Token("t".to_owned())));
        for bad in ["", "Basic", "Basic YWxpY2U", "Basic ////", "Digest x", "Bearer"] {
            assert_eq!(read("authorization", bad), None, "{bad}");
        }
    }
}
