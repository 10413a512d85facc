//! The address of the client of a request: the peer of the connection, or the client that a trusted proxy names.
//!
//! Every request carries its peer. The address is computed only in handlers that need it.

use super::headers::X_FORWARDED_FOR;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The prefix length of an IPv6 network. A subscriber of IPv6 has at least a /64 (RFC 6177).
const IPV6_NETWORK: u128 = !(u64::MAX as u128);

/// The peer of a connection, among the extensions of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The address of the client of a request. IPv4-mapped IPv6 addresses are converted to IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The addresses that one client can use: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// Returns the network of a canonical address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK)),
        })
    }
}

impl ClientAddress {
    /// Returns the address of the client; none if the request has no connection of [`serve`](super::serve).
    ///
    /// `X-Forwarded-For` is used only if a trusted proxy sent it. Each proxy appends its peer at the right. From the
    /// right, the first entry that is not a trusted proxy is the client. The entries to its left may be forged. An
    /// invalid entry ends the search, and the entry to its right is the client.
    #[must_use]
    pub fn of(extensions: &Extensions, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> Option<Self> {
        let Peer(peer) = extensions.get()?;
        let trusted = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
        let mut client = peer.to_canonical();
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        for entry in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            if !trusted(&client) {
                break;
            }
            let Some(before) = address(entry) else { break };
            client = before;
        }
        Some(Self(client))
    }
}

/// Parses an address with or without a port, and an IPv6 address with or without brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().ok().map(|with_port: SocketAddr| with_port.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const TRUSTED: [&str; 4] = ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "::1/128"];

    fn of(peer: &str, lines: &[&[u8]]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        let trusted = TRUSTED.map(|network| network.parse().unwrap());
        ClientAddress::of(&extensions, &headers, &trusted).unwrap().0.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, client) in [
            // No proxy, or an untrusted one.
            ("203.0.113.5", &[][..], "203.0.113.5"),
            ("203.0.113.5", &["198.51.100.1"], "203.0.113.5"),
            ("203.0.113.5", &["10.0.0.1"], "203.0.113.5"),
            ("::ffff:203.0.113.5", &["198.51.100.1"], "203.0.113.5"),
            // A trusted proxy.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
            ("192.0.2.7", &["198.51.100.1"], "198.51.100.1"),
            ("192.0.2.8", &["198.51.100.1"], "192.0.2.8"),
            // Entries of the client itself are at the left.
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2,fd00::3"], "198.51.100.1"),
            ("10.0.0.1", &["nonsense, 198.51.100.1"], "198.51.100.1"),
            // Several header lines form one list.
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1", "10.0.0.2, 10.0.0.3"], "198.51.100.1"),
            // A client inside the trusted networks: the leftmost entry.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // An invalid entry ends the search.
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1,, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1", "", "10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2:port"], "10.0.0.1"),
            // Ports, brackets, white space, and IPv4-mapped IPv6.
            ("10.0.0.1", &["198.51.100.1:55"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1 , [fd00::1]:55"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:55"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["\t198.51.100.1 ,10.0.0.2:1 "], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["[::ffff:198.51.100.1]:55"], "198.51.100.1"),
        ] {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(of(peer, &lines), client, "{peer} {lines:?}");
        }
        assert_eq!(of("10.0.0.1", &[b"198.51.100.1, \xff"]), "10.0.0.1");
        assert_eq!(ClientAddress::of(&Extensions::new(), &HeaderMap::new(), &[]), None);
    }

    /// Entries of the header, valid or not.
    fn entry() -> impl Strategy<Value = String> {
        let address = any::<IpAddr>().prop_map(|address| address.to_string());
        let trusted = any::<[u8; 3]>().prop_map(|[a, b, c]| format!("10.{a}.{b}.{c}"));
        prop_oneof![address, trusted, "[0-9a-f.:, \\[\\]x]{0,20}"]
    }

    proptest! {
        #[test]
        fn no_invention_of_the_client_moves_it(
            invented in prop::collection::vec(entry(), 0..4),
            client in any::<IpAddr>().prop_map(|client| client.to_canonical()),
        ) {
            let trusted = |network: &str| network.parse::<IpNet>().unwrap().contains(&client);
            prop_assume!(!TRUSTED.into_iter().any(trusted));
            let (invented, client) = (invented.join(","), client.to_string());
            let line = format!("{invented},{client}, 10.0.0.2");
            prop_assert_eq!(&of("10.0.0.1", &[line.as_bytes()]), &client);
            let added = format!("{client}, 10.0.0.2");
            prop_assert_eq!(&of("10.0.0.1", &[invented.as_bytes(), added.as_bytes()]), &client);
            prop_assert_eq!(&of(&client, &[line.as_bytes()]), &client);
        }
    }
}
