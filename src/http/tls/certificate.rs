//! The files of a certificate and its private key, and those of the authorities of clients.

use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use x509_cert::der::Decode;

/// The name of HTTP/1.1 in a handshake (RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";
/// The name of HTTP/2 in a handshake (RFC 9113, section 3.2).
pub const HTTP_2: &[u8] = b"h2";

/// A listener with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The API.
    Api,
    /// Metrics and health.
    Admin,
}

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The listener that shows the certificate.
    pub listener: Listener,
    /// The chain in PEM, the certificate of the server first.
    pub chain: PathBuf,
    /// Its private key in PEM: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// The authorities in PEM, one of which has to have signed the certificate of a client; none if clients need none.
    pub client_ca: Option<PathBuf>,
}

/// The reason why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or has no such item.
    #[error("{} ({setting})", .path.display())]
    Unreadable {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: pem::Error,
    },
    /// The file has no certificate.
    #[error("{} ({setting}) has no certificate", .path.display())]
    Empty {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A certificate cannot be parsed.
    #[error("{} ({setting}) has a malformed certificate", .path.display())]
    Malformed {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: x509_cert::der::Error,
    },
    /// The key cannot be used, or belongs to another certificate.
    #[error(
        "the key in {} ({}) does not fit the certificate in {} ({})",
        .files.key.display(), .files.listener.key_setting(), .files.chain.display(), .files.listener.chain_setting()
    )]
    Mismatch {
        /// The files.
        files: Box<CertificateFiles>,
        /// The cause.
        #[source]
        cause: rustls::Error,
    },
    /// A certificate of the chain has expired.
    #[error("{} ({setting}) expired at the Unix second {expired_at}", .path.display())]
    Expired {
        /// The setting that names the file.
        setting: &'static str,
        /// The file of the chain.
        path: PathBuf,
        /// The end of the certificate, in Unix seconds.
        expired_at: u64,
    },
    /// A certificate of the authorities cannot be used as one.
    #[error("{} ({CLIENT_CA}) has a certificate that is no authority", .0.display())]
    Authority(PathBuf, #[source] rustls::Error),
    /// The authorities cannot be used.
    #[error("{} ({CLIENT_CA}) cannot be used", .0.display())]
    Authorities(PathBuf, #[source] VerifierBuilderError),
    /// The cryptography cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The setting that names the authorities of clients.
const CLIENT_CA: &str = "admin_client_ca";

/// A usable certificate and its key.
#[derive(Debug)]
pub struct LoadedCertificate {
    pub(super) files: CertificateFiles,
    pub(super) config: Arc<ServerConfig>,
    /// The earliest end in the chain, in Unix seconds.
    pub(super) expires_at: u64,
    pub(super) stamp: FileStamp,
}

/// The time of modification and the length of each file, which tell a replaced file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileStamp([Option<(SystemTime, u64)>; 3]);

impl FileStamp {
    /// Reads the stamp of the files; none for one that is missing.
    pub(super) fn of(files: &CertificateFiles) -> Self {
        let stamp = |metadata: Metadata| Some((metadata.modified().ok()?, metadata.len()));
        let of_file = |path: &Path| std::fs::metadata(path).ok().and_then(stamp);
        Self([of_file(&files.chain), of_file(&files.key), files.client_ca.as_deref().and_then(of_file)])
    }
}

impl Listener {
    /// Returns the name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Admin => "admin",
        }
    }

    /// Returns the setting that names the chain.
    #[must_use]
    pub const fn chain_setting(self) -> &'static str {
        match self {
            Self::Api => "tls_cert",
            Self::Admin => "admin_tls_cert",
        }
    }

    /// Returns the setting that names the private key.
    #[must_use]
    pub const fn key_setting(self) -> &'static str {
        match self {
            Self::Api => "tls_key",
            Self::Admin => "admin_tls_key",
        }
    }
}

impl CertificateFiles {
    /// Loads the files. The chain must be valid at `now_seconds`.
    ///
    /// # Errors
    /// When a file cannot be read or used, the key belongs to another certificate, or the certificate has expired.
    pub fn load(&self, now_seconds: u64) -> Result<LoadedCertificate, CertificateError> {
        let (stamp, setting) = (FileStamp::of(self), self.listener.chain_setting());
        let chain = certificates(setting, &self.chain)?;
        let expires_at = check_chain(setting, &self.chain, &chain, now_seconds)?;
        let setting = self.listener.key_setting();
        let unreadable = |cause| CertificateError::Unreadable { setting, path: self.key.clone(), cause };
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable)?;
        // Also compares the public key of the certificate with that of the private key.
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let key = key.map_err(|cause| CertificateError::Mismatch { files: Box::new(self.clone()), cause })?;
        let config = Arc::new(self.server_config(key)?);
        Ok(LoadedCertificate { files: self.clone(), config, expires_at, stamp })
    }

    /// Returns the configuration of TLS 1.2 and 1.3.
    fn server_config(&self, key: CertifiedKey) -> Result<ServerConfig, CertificateError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(CertificateError::Tls)?;
        let resolver = Arc::new(SingleCertAndKey::from(key));
        let mut config = match &self.client_ca {
            None => builder.with_no_client_auth().with_cert_resolver(resolver),
            Some(path) => {
                let roots = Arc::new(authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, ring::default_provider().into());
                let verifier = verifier.build().map_err(|cause| CertificateError::Authorities(path.clone(), cause))?;
                builder.with_client_cert_verifier(verifier).with_cert_resolver(resolver)
            }
        };
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
        if self.client_ca.is_some() {
            // A resumed session would not verify the certificate of its client again.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            config.ticketer = ring::Ticketer::new().map_err(CertificateError::Tls)?;
        }
        Ok(config)
    }
}

/// Reads the certificates of a file.
fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|cause| CertificateError::Unreadable { setting, path: path.to_owned(), cause })?;
    if read.is_empty() {
        return Err(CertificateError::Empty { setting, path: path.to_owned() });
    }
    Ok(read)
}

fn authorities(path: &Path) -> Result<RootCertStore, CertificateError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(CLIENT_CA, path)? {
        roots.add(certificate).map_err(|cause| CertificateError::Authority(path.to_owned(), cause))?;
    }
    Ok(roots)
}

/// Returns the earliest end in the chain.
fn check_chain(
    setting: &'static str,
    path: &Path,
    chain: &[CertificateDer<'_>],
    now_seconds: u64,
) -> Result<u64, CertificateError> {
    let end = |der: &CertificateDer<'_>| {
        let parsed = x509_cert::Certificate::from_der(der);
        let parsed = parsed.map_err(|cause| CertificateError::Malformed { setting, path: path.to_owned(), cause })?;
        Ok(parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
    };
    let ends: Vec<u64> = chain.iter().map(end).collect::<Result<_, _>>()?;
    let earliest = ends.into_iter().min().ok_or_else(|| CertificateError::Empty { setting, path: path.to_owned() })?;
    if earliest < now_seconds {
        return Err(CertificateError::Expired { setting, path: path.to_owned(), expired_at: earliest });
    }
    Ok(earliest)
}
