//! The reloads that were refused, since what they found cannot be used. The old state stays in force.
//!
//! Settings and certificates report here. A refusal is one log event, one count and one warning of `/readyz`, which
//! ends with the next success of the same subject.

use crate::error_chain::ErrorChain;
use crate::metrics::{Counter, METRICS, SubjectLabels};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The subject of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The configuration and all that it names.
    Settings,
    /// The certificate of the API, whose files changed.
    Certificate,
    /// The certificate of the administrative listener, whose files changed.
    AdminCertificate,
}

/// The last refusal of each subject.
#[derive(Debug)]
pub struct ReloadRefusals(Mutex<BTreeMap<Subject, String>>);

impl Subject {
    /// Every subject.
    const ALL: [Self; 3] = [Self::Settings, Self::Certificate, Self::AdminCertificate];

    const fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Certificate => "certificate",
            Self::AdminCertificate => "admin_certificate",
        }
    }

    const fn warning(self) -> &'static str {
        match self {
            Self::Settings => "the last reload was refused, and everything stays as it was",
            Self::Certificate => "the certificate in place is not in use",
            Self::AdminCertificate => "the certificate in place is not in use on admin_listen",
        }
    }
}

impl Default for ReloadRefusals {
    /// Starts without refusals. The metric of each subject begins at 0, since an increase is measured between samples.
    fn default() -> Self {
        for subject in Subject::ALL {
            counter(subject);
        }
        Self(Mutex::default())
    }
}

fn counter(subject: Subject) -> Counter {
    METRICS.reload_refusals.get_or_create_owned(&SubjectLabels { subject: subject.name() })
}

impl ReloadRefusals {
    /// Records that what is in place cannot be used.
    pub fn refuse(&self, subject: Subject, error: &(dyn Error + 'static)) {
        let error = ErrorChain(error);
        counter(subject).inc();
        self.lock().insert(subject, format!("{}: {error}", subject.warning()));
        tracing::warn!(subject = subject.name(), %error, "reload refused");
    }

    /// Records that what is in place is in use.
    pub fn accept(&self, subject: Subject) {
        self.lock().remove(&subject);
    }

    /// Returns the warnings for `/readyz`.
    pub fn warnings(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Subject, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
