//! Corpora of realistic, benign log files, as AWS writes them. The same options always give the same bytes.
//!
//! A corpus is an estate: accounts with their regions, principals and hosts, each with habits of its own that last for
//! all the days. Nothing in it should make a detection fire, save what the noise of the internet does to hosts that
//! face it. It is background: attacks come from recorded scenarios, not from here.

mod cloudtrail;
mod dns;
mod flow;
pub(crate) mod random;

use crate::arguments::Arguments;
use crate::gzip::Deflater;
use anyhow::{Context, bail};
use jiff::Timestamp;
use random::Random;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

const HELP: &str = "\
Writes a corpus of realistic, benign log files.

  xtask generate --out DIR --kind cloudtrail|flow|dns|all --records N [OPTIONS]

  --accounts N   accounts of the estate (20)
  --days N       days that the records are spread over (7)
  --seed N       another corpus of the same kind (1)
  --threads N    writes as many files at a time (2)";

/// When every corpus begins: 2026-03-02T00:00:00Z, a Monday.
pub(crate) const START_SECONDS: i64 = 1_772_409_600;

const DAY_SECONDS: i64 = 86_400;

/// A log format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// CloudTrail log files.
    CloudTrail,
    /// VPC flow logs.
    Flow,
    /// Route 53 Resolver query logs.
    Dns,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::CloudTrail, Self::Flow, Self::Dns];

    /// The name on the command line and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CloudTrail => "cloudtrail",
            Self::Flow => "flow",
            Self::Dns => "dns",
        }
    }

    /// The fewest and the most records of a file.
    fn file_records(self) -> (u64, u64) {
        match self {
            Self::CloudTrail => (50, 5_000),
            Self::Flow => (10_000, 200_000),
            Self::Dns => (1_000, 50_000),
        }
    }
}

/// One kind, or `all`.
pub(crate) struct Kinds(pub(crate) Vec<Kind>);

impl FromStr for Kinds {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "all" {
            return Ok(Self(Kind::ALL.to_vec()));
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.map(|kind| Self(vec![kind])).ok_or_else(|| "a kind is cloudtrail, flow, dns or all".to_owned())
    }
}

/// What determines a corpus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The format.
    pub(crate) kind: Kind,
    /// How many records.
    pub(crate) records: u64,
    /// Over how many accounts.
    pub(crate) accounts: u64,
    /// Over how many days.
    pub(crate) days: u64,
    /// Which one of its kind.
    pub(crate) seed: u64,
}

/// One file of a corpus: whose it is, and which seconds it covers.
#[derive(Clone, Copy, Debug)]
struct FilePlan {
    account: u64,
    region: usize,
    records: u64,
    /// Seconds since 1970.
    start: i64,
    seconds: i64,
    seed: u64,
}

/// The task.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let out: PathBuf = arguments.value("--out")?.context("where to? `--out DIR`")?;
    let kinds: Kinds = arguments.value("--kind")?.context("what kind? `--kind cloudtrail|flow|dns|all`")?;
    let records = arguments.value("--records")?.context("how many? `--records N`")?;
    let accounts = arguments.value("--accounts")?.unwrap_or(20);
    let days = arguments.value("--days")?.unwrap_or(7);
    let seed = arguments.value("--seed")?.unwrap_or(1);
    let threads = arguments.value("--threads")?.unwrap_or(2);
    arguments.finish()?;
    if records == 0 || accounts == 0 || days == 0 || threads == 0 {
        bail!("records, accounts, days and threads are at least 1");
    }
    for kind in kinds.0 {
        let plan = Plan { kind, records, accounts, days, seed };
        let written = write(&plan, &out, threads)?;
        println!("{}: {records} records in {} files, {} bytes", kind.name(), written.files, written.bytes);
    }
    Ok(())
}

/// How much a corpus is.
#[derive(Default)]
struct Written {
    files: usize,
    bytes: u64,
}

/// Writes the files of a corpus, each from a random stream of its own, so that threads change nothing.
fn write(plan: &Plan, out: &Path, threads: usize) -> anyhow::Result<Written> {
    let files = file_plans(plan);
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<u64> {
        let mut deflater = Deflater::new()?;
        let (mut text, mut compressed, mut bytes) = (String::new(), Vec::new(), 0);
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            text.clear();
            let path = out.join(render(plan, file, &mut text));
            deflater.deflate(text.as_bytes(), &mut compressed);
            bytes += compressed.len() as u64;
            let folder = path.parent().unwrap_or(out);
            std::fs::create_dir_all(folder).with_context(|| format!("creating `{}`", folder.display()))?;
            std::fs::write(&path, &compressed).with_context(|| format!("writing `{}`", path.display()))?;
        }
        Ok(bytes)
    };
    let parts: Vec<anyhow::Result<u64>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a writer does not panic")).collect()
    });
    let mut written = Written { files: files.len(), bytes: 0 };
    for part in parts {
        written.bytes += part?;
    }
    Ok(written)
}

/// The text of one file, and where it goes.
fn render(plan: &Plan, file: &FilePlan, text: &mut String) -> String {
    match plan.kind {
        Kind::CloudTrail => cloudtrail::render(plan, file, text),
        Kind::Flow => flow::render(plan, file, text),
        Kind::Dns => dns::render(plan, file, text),
    }
}

/// Cuts a corpus into files: few accounts and regions have most of them, and each place's files lie evenly over the days.
fn file_plans(plan: &Plan) -> Vec<FilePlan> {
    let mut random = Random::of(&[plan.seed, plan.kind as u64, plan.records, plan.accounts, plan.days]);
    let (fewest, most) = plan.kind.file_records();
    let accounts: Vec<u64> = (0..plan.accounts).collect();
    let mut files = Vec::new();
    let mut left = plan.records;
    while left > 0 {
        let records = random.spread(fewest, most).min(left);
        left -= records;
        let account = *random.favour(&accounts);
        let regions = account_regions(plan, account);
        let region = *random.favour(&regions);
        let seed = random.next();
        files.push(FilePlan { account, region, records, start: 0, seconds: 0, seed });
    }
    files.sort_by_key(|file| (file.account, file.region));
    let whole = plan.days as i64 * DAY_SECONDS;
    for place in files.chunk_by_mut(|one, other| (one.account, one.region) == (other.account, other.region)) {
        let slot = (whole / place.len() as i64).max(1);
        for (index, file) in place.iter_mut().enumerate() {
            file.start = START_SECONDS + (index as i64 * slot).min(whole - 1);
            file.seconds = slot.min(300);
        }
    }
    files
}

/// Regions, by the order in which estates use them.
const REGIONS: [&str; 8] = [
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "eu-central-1",
    "ap-southeast-2",
    "us-east-2",
    "ap-northeast-1",
    "ca-central-1",
];

/// The regions that an account uses, as places in [`REGIONS`]; most used first.
fn account_regions(plan: &Plan, account: u64) -> Vec<usize> {
    let mut random = Random::of(&[plan.seed, account, 0x7265_6769]);
    let home = random.below(4) as usize;
    let count = random.range(1, 4) as usize;
    (0..count).map(|step| (home + step * 2) % REGIONS.len()).collect()
}

/// Twelve digits.
fn account_id(plan: &Plan, account: u64) -> String {
    let mut random = Random::of(&[plan.seed, account, 0x6163_636f]);
    random.range(100_000_000_000, 999_999_999_999).to_string()
}

/// `<prefix>-` and 17 hexadecimal digits: the id of an AWS resource, the same for the same parts.
pub(crate) fn resource_id(prefix: &str, parts: &[u64]) -> String {
    let mut id = format!("{prefix}-0");
    Random::of(parts).hex(16, &mut id);
    id
}

/// An address of EC2, by region; these blocks have been Amazon's for many years.
pub(crate) fn ec2_address(region: usize, random: &mut Random) -> [u8; 4] {
    let (first, second) = match REGIONS[region] {
        "us-east-1" => (34, 192 + random.below(16)),
        "eu-west-1" => (52, 16 + random.below(2)),
        "us-west-2" => (35, 160 + random.below(8)),
        "eu-central-1" => (18, 192 + random.below(4)),
        "ap-southeast-2" => (13, 236 + random.below(4)),
        "us-east-2" => (18, 216 + random.below(4)),
        "ap-northeast-1" => (54, 64 + random.below(2)),
        _ => (35, 182 + random.below(1)),
    };
    [first, second as u8, random.below(256) as u8, random.range(1, 255) as u8]
}

pub(crate) fn dotted([a, b, c, d]: [u8; 4]) -> String {
    format!("{a}.{b}.{c}.{d}")
}

/// `2026-03-02T08:15:00Z`.
pub(crate) fn iso(seconds: i64) -> String {
    civil(seconds, "%Y-%m-%dT%H:%M:%SZ")
}

/// A time as `strftime` formats it.
pub(crate) fn civil(seconds: i64, format: &str) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().strftime(format).to_string()
}

/// Whether people are at work: Monday to Friday, 7 to 18 UTC.
fn is_working_time(seconds: i64) -> bool {
    let since = seconds - START_SECONDS;
    since / DAY_SECONDS % 7 < 5 && (7..18).contains(&(since % DAY_SECONDS / 3600))
}

/// The texts of a small corpus.
#[cfg(test)]
pub(crate) fn sample(kind: Kind, records: u64) -> Vec<String> {
    tests::rendered(kind, records).into_iter().map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn rendered(kind: Kind, records: u64) -> Vec<(String, String)> {
        let plan = Plan { kind, records, accounts: 4, days: 2, seed: 5 };
        let files = file_plans(&plan);
        let render = |file| {
            let mut text = String::new();
            (render(&plan, file, &mut text), text)
        };
        files.iter().map(render).collect()
    }

    #[test]
    fn the_same_plan_gives_the_same_files() {
        for kind in Kind::ALL {
            assert_eq!(rendered(kind, 3_000), rendered(kind, 3_000));
        }
    }

    #[test]
    fn a_corpus_has_as_many_records_as_were_asked_for() {
        let events = |text: &str| {
            let file: serde_json::Value = serde_json::from_str(text).unwrap();
            file["Records"].as_array().unwrap().len()
        };
        let total: usize = rendered(Kind::CloudTrail, 20_000).iter().map(|(_, text)| events(text)).sum();
        assert_eq!(total, 20_000);
        let total: usize = rendered(Kind::Flow, 20_000).iter().map(|(_, text)| text.lines().count() - 1).sum();
        assert_eq!(total, 20_000);
        let total: usize = rendered(Kind::Dns, 20_000).iter().map(|(_, text)| text.lines().count()).sum();
        assert_eq!(total, 20_000);
    }

    #[test]
    fn an_event_has_the_size_and_shape_that_aws_gives_it() {
        let files = rendered(Kind::CloudTrail, 20_000);
        let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
        assert!((1_100..1_550).contains(&(bytes / 20_000)), "{} bytes an event", bytes / 20_000);
        for (path, text) in files {
            assert!(path.starts_with("AWSLogs/") && path.ends_with(".json.gz"), "{path}");
            let file: serde_json::Value = serde_json::from_str(&text).unwrap();
            for event in file["Records"].as_array().unwrap() {
                for key in ["eventTime", "eventSource", "eventName", "eventID", "awsRegion", "recipientAccountId"] {
                    assert!(event[key].is_string(), "{key} of {event}");
                }
                assert!(event["userIdentity"]["type"].is_string(), "{event}");
            }
        }
    }

    #[test]
    fn flow_lines_have_the_columns_of_their_header() {
        for (_, text) in rendered(Kind::Flow, 20_000) {
            let columns = text.lines().next().unwrap().split(' ').count();
            assert!(text.lines().all(|line| line.split(' ').count() == columns));
        }
    }

    #[test]
    fn dns_lines_are_json() {
        for (_, text) in rendered(Kind::Dns, 5_000) {
            for line in text.lines() {
                let query: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(query["query_name"].as_str().unwrap().ends_with('.'), "{line}");
                assert!(query["answers"].is_array(), "{line}");
            }
        }
    }
}
