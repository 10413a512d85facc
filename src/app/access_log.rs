//! Opens the access log by the configuration.

use crate::access_log::{AccessLog, Format, OpenedPlace};
use crate::clock::Clock;
use crate::config::{AccessLogConfig, AccessLogFormat};
use anyhow::{Context, Result};

/// Opens the access log; none when it is off.
pub(super) fn open(config: &AccessLogConfig, clock: &Clock) -> Result<Option<AccessLog>> {
    let format = match config.format {
        None => return Ok(None),
        Some(AccessLogFormat::Json) => Format::Json,
        Some(AccessLogFormat::Combined) => Format::Combined,
    };
    let log = AccessLog::start(format, config.file.as_deref(), clock.clone());
    Ok(Some(log.with_context(|| unopened(config))?))
}

/// Opens the place of the access log, without writing to it; none when the log is off.
pub(super) fn open_place(config: &AccessLogConfig) -> Result<Option<OpenedPlace>> {
    let place = config.format.map(|_| OpenedPlace::open(config.file.as_deref())).transpose();
    place.with_context(|| unopened(config))
}

fn unopened(config: &AccessLogConfig) -> String {
    let place = config.file.as_ref().map_or("standard output".into(), |file| file.display().to_string());
    format!("cannot open the access log on {place} (access_log_file)")
}
