//! The penalties of client networks: a connection that ended because it flooded the server counts against the cap of
//! its network for a while. Otherwise a client would open the next one at once, and floods of short connections cost
//! as much as one long flood.

use super::address::Network;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The time for which a penalty lasts.
const PENALTY: Duration = Duration::from_mins(1);
/// The connections that a penalty counts as: with the default cap, a network has 32 floods a minute.
pub const PENALTY_CONNECTIONS: usize = 32;
/// The maximum of penalties of all networks; further ones replace the oldest.
const MAX_PENALTIES: usize = 65_536;

/// The penalties that last.
#[derive(Debug, Default)]
pub struct Penalties {
    /// The number of penalties of each network; no entry for none.
    of_network: HashMap<Network, usize>,
    /// The penalties, the oldest first.
    begun: VecDeque<(Instant, Network)>,
}

impl Penalties {
    /// Gives a network a penalty.
    pub fn add(&mut self, network: Network, now: Instant) {
        self.expire(now);
        if self.begun.len() >= MAX_PENALTIES {
            self.remove_oldest();
        }
        *self.of_network.entry(network).or_default() += 1;
        self.begun.push_back((now, network));
    }

    /// Returns the connections that the penalties of a network count as.
    pub fn connections(&mut self, network: Network, now: Instant) -> usize {
        self.expire(now);
        self.of_network.get(&network).map_or(0, |penalties| penalties * PENALTY_CONNECTIONS)
    }

    fn expire(&mut self, now: Instant) {
        while self.begun.front().is_some_and(|(begun, _)| now.saturating_duration_since(*begun) >= PENALTY) {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        let Some((_, network)) = self.begun.pop_front() else { return };
        let left = self.of_network.remove(&network).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            self.of_network.insert(network, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn network(number: u32) -> Network {
        Network::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn a_penalty_counts_for_its_network_for_a_minute() {
        let (mut penalties, begun) = (Penalties::default(), Instant::now());
        penalties.add(network(1), begun);
        penalties.add(network(1), begun + PENALTY / 2);
        assert_eq!(penalties.connections(network(1), begun + PENALTY / 2), 2 * PENALTY_CONNECTIONS);
        assert_eq!(penalties.connections(network(2), begun + PENALTY / 2), 0);
        assert_eq!(penalties.connections(network(1), begun + PENALTY), PENALTY_CONNECTIONS);
        assert_eq!(penalties.connections(network(1), begun + PENALTY * 2), 0);
        assert!(penalties.of_network.is_empty() && penalties.begun.is_empty(), "nothing is left behind");
    }

    #[test]
    fn the_number_of_penalties_is_bounded() {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        for number in 0..=u32::try_from(MAX_PENALTIES).unwrap() {
            penalties.add(network(number), now);
        }
        assert_eq!((penalties.begun.len(), penalties.of_network.len()), (MAX_PENALTIES, MAX_PENALTIES));
        assert_eq!(penalties.connections(network(0), now), 0, "the oldest is replaced");
    }
}
