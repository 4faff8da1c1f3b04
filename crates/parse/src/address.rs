//! Addresses as logs write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that this text is; IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) are IPv4 here.
#[inline(always)]
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    match dotted(text.as_bytes()) {
        Some(bits) => Some(IpAddr::V4(Ipv4Addr::from_bits(bits))),
        None => other_address(text),
    }
}

/// Four decimal numbers with dots between them, as `std` reads them: no leading zeros, no more than 255.
#[inline(always)]
fn dotted(bytes: &[u8]) -> Option<u32> {
    if bytes.len() < 7 || bytes.len() > 15 {
        return None;
    }
    let (mut bits, mut octet, mut digits, mut dots) = (0u32, 0u32, 0u32, 0u32);
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            if digits > 0 && octet == 0 {
                return None;
            }
            octet = octet * 10 + u32::from(digit);
            digits += 1;
        } else if byte == b'.' && digits > 0 && octet <= 255 {
            bits = bits << 8 | octet;
            (octet, digits) = (0, 0);
            dots += 1;
        } else {
            return None;
        }
    }
    (dots == 3 && digits > 0 && octet <= 255).then_some(bits << 8 | octet)
}

#[cold]
fn other_address(text: &str) -> Option<IpAddr> {
    let address: Ipv6Addr = text.contains(':').then(|| text.parse().ok())??;
    Some(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert_eq!(address("::ffff:192.0.2.1"), Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))));
        assert_eq!(address("2001:db8::1"), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(address("s3.amazonaws.com"), None);
        assert_eq!(address("-"), None);
    }

    proptest! {
        #[test]
        fn four_numbers_read_as_std_reads_them(text in "([0-9]{1,4}\\.){2,4}[0-9]{0,3}") {
            prop_assert_eq!(address(&text), text.parse().ok());
        }

        #[test]
        fn any_address_is_read(address in any::<IpAddr>()) {
            prop_assert_eq!(super::address(&address.to_string()), Some(address.to_canonical()));
        }
    }
}
