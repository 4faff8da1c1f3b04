//! `xtask storm`: what the program takes of memory when ten minutes hold nothing but records that concern a rule, and when
//! there are very many of what behaviours remember.

use crate::arguments::Arguments;
use crate::bench::usage::measure;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
Scans storms of ten minutes and estates of very many principals and hosts, made here, and prints what each took:
processor time, peak of memory.

  cargo build --release && cargo run --release -p xtask -- storm [--program FILE]";

const FLOW_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start \
                           end action log-status";
/// 2026-01-10 10:00:00 UTC, the beginning of a slice.
const BEGIN_SECONDS: u64 = 1_768_039_200;

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    arguments.finish()?;
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let list = folder.path().join("c2.txt");
    std::fs::write(&list, "203.0.113.0/24\n")?;
    for (name, count, line) in STORMS {
        let file = folder.path().join("storm.log");
        let mut out = BufWriter::new(File::create(&file)?);
        if !name.contains("calls") {
            writeln!(out, "{FLOW_HEADER}")?;
        }
        (0..count).try_for_each(|number| writeln!(out, "{}", line(number)))?;
        out.flush()?;
        report(name, count, &program, &file, &list)?;
    }
    Ok(())
}

fn report(name: &str, count: u64, program: &Path, file: &Path, list: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(["scan", "--quiet", "--format", "jsonl", "--threads", "2", "--no-default-intel", "--intel"]);
    command.arg(format!("c2={}", list.display())).arg(file);
    let used = measure(&mut command)?;
    ensure!(used.succeeded, "the program failed");
    println!("{count} {name}: {:.1} CPU s, peak {:.0} MiB", used.cpu_seconds, used.peak_mebibytes());
    Ok(())
}

/// What it is of, how many records, and each of them.
type Storm = (&'static str, u64, fn(u64) -> String);

const STORMS: [Storm; 5] = [
    ("flows, each of a host of its own, to one listed address", 600_000, |number| flow(number, 1)),
    ("calls of one instance's session from outside AWS", 300_000, call),
    ("findings, each of an interface of its own", 100_000, |number| flow(number, number)),
    ("calls, of 100,000 principals on four days", 400_000, principal),
    ("flows, of 1,000,000 pairs of 20,000 hosts with 1,000 servers", 1_000_000, pair),
];

fn flow(number: u64, interface: u64) -> String {
    let start = BEGIN_SECONDS + number % 540;
    format!(
        "2 111122223333 eni-{interface:017x} 10.{}.{}.{} 203.0.113.9 {} 443 6 10 {number} {start} {} ACCEPT OK",
        number / 62_500 % 250,
        number / 250 % 250,
        number % 250,
        1_024 + number % 60_000,
        start + 60,
    )
}

/// One of fifty servers of a host, each ten minutes another.
fn pair(number: u64) -> String {
    let (host, turn) = (number % 20_000, number / 20_000);
    let (server, start) = ((host * 7 + turn * 20) % 1_000, BEGIN_SECONDS + turn * 600 + host % 500);
    format!(
        "2 111122223333 eni-{host:017x} 10.1.{}.{} 198.51.{}.{} {} 443 6 12 4096 {start} {} ACCEPT OK",
        host / 250,
        host % 250,
        100 + server / 250,
        server % 250,
        32_768 + number % 28_000,
        start + 60,
    )
}

/// A user's call of one of ten APIs, once a day.
fn principal(number: u64) -> String {
    const APIS: [&str; 10] = [
        "DescribeInstances",
        "DescribeVpcs",
        "DescribeSubnets",
        "DescribeVolumes",
        "DescribeImages",
        "DescribeTags",
        "DescribeRegions",
        "DescribeKeyPairs",
        "DescribeAddresses",
        "DescribeSnapshots",
    ];
    let (user, day) = (number % 100_000, number / 100_000);
    let (api, second) = (APIS[(user + day) as usize % 10], user % 36_000);
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDA{user:016}","arn":"arn:aws:iam::111122223333:user/user-{user}","accountId":"111122223333","accessKeyId":"AKIA{user:016}","userName":"user-{user}"}},"eventTime":"2026-01-{:02}T{:02}:{:02}:{:02}Z","eventSource":"ec2.amazonaws.com","eventName":"{api}","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.{}","userAgent":"aws-cli/2.15.0","requestParameters":{{}},"responseElements":null,"eventID":"{number:08x}-0000-4000-8000-000000000000","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#,
        10 + day,
        8 + second / 3_600,
        second / 60 % 60,
        second % 60,
        user % 200,
    )
}

fn call(number: u64) -> String {
    let second = number % 590;
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIAIOSFODNN7EXAMPLE","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/web","accountId":"111122223333","userName":"web"}}}}}},"eventTime":"2026-01-10T10:{:02}:{:02}Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.{}","userAgent":"aws-cli/2.15.0","requestParameters":{{"filterSet":{{"x":"{:0200}"}}}},"responseElements":null,"eventID":"{number:08x}-0000-4000-8000-000000000000","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#,
        second / 60,
        second % 60,
        number % 200,
        0,
    )
}
