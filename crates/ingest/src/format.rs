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
    /// Text in units of two bytes, which begins with a mark of their order. Windows tools write it.
    Utf16(Utf16),
    /// Something we know and do not read; the name fits after "the content is".
    Unsupported(&'static str),
}

/// The order of the bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Utf16 {
    LittleEndian,
    BigEndian,
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
        _ if head.get(257..262) == Some(b"ustar") || is_old_tar(head) => Format::Tar,
        [0xff, 0xfe, 0, 0, ..] => Format::Text, // Units of four bytes, which nobody writes.
        [0xff, 0xfe, ..] => Format::Utf16(Utf16::LittleEndian),
        [0xfe, 0xff, ..] => Format::Utf16(Utf16::BigEndian),
        _ => Format::Text,
    }
}

/// Whether it begins with a header of a tar archive as Unix Version 7 wrote them, which has no mark: only its checksum, in octal
/// at 148, tells it. It is the sum of the header's bytes, itself taken as blanks.
fn is_old_tar(head: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = head.first_chunk::<SNIFF_BYTES>().filter(|header| header[0] != 0) else { return false };
    let digits = std::str::from_utf8(&header[SUM]).unwrap_or_default().trim_matches([' ', '\0']);
    let Ok(stated) = u32::from_str_radix(digits, 8) else { return false };
    let outside = header[..SUM.start].iter().chain(&header[SUM.end..]);
    let sum: u32 = outside.map(|&byte| u32::from(byte)).sum();
    stated == sum + SUM.len() as u32 * u32::from(b' ')
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
    fn an_old_tar_archive_is_told_by_its_checksum() {
        let mut head = [0; SNIFF_BYTES];
        head[..5].copy_from_slice(b"a.log");
        head[148..156].copy_from_slice(b"000000\0 ");
        assert_eq!(sniff(&head), Format::Text);
        let sum: u32 = head.iter().map(|&byte| u32::from(byte)).sum::<u32>() - 6 * 48 - 32 + 8 * 32;
        head[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        assert_eq!(sniff(&head), Format::Tar);
        head[200] = 1;
        assert_eq!(sniff(&head), Format::Text);
        assert_eq!(sniff(&[b'0'; SNIFF_BYTES]), Format::Text);
    }

    #[test]
    fn text_in_units_of_two_bytes_begins_with_their_order() {
        assert_eq!(sniff(b"\xff\xfe{\0"), Format::Utf16(Utf16::LittleEndian));
        assert_eq!(sniff(b"\xfe\xff\0{"), Format::Utf16(Utf16::BigEndian));
        assert_eq!((sniff(b"\xff\xfe\0\0"), sniff(b"\xff")), (Format::Text, Format::Text));
    }

    #[test]
    fn a_zstd_content_may_begin_with_a_skippable_frame() {
        assert_eq!(sniff(&[0x53, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]), Format::Zstd);
    }
}
