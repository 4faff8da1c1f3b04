//! One file: open, tell its compression, take it off, hand the content over, and account for it.

use crate::decode::{Bounded, FromUtf16, Gunzip, Peeked, Stop, Unzstd, ZSTD_WINDOW_LOG_MAX, read_some, zstd_context};
use crate::format::{Compression, Format, SNIFF_BYTES, sniff};
use crate::libdeflate::{Decompressor, Failure};
use crate::list::FoundFile;
use crate::pieces::{Content, Overlong, ParquetSource, Splitter, Total, grow, grow_to, whole};
use crate::queue::Fetched;
use crate::source::{Source, to_temporary_file};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use twox_hash::XxHash3_128;
use xxhash_rust::xxh3::Xxh3;
use zstd::zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective};

/// Compressions around one another that are taken off: gzip in gzip happens when a shipper compresses what AWS had
/// compressed already. More of them is nothing we have seen anyone do but to do harm.
const LAYERS_MAX: u32 = 2;

/// What is read at a time from a file that is too large to be read whole, and between two layers.
const STREAM_BUFFER_BYTES: usize = 256 << 10;

/// Buffers grown beyond this are given back after the file that needed them. 40 MiB, above [`Limits::whole_bytes`]:
/// making a buffer of a large flow log's size anew for each file costs as much in page faults as inflating it.
const KEPT_BUFFER_BYTES: usize = 40 << 20;

/// How much one file may take.
///
/// Memory: a reader holds at most `whole_bytes` of content, `compressed_whole_bytes` of file and 8 MiB of zstd window,
/// 56 MiB with the defaults; two readers thus stay under half of the 256 MiB that the program allows itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Contents smaller than this are handed over whole; larger ones in pieces of up to this size. A single record as
    /// large as this is skipped and reported. 32 MiB: a CloudTrail file holds a few MiB, an event at most 256 KiB.
    pub whole_bytes: usize,
    /// Files up to this size are read into memory before they are decompressed, which is the fast way. 16 MiB.
    pub compressed_whole_bytes: usize,
    /// What a compressed file may grow to. The content up to there is handed over, the rest is not read, and the file
    /// is reported as too large. 8 GiB.
    pub decompressed_bytes_max: u64,
    /// Beyond [`ratio_free_bytes`](Self::ratio_free_bytes) a file may not grow to more than this many times its size
    /// either. 2,000: deflate cannot exceed 1,032, and logs give 10 to 100, so only a nested or a zstd bomb gets there.
    pub ratio_max: u64,
    /// Growth that is allowed whatever the ratio. 256 MiB: cheap to read, and a quiet log may repeat itself a lot.
    pub ratio_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            whole_bytes: 32 << 20,
            compressed_whole_bytes: 16 << 20,
            decompressed_bytes_max: 8 << 30,
            ratio_max: 2_000,
            ratio_free_bytes: 256 << 20,
        }
    }
}

impl Limits {
    /// What a file of this size may grow to.
    pub(crate) fn ceiling_bytes(&self, compressed_bytes: u64) -> u64 {
        let by_ratio = compressed_bytes.saturating_mul(self.ratio_max).max(self.ratio_free_bytes);
        self.decompressed_bytes_max.min(by_ratio)
    }
}

/// Why a file gave less than it might have. What was decompressed before is handed over all the same.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// The operating system refused, at the start or on the way.
    #[error("could not read the file")]
    Unreadable {
        /// Its reason.
        #[source]
        cause: io::Error,
    },
    /// Half an upload, half a download.
    #[error("the {compression} data ends early, after {at_bytes} bytes of content")]
    Truncated {
        /// Of the layer that was cut.
        compression: Compression,
        /// Content handed over before the cut.
        at_bytes: u64,
    },
    /// A checksum, a length or the data itself is wrong.
    #[error("the {compression} data is damaged after {at_bytes} bytes of content: {detail}")]
    Corrupt {
        /// Of the layer that is damaged.
        compression: Compression,
        /// Content handed over before the damage was noticed. A wrong checksum is noticed only at the end.
        at_bytes: u64,
        /// What the decompressor says.
        detail: String,
    },
    /// A decompression bomb, or a log beyond all measure.
    #[error("the content grows beyond the limit of {limit_bytes} bytes; the rest was not read")]
    TooLarge {
        /// The limit it met, for a file of this size.
        limit_bytes: u64,
    },
    /// Known, and not read.
    #[error("the content is {format}, which is not supported")]
    Unsupported {
        /// Fits after "the content is".
        format: &'static str,
    },
    /// Compressed more than twice over.
    #[error("the content is compressed more than {LAYERS_MAX} times over")]
    TooManyLayers,
    /// Nothing in it, compressed or not.
    #[error("the file is empty")]
    Empty,
    /// Padding or garbage; the content itself is complete.
    #[error("the bytes after the end of the {compression} data were ignored")]
    TrailingBytes {
        /// Of the layer they follow.
        compression: Compression,
    },
    /// Lines or array elements that no log has.
    #[error("{records} records of {limit_bytes} bytes or more were skipped, {bytes} bytes together")]
    OverlongRecords {
        /// How many.
        records: u64,
        /// What they took.
        bytes: u64,
        /// What would have been read.
        limit_bytes: u64,
    },
}

/// The account of one file.
#[derive(Debug)]
pub struct FileOutcome {
    /// Its size as it was read.
    pub compressed_bytes: u64,
    /// The size of its content, as far as it was read.
    pub bytes: u64,
    /// The outermost compression.
    pub compression: Compression,
    /// XXH3-128 of the content, as far as it was read: equal contents have equal hashes, however compressed.
    pub content_hash: u128,
    /// What was wrong with it; mostly nothing.
    pub problems: Vec<FileProblem>,
}

/// Buffers and decompressors to be reused from file to file: one for each thread that reads.
#[derive(Default)]
pub struct Scratch {
    input: Vec<u8>,
    /// Its length is what was ever zeroed, not what is filled.
    buffer: Vec<u8>,
    libdeflate: Option<Decompressor>,
    zstd: Option<DCtx<'static>>,
}

impl Scratch {
    /// Allocates nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn give_back(&mut self) {
        for buffer in [&mut self.input, &mut self.buffer] {
            if buffer.capacity() > KEPT_BUFFER_BYTES {
                *buffer = Vec::new();
            }
        }
    }
}

/// Reads one file and hands over its content, whole or in pieces, in order. `fetched` is what was fetched of it before
/// its turn, if anything.
///
/// Never fails as a whole: what went wrong is in the outcome, and what could be read before was handed over.
pub fn read(
    file: &FoundFile,
    fetched: Option<Fetched>,
    limits: &Limits,
    scratch: &mut Scratch,
    each: &mut dyn FnMut(Content<'_>),
) -> FileOutcome {
    let mut outcome = FileOutcome {
        compressed_bytes: file.size,
        bytes: 0,
        compression: Compression::Plain,
        content_hash: XxHash3_128::oneshot(b""),
        problems: Vec::new(),
    };
    let opened = match (&file.source, fetched) {
        (_, Some(fetched)) => match fetched.bytes {
            Ok(bytes) => {
                outcome.compressed_bytes = bytes.len() as u64;
                read_whole(&bytes, limits, scratch, each, &mut outcome);
                Ok(())
            }
            Err(cause) => Err(cause),
        },
        (Source::Disk, None) => File::open(&file.path).map(|opened| {
            // The size at listing may be outdated and that of special files is zero, so it is only a hint.
            outcome.compressed_bytes = opened.metadata().map_or(0, |metadata| metadata.len());
            read_opened(Opened::File(opened), limits, scratch, each, &mut outcome);
        }),
        (Source::Member(member), None) => {
            read_opened(Opened::Stream(member.reader()), limits, scratch, each, &mut outcome);
            Ok(())
        }
        (Source::Object(object), None) => {
            read_opened(Opened::Stream(Box::new(object.reader())), limits, scratch, each, &mut outcome);
            Ok(())
        }
    };
    if let Err(cause) = opened {
        outcome.problems.push(FileProblem::Unreadable { cause });
    }
    scratch.give_back();
    outcome
}

/// A file that can be read at any place, or what can be read once, from the front.
enum Opened {
    File(File),
    Stream(Box<dyn Read>),
}

impl Read for Opened {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(room),
            Self::Stream(stream) => stream.read(room),
        }
    }
}

impl Opened {
    /// All of it as a file, the part that was read already given back by `head`.
    fn into_file(self, head: &[u8]) -> io::Result<File> {
        match self {
            Self::File(file) => Ok(file),
            Self::Stream(stream) => match to_temporary_file(head.chain(stream))? {
                (_, Some(stopped)) => Err(stopped),
                (file, None) => Ok(file),
            },
        }
    }
}

fn read_opened(
    mut file: Opened,
    limits: &Limits,
    scratch: &mut Scratch,
    each: &mut dyn FnMut(Content<'_>),
    outcome: &mut FileOutcome,
) {
    let whole_bytes_max = limits.compressed_whole_bytes as u64;
    let mut input = std::mem::take(&mut scratch.input);
    input.clear();
    let wanted = if outcome.compressed_bytes <= whole_bytes_max {
        input.reserve(outcome.compressed_bytes as usize + 1);
        whole_bytes_max + 1
    } else {
        SNIFF_BYTES as u64
    };
    if let Err(cause) = (&mut file).take(wanted).read_to_end(&mut input) {
        outcome.problems.push(FileProblem::Unreadable { cause });
        if wanted == SNIFF_BYTES as u64 {
            return;
        }
    }
    if wanted > whole_bytes_max && input.len() as u64 <= whole_bytes_max {
        if let Opened::File(_) = file {
            outcome.compressed_bytes = input.len() as u64;
        }
        read_whole(&input, limits, scratch, each, outcome);
    } else if sniff(&input) == Format::Parquet {
        match file.into_file(&input) {
            Ok(mut file) => read_parquet_file(&mut file, scratch, each, outcome),
            Err(cause) => outcome.problems.push(FileProblem::Unreadable { cause }),
        }
    } else {
        let head = io::Cursor::new(std::mem::take(&mut input));
        let source = head.chain(BufReader::with_capacity(STREAM_BUFFER_BYTES, file));
        read_stream(Box::new(source), limits, &mut scratch.buffer, each, outcome);
    }
    scratch.input = input;
}

/// The common way: the file is in memory, and so will be its content.
fn read_whole(
    input: &[u8],
    limits: &Limits,
    scratch: &mut Scratch,
    each: &mut dyn FnMut(Content<'_>),
    outcome: &mut FileOutcome,
) {
    let Scratch { input: _, buffer, libdeflate, zstd } = scratch;
    let bytes_max = limits.whole_bytes.min(limits.ceiling_bytes(input.len() as u64).try_into().unwrap_or(usize::MAX));
    let inflated = match sniff(input) {
        Format::Gzip => gunzip_whole(input, buffer, bytes_max, libdeflate),
        Format::Zstd => unzstd_whole(input, buffer, bytes_max, zstd),
        Format::Utf16(_) => None,
        _ if input.len() < limits.whole_bytes => return hand_over_whole(input, each, outcome),
        _ => None,
    };
    match inflated {
        Some(inflated)
            if !matches!(sniff(&buffer[..inflated.bytes]), Format::Gzip | Format::Zstd | Format::Utf16(_)) =>
        {
            outcome.compression = inflated.compression;
            if inflated.trailing {
                outcome.problems.push(FileProblem::TrailingBytes { compression: inflated.compression });
            }
            hand_over_whole(&buffer[..inflated.bytes], each, outcome);
        }
        _ => read_stream(Box::new(input), limits, buffer, each, outcome),
    }
}

fn hand_over_whole(content: &[u8], each: &mut dyn FnMut(Content<'_>), outcome: &mut FileOutcome) {
    outcome.bytes = content.len() as u64;
    outcome.content_hash = XxHash3_128::oneshot(content);
    match sniff(content) {
        Format::Parquet => each(Content::Parquet(ParquetSource::Bytes(content))),
        Format::Zip => outcome.problems.push(FileProblem::Unsupported { format: ZIP }),
        Format::Tar => outcome.problems.push(FileProblem::Unsupported { format: TAR }),
        Format::Unsupported(format) => outcome.problems.push(FileProblem::Unsupported { format }),
        _ if !content.is_empty() => each(Content::Text(whole(content, outcome.content_hash))),
        _ if outcome.problems.is_empty() => outcome.problems.push(FileProblem::Empty),
        _ => {}
    }
}

/// A content that was decompressed in one go.
struct Inflated {
    compression: Compression,
    bytes: usize,
    trailing: bool,
}

/// Nothing if the content is not smaller than the bound or anything is wrong with it: the stream will see and say what.
fn gunzip_whole(
    input: &[u8],
    buffer: &mut Vec<u8>,
    bytes_max: usize,
    libdeflate: &mut Option<Decompressor>,
) -> Option<Inflated> {
    if libdeflate.is_none() {
        *libdeflate = Decompressor::new();
    }
    let libdeflate = libdeflate.as_mut()?;
    grow_to(buffer, stated_length(input).min(bytes_max));
    let (mut at, mut filled) = (0, 0);
    while input.get(at) == Some(&0x1f) {
        let end = buffer.len().min(bytes_max);
        match libdeflate.gunzip_member(&input[at..], &mut buffer[filled..end]) {
            Ok(member) => {
                at += member.consumed;
                filled += member.written;
            }
            // The length in the trailer was a lie, or there are several members.
            Err(Failure::OutputTooSmall) if end < bytes_max => grow(buffer, bytes_max),
            Err(_) => return None,
        }
    }
    (filled < bytes_max).then_some(Inflated {
        compression: Compression::Gzip,
        bytes: filled,
        trailing: at < input.len(),
    })
}

/// The length that a gzip file's trailer states, and one byte more, as a first guess at the room that it needs: it may
/// lie, so it counts for no more than deflate's best ratio allows.
fn stated_length(input: &[u8]) -> usize {
    const DEFLATE_RATIO_MAX: usize = 1_032;
    let stated = input.last_chunk::<4>().map_or(0, |trailer| u32::from_le_bytes(*trailer) as usize);
    stated.min(input.len().saturating_mul(DEFLATE_RATIO_MAX)).saturating_add(1)
}

/// As [`gunzip_whole`].
fn unzstd_whole(
    input: &[u8],
    buffer: &mut Vec<u8>,
    bytes_max: usize,
    zstd: &mut Option<DCtx<'static>>,
) -> Option<Inflated> {
    if zstd.is_none() {
        *zstd = zstd_context();
    }
    let context = zstd.as_mut()?;
    context.reset(ResetDirective::SessionOnly).ok()?;
    let (mut at, mut filled) = (0, 0);
    while matches!(input.get(at), Some(0x28 | 0x50..=0x5f)) {
        loop {
            let end = buffer.len().min(bytes_max);
            let mut from = InBuffer::around(&input[at..]);
            let mut to = OutBuffer::around(&mut buffer[filled..end]);
            let result = context.decompress_stream(&mut to, &mut from);
            let (consumed, written) = (from.pos(), to.pos());
            at += consumed;
            filled += written;
            match result {
                Ok(0) => break,
                Ok(_) if filled == end && end < bytes_max => grow(buffer, bytes_max),
                Ok(_) if consumed == 0 && written == 0 => return None,
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
    (filled < bytes_max).then_some(Inflated {
        compression: Compression::Zstd,
        bytes: filled,
        trailing: at < input.len(),
    })
}

/// The general way: any size, any damage, several layers.
fn read_stream(
    source: Box<dyn BufRead + '_>,
    limits: &Limits,
    buffer: &mut Vec<u8>,
    each: &mut dyn FnMut(Content<'_>),
    outcome: &mut FileOutcome,
) {
    let ceiling_bytes = limits.ceiling_bytes(outcome.compressed_bytes);
    let mut reader = Peeked::new(source);
    for layer in 0.. {
        let format = sniff(reader.head());
        let compression = match format {
            Format::Gzip => Compression::Gzip,
            Format::Zstd => Compression::Zstd,
            Format::Zip => return outcome.problems.push(FileProblem::Unsupported { format: ZIP }),
            Format::Tar => return outcome.problems.push(FileProblem::Unsupported { format: TAR }),
            Format::Unsupported(format) => return outcome.problems.push(FileProblem::Unsupported { format }),
            Format::Text | Format::Utf16(_) | Format::Parquet => break,
        };
        if layer == 0 {
            outcome.compression = compression;
        }
        if layer == LAYERS_MAX {
            return outcome.problems.push(FileProblem::TooManyLayers);
        }
        let Some(decoder) = decoder(reader, compression) else {
            let cause = io::ErrorKind::OutOfMemory.into();
            return outcome.problems.push(FileProblem::Unreadable { cause });
        };
        let bounded = BufReader::with_capacity(STREAM_BUFFER_BYTES, Bounded::new(decoder, ceiling_bytes));
        reader = Peeked::new(Box::new(bounded));
    }
    match sniff(reader.head()) {
        Format::Parquet => return read_parquet_stream(reader, limits, buffer, each, outcome),
        Format::Utf16(order) => {
            let text = BufReader::with_capacity(STREAM_BUFFER_BYTES, FromUtf16::new(reader, order));
            reader = Peeked::new(Box::new(text));
        }
        _ => {}
    }
    let mut splitter = Splitter::new(buffer, limits.whole_bytes, each);
    let stopped = loop {
        match read_some(&mut reader, splitter.room()) {
            Ok(0) => break None,
            Ok(count) => splitter.advance(count),
            Err(error) => break Some(error),
        }
    };
    let Total { bytes, hash, overlong } = splitter.finish();
    outcome.bytes = bytes;
    outcome.content_hash = hash;
    note_overlong(overlong, limits, outcome);
    match stopped {
        Some(error) => outcome.problems.push(problem_of(error, bytes, ceiling_bytes)),
        None if bytes == 0 && outcome.problems.is_empty() => outcome.problems.push(FileProblem::Empty),
        None => {}
    }
}

fn decoder<'r>(reader: Peeked<Box<dyn BufRead + 'r>>, compression: Compression) -> Option<Box<dyn Read + 'r>> {
    Some(match compression {
        Compression::Plain => Box::new(reader),
        Compression::Gzip => Box::new(Gunzip::new(reader)),
        Compression::Zstd => Box::new(Unzstd::new(reader)?),
    })
}

fn note_overlong(overlong: Overlong, limits: &Limits, outcome: &mut FileOutcome) {
    if overlong.records > 0 {
        outcome.problems.push(FileProblem::OverlongRecords {
            records: overlong.records,
            bytes: overlong.bytes,
            limit_bytes: limits.whole_bytes as u64,
        });
    }
}

fn problem_of(error: io::Error, at_bytes: u64, limit_bytes: u64) -> FileProblem {
    match error.downcast::<Stop>() {
        Err(cause) => FileProblem::Unreadable { cause },
        Ok(Stop::Truncated(compression)) => FileProblem::Truncated { compression, at_bytes },
        Ok(Stop::Corrupt(compression, detail)) => FileProblem::Corrupt { compression, at_bytes, detail },
        Ok(Stop::TrailingBytes(compression)) => FileProblem::TrailingBytes { compression },
        Ok(Stop::TooLarge) => FileProblem::TooLarge { limit_bytes },
        Ok(Stop::WindowTooLarge) => FileProblem::Unsupported { format: ZSTD_WINDOW_TOO_LARGE },
    }
}

const ZIP: &str = "a zip archive within another file, or one whose name does not end in .zip";
const TAR: &str =
    "a tar archive within another file, or one whose name does not end in .tar, .tar.gz, .tgz or .tar.zst";
const ZSTD_WINDOW_TOO_LARGE: &str = "zstd data with a window of more than 8 MiB";
const _: () = assert!(1 << ZSTD_WINDOW_LOG_MAX == 8 << 20);

/// A large Parquet file: only its hash is taken here.
fn read_parquet_file(
    file: &mut File,
    scratch: &mut Scratch,
    each: &mut dyn FnMut(Content<'_>),
    outcome: &mut FileOutcome,
) {
    if scratch.buffer.len() < STREAM_BUFFER_BYTES {
        grow(&mut scratch.buffer, STREAM_BUFFER_BYTES);
    }
    let mut hash = Xxh3::new();
    let hashed = file.rewind().and_then(|()| {
        loop {
            match read_some(file, &mut scratch.buffer)? {
                0 => return Ok(()),
                count => {
                    hash.update(&scratch.buffer[..count]);
                    outcome.bytes += count as u64;
                }
            }
        }
    });
    outcome.content_hash = hash.digest128();
    match hashed {
        Ok(()) => each(Content::Parquet(ParquetSource::File(file))),
        Err(cause) => outcome.problems.push(FileProblem::Unreadable { cause }),
    }
}

/// A Parquet file that somebody compressed once more: it must fit in memory, for its index stands at its end.
fn read_parquet_stream(
    mut reader: impl Read,
    limits: &Limits,
    buffer: &mut Vec<u8>,
    each: &mut dyn FnMut(Content<'_>),
    outcome: &mut FileOutcome,
) {
    let mut filled = 0;
    loop {
        if filled == limits.whole_bytes {
            return outcome.problems.push(FileProblem::TooLarge { limit_bytes: limits.whole_bytes as u64 });
        }
        if filled == buffer.len() {
            grow(buffer, limits.whole_bytes);
        }
        let end = buffer.len().min(limits.whole_bytes);
        match read_some(&mut reader, &mut buffer[filled..end]) {
            Ok(0) => return hand_over_whole(&buffer[..filled], each, outcome),
            Ok(count) => filled += count,
            Err(error) => {
                let ceiling_bytes = limits.ceiling_bytes(outcome.compressed_bytes);
                let problem = problem_of(error, filled as u64, ceiling_bytes);
                let complete = matches!(problem, FileProblem::TrailingBytes { .. });
                outcome.problems.push(problem);
                if complete {
                    hand_over_whole(&buffer[..filled], each, outcome);
                }
                return;
            }
        }
    }
}
