//! The same records in other files: other names, other cuts, other compression, given twice.
//!
//! Used by the tests of determinism and by `xtask determinism`. Records keep their bytes, and files stay below folders
//! and names that say the same account and region, because these are part of what a log says.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use watchfire_ingest::{PathOrigin, origin_from_path};

/// One log file, decompressed.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Its folder below the root it was found under, and its name.
    pub path: PathBuf,
    /// Its content.
    pub content: Vec<u8>,
}

/// How copies of files are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    /// As it is.
    Plain,
    /// One gzip member.
    Gzip,
    /// Several gzip members, one after the other.
    GzipMembers,
    /// A zstd frame.
    Zstd,
}

impl Packing {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Gzip, Self::GzipMembers, Self::Zstd];
}

/// Every file at and below these paths that can be read, without copies: the program reads each content of a place once.
pub fn load(roots: &[PathBuf]) -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for root in roots {
        let base = if root.is_dir() { root.as_path() } else { root.parent().unwrap_or(Path::new("")) };
        for found in watchfire_ingest::list(
            std::slice::from_ref(root),
            &watchfire_ingest::Limits::default(),
            &watchfire_ingest::Narrowing::default(),
        )
        .files
        {
            let raw = fs::read(&found.path)?;
            let content = unpack(&raw).unwrap_or(raw);
            let path = below(&found.path, base);
            if seen.insert((origin_key(&path), content.clone())) {
                files.push(LogFile { path, content });
            }
        }
    }
    Ok(files)
}

/// The part of a path below the base; or from `AWSLogs` on, for what follows says the account.
fn below(path: &Path, base: &Path) -> PathBuf {
    let parts: Vec<_> = path.iter().collect();
    match parts.iter().rposition(|part| *part == "AWSLogs") {
        Some(start) => parts[start..].iter().collect(),
        None => path.strip_prefix(base).unwrap_or(path).to_owned(),
    }
}

/// The content without gzip or zstd; `None` if it is damaged.
fn unpack(raw: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    match raw {
        [0x1f, 0x8b, ..] => {
            flate2::read::MultiGzDecoder::new(raw).read_to_end(&mut content).ok()?;
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            zstd::stream::read::Decoder::new(raw).ok()?.read_to_end(&mut content).ok()?;
        }
        _ => return None,
    }
    Some(content)
}

fn pack(content: &[u8], packing: Packing) -> io::Result<Vec<u8>> {
    let gzip = |part: &[u8]| -> io::Result<Vec<u8>> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part)?;
        encoder.finish()
    };
    match packing {
        Packing::Plain => Ok(content.to_vec()),
        Packing::Gzip => gzip(content),
        Packing::GzipMembers => {
            let cut = content.len() / 3;
            let (first, rest) = content.split_at(cut);
            let (second, third) = rest.split_at(cut);
            Ok([gzip(first)?, gzip(second)?, gzip(third)?].concat())
        }
        Packing::Zstd => zstd::stream::encode_all(content, 1),
    }
}

/// A small generator of repeatable numbers, so that a failure can be run again.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Puts the items in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Writes the files below `target` under other names, so that they are listed in another order, each packed in one of
/// these ways. Answers the folders to scan.
pub fn write(files: &[LogFile], target: &Path, packings: &[Packing], dice: &mut Dice) -> io::Result<Vec<PathBuf>> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    dice.shuffle(&mut order);
    for (place, &at) in order.iter().enumerate() {
        let file = &files[at];
        let packing = packings[dice.below(packings.len())];
        let folder = target.join(format!("{:06}", place * 7 + 1)).join(file.path.parent().unwrap_or(Path::new("")));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(other_name(&file.path, place)), pack(&file.content, packing)?)?;
    }
    fs::create_dir_all(target)?;
    Ok(vec![target.to_owned()])
}

/// A name that says the same account and region, and nothing else of the old one.
fn other_name(path: &Path, number: usize) -> String {
    let origin = origin_from_path(Path::new(path.file_name().unwrap_or_default()));
    match (origin.account, origin.region) {
        (Some(account), region) => format!("{account}_copy_{}_{number}", region.unwrap_or_default()),
        _ => format!("copy-{number}"),
    }
}

/// What a place says of its records, and the folder that says it.
fn origin_key(path: &Path) -> (String, String) {
    let PathOrigin { account, region } = origin_from_path(path);
    (account.unwrap_or_default(), region.unwrap_or_default())
}

/// Records of one kind and place, which may stand in any file of that kind and place.
#[derive(Clone, Debug)]
struct Pool {
    /// A path that says the place.
    path: PathBuf,
    shape: Shape,
    records: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Shape {
    /// `{"Records":[…]}`.
    Records,
    /// One record a line, below this header if there is one.
    Lines(Vec<u8>),
}

/// The same records, dealt at random into about `parts` files for each kind and place; with `twice`, each API event
/// into two of them. Files that are no log stay as they are.
pub fn deal(files: &[LogFile], parts: usize, twice: bool, dice: &mut Dice) -> Vec<LogFile> {
    let mut pools: BTreeMap<((String, String), Shape), Pool> = BTreeMap::new();
    let mut dealt = Vec::new();
    for file in files {
        let Some((shape, records)) = cut(&file.content) else {
            dealt.push(file.clone());
            continue;
        };
        let key = (origin_key(&file.path), shape.clone());
        let pool = pools.entry(key).or_insert_with(|| Pool { path: file.path.clone(), shape, records: Vec::new() });
        pool.records.extend(records.into_iter().map(<[u8]>::to_vec));
    }
    for mut pool in pools.into_values() {
        if twice {
            let events: Vec<Vec<u8>> = pool.records.iter().filter(|record| is_api_event(record)).cloned().collect();
            pool.records.extend(events);
        }
        dice.shuffle(&mut pool.records);
        let mut hands: Vec<Vec<Vec<u8>>> = vec![Vec::new(); parts.max(1)];
        for record in pool.records {
            let hand = dice.below(hands.len());
            hands[hand].push(record);
        }
        let filled = hands.into_iter().filter(|hand| !hand.is_empty());
        dealt.extend(filled.map(|hand| LogFile { path: pool.path.clone(), content: join(&pool.shape, &hand) }));
    }
    dealt
}

/// Whether the record is an API event with an identity, which makes copies of it recognisable.
fn is_api_event(record: &[u8]) -> bool {
    let holds = |word: &str| record.windows(word.len()).any(|window| window == word.as_bytes());
    holds("\"eventSource\"") && holds("\"eventID\"")
}

fn join(shape: &Shape, records: &[Vec<u8>]) -> Vec<u8> {
    match shape {
        Shape::Records => [b"{\"Records\":[".as_slice(), &records.join(b",".as_slice()), b"]}"].concat(),
        Shape::Lines(header) => {
            let mut content = header.clone();
            if !content.is_empty() {
                content.push(b'\n');
            }
            for record in records {
                content.extend_from_slice(record);
                content.push(b'\n');
            }
            content
        }
    }
}

/// The records of a CloudTrail file, of a flow log or of JSON lines; `None` for anything else.
fn cut(content: &[u8]) -> Option<(Shape, Vec<&[u8]>)> {
    let text = std::str::from_utf8(content).ok()?;
    if let Some(rest) = text.trim_start().strip_prefix('{')
        && let Some(rest) = rest.trim_start().strip_prefix("\"Records\"")
        && let Some(rest) = rest.trim_start().strip_prefix(':')
        && let Some(rest) = rest.trim_start().strip_prefix('[')
    {
        return Some((Shape::Records, elements(rest)?.into_iter().map(str::as_bytes).collect()));
    }
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    let first = *lines.peek()?;
    let is_json = |line: &str| line.starts_with('{') && line.ends_with('}');
    if is_json(first) {
        let lines: Vec<&str> = lines.collect();
        return lines
            .iter()
            .all(|line| is_json(line))
            .then(|| (Shape::Lines(Vec::new()), lines.into_iter().map(str::as_bytes).collect()));
    }
    let has_header = first.split(' ').any(|word| word == "srcaddr" || word == "pkt-srcaddr");
    if has_header {
        lines.next();
    } else if !(first.starts_with("2 ") && first.split(' ').count() == 14) {
        return None;
    }
    let header = if has_header { first.as_bytes().to_vec() } else { Vec::new() };
    Some((Shape::Lines(header), lines.map(str::as_bytes).collect()))
}

/// The elements of a JSON array whose opening bracket was taken off, as they stand; `None` if it has no end or if more
/// than a closing brace follows it.
fn elements(text: &str) -> Option<Vec<&str>> {
    let (mut elements, mut depth, mut start, mut in_string, mut escaped) = (Vec::new(), 0usize, None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                if depth == 0 {
                    start = Some(at);
                }
                depth += 1;
            }
            b']' if depth == 0 => return (text[at + 1..].trim() == "}").then_some(elements),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    elements.push(&text[start?..=at]);
                }
            }
            _ => {}
        }
    }
    None
}

/// Takes out of findings what says where their evidence stands: the file and the position in it.
pub fn without_places(findings: &mut serde_json::Value) {
    match findings {
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_places),
        serde_json::Value::Object(members) => {
            if members.contains_key("sha256") {
                members.remove("file");
                members.remove("position");
            }
            members.values_mut().for_each(without_places);
        }
        _ => {}
    }
}
