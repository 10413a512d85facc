//! `venna health`: what probes of containers run, where there is no `curl`.

use super::pinned::Pinned;
use super::settings::ServerSettings;
use crate::config::ListenConfig;
use anyhow::{Context, Result, bail};
use reqwest::Client;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
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
        let url = format!("{}{path}", address(&config.listeners));
        let answer = client(config.listeners.tls_cert.as_deref().filter(|_| url.starts_with("https:")))?
            .get(&url)
            .send()
            .await
            .with_context(|| format!("{url} does not answer"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("the answer of {url} broke off"))?;
        if !status.is_success() {
            bail!("{url} answers {status}: {}", text.trim_end());
        }
        println!("{}", text.trim_end());
        Ok(())
    }
}

/// Returns the URL of the administrative listener, or of the API if that listener is off or has TLS, and may demand a
/// certificate.
fn address(listeners: &ListenConfig) -> String {
    match listeners.admin {
        Some(admin) if listeners.admin_tls_cert.is_none() => format!("http://{admin}"),
        _ if listeners.tls_cert.is_none() => format!("http://{}", listeners.main),
        _ => format!("https://{}", listeners.main),
    }
}

/// Returns a client that asks this machine only: without proxies and redirects, and with trust in the certificate of
/// the API alone.
fn client(certificate: Option<&Path>) -> Result<Client> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = match certificate {
        Some(file) => {
            let pinned = Pinned::to_file(file).with_context(|| format!("cannot read tls_cert {}", file.display()))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_no_client_auth()
        }
        None => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    let client = Client::builder().tls_backend_preconfigured(config).no_proxy().timeout(TIMEOUT);
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}
