//! From the settings of the usage sink to what exports usage and sends it.

use crate::clock::Clock;
use crate::config::UsageSinkConfig;
use crate::metadata::MetadataStore;
use crate::model::outbox::SinkName;
use crate::outbox::Delivery;
use crate::sinks::{SigningSecret, WebhookConfig, WebhookSink};
use crate::usage::Exporter;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest file of a token or secret that is read, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 16 << 10;

/// Starts both, if there is a sink.
pub(super) fn start(
    config: &UsageSinkConfig,
    metadata: &Arc<dyn MetadataStore>,
    clock: &Clock,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<()> {
    let Some(webhook) = webhook(config)? else { return Ok(()) };
    let written = Arc::new(Notify::new());
    let delivery = Delivery {
        metadata: Arc::clone(metadata),
        clock: clock.clone(),
        name: SinkName::Usage,
        sink: Arc::new(webhook),
        written: Arc::clone(&written),
    };
    let exporter = Exporter { metadata: Arc::clone(metadata), clock: clock.clone(), written };
    tasks.spawn(delivery.run(stop.clone()));
    tasks.spawn(exporter.run(stop.clone()));
    Ok(())
}

fn webhook(config: &UsageSinkConfig) -> Result<Option<WebhookSink>> {
    let files = [("usage_sink_token_file", &config.token_file), ("usage_sink_secret_file", &config.secret_file)];
    let Some(url) = config.url.clone() else {
        return match files.into_iter().find(|(_, file)| file.is_some()) {
            Some((setting, _)) => bail!("{setting} is set, and usage_sink_url, for which it would be, is not"),
            None => Ok(None),
        };
    };
    let [token, secret] = files.map(|(setting, file)| file.as_deref().map(|file| read_secret(setting, file)));
    let secret = secret.transpose()?.map(|text| SigningSecret::parse(&text)).transpose();
    let secret = secret.context("usage_sink_secret_file does not hold a secret of Standard Webhooks")?;
    let config = WebhookConfig { url, token: token.transpose()?, secret };
    Ok(Some(WebhookSink::new(config).context("usage_sink_url and its files cannot be used")?))
}

fn read_secret(setting: &str, file: &Path) -> Result<String> {
    let unreadable = || format!("cannot read {setting} {}", file.display());
    let mut text = String::new();
    let opened = File::open(file).with_context(unreadable)?;
    opened.take(MAX_SECRET_FILE_BYTES).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text.trim().to_owned())
}
