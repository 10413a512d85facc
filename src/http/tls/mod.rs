//! TLS of a listener: handshakes with the certificate in use, which a reload replaces while connections go on.

mod certificate;

pub use certificate::{CertificateError, CertificateFiles, HTTP_2, Listener, LoadedCertificate};

use super::reload_refusals::{ReloadRefusals, Subject};
use crate::metrics::{ListenerLabels, METRICS, gauge};
use arc_swap::ArcSwap;
use certificate::FileStamp;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The time between two looks for changed files.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// The certificate of a listener with its private key, and their files.
pub struct Certificate {
    current: ArcSwap<LoadedCertificate>,
    /// The files that were loaded last, in use or refused.
    seen: Mutex<FileStamp>,
    refusals: Arc<ReloadRefusals>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Certificate").field("files", &self.current.load().files).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Puts a loaded certificate in use.
    #[must_use]
    pub fn new(loaded: LoadedCertificate, refusals: Arc<ReloadRefusals>) -> Arc<Self> {
        show(&loaded);
        let seen = Mutex::new(loaded.stamp.clone());
        Arc::new(Self { current: ArcSwap::from_pointee(loaded), seen, refusals })
    }

    /// Returns an acceptor with the certificate in use.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().config))
    }

    /// Replaces the certificate in use. Open connections go on with the old one.
    pub fn replace(&self, loaded: LoadedCertificate) {
        show(&loaded);
        let listener = loaded.files.listener;
        tracing::info!(listener = listener.name(), expires_at = loaded.expires_at, "certificate loaded");
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = loaded.stamp.clone();
        self.current.store(Arc::new(loaded));
        self.refusals.accept(subject(listener));
    }

    /// Loads the files when they change, until `stop`. Files that cannot be used are kept out, and the old certificate
    /// stays.
    pub async fn watch(self: Arc<Self>, now_seconds: impl Fn() -> u64, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(LOOK_INTERVAL)).await.is_some() {
            let files = self.current.load().files.clone();
            let stamp = FileStamp::of(&files);
            if stamp == *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
                continue;
            }
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
            let subject = subject(files.listener);
            match files.load(now_seconds()) {
                Ok(loaded) => self.replace(loaded),
                Err(error) => self.refusals.refuse(subject, &error),
            }
        }
    }
}

const fn subject(listener: Listener) -> Subject {
    match listener {
        Listener::Api => Subject::Certificate,
        Listener::Admin => Subject::AdminCertificate,
    }
}

fn show(loaded: &LoadedCertificate) {
    let labels = ListenerLabels { listener: loaded.files.listener.name() };
    METRICS.certificate_expiry_timestamp_seconds.get_or_create(&labels).set(gauge(loaded.expires_at));
}
