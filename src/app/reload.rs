//! Applies a configuration that was read again to a running server: all of it, or nothing.

use super::access_log;
use super::check::check_settings;
use super::file_settings::file_settings;
use super::http_settings::{connection_limits, http_limits, shown_settings};
use super::outbound::{NewSinks, Sinks};
use super::prices::price_list;
use super::reference::facts;
use super::tls::{admin_files, api_files, load};
use crate::access_log::{AccessLog, OpenedPlace};
use crate::blobs::InFlight;
use crate::clock::Clock;
use crate::config::{Change, Config, Reloaded, SettingError};
use crate::files::FileSettings;
use crate::http::reference::Reference;
use crate::http::reload_refusals::{ReloadRefusals, Subject};
use crate::http::tls::{Certificate, LoadedCertificate};
use crate::http::{AppState, ConnectionLimits};
use crate::model::prices::PriceList;
use anyhow::Result;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The parts of a running server that a reload changes.
#[derive(Debug)]
pub(super) struct Reloadable {
    pub(super) state: AppState,
    pub(super) file_settings: Arc<ArcSwap<FileSettings>>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) connection_limits: watch::Sender<ConnectionLimits>,
    pub(super) scrub_max_bytes_per_second: watch::Sender<u64>,
    pub(super) prices: Arc<ArcSwap<PriceList>>,
    pub(super) sinks: Sinks,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) admin_certificate: Option<Arc<Certificate>>,
    pub(super) access_log: Option<AccessLog>,
    pub(super) reference: Arc<ArcSwap<Reference>>,
    /// The URL of the server in the reference.
    pub(super) url: String,
    pub(super) refusals: Arc<ReloadRefusals>,
    pub(super) clock: Clock,
}

/// Everything that can fail at a reload, before anything is changed.
struct Prepared {
    prices: PriceList,
    sinks: NewSinks,
    certificate: Option<LoadedCertificate>,
    admin_certificate: Option<LoadedCertificate>,
    access_log: Option<OpenedPlace>,
}

impl Reloadable {
    /// Puts a configuration in force that was read again. Returns it, or none if it was refused and everything stays.
    pub(super) fn reload(&self, read: Result<Reloaded, SettingError>) -> Option<Reloaded> {
        let prepared = read.map_err(anyhow::Error::from).and_then(|reloaded| Ok((self.prepare(&reloaded)?, reloaded)));
        match prepared {
            Ok((prepared, reloaded)) => {
                let changed_files = self.apply(&reloaded.config, prepared);
                self.refusals.accept(Subject::Settings);
                log(&reloaded, &changed_files);
                Some(reloaded)
            }
            Err(error) => {
                self.refusals.refuse(Subject::Settings, error.as_ref());
                None
            }
        }
    }

    /// Returns the time that running requests get to finish at shutdown.
    pub(super) fn drain_timeout(&self) -> Duration {
        self.connection_limits.borrow().drain_timeout
    }

    fn prepare(&self, reloaded: &Reloaded) -> Result<Prepared> {
        for check in check_settings(&reloaded.asked, &self.clock) {
            check.outcome?;
        }
        let config = &reloaded.config;
        Ok(Prepared {
            prices: price_list(config)?,
            sinks: Sinks::prepare(config)?,
            certificate: load(api_files(&config.listeners)?, &self.clock)?,
            admin_certificate: load(admin_files(&config.listeners)?, &self.clock)?,
            access_log: access_log::open_place(&config.access_log)?,
        })
    }

    /// Changes the server; nothing here can fail. Returns the settings whose files have other secrets.
    fn apply(&self, config: &Config, new: Prepared) -> Vec<String> {
        self.state.apply(&http_limits(config));
        self.state.show(shown_settings(config));
        self.file_settings.store(Arc::new(file_settings(config)));
        self.in_flight.resize(config.limits.max_concurrent_uploads);
        self.connection_limits.send_replace(connection_limits(config));
        self.scrub_max_bytes_per_second.send_replace(config.upkeep.scrub_max_bytes_per_second);
        self.prices.store(Arc::new(new.prices));
        self.reference.store(Arc::new(Reference::new(facts(config, &self.url))));
        for (certificate, loaded) in
            [(&self.certificate, new.certificate), (&self.admin_certificate, new.admin_certificate)]
        {
            if let (Some(certificate), Some(loaded)) = (certificate, loaded) {
                certificate.replace(loaded);
            }
        }
        if let (Some(log), Some(place)) = (&self.access_log, new.access_log) {
            log.continue_in(place);
        }
        self.sinks.replace(new.sinks)
    }
}

fn log(reloaded: &Reloaded, changed_files: &[String]) {
    for Change { name, from, to } in &reloaded.changes {
        tracing::info!(setting = name, from = from.as_deref(), to = to.as_deref(), "setting reloaded");
    }
    let is_new = |name: &&String| reloaded.changes.iter().all(|change| change.name != **name);
    for name in changed_files.iter().filter(is_new) {
        tracing::info!(setting = name.as_str(), "setting reloaded");
    }
    if !reloaded.need_restart.is_empty() {
        let settings = reloaded.need_restart.join(", ");
        tracing::warn!(settings, "changed settings need a restart");
    }
    tracing::info!("reload finished");
}
