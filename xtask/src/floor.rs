//! The floor: the least work that gives a program the fields that detections need.
//!
//! Read, inflate with libdeflate, project with a scanner written for this one purpose. No detection runs, nothing is
//! kept, nothing is checked: what the floor reads in a CPU second, no honest program reads. It is the measure of the
//! program ([`crate::bench`]), so it must be hard to reach; it is not part of it.

mod cloudtrail;
mod dns;
mod flow;
mod json;
mod simd;
#[cfg(test)]
mod tests;

use crate::arguments::Arguments;
use crate::gzip::Inflater;
use anyhow::{Context, ensure};
use simd::{PADDING, Text};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

const HELP: &str = "\
Reads every .gz file below DIR with the hand-written minimum, and prints how many records it read.

  xtask floor DIR [--threads N] [--inflate-only]

  --threads N      as many threads, which share out the files (1)
  --inflate-only   leave out the projection, to see its share";

/// The largest file that is read: a bound against a file that lies about its size.
const FILE_BYTES_MAX: usize = 1 << 30;

/// What was read.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub(crate) struct Counted {
    /// Log events.
    pub(crate) records: u64,
    /// A sum over the projected fields, so that no compiler leaves the projection out.
    pub(crate) checksum: u64,
    /// Bytes of text.
    pub(crate) text_bytes: u64,
}

impl Counted {
    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.checksum = self.checksum.wrapping_add(other.checksum);
        self.text_bytes += other.text_bytes;
    }
}

/// A sum that depends on the place and length of each field and on its first byte.
#[derive(Default)]
struct Checksum(u64);

impl Checksum {
    #[inline(always)]
    fn add(&mut self, field: &[u8]) {
        let first = field.first().copied().unwrap_or(0);
        self.0 = self.0.rotate_left(7) ^ ((field.len() as u64) << 8) ^ u64::from(first);
    }
}

/// The task.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let threads = arguments.value("--threads")?.unwrap_or(1);
    let inflate_only = arguments.switch("--inflate-only");
    let folder = arguments.positional().context("which folder? `xtask floor DIR`")?;
    arguments.finish()?;
    ensure!(simd::supported(), "the floor needs an x86-64 processor with AVX2");

    let files = files_below(Path::new(&folder))?;
    let counted = read_all(&files, threads, inflate_only)?;
    println!("records {} text_bytes {} checksum {:016x}", counted.records, counted.text_bytes, counted.checksum);
    Ok(())
}

/// Every `.gz` file below a folder, in the order of the names.
pub(crate) fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().with_context(|| format!("listing `{}`", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "gz") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read_all(files: &[PathBuf], threads: usize, inflate_only: bool) -> anyhow::Result<Counted> {
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Counted> {
        let mut reader = Reader::new(inflate_only)?;
        let mut counted = Counted::default();
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            counted.add(reader.read(path).with_context(|| format!("reading `{}`", path.display()))?);
        }
        Ok(counted)
    };
    let parts: Vec<anyhow::Result<Counted>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others.into_iter().map(|other| other.join().expect("a reader does not panic"));
        std::iter::once(own).chain(others).collect()
    });
    let mut counted = Counted::default();
    for part in parts {
        counted.add(part?);
    }
    Ok(counted)
}

/// One thread's buffers.
struct Reader {
    input: Vec<u8>,
    inflater: Inflater,
    flows: flow::Reader,
    inflate_only: bool,
}

impl Reader {
    fn new(inflate_only: bool) -> anyhow::Result<Self> {
        Ok(Self { input: Vec::new(), inflater: Inflater::new()?, flows: flow::Reader::new(), inflate_only })
    }

    fn read(&mut self, path: &Path) -> anyhow::Result<Counted> {
        self.input.clear();
        File::open(path)?.read_to_end(&mut self.input)?;
        let (padded, length) = self.inflater.inflate(&self.input, PADDING, FILE_BYTES_MAX)?;
        let text = Text::new(padded, length).context("the inflated text has no padding")?;
        let mut counted = if self.inflate_only { Counted::default() } else { scan(&mut self.flows, text) };
        counted.text_bytes = length as u64;
        Ok(counted)
    }
}

/// Tells the format by the first bytes: JSON lines, one JSON document, or text in columns.
fn scan(flows: &mut flow::Reader, text: Text<'_>) -> Counted {
    match text.slice(0, 10.min(text.len())) {
        b"{\"Records\"" => simd::call!(cloudtrail::scan, text),
        [b'{', ..] => simd::call!(dns::scan, text),
        _ => simd::call!(flow::Reader::scan, flows, text),
    }
}
