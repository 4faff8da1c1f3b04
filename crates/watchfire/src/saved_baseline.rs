//! Files of `watchfire baseline save`: what logs teach, kept without the logs.
//!
//! A saved baseline holds, of each log file, the sums of its records and the few records that rules must see: what the ordered
//! part of a scan would be given, and not what it would conclude. So every detection learns from it as from the logs
//! themselves, and several are merged by putting them side by side: whatever is summed, in whatever order, comes to the same.
//! What has the same content counts once.
//!
//! The file begins with a line of JSON that names its form. Behind it stands one part for each log file, in the order of their
//! names: length, checksum, a description as JSON, and the sums, compressed.

use crate::spool::TemporaryFile;
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use watchfire_engine::{Census, FactLog, FlowFormats, KEPT_FORM, KEPT_FORMS_READ, Spool};
use watchfire_parse::Origin;
use xxhash_rust::xxh3::xxh3_64;

/// No part is longer; a longer one is damage.
const PART_BYTES_MAX: u64 = 16 << 30;
/// Of zstd's levels, that of its own default: fast, and a fifth of the size.
const COMPRESSION_LEVEL: i32 = 3;
/// What every such file begins with.
const BEGINS: &str = "{\"watchfire_baseline\":";

#[derive(Serialize, Deserialize)]
struct Head {
    watchfire_baseline: u32,
}

/// What is said of a part before its sums.
#[derive(Serialize, Deserialize)]
struct Description {
    name: String,
    /// Hexadecimal: JSON's numbers end before 128 bits.
    content_hash: String,
    account: String,
    region: String,
    assumed_account: String,
    assumed_region: String,
    census: Census,
}

/// What one log file teaches.
pub struct Part {
    /// The file's name, when it was read.
    pub name: String,
    /// Of its content.
    pub content_hash: u128,
    /// What its place said about its records.
    pub origin: Origin,
    /// How many records of what, and when.
    pub census: Census,
    compressed: Vec<u8>,
}

/// A file that was opened and is of the right form.
pub struct SavedBaseline {
    path: PathBuf,
}

/// Collects parts, from all threads; [`Self::finish`] writes the file.
#[derive(Default)]
pub struct BaselineWriter {
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    kept: TemporaryFile,
    /// What a part is called and holds, which orders them, and where it is kept.
    places: BTreeSet<(String, u128, String, u64, usize)>,
}

/// Of these paths those that are saved baselines, and all others.
pub fn opened(paths: &[PathBuf]) -> Result<(Vec<SavedBaseline>, Vec<PathBuf>)> {
    let (mut saved, mut others) = (Vec::new(), Vec::new());
    for path in paths {
        if is_saved_baseline(path) {
            saved.push(SavedBaseline::open(path)?);
        } else {
            others.push(path.clone());
        }
    }
    Ok((saved, others))
}

/// Whether this is a file that begins as ours do. What cannot be read is told by whoever reads it as logs.
fn is_saved_baseline(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let file = if is_file { File::open(path).ok() } else { None };
    let read = file.map(|file| file.take(BEGINS.len() as u64).read_to_end(&mut beginning));
    read.is_some_and(|read| read.is_ok()) && beginning == BEGINS.as_bytes()
}

impl SavedBaseline {
    /// Opens one.
    pub fn open(path: &Path) -> Result<Self> {
        if !is_saved_baseline(path) {
            File::open(path).with_context(|| format!("could not open `{}`", path.display()))?;
            bail!("`{}` is no file that `watchfire baseline save` wrote", path.display());
        }
        let saved = Self { path: path.to_owned() };
        saved.reader()?;
        Ok(saved)
    }

    /// Shows its parts, in the order of the file.
    pub fn each_part(&self, visit: &mut dyn FnMut(Part) -> Result<()>) -> Result<()> {
        let mut reader = self.reader()?;
        while let Some(bytes) = next_part(&mut reader).map_err(|cause| self.damaged(cause))? {
            visit(Part::open(&bytes).ok_or_else(|| self.damaged(ErrorKind::InvalidData.into()))?)?;
        }
        Ok(())
    }

    fn reader(&self) -> Result<BufReader<File>> {
        let path = self.path.display();
        let mut reader = BufReader::new(File::open(&self.path).with_context(|| format!("could not open `{path}`"))?);
        let mut line = String::new();
        (&mut reader).take(1024).read_line(&mut line).with_context(|| format!("could not read `{path}`"))?;
        let head: Head = serde_json::from_str(&line).map_err(|_| self.damaged(ErrorKind::InvalidData.into()))?;
        if !KEPT_FORMS_READ.contains(&head.watchfire_baseline) {
            bail!(
                "`{path}` is a baseline of form {}; this program reads forms {} to {KEPT_FORM}: save it again from the logs",
                head.watchfire_baseline,
                KEPT_FORMS_READ.start()
            );
        }
        Ok(reader)
    }

    fn damaged(&self, cause: std::io::Error) -> anyhow::Error {
        anyhow!(cause).context(format!("the baseline `{}` is damaged or cut off", self.path.display()))
    }
}

/// The next part, whole; `None` at the end.
fn next_part(reader: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    reader.take(16).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(None);
    }
    let Some((length, checksum)) = head.split_first_chunk::<8>() else { return Err(ErrorKind::UnexpectedEof.into()) };
    let length = u64::from_le_bytes(*length);
    let mut payload = Vec::new();
    reader.take(length.min(PART_BYTES_MAX)).read_to_end(&mut payload)?;
    if payload.len() as u64 != length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let is_sound = xxh3_64(&payload).to_le_bytes() == checksum;
    if is_sound { Ok(Some(payload)) } else { Err(ErrorKind::InvalidData.into()) }
}

impl Part {
    fn open(payload: &[u8]) -> Option<Self> {
        let (length, rest) = payload.split_first_chunk::<8>()?;
        let (json, compressed) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let said: Description = serde_json::from_slice(json).ok()?;
        Some(Self {
            name: said.name,
            content_hash: u128::from_str_radix(&said.content_hash, 16).ok()?,
            origin: Origin {
                account: said.account,
                region: said.region,
                assumed_account: said.assumed_account,
                assumed_region: said.assumed_region,
                flow_format: None,
            },
            census: said.census,
            compressed: compressed.to_vec(),
        })
    }

    /// What rules may have to see, of the file with this rank now.
    pub fn facts(&self, rank: u32, formats: &FlowFormats) -> Result<FactLog> {
        let bytes = zstd::decode_all(&self.compressed[..]).ok();
        let facts = bytes.and_then(|bytes| FactLog::restore(&bytes, rank, formats));
        facts.ok_or_else(|| anyhow!("what a baseline says of `{}` is damaged", self.name))
    }
}

impl BaselineWriter {
    /// Adds what one log file teaches: hash of its content, origin, census, and what [`FactLog::save`] gave.
    pub fn add(&self, name: &str, (hash, origin, census): (u128, &Origin, &Census), facts: &[u8]) -> Result<()> {
        let compressed = zstd::encode_all(facts, COMPRESSION_LEVEL).context("could not compress a baseline")?;
        self.add_compressed(name, (hash, origin, census), &compressed)
    }

    fn add_compressed(&self, name: &str, (hash, origin, census): (u128, &Origin, &Census), facts: &[u8]) -> Result<()> {
        let said = Description {
            name: name.to_owned(),
            content_hash: format!("{hash:032x}"),
            account: origin.account.clone(),
            region: origin.region.clone(),
            assumed_account: origin.assumed_account.clone(),
            assumed_region: origin.assumed_region.clone(),
            census: census.clone(),
        };
        let json = serde_json::to_vec(&said)?;
        let mut part = vec![0; 16];
        part.extend_from_slice(&(json.len() as u64).to_le_bytes());
        part.extend_from_slice(&json);
        part.extend_from_slice(facts);
        let (length, checksum) = ((part.len() - 16) as u64, xxh3_64(&part[16..]));
        part[..8].copy_from_slice(&length.to_le_bytes());
        part[8..16].copy_from_slice(&checksum.to_le_bytes());
        let place = format!("{} {}", origin.account, origin.region);
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = parts.kept.append(&part).context("could not write a temporary file")?;
        parts.places.insert((name.to_owned(), hash, place, offset, part.len()));
        Ok(())
    }

    /// Takes in another baseline. What has the same content, and says it of the same account and region, counts once.
    pub fn add_all(&self, saved: &SavedBaseline, known: &mut BTreeSet<(u128, String, String)>) -> Result<()> {
        saved.each_part(&mut |part| {
            let place = (part.content_hash, part.origin.account.clone(), part.origin.region.clone());
            if !known.insert(place) {
                return Ok(());
            }
            self.add_compressed(&part.name, (part.content_hash, &part.origin, &part.census), &part.compressed)
        })
    }

    /// Writes the file, whole or not at all. How many parts, and bytes.
    pub fn finish(self, path: &Path) -> Result<(usize, u64)> {
        let not_written = || format!("could not write `{}`", path.display());
        let Parts { mut kept, places } = self.parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).with_context(not_written)?;
        let mut out = BufWriter::new(file);
        let head = serde_json::to_string(&Head { watchfire_baseline: KEPT_FORM })?;
        writeln!(out, "{head}").with_context(not_written)?;
        let (count, mut bytes) = (places.len(), head.len() as u64 + 1);
        let mut part = Vec::new();
        for (.., offset, length) in places {
            part.clear();
            kept.read(offset, length, &mut part).context("could not read back a temporary file")?;
            out.write_all(&part).with_context(not_written)?;
            bytes += length as u64;
        }
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(not_written)?;
        file.persist(path).map_err(|error| error.error).with_context(not_written)?;
        Ok((count, bytes))
    }
}
