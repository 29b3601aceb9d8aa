//! Which certificates of servers are trusted.

use crate::{Error, Options};
use data_encoding::{BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The SHA-256 digest of the one certificate that a server may have, or of the public key in it.
///
/// Written `sha256:` and the digest in hexadecimal (colons are passed over) or base64:
///
/// ```
/// let hex = "sha256:E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
/// let base64 = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// assert_eq!(hex.parse::<taxii_client::Pin>(), base64.parse());
/// // As openssl shows it.
/// assert_eq!(hex.replace("sha256:", "sha256 Fingerprint=").parse::<taxii_client::Pin>(), base64.parse());
/// assert!("sha256:12".parse::<taxii_client::Pin>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", HEXLOWER.encode_display(&self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pin is `sha256:` and 64 hexadecimal digits, or 32 bytes in base64; \
         openssl x509 -in cert.pem -noout -fingerprint -sha256 shows it"
)]
pub struct PinError;

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.trim();
        // openssl writes `sha256 Fingerprint=…` and `SHA2-256(stdin)= …`, curl `sha256//…`.
        let is_of_openssl = |label: &str| {
            let label = label.to_ascii_lowercase();
            ["sha256 ", "sha256(", "sha2-256("].iter().any(|start| label.starts_with(start))
        };
        let labelled = text.split_once('=').filter(|(label, _)| is_of_openssl(label));
        let prefixed =
            text.get(..6).filter(|prefix| prefix.eq_ignore_ascii_case("sha256")).map(|_| &text[6..]);
        let plain = prefixed.and_then(|rest| rest.strip_prefix("//").or_else(|| rest.strip_prefix(':')));
        let digest = labelled.map(|(_, digest)| digest.trim()).or(plain).ok_or(PinError)?;
        let digits: String = digest.chars().filter(|c| *c != ':').collect();
        // RFC 4648, section 4 or 5, with or without padding.
        let base64 = digest.trim_end_matches('=').replace('-', "+").replace('_', "/");
        let decoded = match digits.len() {
            64 => HEXLOWER_PERMISSIVE.decode(digits.as_bytes()),
            _ => BASE64_NOPAD.decode(base64.as_bytes()),
        };
        decoded.ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(PinError)
    }
}

/// Why a certificate is not trusted, where rustls has no word for it.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Untrusted {
    #[error(
        "the certificate of the server is self-signed; compare its digest {0} with the operator of the server, then \
             save the certificate in a file and name it with --ca, or give --pin {0}"
    )]
    SelfSigned(Pin),
    #[error(
        "the authority that issued the certificate of the server is not trusted here; give the certificate of that \
             authority with --ca, or, when the operator of the server confirms the digest, --pin {0}"
    )]
    UnknownIssuer(Pin),
    #[error(
        "the server has another certificate than the pinned one: its digest is {0}, and that of its public key {1}; \
             ask the operator of the server whether it was replaced"
    )]
    OtherPin(Pin, Pin),
    #[error(
        "the certificate of the server was issued by one in the file of --ca that is not that of an authority \
             (basicConstraints without CA:TRUE), so that it counts for itself only; give the certificate of an authority with \
             --ca, or, when the operator of the server confirms the digest, --pin {0}"
    )]
    IssuerIsNoAuthority(Pin),
}

/// What TLS needs to know. The cryptography is the one that the program has chosen for rustls, else aws-lc. A client that
/// speaks plain HTTP needs no authority that it trusts.
pub(crate) fn config(options: &Options, is_plain: bool) -> Result<ClientConfig, Error> {
    let chosen = CryptoProvider::get_default().cloned();
    let provider = chosen.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let own = options.ca_file.as_deref().map_or(Ok(Vec::new()), read)?;
    let failed = |error: rustls::Error| match &options.ca_file {
        Some(path) => Error::CaFile { path: path.display().to_string(), reason: error.to_string() },
        None => Error::Tls(error.to_string()),
    };
    let is_authority = |certificate: &CertificateDer<'_>| is_of_authority(certificate, &provider);
    let (authorities, others): (Vec<_>, Vec<_>) = own.iter().cloned().partition(is_authority);
    let system = Verifier::new_with_extra_roots(authorities, provider.clone());
    // A pinned certificate needs no authority, nor does one of the file, and a machine may have none.
    let system = match system {
        Err(error) if options.pin.is_none() && own.is_empty() && !is_plain => return Err(failed(error)),
        other => other.ok(),
    };
    let trust = Trust { system, own, others, pin: options.pin, provider: provider.clone() };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let mut config =
        builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |reason: String| Error::CaFile { path: path.display().to_string(), reason };
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(
            "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); openssl x509 -inform der -in FILE makes one of \
             the binary form"
                .into(),
        ));
    }
    for certificate in &certificates {
        let parsed = rustls::RootCertStore::empty().add(certificate.clone());
        parsed.map_err(|error| wrong(format!("holds a certificate that cannot be read: {error}")))?;
    }
    Ok(certificates)
}

/// Trusts what the system trusts, the authorities and the very certificates of the user's file, and a pinned
/// certificate.
#[derive(Debug)]
struct Trust {
    system: Option<Verifier>,
    /// All certificates of the file.
    own: Vec<CertificateDer<'static>>,
    /// Those that are not of authorities: each stands for itself only.
    others: Vec<CertificateDer<'static>>,
    pin: Option<Pin>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let digest = Pin::of(certificate);
        if let Some(pin) = self.pin {
            let key = Pin::of(ParsedCertificate::try_from(certificate)?.subject_public_key_info().as_ref());
            // The pin says which certificate it is, so that nothing else has to.
            if pin == digest || pin == key {
                return Ok(ServerCertVerified::assertion());
            }
            return Err(untrusted(Untrusted::OtherPin(digest, key)));
        }
        let outcome = match &self.system {
            Some(system) => system.verify_server_cert(certificate, intermediates, name, ocsp, now).map(drop),
            None => verify(certificate, intermediates, &[], now, &self.provider),
        };
        let Err(error) = outcome else { return Ok(ServerCertVerified::assertion()) };
        let is_authority = is_authority(&error);
        // The signature is bad when an authority, or an earlier certificate of the server, has the name of the issuer.
        let is_untrusted = matches!(
            error,
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature
            )
        );
        if !is_authority && !is_untrusted {
            return Err(error);
        }
        // webpki looks at the dates before it asks who issued a certificate, so what is left to check is the name.
        if self.own.iter().any(|own| **own == **certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let is_issued_by = |issuers: &[CertificateDer<'_>]| {
            let outcome = verify(certificate, intermediates, issuers, now, &self.provider);
            outcome.is_ok()
        };
        Err(untrusted(if is_authority || is_issued_by(std::slice::from_ref(certificate)) {
            Untrusted::SelfSigned(digest)
        } else if is_issued_by(&self.others) {
            Untrusted::IssuerIsNoAuthority(digest)
        } else {
            Untrusted::UnknownIssuer(digest)
        }))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Checks that a certificate is of a server and comes, perhaps by others, from one of the issuers.
fn verify(
    certificate: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    issuers: &[CertificateDer<'_>],
    now: UnixTime,
    provider: &CryptoProvider,
) -> Result<(), rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(issuers.iter().map(|issuer| issuer.clone().into_owned()));
    rustls::client::verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(certificate)?,
        &roots,
        intermediates,
        now,
        provider.signature_verification_algorithms.all,
    )
}

/// Whether a certificate is that of an authority (RFC 5280, section 4.2.1.9). It is when webpki does not take it for that of
/// a server, at a time at which it is valid.
fn is_of_authority(certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> bool {
    let refusal = |at| verify(certificate, &[], &[], at, provider).err();
    let long_ago = refusal(UnixTime::since_unix_epoch(Duration::ZERO));
    let refusal = match long_ago {
        Some(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => refusal(not_before),
        other => other,
    };
    refusal.as_ref().is_some_and(is_authority)
}

/// A certificate of an authority in the place of that of a server, as tools make self-signed ones.
fn is_authority(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(error))) = error else {
        return false;
    };
    error.to_string().contains("CaUsedAsEndEntity")
}

fn untrusted(reason: Untrusted) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(reason))))
}
