//! Where the bytes of a listed file are: on disk, within an archive, on standard input, or in an S3 bucket.

use crate::decode::read_some;
use crate::s3::Object;
use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Where the bytes of a listed file are.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// In a file at its path.
    #[default]
    Disk,
    /// In a part of an open file.
    Member(Member),
    /// In an S3 bucket.
    Object(Arc<Object>),
}

/// A part of an open file: a member of an archive, or all that came through standard input.
#[derive(Clone, Debug)]
pub struct Member {
    pub(crate) file: Arc<File>,
    /// Where its stored bytes begin.
    pub(crate) offset: u64,
    /// How many bytes are stored.
    pub(crate) length: u64,
    /// In a zip archive: how the bytes are stored, and the checksum of the content.
    pub(crate) zipped: Option<Zipped>,
}

/// How a zip archive stores a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zipped {
    pub(crate) is_deflated: bool,
    pub(crate) crc: u32,
}

impl Member {
    /// Reads the content.
    pub(crate) fn reader(&self) -> Box<dyn Read> {
        let stored =
            Slice { file: Arc::clone(&self.file), at: self.offset, end: self.offset.saturating_add(self.length) };
        match self.zipped {
            None => Box::new(stored),
            Some(Zipped { is_deflated: true, crc }) => {
                Box::new(Verified { reader: CrcReader::new(DeflateDecoder::new(stored)), crc })
            }
            Some(Zipped { is_deflated: false, crc }) => Box::new(Verified { reader: CrcReader::new(stored), crc }),
        }
    }
}

struct Slice {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Slice {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(room.len());
        let count = self.file.read_at(&mut room[..left], self.at)?;
        if count == 0 && left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within the member"));
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// Fails at the end if the content is not what the archive's checksum says.
struct Verified<R> {
    reader: CrcReader<R>,
    crc: u32,
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(room)?;
        if count == 0 && !room.is_empty() && self.reader.crc().sum() != self.crc {
            return Err(io::Error::other("the content is not what the archive's checksum says"));
        }
        Ok(count)
    }
}

/// Copies what a reader gives into a file without a name, which ends with the program. If reading fails on the way, the
/// error comes with what was read before it.
///
/// What needs to be read from its end or more than once, and cannot be, goes through here: it takes disk, not memory.
pub(crate) fn to_temporary_file(mut reader: impl Read) -> io::Result<(File, Option<io::Error>)> {
    let mut file = tempfile::tempfile()?;
    let mut buffer = vec![0; 256 << 10];
    let stopped = loop {
        match read_some(&mut reader, &mut buffer) {
            Ok(0) => break None,
            Ok(count) => file.write_all(&buffer[..count])?,
            Err(stopped) => break Some(stopped),
        }
    };
    file.rewind()?;
    Ok((file, stopped))
}
