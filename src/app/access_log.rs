//! Opens the access log by the configuration.

use crate::access_log::{AccessLog, Format};
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
    let place = config.file.as_ref().map_or("standard output".into(), |file| file.display().to_string());
    let log = AccessLog::start(format, config.file.clone(), clock.clone());
    Ok(Some(log.with_context(|| format!("cannot open the access log on {place} (access_log_file)"))?))
}
