//! `xtask lists`: what large lists cost.
//!
//! Writes lists of random indicators, loads each in a process of its own as the program does (read, parse, merge), and
//! looks addresses and names up in it; then has the program itself look one thing up, with nothing but that list and with
//! what ships. The goals are those of docs/benchmarks.md.

use crate::arguments::Arguments;
use crate::bench::usage;
use anyhow::{Context, bail, ensure};
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufWriter, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use watchfire_knowledge::{IndicatorList, Indicators, IndicatorsBuilder, is_publicly_routable, lists};
use watchfire_model::ListKind;

const HELP: &str = "\
Measures what large lists cost: processor seconds to load, memory, time of a look-up.

  cargo build --release && cargo run --release -p xtask -- lists [OPTIONS]

  --program FILE   the program (target/release/watchfire)
  --v4 N           so many IPv4 indicators, of which four in five are single addresses [default: 10000000]
  --domains N      so many names [default: 1000000]";

const LOOKUPS: usize = 4_000_000;

/// Inputs are drawn before the clock starts, and are more than a cache holds.
const INPUTS: usize = 1 << 20;

pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    if let Some(kind) = arguments.value::<String>("--load")? {
        let file = arguments.positional().context("`--load` wants a file too")?;
        return load(&kind, Path::new(&file));
    }
    let v4 = arguments.value("--v4")?.unwrap_or(10_000_000);
    let domains = arguments.value("--domains")?.unwrap_or(1_000_000);
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    arguments.finish()?;
    let folder = tempfile::tempdir().context("could not make a folder")?;
    for (kind, count) in [("v4", v4), ("domains", domains)] {
        let file = folder.path().join(kind);
        write_list(kind, count, &file)?;
        let this = std::env::current_exe().context("could not find this program")?;
        let child = Command::new(this).args(["lists", "--load", kind]).arg(&file).status();
        if !child.context("could not start a process")?.success() {
            bail!("the measurement failed");
        }
        lookup(&program, &file, true)?;
        lookup(&program, &file, false)?;
    }
    Ok(())
}

/// What one look-up takes from the start of the program to its end, the shipped lists with it or not.
fn lookup(program: &Path, list: &Path, alone: bool) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.args(["intel", "--list-bytes-max", "4000000000", "--intel"]);
    command.arg(format!("malicious={}", list.display()));
    if alone {
        command.arg("--no-default-intel");
    }
    let usage = usage::measure(command.args(["lookup", "198.51.100.7"]).env("HOME", "/nonexistent"))?;
    ensure!(usage.succeeded, "the program failed: build it with `cargo build --release`");
    let with = if alone { "this list alone" } else { "the shipped lists" };
    println!("  program, with {with}: {:.2} CPU s, {} MB at most", usage.cpu_seconds, usage.peak_bytes / 1_000_000);
    Ok(())
}

fn write_list(kind: &str, count: usize, file: &Path) -> anyhow::Result<()> {
    let mut random = Random(1);
    let mut out = BufWriter::new(std::fs::File::create(file).context("could not write a list")?);
    for _ in 0..count {
        let line = if kind == "v4" { random.network() } else { random.name() };
        writeln!(out, "{line}").context("could not write a list")?;
    }
    out.flush().context("could not write a list")
}

fn load(kind: &str, file: &Path) -> anyhow::Result<()> {
    let before = memory("VmRSS")?;
    let start = processor_ms()?;
    let mut builder = IndicatorsBuilder::default();
    {
        let defaults = IndicatorList::new("large", ListKind::Malicious);
        let mut reader = lists::ListReader::new(None, &defaults);
        let mut opened = std::fs::File::open(file).context("could not read the list")?;
        let (mut piece, mut bytes) = (vec![0; 256 << 10], 0);
        loop {
            let count = opened.read(&mut piece).context("could not read the list")?;
            if count == 0 {
                break;
            }
            bytes += count;
            reader.feed(&piece[..count]);
        }
        let read = reader.finish();
        println!("{kind}: {bytes} bytes, {} entries, {} refused", read.list.entries.len(), read.rejected_count);
        builder.add(read.list);
    }
    let parsed = processor_ms()?;
    let indicators = builder.build();
    let built = processor_ms()?;
    println!("  load {} ms of processor time: {} reading, {} merging", built - start, parsed - start, built - parsed);
    let kib = memory("VmRSS")?.saturating_sub(before);
    println!("  memory {} MB kept, {} MB at most", kib / 1000, memory("VmHWM")? / 1000);
    measure(kind, &indicators)
}

/// Half of what is asked for is listed.
fn measure(kind: &str, indicators: &Indicators) -> anyhow::Result<()> {
    let (mut listed, mut other) = (Random(1), Random(2));
    let mut asked = Vec::with_capacity(INPUTS);
    for at in 0..INPUTS {
        let random = if at % 2 == 0 { &mut listed } else { &mut other };
        asked.push(if kind == "v4" { random.network() } else { random.name() });
    }
    let addresses: Vec<IpAddr> =
        asked.iter().filter_map(|text| text.split('/').next()?.parse::<Ipv4Addr>().ok()).map(IpAddr::V4).collect();
    let start = processor_ms()?;
    let mut found = 0usize;
    for at in 0..LOOKUPS {
        // A step that shares no factor with the length: neighbours in the list are not neighbours in time.
        let at = at * 7919 % INPUTS;
        found += usize::from(match kind {
            "v4" => addresses.get(at).is_some_and(|&ip| indicators.ip_kinds(ip) != 0),
            _ => indicators.domain_kinds(&asked[at]) != 0,
        });
    }
    let each = (processor_ms()? - start) * 1_000_000 / LOOKUPS as u64;
    println!("  look-up {each} ns, {} in 100 found", black_box(found) * 100 / LOOKUPS);
    Ok(())
}

/// Milliseconds that this process has spent on a processor.
fn processor_ms() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").context("could not read the processor time")?;
    let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse().context("an odd processor time")?;
    Ok(nanoseconds / 1_000_000)
}

/// One of the figures of `/proc/self/status`, in KiB.
fn memory(name: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status").context("could not read the memory use")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    number.with_context(|| format!("no {name}"))
}

/// SplitMix64: the same lists everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn network(&mut self) -> String {
        let mut bits = self.next();
        while !is_publicly_routable(Ipv4Addr::from(bits as u32).into()) {
            bits = self.next();
        }
        let ip = Ipv4Addr::from(bits as u32);
        if bits >> 32 & 7 < 6 || bits >> 36 & 7 == 0 {
            return ip.to_string();
        }
        format!("{ip}/{}", 20 + (bits >> 40) % 12)
    }

    /// `k3fq9x.v2ab7.com`: some twenty letters.
    fn name(&mut self) -> String {
        let mut bits = self.next();
        let mut name = String::new();
        for length in [6 + bits % 6, 5 + bits / 6 % 4] {
            for _ in 0..length {
                let letter = b"abcdefghijklmnopqrstuvwxyz012345"[(bits >> 59) as usize];
                name.push(char::from(letter));
                bits = bits.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
            name.push('.');
        }
        let _ = write!(name, "{}", ["com", "net", "org", "example"][(bits >> 62) as usize]);
        name
    }
}
