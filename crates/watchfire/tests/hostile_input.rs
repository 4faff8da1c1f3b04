//! Damaged, hostile and foreign files: each is reported with a reason, and everything beside it is analysed.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{Folder, Scan, stop_logging};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const STOPPED: &str = "Stealth:IAMUser/CloudTrailLoggingDisabled";
const MEMORY_MAX: u64 = 256 << 20;

fn scan(folder: &Folder) -> Scan {
    let scan = folder.scan(&["--format", "jsonl"]);
    check_honest(&scan);
    scan
}

fn check_honest(scan: &Scan) {
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert!(scan.adds_up(), "{:#}", scan.account);
    assert!(!scan.run.stderr.contains("panicked"), "{}", scan.run.stderr);
}

/// The file beside a good log is reported with this reason, and the good log's finding is there.
fn check_reported(name: &str, content: impl AsRef<[u8]>, reason: &str) -> Scan {
    let scan = scan(&Folder::with_a_log().file(name, content));
    assert!(complains(&scan, name, reason), "{name}: {reason}\n{:#}", scan.account);
    assert!(scan.types().contains(&STOPPED.to_owned()));
    scan
}

fn complains(scan: &Scan, file: &str, reason: &str) -> bool {
    scan.complaints().iter().any(|complaint| {
        complaint.split_once(": ").is_some_and(|(name, why)| name.ends_with(file) && why.contains(reason))
    })
}

fn records(events: &[String]) -> String {
    format!("{{\"Records\":[{}]}}", events.join(","))
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_cut_gzip_file_still_gives_what_stands_before_the_cut() {
    let events: Vec<String> =
        (0..200).map(|second| stop_logging(&format!("11:{:02}:{:02}", second / 60, second % 60), "cut")).collect();
    let whole = gzip(records(&events).as_bytes());
    let scan = check_reported("cut.json.gz", &whole[..whole.len() * 3 / 4], "ends early");
    assert_eq!(scan.types(), [STOPPED, STOPPED], "the good file's user, and the cut file's");
}

#[test]
fn a_damaged_gzip_file_is_reported() {
    let mut damaged = gzip(records(&[stop_logging("11:00:00", "damaged")]).as_bytes());
    let end = damaged.len() - 6;
    damaged[end] ^= 0xff; // The checksum.
    check_reported("damaged.json.gz", damaged, "damaged");
    check_reported("only-magic.gz", [0x1f, 0x8b], "ends early");
    check_reported(
        "padded.gz",
        [gzip(records(&[stop_logging("11:00:00", "p")]).as_bytes()), b"padding".to_vec()].concat(),
        "ignored",
    );
}

#[test]
fn a_gzip_bomb_takes_little_memory() {
    let folder = Folder::with_a_log().file("bomb.gz", gzip(&vec![0; 300 << 20]));
    let (scan, peak) = folder.scan_measured(&["--format", "jsonl"]);
    check_honest(&scan);
    assert_eq!(scan.types(), [STOPPED]);
    assert!(scan.complaints().iter().any(|complaint| complaint.contains("bomb.gz")), "{:#}", scan.account);
    assert!(peak.is_none_or(|peak| peak <= MEMORY_MAX), "{peak:?}");
}

#[test]
fn a_zstd_bomb_is_not_followed_to_its_end() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    let block = vec![b'\n'; 1 << 20];
    for _ in 0..1_024 {
        encoder.write_all(&block).unwrap();
    }
    let folder = Folder::with_a_log().file("bomb.zst", encoder.finish().unwrap());
    let (scan, peak) = folder.scan_measured(&["--format", "jsonl"]);
    check_honest(&scan);
    assert!(complains(&scan, "bomb.zst", "grows beyond the limit"), "{:#}", scan.account);
    assert!(scan.number("/bytesUnpacked") < 300 << 20, "{:#}", scan.account);
    assert!(peak.is_none_or(|peak| peak <= MEMORY_MAX), "{peak:?}");
}

#[test]
fn a_line_of_a_hundred_megabytes_costs_that_line_only() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100 << 20));
    let lines = [stop_logging("11:00:00", "before"), long, stop_logging("11:00:01", "after")].join("\n");
    let folder = Folder::with_a_log().file("long.jsonl", lines);
    let (scan, peak) = folder.scan_measured(&["--format", "jsonl"]);
    check_honest(&scan);
    assert_eq!(scan.types(), [STOPPED, STOPPED, STOPPED]);
    assert!(complains(&scan, "long.jsonl", "skipped"), "{:#}", scan.account);
    assert!(peak.is_none_or(|peak| peak <= MEMORY_MAX), "{peak:?}");
}

#[test]
fn compression_within_compression_ends() {
    let event = records(&[stop_logging("11:00:00", "twice")]);
    let twice = scan(&Folder::empty().file("twice.gz", gzip(&gzip(event.as_bytes()))));
    assert_eq!(twice.types(), [STOPPED]);
    check_reported("four.gz", gzip(&gzip(&gzip(&gzip(event.as_bytes())))), "compressed more than 2 times");
}

#[test]
fn foreign_files_are_named() {
    let noise: Vec<u8> = (0..100_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    check_reported("noise.bin", noise, "not a log");
    check_reported("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", "");
    check_reported("picture.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "");
    check_reported("notes.md", "# Notes\n\nNothing to see.\n", "not a log");
    check_reported("table.csv", "a,b,c\n1,2,3\n", "not a log");
    check_reported("other.json", r#"{"some":"document"}"#, "not a log");
    check_reported("nothing.txt", "", "empty");
    check_reported("nothing.gz", gzip(b""), "empty");
    check_reported("blank.txt", "\n \n\t\n", "");
}

#[test]
fn a_parquet_file_damaged_anywhere_is_reported_without_noise() {
    let sound = include_bytes!("../../../fuzz/seeds/vpc_flow_parquet/plain.parquet");
    let mut folder = Folder::with_a_log();
    for place in (1..sound.len()).step_by(29) {
        let mut damaged = sound.to_vec();
        damaged[place] ^= 0x81;
        folder = folder.file(format!("damaged-{place}.parquet"), damaged);
    }
    let scan = scan(&folder);
    assert!(complains(&scan, ".parquet", "damaged"), "{:#}", scan.account);
    assert!(scan.types().contains(&STOPPED.to_owned()));
}

#[test]
fn links_and_things_that_are_no_files() {
    let folder = Folder::with_a_log();
    let path = folder.path();
    symlink(path, path.join("ring")).unwrap();
    symlink("nowhere", path.join("dangling")).unwrap();
    symlink("self", path.join("self")).unwrap();
    symlink("good.json", path.join("again.json")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
    let has_pipe =
        std::process::Command::new("mkfifo").arg(path.join("pipe")).status().is_ok_and(|made| made.success());
    let scan = scan(&folder);
    assert_eq!(scan.types(), [STOPPED]);
    assert_eq!(scan.findings()[0]["service"]["count"], 1);
    assert!(complains(&scan, "dangling", "leads nowhere"), "{:#}", scan.account);
    assert!(complains(&scan, "self", ""), "{:#}", scan.account);
    assert!(complains(&scan, "ring", "the same folder as"), "{:#}", scan.account);
    assert!(complains(&scan, "again.json", "the same file as"), "{:#}", scan.account);
    assert!(complains(&scan, "socket", "a socket"), "{:#}", scan.account);
    assert!(!has_pipe || complains(&scan, "pipe", "a named pipe"), "{:#}", scan.account);
}

#[test]
fn a_name_that_is_no_text_is_no_obstacle() {
    let name = std::ffi::OsStr::from_bytes(b"lo\xffg\n.json");
    let scan = scan(&Folder::empty().file(Path::new(name), records(&[stop_logging("11:00:00", "odd")])));
    assert_eq!(scan.types(), [STOPPED]);
    let file = scan.findings()[0].pointer("/watchfire/evidence/first/0/file").unwrap().as_str().unwrap().to_owned();
    assert!(file.ends_with(r"lo\xffg\x0a.json"), "{file}");
}

#[test]
fn what_may_not_be_read_is_named() {
    let folder = Folder::with_a_log().file("locked.json", "{}").file("closed/inside.json", "{}");
    let forbid = |name: &str| {
        let path = folder.path().join(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).unwrap();
        path
    };
    let (locked, closed) = (forbid("locked.json"), forbid("closed"));
    if std::fs::read(&locked).is_err() {
        // To the superuser nothing is forbidden.
        let scan = scan(&folder);
        assert!(complains(&scan, "locked.json", "could not read"), "{:#}", scan.account);
        assert!(complains(&scan, "closed", "could not list"), "{:#}", scan.account);
        assert_eq!(scan.types(), [STOPPED]);
    }
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_belongs_to_logs_and_is_none_is_told_apart() {
    let digest = r#"{"awsAccountId":"111122223333","digestStartTime":"2026-03-10T09:00:00Z","digestEndTime":"2026-03-10T10:00:00Z","digestS3Bucket":"logs","digestS3Object":"x","digestPublicKeyFingerprint":"0","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"logFiles":[]}"#;
    let insight = stop_logging("11:00:00", "insight")
        .replace(
            "\"eventCategory\":\"Management\"",
            "\"eventCategory\":\"Insight\",\"insightDetails\":{\"state\":\"Start\"}",
        )
        .replace("AwsApiCall", "AwsCloudTrailInsight");
    let flows = "2 111122223333 eni-0a000000000000001 - - - - - - - 1773136800 1773136860 - NODATA\n\
                 2 111122223333 eni-0a000000000000001 - - - - - - - 1773136860 1773136920 - SKIPDATA\n";
    let scan = scan(
        &Folder::with_a_log()
            .file("digest.json", digest)
            .file("insight.json", records(&[insight]))
            .file("flows.log", flows),
    );
    assert_eq!(scan.types(), [STOPPED]);
    assert_eq!(scan.number("/files/notLogs/CloudTrail digest file"), 1, "{:#}", scan.account);
    assert_eq!(scan.number("/records/skipped/CloudTrail Insights event"), 1, "{:#}", scan.account);
    assert_eq!(scan.number("/records/skipped/flow window without traffic"), 1, "{:#}", scan.account);
    assert_eq!(scan.number("/records/skipped/flow window with records skipped by AWS"), 1, "{:#}", scan.account);
}

#[test]
fn deep_nesting_ends() {
    check_reported("deep.json", "[".repeat(1_000_000), "");
    check_reported("deep-object.json", "{\"Records\":[".to_owned() + &"{\"a\":".repeat(200_000), "");
    let nested = stop_logging("11:00:00", "nested").replace(
        "{\"name\":\"main\"}",
        &format!("{{\"name\":\"main\",\"deep\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000)),
    );
    let scan = scan(&Folder::with_a_log().file("nested.json", records(&[nested, stop_logging("11:00:01", "next")])));
    assert!(scan.types().len() >= 2, "{:#}", scan.account);
}

#[test]
fn odd_bytes_spoil_their_own_line_only() {
    let good = |user: &str| stop_logging("11:00:00", user);
    let lines = [
        good("one").into_bytes(),
        b"\0\0\0\0".to_vec(),
        b"{\"eventVersion\":\"\xff\xfe\"}".to_vec(),
        good("two").into_bytes(),
    ];
    let scan = check_reported("odd.jsonl", lines.join(b"\n".as_slice()), "");
    assert_eq!(scan.types(), [STOPPED, STOPPED, STOPPED]);
}

#[test]
fn line_ends_and_byte_order_marks_of_other_systems_are_read() {
    let flow = "2 111122223333 eni-0a000000000000001 10.0.1.10 203.0.113.7 50000 443 6 10 4000 1773136800 1773136860 ACCEPT OK";
    let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
    let folder = Folder::empty()
        .file(
            "windows.jsonl",
            format!("\u{feff}{}\r\n{}\r\n", stop_logging("11:00:00", "one"), stop_logging("11:00:01", "two")),
        )
        .file("flows.log", format!("\u{feff}{header}\r\n{flow}\r\n"))
        .file("records.json", format!("\u{feff}{}", records(&[stop_logging("11:00:02", "three")])));
    let list = folder.aside("c2.txt", "\u{feff}203.0.113.7\r\n");
    let scan = folder.scan(&["--format", "jsonl", "--intel", &format!("c2={}", list.display())]);
    check_honest(&scan);
    assert_eq!(scan.types(), ["Backdoor:EC2/C&CActivity.B", STOPPED, STOPPED, STOPPED], "{:#}", scan.account);
}

#[test]
fn nothing_at_all_is_a_failure() {
    let empty = Folder::empty().scan(&[]);
    assert_eq!(empty.run.status, 1);
    assert!(empty.run.stderr.contains("nothing could be read"), "{}", empty.run.stderr);
    let foreign =
        Folder::empty().file("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").file("notes.txt", "no log").scan(&[]);
    assert_eq!(foreign.run.status, 1, "a wrong folder is told by the status too");
    assert!(foreign.adds_up(), "{:#}", foreign.account);
    let missing = program::run(["scan", "/nonexistent/logs"]);
    assert_eq!(missing.status, 2, "a path that is not there is a mistake of the command line");
    assert!(
        missing.stderr.contains("/nonexistent/logs") && missing.stderr.contains("no such file"),
        "{}",
        missing.stderr
    );
}
