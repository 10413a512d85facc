//! Parsers of settings' texts; each returns nothing for an invalid text.

use super::quantity::DAY_SECONDS;
use super::setting::{Kind, Setting};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The scheme of a folder.
pub(super) const FILE: &str = "file:";
/// The prefix length of IPv4-mapped IPv6 addresses.
const IPV4_MAPPED_BITS: u8 = 96;

pub(super) fn path(_: &Setting, text: &str) -> Option<PathBuf> {
    path_of(text)
}

pub(super) fn file_url(text: &str) -> Option<PathBuf> {
    path_of_url(text, FILE)
}

/// Parses an address and a port. `localhost` is the loopback address of IPv4, and no host is all addresses of IPv4.
pub(super) fn address(_: &Setting, text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    let ip = match host {
        "localhost" => Ipv4Addr::LOCALHOST,
        "" => Ipv4Addr::UNSPECIFIED,
        _ => return text.parse().ok(),
    };
    Some(SocketAddr::from((ip, port.parse().ok()?)))
}

#[expect(clippy::option_option, reason = "the outer one is validity, the inner one is `off`")]
pub(super) fn address_or_off(setting: &Setting, text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" { Some(None) } else { address(setting, text).map(Some) }
}

pub(super) fn http_url(_: &Setting, text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let http = matches!(url.scheme_str(), Some("http" | "https"));
    (http && url.host().is_some() && url.query().is_none()).then(|| text.trim_end_matches('/').to_owned())
}

/// Parses the URL of a sink. Secrets are set in files instead.
pub(super) fn sink_url(setting: &Setting, text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let open = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    http_url(setting, text).filter(|_| open).map(|_| text.to_owned())
}

/// Parses networks and addresses separated by commas; an empty text has none.
pub(super) fn networks(_: &Setting, text: &str) -> Option<Vec<IpNet>> {
    if text.trim().is_empty() { Some(Vec::new()) } else { text.split(',').map(|entry| network(entry.trim())).collect() }
}

/// Parses a network. IPv4-mapped IPv6 addresses become IPv4 addresses.
fn network(text: &str) -> Option<IpNet> {
    let single = || text.parse().ok().map(|address: IpAddr| IpNet::from(address));
    let network: IpNet = text.parse().ok().or_else(single)?;
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(IPV4_MAPPED_BITS)) {
        (IpAddr::V4(address), Some(bits)) if network.addr().is_ipv6() => {
            Ipv4Net::new(address, bits).ok().map(IpNet::V4)
        }
        _ => Some(network),
    }
}

/// Parses a number within the bounds of the setting, in its unit or with one.
pub(super) fn whole(setting: &Setting, text: &str) -> Option<u64> {
    let Kind::Whole { unit, bounds } = &setting.kind else { return None };
    unit.parse(text).filter(|number| bounds.contains(number))
}

pub(super) fn number(setting: &Setting, text: &str) -> Option<u32> {
    whole(setting, text).and_then(|number| u32::try_from(number).ok())
}

pub(super) fn mebibytes(setting: &Setting, text: &str) -> Option<u64> {
    whole(setting, text).map(|mebibytes| mebibytes << 20)
}

pub(super) fn count(setting: &Setting, text: &str) -> Option<usize> {
    whole(setting, text).and_then(|number| usize::try_from(number).ok())
}

pub(super) fn seconds(setting: &Setting, text: &str) -> Option<Duration> {
    whole(setting, text).map(Duration::from_secs)
}

pub(super) fn days(setting: &Setting, text: &str) -> Option<Duration> {
    whole(setting, text).map(|days| Duration::from_secs(days * DAY_SECONDS))
}

pub(super) fn yes_or_no(_: &Setting, text: &str) -> Option<bool> {
    text.parse().ok()
}

fn path_of(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains(['\0', char::REPLACEMENT_CHARACTER])).then(|| PathBuf::from(text))
}

pub(super) fn path_of_url(text: &str, scheme: &str) -> Option<PathBuf> {
    let rest = text.strip_prefix(scheme)?;
    path_of(rest.strip_prefix("//").unwrap_or(rest))
}
