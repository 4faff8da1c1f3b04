//! Every file below some paths, in one order, each once; and a reason for every path that gives none.

use std::collections::HashMap;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What is there to read, and what is not.
#[derive(Debug, Default)]
pub struct Listing {
    /// In the order of their paths' bytes: the same folder gives the same list everywhere.
    pub files: Vec<FoundFile>,
    /// In the order of their paths' bytes.
    pub problems: Vec<Problem>,
}

/// A file to read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size when it was listed.
    pub size: u64,
}

impl FoundFile {
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
    /// A link to a folder that is read under another name, perhaps one that contains this link.
    #[error("the same folder as `{}`, which is read", display(first))]
    SameFolder {
        /// The name it is read under.
        first: PathBuf,
    },
}

/// Lists the files at and below some paths. Hidden files too; symbolic links are followed.
///
/// Each file and each folder is taken once, whatever links lead to it, so that links in a ring end and no record is
/// counted twice; a real name is preferred to one through a link, because AWS keeps the account and region in it.
pub fn list(paths: &[PathBuf]) -> Listing {
    let mut walk = Walk::default();
    let mut starts = paths.to_vec();
    starts.sort_by(|a, b| bytes_of(a).cmp(bytes_of(b)));
    for start in starts {
        walk.visit(start);
    }
    // Links wait until everything with a real name is taken. Links found behind links come after these.
    while !walk.links.is_empty() {
        for link in std::mem::take(&mut walk.links) {
            walk.follow(link);
        }
    }
    walk.listing.files.sort_by(|a, b| bytes_of(&a.path).cmp(bytes_of(&b.path)));
    walk.listing.problems.sort_by(|a, b| bytes_of(&a.path).cmp(bytes_of(&b.path)));
    walk.listing
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
            self.listing.files.push(FoundFile { path, size: metadata.len() });
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
