//! Archives of logs as folders: their members are listed as files named `archive!member`, each read by itself.
//!
//! An archive is opened when its name says that it is one (`.zip`, `.tar`, `.tar.gz`, `.tgz`, `.tar.zst`): looking into
//! every file before reading any would cost a folder of a million small logs more than reading them. What it is, is
//! then told by its content. A compressed tar archive is unpacked once, into a temporary file, within the bounds of any
//! other compressed file; members of archives within archives are not read, and said to be so.

use crate::decode::{Bounded, Gunzip, Peeked, Unzstd};
use crate::format::{Format, SNIFF_BYTES, sniff};
use crate::list::{FoundFile, ListProblem, Problem};
use crate::read::Limits;
use crate::source::{Member, Source, Zipped, to_temporary_file};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::CompressionMethod;

/// Members listed of one archive. Source: our choice; a year of hourly logs of a hundred accounts has 876,000.
const MEMBERS_MAX: usize = 1_000_000;

const NAMES: [&str; 5] = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst"];

/// What an archive holds that can be read, and what cannot.
pub(crate) type Members = (Vec<FoundFile>, Vec<Problem>);

/// Whether a file's name says that it is an archive.
pub(crate) fn is_named_like_an_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes().to_ascii_lowercase();
    NAMES.iter().any(|end| name.len() > end.len() && name.ends_with(end.as_bytes()))
}

/// The members of an archive, and what could not be listed. `None` if it is no archive: then it is a file like others.
pub(crate) fn members(path: &Path, file: File, limits: &Limits) -> Result<Option<Members>, ListProblem> {
    let unreadable = |cause| ListProblem::UnreadableArchive { cause };
    let mut head = Vec::new();
    (&file).take(SNIFF_BYTES as u64).read_to_end(&mut head).and_then(|_| (&file).rewind()).map_err(unreadable)?;
    let list = match sniff(&head) {
        Format::Zip => zip_members(path, file).map_err(unreadable)?,
        Format::Tar => tar_members(path, file).map_err(unreadable)?,
        Format::Gzip | Format::Zstd => match unpacked(file, limits).map_err(unreadable)? {
            Some((tar, stopped)) => {
                let (files, mut problems) = tar_members(path, tar).map_err(unreadable)?;
                if let Some(cause) = stopped {
                    problems.push(Problem { path: path.to_owned(), reason: ListProblem::UnreadableArchive { cause } });
                }
                (files, problems)
            }
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(list))
}

/// The tar archive within a compressed file, and why it ends early if it does; `None` if it is something else.
fn unpacked(file: File, limits: &Limits) -> io::Result<Option<(File, Option<io::Error>)>> {
    let ceiling_bytes = limits.ceiling_bytes(file.metadata()?.len());
    let source = Peeked::new(BufReader::with_capacity(256 << 10, file));
    let decoder: Box<dyn Read> = match sniff(source.head()) {
        Format::Gzip => Box::new(Gunzip::new(source)),
        _ => Box::new(Unzstd::new(source).ok_or(io::ErrorKind::OutOfMemory)?),
    };
    let content = Peeked::new(BufReader::with_capacity(256 << 10, Bounded::new(decoder, ceiling_bytes)));
    if sniff(content.head()) != Format::Tar {
        return Ok(None);
    }
    to_temporary_file(content).map(Some)
}

fn tar_members(path: &Path, file: File) -> io::Result<Members> {
    let archive_bytes = file.metadata()?.len();
    let shared = Arc::new(file.try_clone()?);
    let mut list = List::new(path);
    for entry in tar::Archive::new(file).entries_with_seek()? {
        let entry = match entry {
            Ok(entry) => entry,
            // A cut archive: what stands before the cut is read.
            Err(cause) => {
                list.problem(b"", ListProblem::UnreadableArchive { cause });
                break;
            }
        };
        let (name, length) = (entry.path_bytes().into_owned(), entry.size());
        let is_cut = entry.raw_file_position().saturating_add(length) > archive_bytes;
        match entry.header().entry_type() {
            // Old archives know folders by their names alone.
            tar::EntryType::Regular if name.ends_with(b"/") && length == 0 => {}
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                let member =
                    Member { file: Arc::clone(&shared), offset: entry.raw_file_position(), length, zipped: None };
                list.member(&name, length, member);
            }
            // A header for all members, as `git archive` writes, says nothing that we need.
            tar::EntryType::Directory | tar::EntryType::XGlobalHeader => {}
            tar::EntryType::GNUSparse => list.problem(&name, ListProblem::UnsupportedMember { kind: "a sparse file" }),
            _ => list.problem(&name, ListProblem::UnsupportedMember { kind: "no file but a link or a device" }),
        }
        if is_cut {
            let cause = io::Error::new(io::ErrorKind::UnexpectedEof, "it ends within a member");
            list.problem(b"", ListProblem::UnreadableArchive { cause });
        }
        if is_cut || list.is_full() {
            break;
        }
    }
    Ok((list.files, list.problems))
}

/// How many members the end of a zip archive says that it has; `None` where it does not say so in sixteen bits.
fn stated_members(file: &File) -> io::Result<Option<u64>> {
    // The end record: a mark, and the number of members ten bytes behind it; a comment of up to 64 KiB may follow.
    const END_BYTES: u64 = 22 + u16::MAX as u64;
    let length = file.metadata()?.len();
    let begin = length.saturating_sub(END_BYTES);
    let mut tail = vec![0; usize::try_from(length - begin).unwrap_or(0)];
    file.read_exact_at(&mut tail, begin)?;
    let end = memchr::memmem::rfind(&tail, b"PK\x05\x06").and_then(|at| tail.get(at + 10..at + 12));
    let count = end.map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    Ok(count.filter(|&count| count != u16::MAX).map(u64::from))
}

fn zip_members(path: &Path, file: File) -> io::Result<Members> {
    let archive_bytes = file.metadata()?.len();
    let shared = Arc::new(file.try_clone()?);
    let stated = stated_members(&file)?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(io::Error::other)?;
    let mut list = List::new(path);
    let left_out = stated.unwrap_or(0).saturating_sub(archive.len() as u64);
    if left_out > 0 {
        list.problem(b"", ListProblem::SameNames { count: left_out });
    }
    let mut member_bytes: u64 = 0;
    for place in 0..archive.len() {
        let entry = match archive.by_index_raw(place) {
            Ok(entry) => entry,
            Err(cause) => {
                list.problem(b"", ListProblem::UnreadableArchive { cause: io::Error::other(cause) });
                continue;
            }
        };
        let name = entry.name_raw().to_vec();
        if entry.is_dir() {
            continue;
        }
        if entry.encrypted() {
            list.problem(&name, ListProblem::UnsupportedMember { kind: "encrypted" });
            continue;
        }
        let is_deflated = match entry.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            _ => {
                list.problem(
                    &name,
                    ListProblem::UnsupportedMember { kind: "compressed by another method than deflate" },
                );
                continue;
            }
        };
        let Some(offset) = entry.data_start() else { continue };
        member_bytes = member_bytes.saturating_add(entry.compressed_size());
        if member_bytes > archive_bytes {
            // Members that share their bytes are how a small archive inflates to petabytes.
            list.problem(b"", ListProblem::OverlappingMembers);
            break;
        }
        let zipped = Some(Zipped { is_deflated, crc: entry.crc32() });
        let member = Member { file: Arc::clone(&shared), offset, length: entry.compressed_size(), zipped };
        list.member(&name, entry.compressed_size(), member);
        if list.is_full() {
            break;
        }
    }
    Ok((list.files, list.problems))
}

struct List<'p> {
    archive: &'p Path,
    files: Vec<FoundFile>,
    problems: Vec<Problem>,
}

impl<'p> List<'p> {
    fn new(archive: &'p Path) -> Self {
        Self { archive, files: Vec::new(), problems: Vec::new() }
    }

    fn member(&mut self, name: &[u8], size: u64, member: Member) {
        let path = member_path(self.archive, name);
        self.files.push(FoundFile { path, size, source: Source::Member(member) });
    }

    fn problem(&mut self, name: &[u8], reason: ListProblem) {
        let path = if name.is_empty() { self.archive.to_owned() } else { member_path(self.archive, name) };
        self.problems.push(Problem { path, reason });
    }

    fn is_full(&mut self) -> bool {
        let is_full = self.files.len() >= MEMBERS_MAX;
        if is_full {
            self.problem(b"", ListProblem::TooManyMembers { limit: MEMBERS_MAX });
        }
        is_full
    }
}

/// `archive!member`. Nothing is ever written to such a path, so `..` in it does no harm.
fn member_path(archive: &Path, name: &[u8]) -> PathBuf {
    let path = [archive.as_os_str().as_bytes(), b"!", name.strip_prefix(b"./").unwrap_or(name)].concat();
    PathBuf::from(std::ffi::OsString::from_vec(path))
}
