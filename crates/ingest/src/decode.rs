//! Decompression as a stream: for what is large, cut, damaged or wrapped more than once.
//!
//! Slower than libdeflate by half, but it needs only a window of memory and gives up every byte before a damage.

use crate::format::{Compression, SNIFF_BYTES, Utf16};
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, ErrorKind, Read};
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

/// The largest window a zstd frame may ask for: 8 MiB, what RFC 8878 §3.1.1.1.2 asks every decoder to support.
///
/// `zstd -19` stays within it; `--ultra -22` and `--long` ask for up to 128 MiB and 2 GiB, which would be two thirds
/// of all our memory for one file.
pub(crate) const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Output asked of zstd in one call. A damaged block loses what this call has written: one block at most.
const ZSTD_BLOCK_BYTES: usize = 128 << 10;

/// Why a stream stopped. Everything before it was handed out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the stream stopped: {self:?}")]
pub(crate) enum Stop {
    Truncated(Compression),
    Corrupt(Compression, String),
    TrailingBytes(Compression),
    WindowTooLarge,
    TooLarge,
}

impl From<Stop> for io::Error {
    fn from(stop: Stop) -> Self {
        Self::other(stop)
    }
}

/// Reads on when a signal came in between.
pub(crate) fn read_some(reader: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(room) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn fill<R: BufRead>(reader: &mut R) -> io::Result<&[u8]> {
    while let Err(error) = reader.fill_buf() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    reader.fill_buf()
}

/// Text in units of two bytes, as UTF-8 and without its mark. What is no character becomes U+FFFD.
pub(crate) struct FromUtf16<R> {
    inner: R,
    order: Utf16,
    /// A byte whose other half did not come yet, and a unit whose second did not.
    half: Option<u8>,
    first: Option<u16>,
    text: Vec<u8>,
    at: usize,
    is_begun: bool,
}

impl<R: BufRead> FromUtf16<R> {
    pub(crate) fn new(inner: R, order: Utf16) -> Self {
        Self { inner, order, half: None, first: None, text: Vec::new(), at: 0, is_begun: false }
    }

    fn push(&mut self, letter: char) {
        let is_mark = !std::mem::replace(&mut self.is_begun, true) && letter == '\u{feff}';
        if !is_mark {
            self.text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn take_unit(&mut self, unit: u16) {
        if let Some(first) = self.first.take() {
            if let Some(Ok(letter)) = char::decode_utf16([first, unit]).next() {
                return self.push(letter);
            }
            self.push(char::REPLACEMENT_CHARACTER);
        }
        match unit {
            0xd800..=0xdbff => self.first = Some(unit),
            unit => self.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    /// Takes what the source has at hand; false at its end.
    fn take_more(&mut self) -> io::Result<bool> {
        const AT_ONCE: usize = 16 << 10;
        let input = fill(&mut self.inner)?;
        let input = input[..input.len().min(AT_ONCE)].to_vec();
        self.inner.consume(input.len());
        if input.is_empty() {
            let is_torn = self.half.take().is_some() | self.first.take().is_some();
            if is_torn {
                self.push(char::REPLACEMENT_CHARACTER);
            }
            return Ok(is_torn);
        }
        for byte in input {
            let Some(half) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            self.take_unit(match self.order {
                Utf16::LittleEndian => u16::from_le_bytes([half, byte]),
                Utf16::BigEndian => u16::from_be_bytes([half, byte]),
            });
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for FromUtf16<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            if !self.take_more()? {
                return Ok(0);
            }
        }
        let count = room.len().min(self.text.len() - self.at);
        room[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// The members of a gzip file, one after the other.
pub(crate) struct Gunzip<R> {
    inner: R,
    inflate: Decompress,
    between_members: bool,
    members: u64,
}

impl<R: BufRead> Gunzip<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, inflate: Decompress::new_gzip(15), between_members: true, members: 0 }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            let input = fill(&mut self.inner)?;
            if self.between_members {
                match input.first() {
                    None => return Ok(0),
                    Some(0x1f) => {}
                    Some(_) if self.members > 0 => return Err(Stop::TrailingBytes(Compression::Gzip).into()),
                    Some(_) => return Err(Stop::Corrupt(Compression::Gzip, "not a gzip header".into()).into()),
                }
                if self.members > 0 {
                    self.inflate.reset(true);
                }
                self.between_members = false;
            }
            let at_end = input.is_empty();
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let result = self.inflate.decompress(input, room, FlushDecompress::None);
            let consumed = (self.inflate.total_in() - before_in) as usize;
            let written = (self.inflate.total_out() - before_out) as usize;
            self.inner.consume(consumed);
            match result {
                // The error will come again at the next call; first what was written before it.
                Err(_) if written > 0 => return Ok(written),
                Err(error) => return Err(Stop::Corrupt(Compression::Gzip, error.to_string()).into()),
                Ok(Status::StreamEnd) => {
                    self.between_members = true;
                    self.members += 1;
                }
                Ok(_) if at_end && written == 0 => return Err(Stop::Truncated(Compression::Gzip).into()),
                // Cannot happen with room and input at hand; if it did, it would be for ever.
                Ok(_) if consumed == 0 && written == 0 => {
                    return Err(Stop::Corrupt(Compression::Gzip, "no progress".into()).into());
                }
                Ok(_) => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

/// A zstd context with the window bound set, if there is memory for one.
pub(crate) fn zstd_context() -> Option<DCtx<'static>> {
    let mut context = DCtx::try_create()?;
    context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).ok()?;
    Some(context)
}

/// The frames of a zstd file, one after the other; skippable frames are skipped.
pub(crate) struct Unzstd<R> {
    inner: R,
    context: DCtx<'static>,
    between_frames: bool,
    frames: u64,
}

impl<R: BufRead> Unzstd<R> {
    /// Nothing if memory is short.
    pub(crate) fn new(inner: R) -> Option<Self> {
        Some(Self { inner, context: zstd_context()?, between_frames: true, frames: 0 })
    }
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        let room_bytes = room.len().min(ZSTD_BLOCK_BYTES);
        loop {
            let input = fill(&mut self.inner)?;
            if self.between_frames {
                match input.first() {
                    None => return Ok(0),
                    Some(0x28 | 0x50..=0x5f) => {}
                    Some(_) if self.frames > 0 => return Err(Stop::TrailingBytes(Compression::Zstd).into()),
                    Some(_) => return Err(Stop::Corrupt(Compression::Zstd, "not a zstd frame".into()).into()),
                }
                self.between_frames = false;
            }
            let at_end = input.is_empty();
            let mut from = InBuffer::around(input);
            let mut to = OutBuffer::around(&mut room[..room_bytes]);
            let result = self.context.decompress_stream(&mut to, &mut from);
            let (consumed, written) = (from.pos(), to.pos());
            self.inner.consume(consumed);
            match result {
                Err(code) => return Err(zstd_stop(code).into()),
                Ok(0) => {
                    self.between_frames = true;
                    self.frames += 1;
                }
                Ok(_) if at_end && written == 0 => return Err(Stop::Truncated(Compression::Zstd).into()),
                // Cannot happen with room and input at hand; if it did, it would be for ever.
                Ok(_) if consumed == 0 && written == 0 => {
                    return Err(Stop::Corrupt(Compression::Zstd, "no progress".into()).into());
                }
                Ok(_) => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

fn zstd_stop(code: usize) -> Stop {
    match get_error_name(code) {
        "Frame requires too much memory for decoding" => Stop::WindowTooLarge,
        name => Stop::Corrupt(Compression::Zstd, name.to_lowercase()),
    }
}

/// Stops a stream that gives more than `left` bytes.
pub(crate) struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    pub(crate) fn new(inner: R, ceiling_bytes: u64) -> Self {
        Self { inner, left: ceiling_bytes }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            // A content of exactly the limit is within it: only a further byte says otherwise.
            return match read_some(&mut self.inner, &mut [0])? {
                0 => Ok(0),
                _ => Err(Stop::TooLarge.into()),
            };
        }
        let room_bytes = usize::try_from(self.left).unwrap_or(usize::MAX).min(room.len());
        let count = self.inner.read(&mut room[..room_bytes])?;
        self.left -= count as u64;
        Ok(count)
    }
}

/// A stream whose first bytes were looked at and are handed out again.
pub(crate) struct Peeked<R> {
    head: Vec<u8>,
    given: usize,
    stop: Option<io::Error>,
    inner: R,
}

impl<R: BufRead> Peeked<R> {
    pub(crate) fn new(mut inner: R) -> Self {
        let mut head = vec![0; SNIFF_BYTES];
        let mut filled = 0;
        let mut stop = None;
        while filled < head.len() {
            match read_some(&mut inner, &mut head[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => {
                    stop = Some(error);
                    break;
                }
            }
        }
        head.truncate(filled);
        Self { head, given: 0, stop, inner }
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }
}

impl<R: BufRead> Read for Peeked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.given == self.head.len() && self.stop.is_none() {
            return self.inner.read(room);
        }
        let count = self.fill_buf()?.read(room)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Peeked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.given < self.head.len() {
            return Ok(&self.head[self.given..]);
        }
        match self.stop.take() {
            Some(error) => Err(error),
            None => self.inner.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        if self.given < self.head.len() {
            self.given = (self.given + count).min(self.head.len());
        } else {
            self.inner.consume(count);
        }
    }
}
