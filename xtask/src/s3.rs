//! `xtask s3`: what reading from a bucket costs, beside the same files on disk.
//!
//! The bucket is served by the small S3 server of the program's tests, in this process, over HTTP on this machine: so
//! the figures are of the program's own work for S3 (requests, signatures, copying), without TLS and without a network.

use crate::arguments::Arguments;
use crate::bench::usage::{Usage, measure};
use crate::bench::{GeneratedCorpus, keep_best};
use crate::generate::Kind;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

#[path = "../../crates/watchfire/tests/support/s3_server.rs"]
mod s3_server;
use s3_server::S3Server;

const HELP: &str = "\
Compares reading CloudTrail logs from a bucket with reading the same files from disk, by processor time of one thread.

  cargo build --release && cargo run --release -p xtask -- s3 [OPTIONS]

  --program FILE   the program (target/release/watchfire)
  --repeat N       turns of each; the best counts (3)";

/// Objects are made at least so large, as a bucket of busy accounts has them.
const LARGE_BYTES: usize = 4 << 20;

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    let repeat: usize = arguments.value("--repeat")?.unwrap_or(3);
    arguments.finish()?;
    let corpus = GeneratedCorpus::of(Kind::CloudTrail)?;
    let small = files_below(&corpus.folder)?;
    let mut large: Vec<(String, Vec<u8>)> = Vec::new();
    for (_, content) in &small {
        match large.last_mut() {
            // Members of one gzip file, one after the other.
            Some((_, object)) if object.len() < LARGE_BYTES => object.extend_from_slice(content),
            _ => large.push((format!("{:04}.json.gz", large.len()), content.clone())),
        }
    }
    compare("large objects", large, &program, repeat)?;
    compare("small objects", small, &program, repeat)
}

fn compare(name: &str, objects: Vec<(String, Vec<u8>)>, program: &Path, repeat: usize) -> Result<()> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let count = objects.len();
    let bytes: usize = objects.iter().map(|(_, content)| content.len()).sum();
    for (key, content) in &objects {
        let file = folder.path().join(key);
        fs::create_dir_all(file.parent().context("a key without a folder")?)?;
        fs::write(file, content)?;
    }
    let server = S3Server::start(objects);
    server.bucket.page.store(1_000, Ordering::SeqCst);
    let (mut disk, mut bucket): (Option<Usage>, Option<Usage>) = (None, None);
    for _ in 0..repeat {
        keep_best(&mut disk, measure(command(program).arg(folder.path()))?);
        let mut from_s3 = command(program);
        from_s3.arg("s3://logs").env("AWS_ENDPOINT_URL_S3", &server.endpoint);
        for (name, value) in [("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("REGION", "eu-central-1")] {
            from_s3.env(format!("AWS_{name}"), value);
        }
        keep_best(&mut bucket, measure(&mut from_s3)?);
    }
    let (disk, bucket) = (disk.context("nothing was measured")?, bucket.context("nothing was measured")?);
    ensure!(disk.succeeded && bucket.succeeded, "the program failed");
    println!(
        "{name}: {count} of {:.2} MB on average\n  disk   {:.3} CPU s\n  bucket {:.3} CPU s: {:+.1} %, {:.3} ms CPU and {:.1} requests an object\n",
        bytes as f64 / count as f64 / 1e6,
        disk.cpu_seconds,
        bucket.cpu_seconds,
        (bucket.cpu_seconds / disk.cpu_seconds - 1.0) * 100.0,
        (bucket.cpu_seconds - disk.cpu_seconds) * 1_000.0 / count as f64,
        server.asked("GET").len() as f64 / (count * repeat) as f64,
    );
    Ok(())
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["scan", "--quiet", "--format", "jsonl", "--threads", "1"]);
    command
}

/// Every file below a folder, by its path there.
fn files_below(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                files.push((path.strip_prefix(folder)?.to_string_lossy().into_owned(), fs::read(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}
