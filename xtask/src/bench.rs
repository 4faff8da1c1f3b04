//! The benchmark: the program against the floor, on the same corpora, in one run.
//!
//! What a machine does in a second depends on the machine and on what else it does. The ratio of the program to the
//! floor, taken in turns on the same files, depends on little but the program. `docs/benchmarks.md` says what the
//! figures mean.

pub(crate) mod usage;

use crate::arguments::Arguments;
use crate::generate::{Kind, Kinds};
use anyhow::{Context, ensure};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use usage::{Usage, measure};

const HELP: &str = "\
Compares the program with the floor: records per CPU second, their ratio, processors kept busy, peak memory.

  cargo build --release && cargo run --release -p xtask -- bench [OPTIONS]

  --program FILE   the program (target/release/watchfire)
  --kind KIND      cloudtrail, flow, dns or all (all)
  --data DIR       read this folder instead of a generated corpus
  --records N      records of a generated corpus, of each kind (600000, 8000000, 2000000)
  --threads LIST   thread counts of the program (1,2)
  --repeat N       turns of each; the best counts (3)
  --json FILE      write the figures there too

Always succeeds: it reports, and judges nothing.";

/// Where generated corpora are kept, by what determines them.
const CACHE: &str = "target/bench";

/// One more when the generator changes what it writes: older corpora are then left alone.
const GENERATOR_VERSION: u32 = 1;

/// Records of the small file: what somebody tries first.
const SMALL_RECORDS: u64 = 100;

/// What is measured.
struct Options {
    program: PathBuf,
    threads: Vec<usize>,
    repeat: usize,
}

/// Something to read.
struct Corpus {
    name: String,
    folder: PathBuf,
}

/// The task.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program = arguments.value("--program")?.unwrap_or_else(|| PathBuf::from("target/release/watchfire"));
    let Kinds(kinds) = arguments.value("--kind")?.unwrap_or_else(|| Kinds(Kind::ALL.to_vec()));
    let data: Option<PathBuf> = arguments.value("--data")?;
    let records: Option<u64> = arguments.value("--records")?;
    let threads: String = arguments.value("--threads")?.unwrap_or_else(|| "1,2".to_owned());
    let threads = threads.split(',').map(str::parse).collect::<Result<_, _>>().context("`--threads` is a list: 1,2")?;
    let repeat = arguments.value("--repeat")?.unwrap_or(3);
    let json_file: Option<PathBuf> = arguments.value("--json")?;
    arguments.finish()?;
    ensure!(repeat > 0, "`--repeat` is at least 1");
    if cfg!(debug_assertions) {
        println!("warning: the floor is built without optimisation; run `cargo run --release -p xtask -- bench`");
    }
    let options = Options { program, threads, repeat };
    if !options.program.exists() {
        println!("warning: there is no `{}`; only the floor is measured", options.program.display());
    }

    let corpora = match data {
        Some(folder) => vec![Corpus { name: folder.display().to_string(), folder }],
        None => kinds.iter().map(|&kind| corpus(kind, records)).collect::<anyhow::Result<_>>()?,
    };
    let mut figures = Vec::new();
    for corpus in &corpora {
        figures.push(compare(&options, corpus)?);
    }
    let small = small_file(&options)?;
    if let Some(path) = json_file {
        let report = json!({ "corpora": figures, "small_file_cpu_seconds": small });
        std::fs::write(&path, format!("{report:#}\n")).with_context(|| format!("writing `{}`", path.display()))?;
    }
    Ok(())
}

/// The generated corpus of a kind, from the cache if it is there.
fn corpus(kind: Kind, records: Option<u64>) -> anyhow::Result<Corpus> {
    // About a second of the floor each: enough to measure, little enough to repeat.
    let usual = match kind {
        Kind::CloudTrail => 600_000,
        Kind::Flow => 8_000_000,
        Kind::Dns => 2_000_000,
    };
    generated(kind, records.unwrap_or(usual), 20)
}

/// The usual corpus of a kind.
pub(crate) struct GeneratedCorpus {
    /// Where it is.
    pub(crate) folder: PathBuf,
}

impl GeneratedCorpus {
    /// Made, unless it is there.
    pub(crate) fn of(kind: Kind) -> anyhow::Result<Self> {
        Ok(Self { folder: corpus(kind, None)?.folder })
    }
}

fn generated(kind: Kind, records: u64, accounts: u64) -> anyhow::Result<Corpus> {
    let name = format!("{}-r{records}-a{accounts}-v{GENERATOR_VERSION}", kind.name());
    let folder = Path::new(CACHE).join(&name);
    let complete = Path::new(CACHE).join(format!("{name}.complete"));
    if !complete.exists() {
        println!("generating {} …", folder.display());
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        // In a process of its own: what this one has used counts as memory of every program it starts.
        let mut generate = own_task("generate")?;
        generate.arg("--out").arg(&folder).args(["--kind", kind.name()]);
        generate.args(["--records", &records.to_string(), "--accounts", &accounts.to_string()]);
        let status = generate.stdout(Stdio::null()).status().context("generating a corpus")?;
        ensure!(status.success(), "generating `{}` failed", folder.display());
        std::fs::write(&complete, "")?;
    }
    Ok(Corpus { name: kind.name().to_owned(), folder })
}

/// This very program with another task.
fn own_task(task: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.arg(task);
    Ok(command)
}

fn floor_command(folder: &Path) -> anyhow::Result<Command> {
    let mut command = own_task("floor")?;
    command.arg(folder);
    Ok(command)
}

fn program_command(options: &Options, folder: &Path, threads: usize) -> Command {
    let mut command = Command::new(&options.program);
    command.args(["scan", "--quiet", "--format", "jsonl", "--threads", &threads.to_string()]).arg(folder);
    command
}

/// The figures of one corpus, printed and as JSON.
fn compare(options: &Options, corpus: &Corpus) -> anyhow::Result<serde_json::Value> {
    let records = count_records(&corpus.folder)?;
    let has_program = options.program.exists();
    let mut floor: Option<Usage> = None;
    let mut program: Vec<Option<Usage>> = vec![None; options.threads.len()];
    // In turns, so that whatever slows the machine for a while slows both.
    for _ in 0..options.repeat {
        keep_best(&mut floor, measure(&mut floor_command(&corpus.folder)?)?);
        for (best, &threads) in program.iter_mut().zip(&options.threads) {
            if has_program {
                keep_best(best, measure(&mut program_command(options, &corpus.folder, threads))?);
            }
        }
    }
    let floor = floor.context("the floor was not measured")?;
    ensure!(floor.succeeded, "the floor failed on `{}`", corpus.folder.display());
    let per_second = |usage: &Usage| records as f64 / usage.cpu_seconds;
    let floor_rate = per_second(&floor);
    println!("\n{} · {records} records", corpus.name);
    println!("  {:<20} {:>14} {:>8} {:>8} {:>10}", "", "records/CPU s", "ratio", "busy", "peak MiB");
    println!("  {:<20} {floor_rate:>14.0} {:>8} {:>8.2} {:>10.0}", "floor", "", floor.busy(), floor.peak_mebibytes());
    let mut runs = Vec::new();
    let mut single = None;
    for (usage, &threads) in program.iter().zip(&options.threads) {
        let Some(usage) = usage else { continue };
        let rate = per_second(usage);
        let ratio = rate / floor_rate;
        let mut note = if usage.succeeded { String::new() } else { "  the program reported a failure".to_owned() };
        if threads == 1 {
            single = Some(rate);
        } else if let Some(single) = single {
            note = format!("  {:+.1} % per CPU second against one thread{note}", (rate / single - 1.0) * 100.0);
        }
        let name = format!("watchfire, {threads} thread{}", if threads == 1 { "" } else { "s" });
        println!("  {name:<20} {rate:>14.0} {ratio:>8.3} {:>8.2} {:>10.0}{note}", usage.busy(), usage.peak_mebibytes());
        runs.push(json!({
            "threads": threads,
            "records_per_cpu_second": rate.round(),
            "ratio_to_floor": ratio,
            "processors_busy": usage.busy(),
            "peak_mebibytes": usage.peak_mebibytes(),
            "succeeded": usage.succeeded,
        }));
    }
    Ok(json!({
        "corpus": corpus.name,
        "records": records,
        "floor_records_per_cpu_second": floor_rate.round(),
        "program": runs,
    }))
}

/// Asks the floor, which counts what it reads.
fn count_records(folder: &Path) -> anyhow::Result<u64> {
    let output = floor_command(folder)?.output().context("starting the floor")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let records = text.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    let why = String::from_utf8_lossy(&output.stderr);
    records.with_context(|| format!("the floor did not read `{}`: {why}", folder.display()))
}

/// CPU seconds for one file of a hundred events: what starting costs.
fn small_file(options: &Options) -> anyhow::Result<Option<f64>> {
    if !options.program.exists() {
        return Ok(None);
    }
    let corpus = generated(Kind::CloudTrail, SMALL_RECORDS, 1)?;
    let mut best = None;
    for _ in 0..options.repeat {
        keep_best(&mut best, measure(&mut program_command(options, &corpus.folder, 1))?);
    }
    let Some(best) = best else { return Ok(None) };
    println!("\none small file ({SMALL_RECORDS} events): {:.3} CPU s", best.cpu_seconds);
    Ok(Some(best.cpu_seconds))
}

/// Other programs on the machine can only make a run slower, so the fastest tells most. A failure is never the best.
pub(crate) fn keep_best(best: &mut Option<Usage>, usage: Usage) {
    let is_better = best.is_none_or(|best| (usage.succeeded, best.cpu_seconds) > (best.succeeded, usage.cpu_seconds));
    if is_better {
        *best = Some(usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(cpu_seconds: f64, succeeded: bool) -> Usage {
        Usage { cpu_seconds, wall_seconds: cpu_seconds, peak_bytes: 0, succeeded }
    }

    #[test]
    fn the_fastest_run_counts_unless_it_failed() {
        let mut best = None;
        for run in [usage(0.1, false), usage(2.0, true), usage(1.0, true), usage(0.2, false), usage(3.0, true)] {
            keep_best(&mut best, run);
        }
        assert_eq!(best.map(|best| best.cpu_seconds), Some(1.0));
    }
}
