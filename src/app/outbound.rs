//! Builds the sinks from their settings, and starts the tasks that write and send messages.

use super::installation::Installation;
use super::secret_file::read_secret;
use crate::config::{Config, SinkConfig};
use crate::model::ids::ProcessId;
use crate::model::outbox::SinkName;
use crate::outbox::Delivery;
use crate::sinks::{ReplaceableSink, SigningSecret, WebhookConfig, WebhookSink};
use crate::usage::{Exporter, SpendAlerts, StepLimits, Usage, halve_batch};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The sinks in use, which a reload replaces.
#[derive(Debug)]
pub(super) struct Sinks {
    usage: Option<RunningSink>,
    alerts: Option<RunningSink>,
}

/// The sinks that a reload has prepared.
pub(super) struct NewSinks {
    usage: Option<NewSink>,
    alerts: Option<NewSink>,
}

/// A sink in use.
struct RunningSink {
    /// Notifies of new messages.
    written: Arc<Notify>,
    sink: Arc<ReplaceableSink<WebhookSink>>,
    from: Mutex<SinkSource>,
}

struct NewSink {
    webhook: WebhookSink,
    from: SinkSource,
}

/// The values that a sink is built from. Token and secret are never shown.
#[derive(PartialEq, Eq)]
struct SinkSource {
    /// The prefix of the names of the settings.
    name: &'static str,
    url: String,
    token: Option<String>,
    secret: Option<String>,
}

impl fmt::Debug for RunningSink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RunningSink").field("sink", &self.sink).finish_non_exhaustive()
    }
}

impl Sinks {
    /// Builds the sinks of a configuration, which has a sink where there is one.
    pub(super) fn prepare(config: &Config) -> Result<NewSinks> {
        Ok(NewSinks { usage: webhook(&config.usage_sink)?, alerts: webhook(&config.alert_sink)? })
    }

    /// Replaces the sinks that differ. Returns the settings whose files have other secrets.
    pub(super) fn replace(&self, new: NewSinks) -> Vec<String> {
        let pairs = [(&self.usage, new.usage), (&self.alerts, new.alerts)];
        let pairs = pairs.into_iter().filter_map(|(running, new)| Some((running.as_ref()?, new?)));
        pairs.flat_map(|(running, new)| running.replace(new)).collect()
    }
}

impl RunningSink {
    fn replace(&self, new: NewSink) -> Vec<String> {
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        if *from == new.from {
            return Vec::new();
        }
        let changes = [("token_file", from.token != new.from.token), ("secret_file", from.secret != new.from.secret)];
        let changed = changes.into_iter().filter(|(_, is_changed)| *is_changed);
        let changed = changed.map(|(last, _)| format!("{}_{last}", new.from.name)).collect();
        self.sink.replace(new.webhook);
        *from = new.from;
        changed
    }
}

/// Starts the usage export and the spend alerts, where a sink is configured.
pub(super) fn start(
    config: &Config,
    installation: &Installation,
    usage: &Usage,
    process: ProcessId,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Sinks> {
    let deliver = |sink: &SinkConfig, name| deliver(sink, name, installation, usage, process, tasks, stop);
    let usage_sink = deliver(&config.usage_sink, SinkName::Usage)?;
    if let Some(RunningSink { written, .. }) = &usage_sink {
        let written = Arc::clone(written);
        let (metadata, clock) = (installation.rows(), usage.clock.clone());
        tasks.spawn(Exporter { metadata, clock, written, limits: StepLimits::default() }.run(stop.clone()));
    }
    let alert_sink = deliver(&config.alert_sink, SinkName::Alerts)?;
    if let Some(RunningSink { written, .. }) = &alert_sink {
        tasks.spawn(SpendAlerts { usage: usage.clone(), written: Arc::clone(written) }.run(stop.clone()));
    }
    Ok(Sinks { usage: usage_sink, alerts: alert_sink })
}

/// Starts the delivery to a sink, if configured.
fn deliver(
    config: &SinkConfig,
    name: SinkName,
    installation: &Installation,
    usage: &Usage,
    process: ProcessId,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Option<RunningSink>> {
    let Some(new) = webhook(config)? else { return Ok(None) };
    let (written, sink) = (Arc::new(Notify::new()), ReplaceableSink::new(new.webhook));
    let delivery = Delivery {
        metadata: installation.rows(),
        clock: usage.clock.clone(),
        name,
        sink: Arc::<ReplaceableSink<_>>::clone(&sink),
        halve: match name {
            SinkName::Usage => halve_batch,
            SinkName::Alerts => |_| None,
        },
        written: Arc::clone(&written),
        process,
    };
    tasks.spawn(delivery.run(stop.clone()));
    Ok(Some(RunningSink { written, sink, from: Mutex::new(new.from) }))
}

fn webhook(config: &SinkConfig) -> Result<Option<NewSink>> {
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
    let from = SinkSource { name: config.name, url, token: token.transpose()?, secret: secret.transpose()? };
    let secret = from.secret.as_deref().map(SigningSecret::parse).transpose();
    let secret =
        secret.with_context(|| format!("{} does not hold a Standard Webhooks secret", setting("secret_file")))?;
    let webhook = WebhookSink::new(WebhookConfig { url: from.url.clone(), token: from.token.clone(), secret });
    let webhook = webhook.with_context(|| format!("{} and its files cannot be used", setting("url")))?;
    Ok(Some(NewSink { webhook, from }))
}

/// Checks the settings and the files of a sink; none without a sink.
pub(super) fn check(config: &SinkConfig) -> Result<Option<()>> {
    Ok(webhook(config)?.map(drop))
}
