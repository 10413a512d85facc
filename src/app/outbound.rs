//! Builds the sinks from their settings, and starts the tasks that write and send messages.

use super::installation::Installation;
use crate::config::{Config, SinkConfig, shown_path};
use crate::model::ids::ProcessId;
use crate::model::outbox::SinkName;
use crate::outbox::Delivery;
use crate::sinks::{SigningSecret, WebhookConfig, WebhookSink};
use crate::usage::{Exporter, SpendAlerts, StepLimits, Usage, halve_batch};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest token or secret file that is read, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 16 << 10;

/// Starts the usage export and the spend alerts, where a sink is configured.
pub(super) fn start(
    config: &Config,
    installation: &Installation,
    usage: &Usage,
    process: ProcessId,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<()> {
    let deliver = |sink: &SinkConfig, name| deliver(sink, name, installation, usage, process, tasks, stop);
    if let Some(written) = deliver(&config.usage_sink, SinkName::Usage)? {
        let (metadata, clock) = (installation.rows(), usage.clock.clone());
        tasks.spawn(Exporter { metadata, clock, written, limits: StepLimits::default() }.run(stop.clone()));
    }
    if let Some(written) = deliver(&config.alert_sink, SinkName::Alerts)? {
        tasks.spawn(SpendAlerts { usage: usage.clone(), written }.run(stop.clone()));
    }
    Ok(())
}

/// Starts the delivery to a sink, if configured. Returns the notifier of new messages.
fn deliver(
    config: &SinkConfig,
    name: SinkName,
    installation: &Installation,
    usage: &Usage,
    process: ProcessId,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Option<Arc<Notify>>> {
    let Some(webhook) = webhook(config)? else { return Ok(None) };
    let written = Arc::new(Notify::new());
    let delivery = Delivery {
        metadata: installation.rows(),
        clock: usage.clock.clone(),
        name,
        sink: Arc::new(webhook),
        halve: match name {
            SinkName::Usage => halve_batch,
            SinkName::Alerts => |_| None,
        },
        written: Arc::clone(&written),
        process,
    };
    tasks.spawn(delivery.run(stop.clone()));
    Ok(Some(written))
}

fn webhook(config: &SinkConfig) -> Result<Option<WebhookSink>> {
    let setting = |last: &str| format!("{}_{last}", config.name);
    let files = [(setting("token_file"), &config.token_file), (setting("secret_file"), &config.secret_file)];
    let Some(url) = config.url.clone() else {
        return match files.iter().find(|(_, file)| file.is_some()) {
            Some((file, _)) => bail!("{file} is set, but {} is not", setting("url")),
            None => Ok(None),
        };
    };
    if config.is_always_signed && config.secret_file.is_none() {
        bail!("{} is set, and {} is not: its messages are always signed", setting("url"), setting("secret_file"));
    }
    let [token, secret] = files.map(|(setting, file)| file.as_deref().map(|file| read_secret(&setting, file)));
    let secret = secret.transpose()?.map(|text| SigningSecret::parse(&text)).transpose();
    let secret =
        secret.with_context(|| format!("{} does not hold a Standard Webhooks secret", setting("secret_file")))?;
    let webhook = WebhookSink::new(WebhookConfig { url, token: token.transpose()?, secret });
    webhook.map(Some).with_context(|| format!("{} and its files cannot be used", setting("url")))
}

/// Checks the settings and the files of a sink; none without a sink.
pub(super) fn check(config: &SinkConfig) -> Result<Option<()>> {
    Ok(webhook(config)?.map(drop))
}

fn read_secret(setting: &str, file: &Path) -> Result<String> {
    let unreadable = || format!("cannot read {setting} {}", shown_path(file));
    let mut text = String::new();
    let opened = File::open(file).with_context(unreadable)?;
    opened.take(MAX_SECRET_FILE_BYTES).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text.trim().to_owned())
}
