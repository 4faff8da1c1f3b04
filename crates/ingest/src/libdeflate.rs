//! One gzip member at a time through libdeflate, the fastest way to inflate what fits in memory.
//!
//! The safe crates for libdeflate hide how much of the input was eaten, and without that a file of several members
//! (which is what AWS delivers for some flow logs, and what `cat a.gz b.gz` makes) cannot be read. This module is the
//! only unsafe code of the crate; everything it hands out is checked against the lengths it passed in.

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS,
};
use std::ptr::NonNull;

/// A decompressor, to be used for any number of members.
pub(crate) struct Decompressor(NonNull<libdeflate_decompressor>);

/// What one member took and gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    /// Bytes of input, header and trailer included.
    pub(crate) consumed: usize,
    /// Bytes of output.
    pub(crate) written: usize,
}

/// Why a member was not decompressed. Output written so far is unspecified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// The output is too small. Try again with more.
    OutputTooSmall,
    /// The input is no gzip member, is cut, or its checksum or length is wrong.
    BadData,
}

impl Decompressor {
    /// Nothing if memory is short.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: takes no arguments; a null result is turned into None.
        NonNull::new(unsafe { libdeflate_alloc_decompressor() }).map(Self)
    }

    /// Decompresses the member at the start of `input` into `output`, and checks its checksum and length.
    pub(crate) fn gunzip_member(&mut self, input: &[u8], output: &mut [u8]) -> Result<Member, Failure> {
        let mut member = Member { consumed: 0, written: 0 };
        // SAFETY: the decompressor is live and borrowed mutably; both buffers are valid for the lengths given with
        // them, and C neither writes to the input nor keeps any of the pointers.
        let result = unsafe {
            libdeflate_gzip_decompress_ex(
                self.0.as_ptr(),
                input.as_ptr().cast(),
                input.len(),
                output.as_mut_ptr().cast(),
                output.len(),
                &mut member.consumed,
                &mut member.written,
            )
        };
        #[expect(non_upper_case_globals, reason = "the names are those of the C header")]
        match result {
            libdeflate_result_LIBDEFLATE_SUCCESS
                if member.consumed <= input.len() && member.written <= output.len() =>
            {
                Ok(member)
            }
            libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Err(Failure::OutputTooSmall),
            _ => Err(Failure::BadData),
        }
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, freed only here.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}

// SAFETY: a decompressor is plain memory that belongs to no thread, and `&mut self` keeps two threads from using it at
// once.
unsafe impl Send for Decompressor {}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_member_is_read_and_what_follows_it_is_left() {
        let mut input = gzip(b"one");
        let first = input.len();
        input.extend(gzip(b"two"));
        let mut output = [0; 8];
        let member = Decompressor::new().unwrap().gunzip_member(&input, &mut output).unwrap();
        assert_eq!((member, &output[..3]), (Member { consumed: first, written: 3 }, &b"one"[..]));
    }

    #[test]
    fn an_output_that_is_too_small_is_not_bad_data() {
        let failure = Decompressor::new().unwrap().gunzip_member(&gzip(&[7; 1000]), &mut [0; 999]);
        assert_eq!(failure, Err(Failure::OutputTooSmall));
    }

    #[test]
    fn a_wrong_checksum_is_bad_data() {
        let mut input = gzip(b"content");
        let checksum = input.len() - 8;
        input[checksum] ^= 1;
        assert_eq!(Decompressor::new().unwrap().gunzip_member(&input, &mut [0; 100]), Err(Failure::BadData));
    }

    proptest! {
        #[test]
        fn members_come_back_as_they_went_in(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 1..5),
        ) {
            let input: Vec<u8> = contents.iter().flat_map(|content| gzip(content)).collect();
            let mut decompressor = Decompressor::new().unwrap();
            let (mut at, mut output) = (0, vec![0; 2000]);
            for content in &contents {
                let member = decompressor.gunzip_member(&input[at..], &mut output).unwrap();
                prop_assert_eq!(&output[..member.written], &content[..]);
                at += member.consumed;
            }
            prop_assert_eq!(at, input.len());
        }

        #[test]
        fn a_cut_member_is_bad_data(
            content in prop::collection::vec(any::<u8>(), 0..2000),
            cut in any::<prop::sample::Index>(),
        ) {
            let input = gzip(&content);
            let cut = &input[..cut.index(input.len())];
            prop_assert_eq!(Decompressor::new().unwrap().gunzip_member(cut, &mut [0; 4000]), Err(Failure::BadData));
        }

        #[test]
        fn any_bytes_are_survived(input in prop::collection::vec(any::<u8>(), 0..300), room in 0..300usize) {
            let mut framed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
            framed.extend(input);
            if let Ok(member) = Decompressor::new().unwrap().gunzip_member(&framed, &mut vec![0; room]) {
                prop_assert!(member.consumed <= framed.len() && member.written <= room);
            }
        }
    }
}
