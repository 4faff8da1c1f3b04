//! Addresses as logs write them.

use crate::simd;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that this text is; IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) are IPv4 here.
#[inline(always)]
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    // A name of a service stands in many CloudTrail events where an address might; it starts with a letter.
    match dotted(text.as_bytes(), 0, text.len()) {
        Some(bits) => Some(IpAddr::V4(Ipv4Addr::from_bits(bits))),
        None => other_address(text),
    }
}

/// Four decimal numbers with dots between them, as `std` reads them: no leading zeros, no more than 255.
///
/// Lengths differ from record to record, which would cost a mispredicted branch each; so there are none on the way.
///
/// It may look at the bytes around the address, in its surroundings `bytes`, which makes it fast.
#[inline(always)]
pub(crate) fn dotted(bytes: &[u8], start: usize, end: usize) -> Option<u32> {
    let length = end.checked_sub(start)?;
    if !(7..=15).contains(&length) {
        return None;
    }
    match bytes.get(start..).and_then(|rest| rest.first_chunk()) {
        Some(window) => dotted_window(window, length),
        None => {
            let mut window = [0; WINDOW];
            window.get_mut(..length)?.copy_from_slice(bytes.get(start..end)?);
            dotted_window(&window, length)
        }
    }
}

/// The longest address and what reading four bytes at its last digit takes.
const WINDOW: usize = 20;

#[inline(always)]
fn dotted_window(window: &[u8; WINDOW], length: usize) -> Option<u32> {
    let dots = simd::dots(window.first_chunk()?) & ((1 << length) - 1);
    let after_first = dots & dots.wrapping_sub(1);
    let after_second = after_first & after_first.wrapping_sub(1);
    if after_second == 0 || after_second & (after_second - 1) != 0 {
        return None; // Not three.
    }
    let [first, second, third] = [dots, after_first, after_second].map(|dots| dots.trailing_zeros() as usize);
    let a = octet_in(window, 0, first);
    let b = octet_in(window, first + 1, second);
    let c = octet_in(window, second + 1, third);
    let d = octet_in(window, third + 1, length);
    ((a | b | c | d) <= 255).then_some(a << 24 | b << 16 | c << 8 | d)
}

#[inline(always)]
fn octet_in(window: &[u8; WINDOW], from: usize, to: usize) -> u32 {
    let at = from & 15; // It is no more than that; this tells the compiler.
    octet(u32::from_le_bytes([window[at], window[at + 1], window[at + 2], window[at + 3]]), to.wrapping_sub(from))
}

/// The number of one to three digits that stands in the low bytes; something above 255 if it is not one.
#[inline(always)]
fn octet(bytes: u32, length: usize) -> u32 {
    const BAD: u32 = 1 << 16;
    if length.wrapping_sub(1) > 2 {
        return BAD;
    }
    // The digits move to the high bytes, so that what follows them falls out and zeros come before them.
    let digits = (bytes << (8 * (4 - length))) ^ (0x3030_3030 << (8 * (4 - length)));
    let is_digits = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080 == 0;
    let number = (digits >> 8 & 0xff) * 100 + (digits >> 16 & 0xff) * 10 + (digits >> 24);
    const SMALLEST: [u32; 4] = [BAD, 0, 10, 100];
    if is_digits && number >= SMALLEST[length & 3] { number } else { BAD }
}

/// Addresses that are not four numbers.
#[cold]
pub(crate) fn other_address(text: &str) -> Option<IpAddr> {
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
        fn what_stands_around_an_address_does_not_matter(
            before in "[ 0-9.]{0,3}", text in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9./:;a]{1,3}", after in "[ 0-9.]{0,12}",
        ) {
            let whole = format!("{before}{text}{after}");
            let (start, end) = (before.len(), before.len() + text.len());
            prop_assert_eq!(dotted(whole.as_bytes(), start, end), text.parse().ok().map(Ipv4Addr::to_bits));
        }

        #[test]
        fn any_address_is_read(address in any::<IpAddr>()) {
            prop_assert_eq!(super::address(&address.to_string()), Some(address.to_canonical()));
        }
    }
}
