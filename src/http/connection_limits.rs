//! The limits of connections, which a reload may change. A connection keeps the timeouts that it began with.

use super::cors::Cors;
use super::patience::Patience;
use ipnet::IpNet;
use std::time::Duration;

/// The limits of connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// The caps of open connections.
    pub caps: Caps,
    /// The origins whose pages may read the refusal of a connection.
    pub cors: Cors,
    /// The timeouts of a connection.
    pub patience: Patience,
    /// The time that an idle connection is kept, in seconds, as the header `Keep-Alive` announces it.
    pub keep_alive_seconds: u64,
    /// The time limit of requests in flight at shutdown.
    pub drain_timeout: Duration,
}

#[cfg(test)]
impl ConnectionLimits {
    /// Returns limits with these caps, for tests of one connection.
    pub fn with_caps(caps: Caps) -> Self {
        let limit = Duration::from_mins(1);
        let patience = Patience { head: limit, idle: limit, stall: limit };
        Self { caps, cors: Cors::Off, patience, keep_alive_seconds: 60, drain_timeout: limit }
    }
}

/// The caps of open connections.
#[derive(Clone, Debug)]
pub struct Caps {
    /// The cap of all clients together.
    pub max_connections: usize,
    /// The cap of one network that is not a trusted proxy.
    pub max_per_address: usize,
    /// The networks of trusted proxies, which have no cap since each forwards many clients.
    pub trusted_proxies: Vec<IpNet>,
}
