//! The certificates of the listeners, by the configuration.

use crate::clock::Clock;
use crate::config::{ListenConfig, shown_path};
use crate::http::tls::{CertificateFiles, Listener, LoadedCertificate};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Returns the files of the certificate of the API; none without TLS.
pub(super) fn api_files(listeners: &ListenConfig) -> Result<Option<CertificateFiles>> {
    files(Listener::Api, listeners.tls_cert.as_ref(), listeners.tls_key.as_ref(), None)
}

/// Returns the files of the certificate of the administrative listener; none without TLS.
pub(super) fn admin_files(listeners: &ListenConfig) -> Result<Option<CertificateFiles>> {
    let (chain, key) = (listeners.admin_tls_cert.as_ref(), listeners.admin_tls_key.as_ref());
    if listeners.admin_client_ca.is_some() && chain.is_none() {
        bail!("admin_client_ca needs admin_tls_cert: without TLS no client can show a certificate");
    }
    if listeners.admin.is_none() && chain.is_some() {
        bail!("admin_tls_cert is set, and admin_listen is off");
    }
    files(Listener::Admin, chain, key, listeners.admin_client_ca.clone())
}

/// Loads a certificate, if there is one.
pub(super) fn load(files: Option<CertificateFiles>, clock: &Clock) -> Result<Option<LoadedCertificate>> {
    let Some(files) = files else { return Ok(None) };
    if !files.key.exists() {
        bail!("{} {} does not exist", files.listener.key_setting(), shown_path(&files.key));
    }
    let listener = match files.listener {
        Listener::Api => "the API cannot have TLS",
        Listener::Admin => "admin_listen cannot have TLS",
    };
    Ok(Some(files.load(clock.now_seconds()).context(listener)?))
}

fn files(
    listener: Listener,
    chain: Option<&PathBuf>,
    key: Option<&PathBuf>,
    client_ca: Option<PathBuf>,
) -> Result<Option<CertificateFiles>> {
    let (chain_setting, key_setting) = (listener.chain_setting(), listener.key_setting());
    match (chain.cloned(), key.cloned()) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => Ok(Some(CertificateFiles { listener, chain, key, client_ca })),
        (Some(_), None) => bail!("{chain_setting} needs {key_setting}, the file of its private key"),
        (None, Some(_)) => bail!("{key_setting} needs {chain_setting}, the file of its certificate"),
    }
}
