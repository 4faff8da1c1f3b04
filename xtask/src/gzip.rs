//! Gzip through libdeflate: the one module of this crate that calls C.
//!
//! Promises: any bytes may be given; what comes out is never larger than the caller's bound; every buffer handed to C
//! is described by its true length.
#![expect(unsafe_code, reason = "libdeflate has a C interface")]

use anyhow::{bail, ensure};
use libdeflate_sys as c;
use std::ptr::NonNull;

/// What AWS's writers use.
const LEVEL: i32 = 6;

/// Decompresses gzip files into one buffer that is used again for each.
pub(crate) struct Inflater {
    inner: NonNull<c::libdeflate_decompressor>,
    buffer: Vec<u8>,
}

impl Inflater {
    /// A decompressor with an empty buffer.
    pub(crate) fn new() -> anyhow::Result<Self> {
        // SAFETY: takes nothing; a null answer is handled.
        let inner = NonNull::new(unsafe { c::libdeflate_alloc_decompressor() });
        let Some(inner) = inner else { bail!("no memory for a decompressor") };
        Ok(Self { inner, buffer: Vec::new() })
    }

    /// The content of a gzip file of one or more members, of at most `limit` bytes, and behind it `padding` zeros.
    ///
    /// The second part of the answer is the length without the padding.
    pub(crate) fn inflate(&mut self, input: &[u8], padding: usize, limit: usize) -> anyhow::Result<(&[u8], usize)> {
        // The last four bytes tell the size of the last member. They may lie: the buffer grows if it does not suffice.
        let told = input.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize);
        self.reserve(told.min(input.len().saturating_mul(32)).min(limit) + padding);
        let (mut read, mut written) = (0, 0);
        while read < input.len() {
            match self.member(&input[read..], written, padding)? {
                Some((member_read, member_written)) => {
                    read += member_read;
                    written += member_written;
                }
                None => {
                    let larger = self.buffer.len().max(1 << 16) * 2;
                    ensure!(
                        larger <= limit.saturating_mul(2) + padding,
                        "the file inflates to more than {limit} bytes"
                    );
                    self.reserve(larger);
                }
            }
        }
        ensure!(written <= limit, "the file inflates to more than {limit} bytes");
        self.reserve(written + padding);
        self.buffer[written..written + padding].fill(0);
        Ok((&self.buffer[..written + padding], written))
    }

    /// One member's bytes read and written, or nothing if the buffer is too small.
    fn member(&mut self, input: &[u8], at: usize, padding: usize) -> anyhow::Result<Option<(usize, usize)>> {
        let end = self.buffer.len().saturating_sub(padding).max(at);
        let output = self.buffer.get_mut(at..end).unwrap_or_default();
        let (mut read, mut written) = (0, 0);
        // SAFETY: both pointers come from slices whose lengths stand beside them; the decompressor is alive.
        let result = unsafe {
            c::libdeflate_gzip_decompress_ex(
                self.inner.as_ptr(),
                input.as_ptr().cast(),
                input.len(),
                output.as_mut_ptr().cast(),
                output.len(),
                &raw mut read,
                &raw mut written,
            )
        };
        match result {
            c::libdeflate_result_LIBDEFLATE_SUCCESS => Ok(Some((read, written))),
            c::libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Ok(None),
            _ => bail!("not a gzip file, or a damaged one"),
        }
    }

    fn reserve(&mut self, size: usize) {
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        // SAFETY: allocated by libdeflate, freed once.
        unsafe { c::libdeflate_free_decompressor(self.inner.as_ptr()) }
    }
}

/// Compresses files as AWS does.
pub(crate) struct Deflater(NonNull<c::libdeflate_compressor>);

impl Deflater {
    /// A compressor of level 6.
    pub(crate) fn new() -> anyhow::Result<Self> {
        // SAFETY: takes a number; a null answer is handled.
        let inner = NonNull::new(unsafe { c::libdeflate_alloc_compressor(LEVEL) });
        inner.map(Self).ok_or_else(|| anyhow::anyhow!("no memory for a compressor"))
    }

    /// `input` as a gzip file, in `output`, whose former content goes.
    pub(crate) fn deflate(&mut self, input: &[u8], output: &mut Vec<u8>) {
        // SAFETY: the compressor is alive.
        let bound = unsafe { c::libdeflate_gzip_compress_bound(self.0.as_ptr(), input.len()) };
        output.resize(bound, 0);
        // SAFETY: both pointers come from buffers whose lengths stand beside them; the compressor is alive.
        let written = unsafe {
            c::libdeflate_gzip_compress(
                self.0.as_ptr(),
                input.as_ptr().cast(),
                input.len(),
                output.as_mut_ptr().cast(),
                output.len(),
            )
        };
        output.truncate(written);
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        // SAFETY: allocated by libdeflate, freed once.
        unsafe { c::libdeflate_free_compressor(self.0.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: usize = 1 << 20;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        Deflater::new().unwrap().deflate(text, &mut output);
        output
    }

    #[test]
    fn what_was_deflated_inflates_again_with_zeros_behind_it() {
        let text = b"one line\n".repeat(10_000);
        let mut inflater = Inflater::new().unwrap();
        let (content, length) = inflater.inflate(&compressed(&text), 64, MEBIBYTE).unwrap();
        assert_eq!(&content[..length], &text[..]);
        assert_eq!(content[length..], [0; 64]);
    }

    #[test]
    fn members_follow_one_another() {
        let two = [compressed(&b"first ".repeat(5_000)), compressed(b"second")].concat();
        let mut inflater = Inflater::new().unwrap();
        let (content, length) = inflater.inflate(&two, 64, MEBIBYTE).unwrap();
        assert_eq!(length, 30_006);
        assert!(content[..length].ends_with(b"first second"));
    }

    #[test]
    fn a_file_beyond_the_bound_is_refused_and_so_is_a_damaged_one() {
        let mut file = compressed(&vec![b'x'; 4 * MEBIBYTE]);
        let mut inflater = Inflater::new().unwrap();
        assert!(inflater.inflate(&file, 64, MEBIBYTE).is_err());
        file.truncate(100);
        assert!(inflater.inflate(&file, 64, MEBIBYTE).is_err());
        assert!(inflater.inflate(b"plain text", 64, MEBIBYTE).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes: Vec<u8>) {
            let _ = Inflater::new().unwrap().inflate(&bytes, 64, MEBIBYTE);
        }
    }
}
