//! `venna serve`.

use super::log;
use super::settings::ServerSettings;
use crate::app::{FirstKey, Server};
use crate::clock::Clock;
use crate::config::Config;
use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::IsTerminal;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the server in the foreground until SIGTERM or SIGINT, then drains.
#[derive(Debug, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    settings: ServerSettings,
}

impl Serve {
    pub async fn run(&self) -> Result<()> {
        let (config, _) = self.settings.resolve()?;
        log::start(&config);
        raise_descriptor_limit();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let server = Server::start(&config, Clock::system()).await?;
        for warning in &server.warnings {
            tracing::warn!("{warning}");
        }
        introduce(&config, &server);
        eprintln!("listening on http://{}", server.address);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("draining; a second signal stops at once");
        tokio::select! {
            () = server.stop() => tracing::info!("stopped"),
            _ = interrupt.recv() => tracing::warn!("stopped without draining"),
            _ = terminate.recv() => tracing::warn!("stopped without draining"),
        }
        Ok(())
    }
}

/// Connections and files need descriptors; the soft limit of most systems is far below what the hard one allows.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// What a person wants to know at the start, on standard output.
fn introduce(config: &Config, server: &Server) {
    let url = config.listeners.public_url.clone().unwrap_or_else(|| format!("http://{}", server.address));
    println!("Venna Files {}\n", env!("CARGO_PKG_VERSION"));
    println!("  API     {url}/v1");
    if let Some(admin) = server.admin_address {
        println!("  Health  http://{admin}/readyz");
    }
    println!("  Data    {}", config.stores.data_dir.display());
    if let Some(first_key) = &server.first_key {
        introduce_key(first_key, &url);
    }
    println!();
}

/// The secret is shown to a person and kept out of log files.
fn introduce_key(first_key: &FirstKey, url: &str) {
    let file = first_key.file.display();
    let key = if std::io::stdout().is_terminal() {
        println!("  Key     {} (also in {file})", first_key.secret.expose());
        first_key.secret.expose().to_owned()
    } else {
        println!("  Key     in {file}");
        format!("$(cat '{file}')")
    };
    println!("\nTry it:\n");
    println!("  echo 'Hello, Files!' | curl {url}/v1/files \\");
    println!("    -H \"Authorization: Bearer {key}\" \\");
    println!("    -F purpose=user_data -F 'file=@-;filename=hello.txt'");
}
