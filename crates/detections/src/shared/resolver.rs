//! Public DNS resolvers: which addresses answer anyone's questions, and over what.

use std::net::IpAddr;
use std::sync::LazyLock;

/// Network address, bits, operator, whether it also serves DNS over HTTPS at these addresses.
///
/// Source: each operator's own documentation. Facts, not a list of others.
static RESOLVERS: &[(&str, u8, &str, bool)] = &[
    ("1.0.0.1", 32, "Cloudflare", true),
    ("1.0.0.2", 31, "Cloudflare", true),
    ("1.1.1.1", 32, "Cloudflare", true),
    ("1.1.1.2", 31, "Cloudflare", true),
    ("104.16.248.249", 32, "Cloudflare", true),
    ("104.16.249.249", 32, "Cloudflare", true),
    ("162.159.36.1", 32, "Cloudflare", true),
    ("162.159.46.1", 32, "Cloudflare", true),
    ("172.64.36.0", 23, "Cloudflare Gateway", true),
    ("2606:4700:4700::", 48, "Cloudflare", true),
    ("8.8.4.4", 32, "Google", true),
    ("8.8.8.8", 32, "Google", true),
    ("2001:4860:4860::", 48, "Google", true),
    ("9.9.9.8", 29, "Quad9", true),
    ("149.112.112.0", 24, "Quad9", true),
    ("2620:fe::", 48, "Quad9", true),
    ("208.67.220.0", 24, "OpenDNS", true),
    ("208.67.222.0", 24, "OpenDNS", true),
    ("146.112.41.0", 24, "OpenDNS", true),
    ("2620:119:35::", 48, "OpenDNS", true),
    ("2620:119:53::", 48, "OpenDNS", true),
    ("94.140.14.0", 23, "AdGuard", true),
    ("2a10:50c0::", 48, "AdGuard", true),
    ("45.90.28.0", 22, "NextDNS", true),
    ("2a07:a8c0::", 32, "NextDNS", true),
    ("2a07:a8c1::", 32, "NextDNS", true),
    ("76.76.2.0", 24, "Control D", true),
    ("76.76.10.0", 24, "Control D", true),
    ("2606:1a40::", 47, "Control D", true),
    ("185.228.168.0", 23, "CleanBrowsing", true),
    ("2a0d:2a00:1::", 48, "CleanBrowsing", true),
    ("2a0d:2a00:2::", 48, "CleanBrowsing", true),
    ("194.242.2.0", 24, "Mullvad", true),
    ("2a07:e340::", 32, "Mullvad", true),
    ("77.88.8.0", 24, "Yandex", true),
    ("2a02:6b8::feed:0", 112, "Yandex", true),
    ("185.222.222.222", 32, "DNS.SB", true),
    ("45.11.45.11", 32, "DNS.SB", true),
    ("2a09::", 64, "DNS.SB", true),
    ("2a11::", 64, "DNS.SB", true),
    ("185.95.218.42", 31, "Digitale Gesellschaft", true),
    ("146.255.56.98", 32, "Applied Privacy", true),
    ("5.1.66.255", 32, "Freifunk München", true),
    ("185.150.99.255", 32, "Freifunk München", true),
    ("149.112.121.0", 24, "CIRA", true),
    ("149.112.122.0", 24, "CIRA", true),
    ("101.101.101.101", 32, "Quad101", true),
    ("101.102.103.104", 32, "Quad101", true),
    ("103.2.57.5", 32, "IIJ", true),
    ("103.2.58.5", 32, "IIJ", true),
    ("223.5.5.5", 32, "AliDNS", true),
    ("223.6.6.6", 32, "AliDNS", true),
    ("2400:3200::", 48, "AliDNS", true),
    ("1.12.12.12", 32, "DNSPod", true),
    ("120.53.53.53", 32, "DNSPod", true),
    ("119.29.29.29", 32, "DNSPod", false),
    ("114.114.114.114", 32, "114DNS", false),
    ("114.114.115.115", 32, "114DNS", false),
    ("180.76.76.76", 32, "Baidu", false),
    ("193.110.81.0", 32, "dns0.eu", true),
    ("185.253.5.0", 32, "dns0.eu", true),
    ("116.202.176.26", 32, "LibreDNS", true),
    ("74.82.42.42", 32, "Hurricane Electric", true),
    ("2001:470:20::2", 128, "Hurricane Electric", true),
    ("64.6.64.6", 32, "Verisign", false),
    ("64.6.65.6", 32, "Verisign", false),
    ("4.2.2.0", 29, "Level 3", false),
    ("209.244.0.3", 32, "Level 3", false),
    ("209.244.0.4", 32, "Level 3", false),
    ("8.26.56.26", 32, "Comodo", false),
    ("8.20.247.20", 32, "Comodo", false),
    ("84.200.69.80", 32, "DNS.WATCH", true),
    ("84.200.70.40", 32, "DNS.WATCH", true),
    ("156.154.70.0", 23, "Vercara", true),
    ("195.46.39.39", 32, "SafeDNS", true),
    ("195.46.39.40", 32, "SafeDNS", true),
];

/// Whose public resolver answers at this address.
pub(crate) fn operator(address: IpAddr) -> Option<&'static str> {
    find(address).map(|(_, _, operator, _)| *operator)
}

/// Whose resolver answers there over HTTPS.
pub(crate) fn doh_operator(address: IpAddr) -> Option<&'static str> {
    find(address).filter(|(_, _, _, is_doh)| *is_doh).map(|(_, _, operator, _)| *operator)
}

/// A row of [`RESOLVERS`].
type Row = (&'static str, u8, &'static str, bool);

/// Network, mask, row. Read once: to read eighty addresses for each flow to port 443 was a twentieth of judging it.
struct Network<T> {
    network: T,
    mask: T,
    row: &'static Row,
}

fn find(address: IpAddr) -> Option<&'static Row> {
    static V4: LazyLock<Vec<Network<u32>>> = LazyLock::new(|| {
        networks(|network, bits| match network {
            IpAddr::V4(v4) => Some((v4.to_bits(), u32::MAX.checked_shl(32 - bits).unwrap_or(0))),
            IpAddr::V6(_) => None,
        })
    });
    static V6: LazyLock<Vec<Network<u128>>> = LazyLock::new(|| {
        networks(|network, bits| match network {
            IpAddr::V6(v6) => Some((v6.to_bits(), u128::MAX.checked_shl(128 - bits).unwrap_or(0))),
            IpAddr::V4(_) => None,
        })
    });
    match address {
        IpAddr::V4(v4) => V4.iter().find(|one| (v4.to_bits() ^ one.network) & one.mask == 0).map(|one| one.row),
        IpAddr::V6(v6) => V6.iter().find(|one| (v6.to_bits() ^ one.network) & one.mask == 0).map(|one| one.row),
    }
}

fn networks<T>(read: impl Fn(IpAddr, u32) -> Option<(T, T)>) -> Vec<Network<T>> {
    let rows = RESOLVERS.iter().filter_map(|row| {
        let (network, mask) = read(row.0.parse().ok()?, row.1.into())?;
        Some(Network { network, mask, row })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_known_by_their_networks() {
        let of = |address: &str| operator(address.parse().unwrap());
        assert_eq!(of("8.8.8.8"), Some("Google"));
        assert_eq!(of("1.1.1.3"), Some("Cloudflare"));
        assert_eq!(of("2606:4700:4700::1111"), Some("Cloudflare"));
        assert_eq!(of("2001:470:20::2"), Some("Hurricane Electric"));
        assert_eq!(of("9.9.9.9"), Some("Quad9"));
        for other in ["1.1.1.4", "8.8.8.9", "10.0.0.2", "2606:4700:4701::1", "198.51.100.53", "4.2.2.9"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(doh_operator("4.2.2.1".parse().unwrap()), None);
    }

    #[test]
    fn every_network_can_be_read_and_stands_once() {
        for (at, (network, bits, ..)) in RESOLVERS.iter().enumerate() {
            let address: IpAddr = network.parse().unwrap();
            assert!(*bits > 0 && *bits <= if address.is_ipv4() { 32 } else { 128 }, "{network}");
            let first = RESOLVERS.iter().position(|one| std::ptr::eq(one, find(address).unwrap())).unwrap();
            assert_eq!(first, at, "{network}");
        }
    }
}
