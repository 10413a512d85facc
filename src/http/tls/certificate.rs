//! The files of a certificate and its private key.

use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use x509_cert::der::Decode;

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain in PEM, the certificate of the server first.
    pub chain: PathBuf,
    /// Its private key in PEM: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// The reason why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or has no such item.
    #[error("{} (tls_cert or tls_key)", .0.display())]
    Unreadable(PathBuf, #[source] pem::Error),
    /// The chain has no certificate.
    #[error("{} (tls_cert) has no certificate", .0.display())]
    Empty(PathBuf),
    /// A certificate cannot be parsed.
    #[error("{} (tls_cert) has a malformed certificate", .0.display())]
    Malformed(PathBuf, #[source] x509_cert::der::Error),
    /// The key cannot be used, or belongs to another certificate.
    #[error("the key in {} (tls_key) does not fit the certificate in {} (tls_cert)", .key.display(), .chain.display())]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the chain.
        chain: PathBuf,
        /// The cause.
        #[source]
        cause: rustls::Error,
    },
    /// A certificate of the chain has expired.
    #[error("{} (tls_cert) expired at the Unix second {expired_at}", .chain.display())]
    Expired {
        /// The file of the chain.
        chain: PathBuf,
        /// The end of the certificate, in Unix seconds.
        expired_at: u64,
    },
}

/// A usable certificate and its key.
pub(super) struct Loaded {
    pub(super) key: Arc<CertifiedKey>,
    /// The earliest end in the chain, in Unix seconds.
    pub(super) expires_at: u64,
    pub(super) stamp: FileStamp,
}

/// The time of modification and the length of both files, which tell a replaced file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileStamp([Option<(SystemTime, u64)>; 2]);

impl FileStamp {
    /// Reads the stamp of the files; none for one that is missing.
    pub(super) fn of(files: &CertificateFiles) -> Self {
        let stamp = |metadata: Metadata| Some((metadata.modified().ok()?, metadata.len()));
        let of_file = |path: &Path| std::fs::metadata(path).ok().and_then(stamp);
        Self([of_file(&files.chain), of_file(&files.key)])
    }
}

impl CertificateFiles {
    /// Loads both files.
    pub(super) fn load(&self, now_seconds: u64) -> Result<Loaded, CertificateError> {
        let stamp = FileStamp::of(self);
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |error| CertificateError::Unreadable(path, error)
        };
        let chain = CertificateDer::pem_file_iter(&self.chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain: Vec<CertificateDer<'static>> = chain.map_err(unreadable(&self.chain))?;
        let expires_at = self.check_chain(&chain, now_seconds)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        let mismatch = |cause| CertificateError::Mismatch { key: self.key.clone(), chain: self.chain.clone(), cause };
        // Also compares the public key of the certificate with that of the private key.
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(mismatch)?;
        Ok(Loaded { key: Arc::new(key), expires_at, stamp })
    }

    /// Returns the earliest end in the chain.
    fn check_chain(&self, chain: &[CertificateDer<'_>], now_seconds: u64) -> Result<u64, CertificateError> {
        let end = |der: &CertificateDer<'_>| {
            let parsed = x509_cert::Certificate::from_der(der);
            let parsed = parsed.map_err(|error| CertificateError::Malformed(self.chain.clone(), error))?;
            Ok(parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
        };
        let ends: Vec<u64> = chain.iter().map(end).collect::<Result<_, _>>()?;
        let earliest = ends.into_iter().min().ok_or_else(|| CertificateError::Empty(self.chain.clone()))?;
        if earliest < now_seconds {
            return Err(CertificateError::Expired { chain: self.chain.clone(), expired_at: earliest });
        }
        Ok(earliest)
    }
}
