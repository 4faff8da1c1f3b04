//! Reading text 16, 32 and 64 bytes at a time: the one module of the floor with `unsafe` in it.
//!
//! Promises: no read leaves the text and its padding, whatever the text holds. A [`Text`] has at least [`PADDING`]
//! readable bytes behind its end, and every position is held to the end before bytes are loaded from it.
//!
//! The functions are safe to call from code compiled for the same instructions ([`supported`] tells whether this
//! processor has them); `floor.rs` is where that is checked and the boundary crossed.
#![expect(unsafe_code, reason = "vector loads from computed positions; held to the text by `Text::pointer`")]

use std::arch::x86_64::*;

/// Readable bytes that must follow a text.
pub(crate) const PADDING: usize = 64;

/// Whether this processor has the instructions that the floor is written for.
pub(crate) fn supported() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("pclmulqdq")
}

/// Calls one of the floor's scanners, which are compiled for instructions that [`supported`] has found.
macro_rules! call {
    ($scanner:path, $($argument:expr),*) => {{
        assert!($crate::floor::simd::supported(), "the floor needs an x86-64 processor with AVX2");
        #[expect(unsafe_code, reason = "the line above checks what the call needs")]
        // SAFETY: the processor has the instructions that the scanner was compiled for.
        let answer = unsafe { $scanner($($argument),*) };
        answer
    }};
}
pub(crate) use call;

/// A text with padding behind it.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    padded: &'a [u8],
    length: usize,
}

impl<'a> Text<'a> {
    /// The first `length` bytes of `padded`, if enough of it follows them.
    pub(crate) fn new(padded: &'a [u8], length: usize) -> Option<Self> {
        (length.checked_add(PADDING)? <= padded.len()).then_some(Self { padded, length })
    }

    /// How long the text is, without its padding.
    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.length
    }

    /// The bytes from one position up to another; none if these are not in order or not in the text.
    #[inline(always)]
    pub(crate) fn slice(self, from: usize, to: usize) -> &'a [u8] {
        self.padded.get(from..to).unwrap_or_default()
    }

    /// The byte at a position; that of the padding beyond the end.
    #[inline(always)]
    pub(crate) fn byte(self, at: usize) -> u8 {
        // SAFETY: see `pointer`.
        unsafe { *self.pointer(at) }
    }

    /// Eight bytes as a little-endian number.
    #[inline(always)]
    pub(crate) fn word(self, at: usize) -> u64 {
        // SAFETY: see `pointer`; the load may be unaligned.
        unsafe { self.pointer(at).cast::<u64>().read_unaligned() }
    }

    /// `N` bytes, at most [`PADDING`] of them.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(self, at: usize) -> &'a [u8; N] {
        const { assert!(N <= PADDING) };
        // SAFETY: see `pointer`; bytes have no alignment.
        unsafe { &*self.pointer(at).cast::<[u8; N]>() }
    }

    /// From here `PADDING` bytes may be read.
    #[inline(always)]
    fn pointer(self, at: usize) -> *const u8 {
        // SAFETY: the position is held to `length`, and `new` saw `PADDING` bytes behind that.
        unsafe { self.padded.as_ptr().add(at.min(self.length)) }
    }
}

/// The position of the quote that ends the string whose first byte is at `at`; the end of the text if there is none.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
pub(crate) fn string_end(text: Text<'_>, mut at: usize) -> usize {
    loop {
        // SAFETY: 32 bytes are readable at `pointer`.
        let block = unsafe { _mm256_loadu_si256(text.pointer(at).cast()) };
        let quotes = mask(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(b'"' as i8)));
        let backslashes = mask(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(b'\\' as i8)));
        if quotes.wrapping_sub(1) & backslashes != 0 {
            // A backslash comes first: go on behind what it escapes.
            at += backslashes.trailing_zeros() as usize + 2;
        } else if quotes != 0 {
            return (at + quotes.trailing_zeros() as usize).min(text.len());
        } else {
            at += 32;
        }
        if at >= text.len() {
            return text.len();
        }
    }
}

/// Whether the string whose first byte is at `at` has exactly `length` bytes, fewer than 64, and none of them escaped.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
pub(crate) fn string_ends_after(text: Text<'_>, at: usize, length: usize) -> bool {
    // SAFETY: 64 bytes are readable at `pointer`; the compiler leaves the second half out where `length` is short.
    let (low, high) = unsafe {
        let pointer = text.pointer(at);
        (_mm256_loadu_si256(pointer.cast()), _mm256_loadu_si256(pointer.add(32).cast()))
    };
    let special = |block| {
        let quotes = _mm256_cmpeq_epi8(block, _mm256_set1_epi8(b'"' as i8));
        mask(_mm256_or_si256(quotes, _mm256_cmpeq_epi8(block, _mm256_set1_epi8(b'\\' as i8))))
    };
    let is_first_special = match length {
        0..32 => special(low).trailing_zeros() as usize == length,
        _ => special(low) == 0 && special(high).trailing_zeros() as usize == length - 32,
    };
    is_first_special && at + length < text.len() && text.byte(at + length) == b'"'
}

/// The position behind the bracket that closes the object or list whose content begins at `at`; the end of the text if
/// nothing closes it.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
pub(crate) fn container_end(text: Text<'_>, mut at: usize) -> usize {
    let mut depth = 1_u32;
    let mut inside_string = 0_u64; // all ones while a string goes on from the block before
    let mut escape_carry = 0_u64;
    while at < text.len() {
        // SAFETY: 64 bytes are readable at `pointer`.
        let (low, high) = unsafe {
            let pointer = text.pointer(at);
            (_mm256_loadu_si256(pointer.cast()), _mm256_loadu_si256(pointer.add(32).cast()))
        };
        let mut quotes = equal(low, high, b'"');
        let backslashes = equal(low, high, b'\\');
        if backslashes | escape_carry != 0 {
            quotes &= !escaped(backslashes, &mut escape_carry);
        }
        let strings = prefix_xor(quotes) ^ inside_string;
        inside_string = ((strings as i64) >> 63) as u64;
        // Brackets and braces differ in one bit that tells no closing one from an opening one.
        let bit = _mm256_set1_epi8(0x20);
        let (low, high) = (_mm256_or_si256(low, bit), _mm256_or_si256(high, bit));
        let opening = equal(low, high, b'{') & !strings;
        let closing = equal(low, high, b'}') & !strings;
        if closing.count_ones() >= depth
            && let Some(offset) = closing_bracket(opening, closing, depth)
        {
            return (at + offset + 1).min(text.len());
        }
        depth = depth + opening.count_ones() - closing.count_ones();
        at += 64;
    }
    text.len()
}

/// The bit of the bracket at which `depth` opened ones are closed.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn closing_bracket(opening: u64, mut closing: u64, depth: u32) -> Option<usize> {
    let mut closed = 0;
    while closing != 0 {
        closed += 1;
        let opened_before = (opening & (closing ^ (closing - 1))).count_ones();
        if depth + opened_before == closed {
            return Some(closing.trailing_zeros() as usize);
        }
        closing &= closing - 1;
    }
    None
}

/// Positions that [`field_ends`] writes at once: more than nearly every 64 bytes of a flow log hold.
const BATCH: usize = 12;

/// Fills `ends` with the position before `from`, then that of every space, line feed and other byte up to 0x20 in
/// `from..to`, as far as the text goes.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
pub(crate) fn field_ends(text: Text<'_>, from: usize, to: usize, ends: &mut Vec<u32>) {
    let to = to.min(text.len());
    ends.clear();
    ends.reserve(to.saturating_sub(from) + 1 + 64 + BATCH); // every byte may be one
    ends.push((from as u32).wrapping_sub(1));
    // SAFETY: one was pushed.
    let mut next = unsafe { ends.as_mut_ptr().add(1) };
    let mut at = from;
    while at < to {
        // SAFETY: 64 bytes are readable at `pointer`.
        let (low, high) = unsafe {
            let pointer = text.pointer(at);
            (_mm256_loadu_si256(pointer.cast()), _mm256_loadu_si256(pointer.add(32).cast()))
        };
        let space = _mm256_set1_epi8(b' ' as i8);
        let low = mask(_mm256_cmpeq_epi8(_mm256_min_epu8(low, space), low));
        let high = mask(_mm256_cmpeq_epi8(_mm256_min_epu8(high, space), high));
        let mut found = u64::from(low) | (u64::from(high) << 32);
        if to - at < 64 {
            found = _bzhi_u64(found, (to - at) as u32);
        }
        let count = found.count_ones() as usize;
        let mut written = 0;
        // A batch is written whether or not there are as many: a branch for each would be mispredicted.
        while written < count {
            for offset in 0..BATCH {
                let position = (at as u32).wrapping_add(found.trailing_zeros());
                // Volatile, or the compiler gathers them into vectors, one insertion after the other.
                // SAFETY: at most as many positions as bytes, and one batch more, are written; `reserve` made room.
                unsafe { next.add(written + offset).write_volatile(position) };
                found &= found.wrapping_sub(1);
            }
            written += BATCH;
        }
        // SAFETY: stays within the reserved room, as above.
        next = unsafe { next.add(count) };
        at += 64;
    }
    // SAFETY: everything before `next` was written.
    unsafe {
        let count = next.offset_from(ends.as_ptr()) as usize;
        ends.set_len(count);
    }
}

/// How the digits of an IPv4 address go to fixed places, by the positions of its dots and its length.
pub(crate) struct AddressTable {
    /// By the positions of the three dots: what to add to the length to get the number of a shuffle.
    first: [i16; 4096],
    shuffles: [[u8; 16]; 81],
}

/// Marks dots that cannot be those of an address.
const NO_ADDRESS: i16 = i16::MIN;

impl AddressTable {
    /// The table.
    pub(crate) fn new() -> Self {
        let mut table = Self { first: [NO_ADDRESS; 4096], shuffles: [[0x80; 16]; 81] };
        for shape in 0..81 {
            let lengths = [shape / 27 % 3 + 1, shape / 9 % 3 + 1, shape / 3 % 3 + 1, shape % 3 + 1];
            let mut at = 0;
            let mut dots = 0_usize;
            for (octet, &length) in lengths.iter().enumerate() {
                let end = at + length;
                let shuffle = &mut table.shuffles[shape];
                shuffle[8 + 2 * octet] = (end - 1) as u8;
                if length > 1 {
                    shuffle[2 * octet + 1] = (end - 2) as u8;
                }
                if length > 2 {
                    shuffle[2 * octet] = (end - 3) as u8;
                }
                if octet < 3 {
                    dots |= 1 << end;
                }
                at = end + 1;
            }
            table.first[dots] = shape as i16 - (at - 1) as i16;
        }
        table
    }

    /// The IPv4 address in `from..to`, or nothing if what stands there has not the shape of one.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn parse(&self, text: Text<'_>, from: usize, to: usize) -> Option<u32> {
        let length = to.wrapping_sub(from);
        if length > 15 {
            return None;
        }
        // SAFETY: 16 bytes are readable at `pointer`.
        let block = unsafe { _mm_loadu_si128(text.pointer(from).cast()) };
        let dots = _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(b'.' as i8))) as u32;
        let dots = _bzhi_u32(dots, length as u32) as usize;
        let shape = *self.first.get(dots)? as isize + length as isize;
        let shuffle = self.shuffles.get(shape as usize)?;
        // SAFETY: the shuffle is 16 bytes long.
        let shuffle = unsafe { _mm_loadu_si128(shuffle.as_ptr().cast()) };
        let digits = _mm_shuffle_epi8(_mm_sub_epi8(block, _mm_set1_epi8(b'0' as i8)), shuffle);
        let weights = _mm_setr_epi8(100, 10, 100, 10, 100, 10, 100, 10, 1, 0, 1, 0, 1, 0, 1, 0);
        let sums = _mm_maddubs_epi16(digits, weights);
        let octets = _mm_add_epi16(sums, _mm_srli_si128::<8>(sums));
        Some((_mm_cvtsi128_si32(_mm_packus_epi16(octets, octets)) as u32).swap_bytes())
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn mask(block: __m256i) -> u32 {
    _mm256_movemask_epi8(block) as u32
}

/// The bits of the bytes that equal `byte`.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn equal(low: __m256i, high: __m256i, byte: u8) -> u64 {
    let wanted = _mm256_set1_epi8(byte as i8);
    let low = mask(_mm256_cmpeq_epi8(low, wanted));
    let high = mask(_mm256_cmpeq_epi8(high, wanted));
    u64::from(low) | (u64::from(high) << 32)
}

/// For each bit whether the number of ones up to it is odd: from the quotes, the insides of the strings.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn prefix_xor(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}

/// The bytes that a backslash escapes. `carry` is one if the block before ended in a backslash that escapes.
///
/// In a run of backslashes every second one is itself escaped; an addition carries through each run, so that its end
/// tells whether the run was odd.
#[inline(always)]
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslashes = backslashes & !*carry;
    let follows = (backslashes << 1) | *carry;
    let odd_starts = backslashes & !EVEN & !follows;
    let (runs_from_even, overflow) = odd_starts.overflowing_add(backslashes);
    *carry = u64::from(overflow);
    (EVEN ^ (runs_from_even << 1)) & follows
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn padded(text: &[u8]) -> Vec<u8> {
        [text, &[0; PADDING]].concat()
    }

    fn check_container(text: &str, expected: Option<usize>) {
        let buffer = padded(text.as_bytes());
        let end = call!(container_end, Text::new(&buffer, text.len()).unwrap(), 1);
        assert_eq!(end, expected.unwrap_or(text.len()), "{text}");
    }

    #[test]
    fn a_container_ends_where_its_bracket_closes() {
        check_container("{}", Some(2));
        check_container(r#"{"a":[1,{"b":2}]},{"#, Some(17));
        check_container(r#"{"a":"}","b":"\"}"},"#, Some(19));
        check_container(r#"{"a":"\\"},"#, Some(10));
        check_container(r#"{"never":{"closed":"}"#, None);
        let long = format!(r#"{{"a":"{}}}\"","b":[{}]}}tail"#, "x".repeat(57), "[],".repeat(100));
        check_container(&long, Some(long.len() - 4));
    }

    #[test]
    fn a_text_without_padding_is_refused() {
        assert!(Text::new(&[0; PADDING], 0).is_some());
        assert!(Text::new(&[0; PADDING], 1).is_none());
    }

    #[test]
    fn every_shape_of_address_parses() {
        let table = AddressTable::new();
        for octets in [[1, 2, 3, 4], [10, 0, 255, 9], [192, 168, 100, 200], [8, 88, 188, 18], [255, 255, 255, 255]] {
            for turn in 0..4 {
                let mut octets = octets;
                octets.rotate_left(turn);
                let address = Ipv4Addr::from(octets);
                let line = format!("x {address} 443");
                let buffer = padded(line.as_bytes());
                let text = Text::new(&buffer, line.len()).unwrap();
                let parsed = call!(AddressTable::parse, &table, text, 2, line.len() - 4);
                assert_eq!(parsed.map(Ipv4Addr::from), Some(address));
            }
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        let table = AddressTable::new();
        for line in ["-", "", "2001:db8::1", "1.2.3", "1.2.3.4.5", "1..2.3", "1.2.3.4444444444444"] {
            let buffer = padded(line.as_bytes());
            let text = Text::new(&buffer, line.len()).unwrap();
            assert_eq!(call!(AddressTable::parse, &table, text, 0, line.len()), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn strings_and_fields_end_where_a_plain_loop_says(text in r#"[a" \\\n{}]{0,200}"#, from in 0_usize..220) {
            let bytes = text.as_bytes();
            let buffer = padded(bytes);
            let wrapped = Text::new(&buffer, bytes.len()).unwrap();

            let mut at = from;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            assert_eq!(call!(string_end, wrapped, from), at.min(bytes.len()));

            let found = (from..bytes.len()).filter(|&at| bytes[at] <= b' ').map(|at| at as u32);
            let expected: Vec<u32> = std::iter::once((from as u32).wrapping_sub(1)).chain(found).collect();
            let mut ends = Vec::new();
            call!(field_ends, wrapped, from, bytes.len(), &mut ends);
            assert_eq!(ends, expected);
        }

        #[test]
        fn containers_end_where_a_plain_loop_says(text in r#"[a"\\{}\[\]]{0,300}"#) {
            let bytes = text.as_bytes();
            let buffer = padded(bytes);
            let (mut depth, mut inside, mut at) = (1, false, 0);
            while at < bytes.len() && depth > 0 {
                match bytes[at] {
                    // A backslash matters only before what it can hide.
                    b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\')) => at += 1,
                    b'"' => inside = !inside,
                    b'{' | b'[' if !inside => depth += 1,
                    b'}' | b']' if !inside => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            let end = call!(container_end, Text::new(&buffer, bytes.len()).unwrap(), 0);
            assert_eq!(end, at.min(bytes.len()));
        }
    }
}
