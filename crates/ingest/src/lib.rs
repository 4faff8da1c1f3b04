//! From paths to decompressed contents, with an honest account.
//!
//! [`list`] walks files and folders and says of every path it could not use why. [`read`] opens one file, takes off
//! its compression and hands over the content, whole or in pieces that never cut a record in two. What it promises:
//!
//! - **Nothing is skipped without a word.** What was left out is a [`ListProblem`] or a [`FileProblem`], each a
//!   sentence.
//! - **What can be read is read.** A file that was cut or damaged still gives everything before that point.
//! - **Memory is bounded whatever the input**: see [`Limits`]. No file, however large, is ever held whole.
//! - **The same content gives the same bytes, pieces and hash**, however it was compressed.
//!
//! A file's compression is told by its first bytes, never by its name.

mod archive;
mod decode;
mod format;
#[expect(unsafe_code, reason = "the only caller of libdeflate; the safe crates for it hide how much input was eaten")]
mod libdeflate;
mod list;
mod origin;
mod pieces;
mod queue;
mod read;
mod s3;
mod source;

pub use format::Compression;
pub use list::{FoundFile, ListProblem, Listing, Problem, list};
pub use origin::{PathOrigin, origin_from_path};
pub use pieces::{Content, ParquetSource, Piece, PieceKind};
pub use queue::{Fetched, Queue, Turn};
pub use read::{FileOutcome, FileProblem, Limits, Scratch, read};
pub use s3::{Narrowing, Object, read_object, write_object};
pub use source::{Member, Source};
