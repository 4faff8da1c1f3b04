//! Every file below some paths, in one order, each once; and a reason for every path that gives none.

use crate::archive;
use crate::origin::{PathOrigin, origin_from_path};
use crate::read::Limits;
use crate::s3::{self, Narrowing};
use crate::source::{Member, Source, to_temporary_file};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What is there to read, and what is not.
#[derive(Debug, Default)]
pub struct Listing {
    /// In the order of their paths' bytes: the same folder gives the same list everywhere.
    pub files: Vec<FoundFile>,
    /// In the order of their paths' bytes.
    pub problems: Vec<Problem>,
}

/// A file to read.
#[derive(Clone, Debug)]
pub struct FoundFile {
    /// Its name: a path, `archive!member`, `s3://bucket/key`, or `-`.
    pub path: PathBuf,
    /// Its size, as it is stored, when it was listed.
    pub size: u64,
    /// Where its bytes are.
    pub source: Source,
}

impl FoundFile {
    /// A file on disk.
    pub fn on_disk(path: PathBuf, size: u64) -> Self {
        Self { path, size, source: Source::Disk }
    }

    /// What the file's place says about its records; the folders within an archive count as others do.
    pub fn origin(&self) -> PathOrigin {
        match self.source {
            Source::Member(_) => {
                let path = bytes_of(&self.path).iter().map(|&byte| if byte == b'!' { b'/' } else { byte });
                origin_from_path(Path::new(OsStr::from_bytes(&path.collect::<Vec<u8>>())))
            }
            Source::Disk | Source::Object(_) => origin_from_path(&self.path),
        }
    }

    /// The path as text that means one path only; see [`Problem::display`].
    pub fn display(&self) -> String {
        display(&self.path)
    }
}

/// A path that gives nothing to read.
#[derive(Debug)]
pub struct Problem {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub reason: ListProblem,
}

impl Problem {
    /// The path as text that means one path only and is safe to print.
    ///
    /// Bytes that are not UTF-8, control characters and characters that change the direction of writing stand as
    /// `\xNN`, a backslash as two.
    pub fn display(&self) -> String {
        display(&self.path)
    }
}

/// Why a path gives nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum ListProblem {
    /// There is nothing there.
    #[error("there is no such file or folder")]
    NotFound,
    /// A symbolic link to nothing.
    #[error("the symbolic link leads nowhere")]
    DanglingLink,
    /// The operating system refused to say what it is.
    #[error("could not look at the file")]
    UnreadableFile {
        /// Its reason.
        #[source]
        cause: io::Error,
    },
    /// The operating system refused to say what is in it.
    #[error("could not list the folder")]
    UnreadableFolder {
        /// Its reason.
        #[source]
        cause: io::Error,
    },
    /// A socket, a pipe, a device: reading it may never end.
    #[error("not a file but {kind}")]
    NotAFile {
        /// Fits after "not a file but".
        kind: &'static str,
    },
    /// A link to a file that is read under another name.
    #[error("the same file as `{}`, which is read", display(first))]
    SameFile {
        /// The name it is read under: a real one rather than one through links, else the first in order.
        first: PathBuf,
    },
    /// An archive that could not be listed, or not to its end.
    #[error("could not list the archive to its end")]
    UnreadableArchive {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A member of an archive that is no plain file.
    #[error("the archive's member is {kind}, which is not supported")]
    UnsupportedMember {
        /// Fits after "is".
        kind: &'static str,
    },
    /// An archive made to inflate without end.
    #[error("the archive's members share their bytes, as in a decompression bomb; those beyond its size were left out")]
    OverlappingMembers,
    /// Members of which the directory of a zip archive keeps only the last.
    #[error("{count} members share their names with others; only the last of each name was read")]
    SameNames {
        /// How many were left out.
        count: u64,
    },
    /// More members than anyone needs.
    #[error("the archive has more than {limit} members; the rest was left out")]
    TooManyMembers {
        /// How many were taken.
        limit: usize,
    },
    /// Standard input could not be kept.
    #[error("could not read standard input to its end")]
    StandardInput {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A bucket, or what is below a prefix, could not be listed.
    #[error("{0}")]
    Bucket(String),
    /// A link to a folder that is read under another name, perhaps one that contains this link.
    #[error("the same folder as `{}`, which is read", display(first))]
    SameFolder {
        /// The name it is read under.
        first: PathBuf,
    },
}

/// Lists the files at and below some paths: files, folders, archives, `-` for standard input, `s3://bucket/prefix`.
/// Hidden files too; symbolic links are followed.
///
/// Of buckets only what may hold records of the `narrowing` is listed.
///
/// Each file and each folder is taken once, whatever links lead to it, so that links in a ring end and no record is
/// counted twice; a real name is preferred to one through a link, because AWS keeps the account and region in it.
pub fn list(paths: &[PathBuf], limits: &Limits, narrowing: &Narrowing) -> Listing {
    let mut walk = Walk::default();
    let mut starts = paths.to_vec();
    starts.sort_by(|a, b| bytes_of(a).cmp(bytes_of(b)));
    starts.dedup();
    let (buckets, starts): (Vec<_>, Vec<_>) = starts.into_iter().partition(|start| s3::is_address(start));
    for start in starts {
        if start.as_os_str() == STANDARD_INPUT { walk.standard_input() } else { walk.visit(start) }
    }
    // Links wait until everything with a real name is taken. Links found behind links come after these.
    while !walk.links.is_empty() {
        for link in std::mem::take(&mut walk.links) {
            walk.follow(link);
        }
    }
    s3::list(&buckets, narrowing, &mut walk.listing);
    open_archives(&mut walk.listing, limits);
    walk.listing.files.sort_by(|a, b| bytes_of(&a.path).cmp(bytes_of(&b.path)));
    walk.listing.problems.sort_by(|a, b| bytes_of(&a.path).cmp(bytes_of(&b.path)));
    walk.listing
}

/// Puts the members of archives in the place of the archives.
fn open_archives(listing: &mut Listing, limits: &Limits) {
    let listed = std::mem::take(&mut listing.files);
    for file in listed {
        let content = match &file.source {
            _ if !archive::is_named_like_an_archive(&file.path) => None,
            Source::Disk => File::open(&file.path).ok(), // What cannot be opened is said when it is read.
            Source::Object(object) => match object.fetch_to_disk() {
                Ok(content) => Some(content),
                Err(cause) => {
                    listing
                        .problems
                        .push(Problem { path: file.path, reason: ListProblem::UnreadableArchive { cause } });
                    continue;
                }
            },
            Source::Member(_) => None,
        };
        match content.map(|content| archive::members(&file.path, content, limits)) {
            Some(Ok(Some((members, problems)))) => {
                listing.files.extend(members);
                listing.problems.extend(problems);
            }
            Some(Err(reason)) => listing.problems.push(Problem { path: file.path, reason }),
            Some(Ok(None)) | None => listing.files.push(file),
        }
    }
}

/// Device and inode: what makes a file that file.
type FileId = (u64, u64);

#[derive(Default)]
struct Walk {
    listing: Listing,
    links: Vec<PathBuf>,
    taken: HashMap<FileId, PathBuf>,
}

impl Walk {
    /// Takes what has a real name, at `start` and below, and remembers the links.
    fn visit(&mut self, start: PathBuf) {
        // A stack of our own: the depth of a folder tree is up to whoever made it.
        let mut pending = vec![start];
        while let Some(path) = pending.pop() {
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => self.links.push(path),
                Ok(metadata) => self.take(path, &metadata, &mut pending),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => self.problem(path, ListProblem::NotFound),
                Err(cause) => self.problem(path, ListProblem::UnreadableFile { cause }),
            }
        }
    }

    /// Keeps what comes through standard input: it can be read only once, and a Parquet file only from its end.
    fn standard_input(&mut self) {
        let path = PathBuf::from(STANDARD_INPUT);
        let kept = to_temporary_file(io::stdin().lock()).and_then(|(file, stopped)| match stopped {
            Some(stopped) => Err(stopped),
            None => Ok((file.metadata()?.len(), file)),
        });
        match kept {
            Ok((length, file)) => {
                let member = Member { file: Arc::new(file), offset: 0, length, zipped: None };
                self.listing.files.push(FoundFile { path, size: length, source: Source::Member(member) });
            }
            Err(cause) => self.problem(path, ListProblem::StandardInput { cause }),
        }
    }

    /// Takes what a link leads to.
    fn follow(&mut self, link: PathBuf) {
        let mut pending = Vec::new();
        match fs::metadata(&link) {
            Ok(metadata) => self.take(link, &metadata, &mut pending),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => self.problem(link, ListProblem::DanglingLink),
            Err(cause) => self.problem(link, ListProblem::UnreadableFile { cause }),
        }
        pending.into_iter().rev().for_each(|path| self.visit(path));
    }

    fn take(&mut self, path: PathBuf, metadata: &Metadata, pending: &mut Vec<PathBuf>) {
        let file_type = metadata.file_type();
        if !file_type.is_dir() && !file_type.is_file() {
            return self.problem(path, ListProblem::NotAFile { kind: kind_of(file_type) });
        }
        let id = (metadata.dev(), metadata.ino());
        if let Some(first) = self.taken.get(&id).cloned() {
            let reason =
                if file_type.is_dir() { ListProblem::SameFolder { first } } else { ListProblem::SameFile { first } };
            return self.problem(path, reason);
        }
        self.taken.insert(id, path.clone());
        if file_type.is_dir() {
            self.list_folder(path, pending);
        } else {
            self.listing.files.push(FoundFile::on_disk(path, metadata.len()));
        }
    }

    /// Puts what is in a folder on the stack, the first in order on top.
    fn list_folder(&mut self, path: PathBuf, pending: &mut Vec<PathBuf>) {
        let below = pending.len();
        match fs::read_dir(&path) {
            Err(cause) => self.problem(path, ListProblem::UnreadableFolder { cause }),
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => pending.push(entry.path()),
                        Err(cause) => {
                            // The iterator may give the same error for ever.
                            self.problem(path, ListProblem::UnreadableFolder { cause });
                            break;
                        }
                    }
                }
                pending[below..].sort_by(|a, b| bytes_of(b).cmp(bytes_of(a)));
            }
        }
    }

    fn problem(&mut self, path: PathBuf, reason: ListProblem) {
        self.listing.problems.push(Problem { path, reason });
    }
}

fn kind_of(file_type: FileType) -> &'static str {
    if file_type.is_fifo() {
        "a named pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else if file_type.is_block_device() || file_type.is_char_device() {
        "a device"
    } else {
        "something else"
    }
}

fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn display(path: &Path) -> String {
    let mut text = String::with_capacity(path.as_os_str().len());
    for chunk in bytes_of(path).utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str(r"\\"),
                _ if is_unsafe_to_print(character) => escape(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut text),
                _ => text.push(character),
            }
        }
        escape(chunk.invalid(), &mut text);
    }
    text
}

fn is_unsafe_to_print(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(bytes: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        text.push_str(r"\x");
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}
