//! The settings and limits of the HTTP layer, by the configuration.

use super::processors::processors;
use crate::access_log::AccessLog;
use crate::config::{Config, CorsOrigins, LimitConfig, ShownSetting};
use crate::http::reload_refusals::ReloadRefusals;
use crate::http::{BodyPace, Caps, ConnectionLimits, Cors, HttpLimits, HttpSettings, Patience, SettingInForce};
use crate::model::session::SessionLifetime;
use std::sync::Arc;
use std::time::Duration;

/// The time that an idle connection is kept beyond the announced timeout, so that a request sent in time arrives in
/// time.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

const fn body_pace(limits: &LimitConfig) -> BodyPace {
    BodyPace { min_bytes_per_second: limits.body_min_bytes_per_second, window: limits.body_window }
}

/// Returns the settings of the routes.
pub(super) fn http_settings(
    config: &Config,
    url: String,
    warnings: Vec<String>,
    access_log: Option<AccessLog>,
    refusals: Arc<ReloadRefusals>,
) -> HttpSettings {
    HttpSettings {
        url,
        trusted_proxies: config.listeners.trusted_proxies.clone(),
        cors: cors(&config.listeners.cors_origins),
        limits: http_limits(config),
        public_url: config.listeners.public_url.clone(),
        max_contended_reads: (processors() / 2).max(1),
        warnings,
        access_log,
        metrics_per_workspace: config.metrics_per_workspace,
        is_encrypted: config.listeners.tls_cert.is_some(),
        is_admin_encrypted: config.listeners.admin_tls_cert.is_some(),
        refusals,
    }
}

/// Returns the limits of the routes.
pub(super) const fn http_limits(config: &Config) -> HttpLimits {
    let limits = &config.limits;
    HttpLimits {
        body_pace: body_pace(limits),
        max_requests: limits.max_connections,
        max_downloads: limits.max_concurrent_downloads,
        max_failed_logins_per_minute: limits.max_failed_logins_per_minute,
        session_lifetime: session_lifetime(limits),
    }
}

/// Returns the settings in force, as administrators see them.
pub(super) fn shown_settings(config: &Config) -> Vec<SettingInForce> {
    let shown = config.shown.iter().cloned();
    let of = |ShownSetting { name, value, origin }| SettingInForce {
        object: "organization.server.setting",
        name,
        value,
        origin,
    };
    shown.map(of).collect()
}

/// Returns the limits of the sessions of the console.
pub(super) const fn session_lifetime(limits: &LimitConfig) -> SessionLifetime {
    SessionLifetime { idle_seconds: limits.session_idle.as_secs(), absolute_seconds: limits.session_max.as_secs() }
}

/// Returns the limits of the connections of each listener.
pub(super) fn connection_limits(config: &Config) -> ConnectionLimits {
    let limits = &config.limits;
    ConnectionLimits {
        caps: Caps {
            max_connections: limits.max_connections,
            max_per_address: limits.max_connections_per_address,
            trusted_proxies: config.listeners.trusted_proxies.clone(),
        },
        cors: cors(&config.listeners.cors_origins),
        patience: Patience {
            head: limits.header_read_timeout,
            idle: limits.idle_timeout + KEEP_ALIVE_MARGIN,
            stall: limits.send_stall_timeout,
        },
        keep_alive_seconds: limits.idle_timeout.as_secs(),
        drain_timeout: limits.drain_timeout,
    }
}

fn cors(origins: &CorsOrigins) -> Cors {
    match origins {
        CorsOrigins::Off => Cors::Off,
        CorsOrigins::Any => Cors::Any,
        CorsOrigins::Only(origins) => Cors::Only(origins.iter().cloned().collect()),
    }
}
