//! TLS of the API: handshakes with the certificate in use, which a reload replaces while connections go on.

mod certificate;

pub use certificate::{CertificateError, CertificateFiles};

use crate::error_chain::ErrorChain;
use crate::metrics::{METRICS, gauge};
use certificate::{FileStamp, Loaded};
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The time between two looks for changed files.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// The name of HTTP/1.1 in a handshake (RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";
/// The name of HTTP/2 in a handshake (RFC 9113, section 3.2).
pub const HTTP_2: &[u8] = b"h2";

/// The certificate of the API with its private key, and their files.
pub struct Certificate {
    files: CertificateFiles,
    current: RwLock<Loaded>,
    /// The reason why the files in place are not in use.
    refused: Mutex<Option<String>>,
    /// The files that were loaded last, in use or refused.
    seen: Mutex<FileStamp>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

impl Certificate {
    /// Loads the certificate and its key, which must be valid at `now_seconds`.
    ///
    /// # Errors
    /// When a file cannot be read or used, the key belongs to another certificate, or the certificate has expired.
    pub fn load(files: CertificateFiles, now_seconds: u64) -> Result<Arc<Self>, CertificateError> {
        let loaded = files.load(now_seconds)?;
        show(&loaded);
        let seen = Mutex::new(loaded.stamp.clone());
        Ok(Arc::new(Self { files, current: RwLock::new(loaded), refused: Mutex::default(), seen }))
    }

    /// Returns an acceptor of TLS 1.2 and 1.3 with this certificate.
    ///
    /// # Errors
    /// When the cryptography cannot be set up.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
        config.ticketer = ring::Ticketer::new()?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Loads the files. A pair that cannot be used is kept out, and the old one stays.
    pub fn reload(&self, now_seconds: u64) {
        self.replace(FileStamp::of(&self.files), now_seconds);
    }

    /// Returns the reason why the files in place are not in use.
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads the files when they change, until `stop`.
    pub async fn watch(self: Arc<Self>, now_seconds: impl Fn() -> u64, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(LOOK_INTERVAL)).await.is_some() {
            let stamp = FileStamp::of(&self.files);
            if stamp != *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
                self.replace(stamp, now_seconds());
            }
        }
    }

    fn replace(&self, stamp: FileStamp, now_seconds: u64) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        let refused = match self.files.load(now_seconds) {
            Ok(loaded) => {
                show(&loaded);
                tracing::info!(expires_at = loaded.expires_at, "certificate loaded");
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                None
            }
            Err(error) => {
                METRICS.certificate_refusals.inc();
                tracing::warn!(error = %ErrorChain(&error), "certificate refused, the old one stays");
                Some(format!("the certificate in place is not in use: {}", ErrorChain(&error)))
            }
        };
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }
}

fn show(loaded: &Loaded) {
    METRICS.certificate_expiry_timestamp_seconds.set(gauge(loaded.expires_at));
}
