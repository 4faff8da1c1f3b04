//! Looking at many bytes at once, with the only unsafe code of this crate: unaligned loads, plain vector arithmetic,
//! and calling ASCII text.
//!
//! On x86-64, SSE2 belongs to every processor, so nothing is detected at run time. Elsewhere the scalar versions run.
//! The tests hold both against each other.

#![allow(unsafe_code, reason = "each stands beside what makes it sound")]

/// Bytes that [`brackets`] and [`separators`] look at.
pub(crate) const BLOCK: usize = 64;

/// Where the bytes that give JSON its shape stand in a block: bit `i` is byte `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brackets {
    /// `"`
    pub(crate) quote: u64,
    /// `\`
    pub(crate) backslash: u64,
    /// `{` and `[`
    pub(crate) open: u64,
    /// `}` and `]`
    pub(crate) close: u64,
    /// A line break.
    pub(crate) newline: u64,
}

#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::{brackets, dots, separators, string_end};

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use scalar::{brackets, dots, separators, string_end};

/// The content as text, if it is all ASCII, as nearly all logs are: told several times faster than that it is UTF-8.
pub(crate) fn ascii_text(content: &[u8]) -> Option<&str> {
    // SAFETY: ASCII is UTF-8.
    content.is_ascii().then(|| unsafe { std::str::from_utf8_unchecked(content) })
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use super::{BLOCK, Brackets};
    use std::arch::x86_64::*;

    /// The first `"`, `\` or line break at or after `from`; the length if there is none.
    #[inline(always)]
    pub(crate) fn string_end(bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        // Most strings of logs are shorter than 32 bytes, few shorter than 16 in a row: one step fits them, without the
        // branch that would be mispredicted every few strings.
        while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
            let (halves, _) = chunk.as_chunks::<16>();
            let mask = specials(&halves[0]) | specials(&halves[1]) << 16;
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            at += 32;
        }
        super::scalar::string_end(bytes, at)
    }

    #[inline(always)]
    fn specials(chunk: &[u8; 16]) -> u32 {
        let chunk = load(chunk);
        bits(or(or(equal(chunk, b'"'), equal(chunk, b'\\')), equal(chunk, b'\n')))
    }

    /// The shape of one block.
    #[inline(always)]
    pub(crate) fn brackets(block: &[u8; BLOCK]) -> Brackets {
        let lanes = lanes(block);
        // `[` and `{`, like `]` and `}`, differ only in this bit.
        let folded = lanes.map(|lane| or(lane, splat(0x20)));
        Brackets {
            quote: mask(lanes, b'"'),
            backslash: mask(lanes, b'\\'),
            open: mask(folded, b'{'),
            close: mask(folded, b'}'),
            newline: mask(lanes, b'\n'),
        }
    }

    /// Spaces and line breaks of one block.
    #[inline(always)]
    pub(crate) fn separators(block: &[u8; BLOCK]) -> (u64, u64) {
        let lanes = lanes(block);
        (mask(lanes, b' '), mask(lanes, b'\n'))
    }

    /// The dots among sixteen bytes.
    #[inline(always)]
    pub(crate) fn dots(chunk: &[u8; 16]) -> u32 {
        bits(equal(load(chunk), b'.'))
    }

    #[inline(always)]
    fn lanes(block: &[u8; BLOCK]) -> [__m128i; 4] {
        let (chunks, _) = block.as_chunks::<16>();
        [load(&chunks[0]), load(&chunks[1]), load(&chunks[2]), load(&chunks[3])]
    }

    #[inline(always)]
    fn mask(lanes: [__m128i; 4], byte: u8) -> u64 {
        let [a, b, c, d] = lanes.map(|lane| u64::from(bits(equal(lane, byte))));
        a | b << 16 | c << 32 | d << 48
    }

    // SAFETY of these four: they need SSE2, which every x86-64 processor has, and touch no memory.

    #[inline(always)]
    fn equal(lane: __m128i, byte: u8) -> __m128i {
        unsafe { _mm_cmpeq_epi8(lane, splat(byte)) }
    }

    #[inline(always)]
    fn or(left: __m128i, right: __m128i) -> __m128i {
        unsafe { _mm_or_si128(left, right) }
    }

    #[inline(always)]
    fn splat(byte: u8) -> __m128i {
        unsafe { _mm_set1_epi8(byte as i8) }
    }

    #[inline(always)]
    fn bits(lane: __m128i) -> u32 {
        unsafe { _mm_movemask_epi8(lane) as u32 }
    }

    #[inline(always)]
    fn load(chunk: &[u8; 16]) -> __m128i {
        // SAFETY: the reference covers 16 readable bytes, and this load asks for no alignment.
        unsafe { _mm_loadu_si128(chunk.as_ptr().cast()) }
    }
}

#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "the tests hold the vector versions against these"))]
mod scalar {
    use super::{BLOCK, Brackets};

    pub(crate) fn string_end(bytes: &[u8], from: usize) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).map_or(bytes.len(), |offset| from + offset)
    }

    pub(crate) fn brackets(block: &[u8; BLOCK]) -> Brackets {
        let mask = |wanted: &[u8]| bits(block, |byte| wanted.contains(&byte));
        Brackets {
            quote: mask(b"\""),
            backslash: mask(b"\\"),
            open: mask(b"{["),
            close: mask(b"}]"),
            newline: mask(b"\n"),
        }
    }

    pub(crate) fn separators(block: &[u8; BLOCK]) -> (u64, u64) {
        (bits(block, |byte| byte == b' '), bits(block, |byte| byte == b'\n'))
    }

    pub(crate) fn dots(chunk: &[u8; 16]) -> u32 {
        bits(chunk, |byte| byte == b'.') as u32
    }

    fn bits(block: &[u8], is_wanted: impl Fn(u8) -> bool) -> u64 {
        block.iter().enumerate().fold(0, |bits, (index, &byte)| bits | u64::from(is_wanted(byte)) << index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes among which the interesting ones are frequent.
    fn bytes(length: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![proptest::sample::select(&b"\"\\\n{}[] \r."[..]), any::<u8>(),];
        proptest::collection::vec(byte, length)
    }

    proptest! {
        #[test]
        fn the_vector_and_the_scalar_version_agree_on_blocks(block in bytes(BLOCK)) {
            let block: &[u8; BLOCK] = block.first_chunk().unwrap();
            prop_assert_eq!(brackets(block), scalar::brackets(block));
            prop_assert_eq!(separators(block), scalar::separators(block));
            let chunk: &[u8; 16] = block.first_chunk().unwrap();
            prop_assert_eq!(dots(chunk), scalar::dots(chunk));
        }

        #[test]
        fn the_vector_and_the_scalar_version_agree_on_strings(bytes in bytes(0..200), from in 0usize..220) {
            prop_assert_eq!(string_end(&bytes, from), scalar::string_end(&bytes, from));
        }

        #[test]
        fn long_plain_runs_are_crossed(length in 0usize..200, tail in bytes(0..20)) {
            let mut bytes = vec![b'a'; length];
            bytes.extend(tail);
            prop_assert_eq!(string_end(&bytes, 0), scalar::string_end(&bytes, 0));
        }
    }
}
