//! `venna health`: what probes of containers run, where there is no `curl`.

use super::settings::ServerSettings;
use crate::config::ListenConfig;
use anyhow::{Context, Result, bail};
use reqwest::Client;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;

/// The time limit of the answer. Probes of Docker and Kubernetes give up earlier or later by their own settings.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the server of this configuration how it is, and fails when it is not healthy or not there.
#[derive(Debug, clap::Args)]
pub struct Health {
    /// Asks whether the stores answer, too (`/readyz`), and not only whether the process runs (`/healthz`).
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    settings: ServerSettings,
}

impl Health {
    pub async fn run(&self) -> Result<()> {
        let (config, _) = self.settings.resolve()?;
        let path = if self.ready { "/readyz" } else { "/healthz" };
        let url = format!("{}{path}", address(&config.listeners)?);
        let answer = client()?.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("the answer of {url} broke off"))?;
        if !status.is_success() {
            bail!("{url} answers {status}: {}", text.trim_end());
        }
        println!("{}", text.trim_end());
        Ok(())
    }
}

/// Returns the URL of the listener that speaks plain HTTP: the administrative one, or that of the API.
fn address(listeners: &ListenConfig) -> Result<String> {
    match listeners.admin {
        Some(admin) => Ok(format!("http://{admin}")),
        None if listeners.tls_cert.is_none() => Ok(format!("http://{}", listeners.main)),
        None => {
            bail!("admin_listen is off and the API has TLS: give admin_listen an address, for example 127.0.0.1:8081")
        }
    }
}

/// Returns a client that asks this machine only: without TLS, proxies and redirects.
fn client() -> Result<Client> {
    let provider = Arc::new(ring::default_provider());
    let trusts_nobody = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(trusts_nobody).no_proxy().timeout(TIMEOUT);
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}
