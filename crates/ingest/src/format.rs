//! What the first bytes of a content say it is.

use std::fmt;

/// How many bytes [`sniff`] wants to see: the mark of a tar archive stands at 257.
pub(crate) const SNIFF_BYTES: usize = 512;

/// How a content was compressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// One or more gzip members (RFC 1952).
    Gzip,
    /// One or more Zstandard frames (RFC 8878).
    Zstd,
}

impl Compression {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What a content is, as far as its first bytes tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// Anything without a mark we know: log text, we hope.
    Text,
    Gzip,
    Zstd,
    Parquet,
    /// An archive, which [`crate::list`] takes apart if its name says what it is.
    Zip,
    /// As [`Self::Zip`].
    Tar,
    /// Something we know and do not read; the name fits after "the content is".
    Unsupported(&'static str),
}

/// Tells a content by its first [`SNIFF_BYTES`] bytes.
pub(crate) fn sniff(head: &[u8]) -> Format {
    match head {
        [0x1f, 0x8b, ..] => Format::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Format::Zstd,
        [b'P', b'A', b'R', b'1', ..] => Format::Parquet,
        [b'P', b'A', b'R', b'E', ..] => Format::Unsupported("an encrypted Parquet file"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Format::Unsupported("bzip2 data"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Format::Unsupported("xz data"),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Format::Zip,
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Format::Unsupported("a 7z archive"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Format::Unsupported("a rar archive"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Format::Unsupported("lz4 data"),
        [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Format::Unsupported("framed snappy data"),
        [0x1f, 0x9d, ..] => Format::Unsupported("compress (.Z) data"),
        [b'O', b'b', b'j', 1, ..] => Format::Unsupported("an Avro file"),
        [b'O', b'R', b'C', ..] if !head.is_ascii() => Format::Unsupported("an ORC file"),
        _ if head.get(257..262) == Some(b"ustar") => Format::Tar,
        _ => Format::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_has_no_mark() {
        for text in
            [&b"{\"Records\":[]}"[..], b"version account-id", b"2 123456789012 eni-1", b"", b"\x1f", b"BZh9 is text"]
        {
            assert_eq!(sniff(text), Format::Text, "{text:?}");
        }
    }

    #[test]
    fn a_tar_archive_is_told_by_its_mark_at_257() {
        let mut head = [0; SNIFF_BYTES];
        head[257..262].copy_from_slice(b"ustar");
        assert_eq!(sniff(&head), Format::Tar);
    }

    #[test]
    fn a_zstd_content_may_begin_with_a_skippable_frame() {
        assert_eq!(sniff(&[0x53, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]), Format::Zstd);
    }
}
