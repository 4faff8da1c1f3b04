//! Which addresses the internet can route to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Prefixes that no router of the public internet carries (IANA's special-purpose registries), without the
/// documentation ranges.
pub(crate) const NOT_ROUTABLE_V4: [(Ipv4Addr, u8); 11] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10), // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local: the instance metadata service among them
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarking
    (Ipv4Addr::new(224, 0, 0, 0), 4),   // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),   // reserved, and the broadcast address
];

/// The same of IPv6, where only 2000::/3 is given out; unique local, link-local and multicast lie outside of it.
pub(crate) const NOT_ROUTABLE_V6: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 3),
    (Ipv6Addr::new(0x2001, 0x2, 0, 0, 0, 0, 0, 0), 48), // benchmarking
    (Ipv6Addr::new(0x2001, 0x10, 0, 0, 0, 0, 0, 0), 28), // ORCHID: identifiers, not locations
    (Ipv6Addr::new(0x4000, 0, 0, 0, 0, 0, 0, 0), 2),
    (Ipv6Addr::new(0x8000, 0, 0, 0, 0, 0, 0, 0), 1),
];

/// Whether a packet with this address can cross the public internet.
///
/// False for private, loopback, link-local, carrier-grade NAT, multicast, benchmarking, reserved and unspecified
/// addresses, and for unique local IPv6. The documentation ranges (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24,
/// 2001:db8::/32) count as **routable**: AWS's own examples and test lists use them, and a rule that ignored them
/// could not be tried with them.
pub fn is_publicly_routable(ip: IpAddr) -> bool {
    match canonical(ip) {
        IpAddr::V4(ip) => !NOT_ROUTABLE_V4
            .iter()
            .any(|&(network, length)| (u32::from(ip) ^ u32::from(network)) >> (32 - u32::from(length)) == 0),
        IpAddr::V6(ip) => !NOT_ROUTABLE_V6
            .iter()
            .any(|&(network, length)| (u128::from(ip) ^ u128::from(network)) >> (128 - u32::from(length)) == 0),
    }
}

/// The IPv4 address within an IPv4-mapped one (`::ffff:198.51.100.1`) or within the well-known NAT64 prefix
/// (`64:ff9b::198.51.100.1`, which flow logs of IPv6-only subnets show); any other address as it is.
pub(crate) fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    const NAT64: u128 = 0x0064_ff9b << 96;
    const MAPPED: u128 = 0xffff << 32;
    let bits = u128::from(v6);
    match bits & !0xffff_ffff {
        NAT64 | MAPPED => IpAddr::V4(Ipv4Addr::from(bits as u32)),
        _ => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::is_publicly_routable;

    fn check(texts: &[&str], routable: bool) {
        for text in texts {
            assert_eq!(is_publicly_routable(text.parse().unwrap()), routable, "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_routable() {
        check(&["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "223.255.255.255", "198.20.0.0"], true);
        check(&["2600:1f69::1", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"], true);
    }

    #[test]
    fn documentation_addresses_count_as_routable() {
        check(&["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"], true);
    }

    #[test]
    fn special_addresses_are_not_routable() {
        check(
            &["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1"],
            false,
        );
        check(&["192.0.0.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "240.0.0.1", "255.255.255.255"], false);
        check(&["::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:2::1", "::ffff:10.0.0.1"], false);
    }
}
