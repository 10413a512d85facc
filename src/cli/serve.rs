//! `venna serve`.

use super::log_level::LiveLevel;
use super::settings::ServerSettings;
use super::{log, service_manager};
use crate::app::{FirstKey, Server};
use crate::clock::Clock;
use crate::config::{Config, Effective, unknown_variables};
use crate::traces::{self, Traces};
use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, IsTerminal, Write};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the server in the foreground until SIGTERM or SIGINT, then drains.
///
/// SIGHUP reads the configuration again and applies what needs no restart.
#[derive(Debug, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    settings: ServerSettings,
}

impl Serve {
    pub async fn run(&self) -> Result<()> {
        let (config, mut in_force) = self.settings.resolve()?;
        let traces = traces::start().context("cannot start traces")?;
        let level = log::start(&config);
        warn_about_variables();
        raise_descriptor_limit();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let server = Server::start(&config, Clock::system()).await?;
        for warning in &server.warnings {
            tracing::warn!(%warning, "startup warning");
        }
        print_introduction(&config, &server);
        log::line(&format!("listening on {}", server.bound_url));
        service_manager::ready();
        service_manager::start_heartbeat();
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => self.reload(&server, &mut in_force, level),
            }
        }
        service_manager::stopping(server.drain_timeout());
        tracing::info!(hint = "a second signal stops at once", "drain started");
        tokio::select! {
            () = stop(server, traces) => tracing::info!("server stopped"),
            _ = interrupt.recv() => stop_at_once(),
            _ = terminate.recv() => stop_at_once(),
        }
        Ok(())
    }

    /// Reads the configuration again and puts it in force. A refused one changes nothing.
    fn reload(&self, server: &Server, in_force: &mut Vec<Effective>, level: LiveLevel) {
        service_manager::reloading();
        let reloaded = server.reload(self.settings.reload(in_force));
        service_manager::reloaded(reloaded.is_some());
        if let Some(reloaded) = reloaded {
            level.set(reloaded.config.log_level);
            *in_force = reloaded.effective;
        }
    }
}

/// Drains the server, and then sends its last traces.
async fn stop(server: Server, traces: Option<Traces>) {
    server.stop().await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
}

/// Ends the process while its threads are blocked. The next start sweeps what they leave.
fn stop_at_once() -> ! {
    tracing::warn!("server stopped without drain");
    std::process::exit(1)
}

/// Warns about variables of the environment that look like settings and are none.
fn warn_about_variables() {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (variable, meant) in unknown_variables(names) {
        tracing::warn!(variable, meant, "environment variable is no setting");
    }
}

/// Raises the soft limit of descriptors to the hard one. Connections and files need more than most soft limits allow.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "open file limit update failed");
    }
}

/// Prints the addresses to standard output, or to standard error if the access log has standard output. A failed write
/// is ignored.
fn print_introduction(config: &Config, server: &Server) {
    let is_taken = config.access_log.is_on_stdout();
    let mut out: Box<dyn Write> = if is_taken { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    if let Err(error) = write_introduction(&mut out, config, server) {
        tracing::warn!(%error, "welcome text failed");
    }
}

fn write_introduction(out: &mut impl Write, config: &Config, server: &Server) -> io::Result<()> {
    let url = &server.url;
    writeln!(out, "Venna Files {}\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  API     {url}/v1")?;
    writeln!(out, "  Console {url}/console")?;
    writeln!(out, "  Docs    {url}/docs")?;
    if let Some(admin) = server.admin_address {
        let scheme = if config.listeners.admin_tls_cert.is_some() { "https" } else { "http" };
        writeln!(out, "  Health  {scheme}://{admin}/readyz")?;
    }
    writeln!(out, "  Data    {}", config.stores.data_dir.display())?;
    if let Some(first_key) = &server.first_key {
        write_first_key(out, first_key, url)?;
    }
    writeln!(out)?;
    out.flush()
}

/// Writes the first key. The secret is shown on a terminal only, and kept out of log files.
fn write_first_key(out: &mut impl Write, first_key: &FirstKey, url: &str) -> io::Result<()> {
    let (secret, file) = (first_key.secret.expose(), first_key.file.display());
    let person = io::stdout().is_terminal();
    let key = if person { secret.to_owned() } else { format!("$(cat '{file}')") };
    if person {
        writeln!(out, "  Key     {secret} (also in {file})")?;
    } else {
        writeln!(out, "  Key     in {file}")?;
    }
    writeln!(out, "\nTry it:\n")?;
    writeln!(out, "  echo 'Hello, Files!' | curl {url}/v1/files \\")?;
    writeln!(out, "    -H \"Authorization: Bearer {key}\" \\")?;
    writeln!(out, "    -F purpose=user_data -F 'file=@-;filename=hello.txt'")
}
