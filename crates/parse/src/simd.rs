//! Looking at many bytes at once, with the only unsafe code of this crate: unaligned loads, plain vector arithmetic,
//! calling ASCII text, and calling what was compiled for newer processors.
//!
//! On x86-64, SSE2 belongs to every processor. AVX2 is asked for at run time, where a call is long enough to repay the
//! question. Elsewhere the scalar versions run. The tests hold all of them against each other.

#![allow(unsafe_code, reason = "each stands beside what makes it sound")]

use crate::container::{self, Endless};

/// Bytes that are looked at together to find brackets and separators.
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
pub(crate) use sse2::{dots, separators, string_end, string_ends_after};

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use scalar::{dots, separators, string_end, string_ends_after};

/// The byte behind the object or list whose bracket stands at `start`.
#[inline(always)]
pub(crate) fn container_end(bytes: &[u8], start: usize) -> Result<usize, Endless> {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("pclmulqdq")
        {
            // SAFETY: the processor has the instructions that this was compiled for.
            return unsafe { avx2::container_end(bytes, start) };
        }
        sse2::container_end(bytes, start)
    }
    #[cfg(not(target_arch = "x86_64"))]
    scalar::container_end(bytes, start)
}

/// Work that is compiled twice: for every processor, and for those of the last ten years.
pub(crate) trait Work {
    /// What comes of it.
    type Output;

    /// Does it. To be `#[inline(always)]`, and so what it calls, or that is compiled for every processor only.
    fn run(self) -> Self::Output;
}

/// Does the work as well as the processor at hand can: counting, finding and shifting bits takes a third of the instructions
/// with those that came with AVX2.
#[inline(always)]
pub(crate) fn at_best<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn newer<W: Work>(work: W) -> W::Output {
            work.run()
        }
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
        {
            // SAFETY: the processor has the instructions that this was compiled for.
            return unsafe { newer(work) };
        }
    }
    work.run()
}

/// The content as text, if it is all ASCII, as nearly all logs are: told several times faster than that it is UTF-8.
pub(crate) fn ascii_text(content: &[u8]) -> Option<&str> {
    // SAFETY: ASCII is UTF-8.
    content.is_ascii().then(|| unsafe { std::str::from_utf8_unchecked(content) })
}

/// The text from `start` to `end`, empty where there is none. As the standard library would, which calls a function for each
/// piece that is asked for in code compiled for newer processors: a thirtieth of what a query takes.
#[inline(always)]
pub(crate) fn piece(text: &str, start: usize, end: usize) -> &str {
    let is_boundary = |at: usize| match text.as_bytes().get(at) {
        // Not within a character: there all bytes begin with the bits 10.
        Some(&byte) => byte & 0xc0 != 0x80,
        None => at == text.len(),
    };
    if start <= end && is_boundary(start) && is_boundary(end) {
        // SAFETY: both lie within the text or at its end, in order, and at the begin of a character.
        unsafe { text.get_unchecked(start..end) }
    } else {
        ""
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BLOCK, Brackets, Endless, container};
    use std::arch::x86_64::*;

    /// The byte behind the object or list whose bracket stands at `start`.
    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    pub(crate) fn container_end(bytes: &[u8], start: usize) -> Result<usize, Endless> {
        container::end(bytes, start, |block| brackets(block), |bits| prefix_xor(bits))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(crate) fn brackets(block: &[u8; BLOCK]) -> Brackets {
        let (halves, _) = block.as_chunks::<32>();
        let lanes = [load(&halves[0]), load(&halves[1])];
        // `[` and `{`, like `]` and `}`, differ only in this bit.
        let folded = lanes.map(|lane| _mm256_or_si256(lane, _mm256_set1_epi8(0x20)));
        Brackets {
            quote: mask(lanes, b'"'),
            backslash: mask(lanes, b'\\'),
            open: mask(folded, b'{'),
            close: mask(folded, b'}'),
            newline: mask(lanes, b'\n'),
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask([low, high]: [__m256i; 2], byte: u8) -> u64 {
        let wanted = _mm256_set1_epi8(byte as i8);
        let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) as u32;
        let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) as u32;
        u64::from(low) | u64::from(high) << 32
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(chunk: &[u8; 32]) -> __m256i {
        // SAFETY: the reference covers 32 readable bytes, and this load asks for no alignment.
        unsafe { _mm256_loadu_si256(chunk.as_ptr().cast()) }
    }

    /// A product without carries with all ones sums up, bit by bit, what stands below.
    #[target_feature(enable = "pclmulqdq")]
    #[inline]
    pub(crate) fn prefix_xor(bits: u64) -> u64 {
        let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
        _mm_cvtsi128_si64(product) as u64
    }
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use super::{BLOCK, Brackets, Endless, container};
    use std::arch::x86_64::*;

    /// The byte behind the object or list whose bracket stands at `start`.
    pub(crate) fn container_end(bytes: &[u8], start: usize) -> Result<usize, Endless> {
        container::end(bytes, start, brackets, super::scalar::prefix_xor)
    }

    /// Whether the string whose first byte stands at `from` has exactly so many bytes, fewer than 48, and no escape.
    #[inline(always)]
    pub(crate) fn string_ends_after<const LENGTH: usize>(bytes: &[u8], from: usize) -> bool {
        const { assert!(LENGTH < 48) };
        let Some(window) = bytes.get(from..).and_then(|rest| rest.first_chunk::<48>()) else {
            return near_the_end(bytes, from) == from + LENGTH && bytes.get(from + LENGTH) == Some(&b'"');
        };
        let (parts, _) = window.as_chunks::<16>();
        let mut mask = u64::from(specials(&parts[0]));
        if LENGTH >= 16 {
            mask |= u64::from(specials(&parts[1])) << 16;
        }
        if LENGTH >= 32 {
            mask |= u64::from(specials(&parts[2])) << 32;
        }
        // The bits up to and including the one that should be the quote.
        mask << (63 - LENGTH) == 1 << 63 && window[LENGTH] == b'"'
    }

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
        near_the_end(bytes, at)
    }

    /// Not inlined: it is rare, and many places look for the end of a string.
    #[cold]
    #[inline(never)]
    fn near_the_end(bytes: &[u8], from: usize) -> usize {
        super::scalar::string_end(bytes, from)
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
    use super::{BLOCK, Brackets, Endless, container};

    pub(crate) fn string_end(bytes: &[u8], from: usize) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).map_or(bytes.len(), |offset| from + offset)
    }

    pub(crate) fn container_end(bytes: &[u8], start: usize) -> Result<usize, Endless> {
        container::end(bytes, start, brackets, prefix_xor)
    }

    pub(crate) fn string_ends_after<const LENGTH: usize>(bytes: &[u8], from: usize) -> bool {
        string_end(bytes, from) == from + LENGTH && bytes.get(from + LENGTH) == Some(&b'"')
    }

    pub(crate) fn prefix_xor(mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
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

    fn end_by_plain_loop(bytes: &[u8], start: usize) -> Result<usize, Endless> {
        let (mut depth, mut in_string, mut at) = (1, false, start + 1);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\n' if in_string => return Err(Endless::LineBreak(at)),
                // What a backslash escapes is no quote; a line break behind it stays one.
                b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\')) => at += 1,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Ok(at);
            }
        }
        Err(Endless::Cut)
    }

    proptest! {
        #[test]
        fn the_vector_and_the_scalar_version_agree_on_blocks(block in bytes(BLOCK)) {
            let block: &[u8; BLOCK] = block.first_chunk().unwrap();
            #[cfg(target_arch = "x86_64")]
            prop_assert_eq!(sse2::brackets(block), scalar::brackets(block));
            prop_assert_eq!(separators(block), scalar::separators(block));
            let chunk: &[u8; 16] = block.first_chunk().unwrap();
            prop_assert_eq!(dots(chunk), scalar::dots(chunk));
        }

        #[test]
        fn pieces_are_those_of_the_standard_library(text in "[aé€\u{1f525}]{0,12}", start in 0usize..50, end in 0usize..50) {
            prop_assert_eq!(piece(&text, start, end), text.get(start..end).unwrap_or_default());
        }

        #[test]
        fn the_vector_and_the_scalar_version_agree_on_strings(bytes in bytes(0..200), from in 0usize..220) {
            prop_assert_eq!(string_end(&bytes, from), scalar::string_end(&bytes, from));
        }

        #[test]
        fn a_guessed_length_is_right_where_the_scalar_version_says_so(
            before in "a{0,3}", plain in "a{9,37}", after in bytes(0..60),
        ) {
            let text = [before.as_bytes(), plain.as_bytes(), &after].concat();
            let from = before.len();
            prop_assert_eq!(string_ends_after::<12>(&text, from), scalar::string_ends_after::<12>(&text, from));
            prop_assert_eq!(string_ends_after::<20>(&text, from), scalar::string_ends_after::<20>(&text, from));
            prop_assert_eq!(string_ends_after::<36>(&text, from), scalar::string_ends_after::<36>(&text, from));
        }

        #[test]
        fn objects_and_lists_end_where_a_plain_loop_says(bytes in bytes(1..300), start in 0usize..20) {
            let expected = end_by_plain_loop(&bytes, start);
            prop_assert_eq!(container_end(&bytes, start), expected);
            prop_assert_eq!(scalar::container_end(&bytes, start), expected);
            #[cfg(target_arch = "x86_64")]
            prop_assert_eq!(sse2::container_end(&bytes, start), expected);
        }

        #[test]
        fn long_plain_runs_are_crossed(length in 0usize..200, tail in bytes(0..20)) {
            let mut bytes = vec![b'a'; length];
            bytes.extend(tail);
            prop_assert_eq!(string_end(&bytes, 0), scalar::string_end(&bytes, 0));
        }
    }
}
