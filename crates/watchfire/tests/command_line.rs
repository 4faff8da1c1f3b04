//! The options of the program, its exit statuses, and what it writes where.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{Folder, Scan, program as watchfire, run, stop_logging};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

const STOPPED: &str = "Stealth:IAMUser/CloudTrailLoggingDisabled";
const C2: &str = "Backdoor:EC2/C&CActivity.B";
const CUSTOM: &str = "UnauthorizedAccess:EC2/MaliciousIPCaller.Custom";

fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/AWSLogs")
}

/// A stopped trail, and a connection to 203.0.113.7 by an interface in a flow log that names no region.
fn folder() -> Folder {
    let flow = "2 444455556666 eni-0a000000000000001 10.0.1.10 203.0.113.7 50000 443 6 10 4000 1773140400 1773140460 ACCEPT OK\n";
    Folder::with_a_log().file("flows.log", flow)
}

fn scan(options: &[&str]) -> Scan {
    folder().scan(&[&["--format", "jsonl"], options].concat())
}

/// `KIND=` and the path of a list with this text.
fn list(folder: &Folder, kind: &str, name: &str, text: &str) -> String {
    format!("{kind}{}", folder.aside(name, text).display())
}

#[test]
fn findings_do_not_fail_a_scan_unless_asked_to() {
    assert_eq!(scan(&[]).run.status, 0);
    assert_eq!(scan(&["--fail-on", "low"]).run.status, 3);
    assert_eq!(scan(&["--fail-on", "medium"]).run.status, 0, "the finding is of severity low");
    assert_eq!(scan(&["--fail-on", "low", "--type", "Recon:*"]).run.status, 0, "what is not reported does not fail");
    let not_a_log = Folder::empty().file("notes.txt", "hello\n");
    assert_eq!(not_a_log.scan(&[]).run.status, 1);
}

#[test]
fn a_wrong_command_line_is_explained() {
    for (arguments, says) in [
        (&["scan"][..], "PATH"),
        (&["scan", "x"], "no such file or folder: `x`"),
        (
            &["scan", env!("CARGO_MANIFEST_DIR"), "--baseline", "x"],
            "`--baseline`: there is no such file or folder: `x`",
        ),
        (&["explain", "0123", "x"], "no such file or folder: `x`"),
        (&["keys", "list", "--data", "x"], "`x` holds no store"),
        (&["types", "cloudtrail_logging"], "did you mean Stealth:IAMUser/CloudTrailLoggingDisabled?"),
        (&["types", "Recon:EC2/PortScans"], "did you mean Recon:EC2/Portscan?"),
        (&["inventory"], "--check"),
        (&["scan", "x", "--no-such-option"], "--no-such-option"),
        (&["scam", "x"], "scan"),
        (&["scan", "x", "--min-severity", "dire"], "low, medium, high, critical"),
        (&["scan", "x", "--fail-on", "dire"], "low, medium, high or critical"),
        (&["scan", "x", "--type", "Nonsense"], "watchfire types"),
        (&["scan", "x", "--from", "yesterday"], "--from"),
        (&["scan", "x", "--from", "2026-03-11", "--to", "2026-03-10"], "--from is the first moment"),
        (&["scan", "x", "--account", "12"], "twelve digits"),
        (&["scan", "x", "--threads", "0"], "--threads"),
        (&["scan", "x", "--format", "xml"], "jsonl"),
        (&["scan", "x", "--intel", "c3=list.txt"], "the kinds are c2"),
        (&["scan", "x", "--intel", "c2=/nonexistent/list.txt"], "/nonexistent/list.txt"),
        (&["scan", "x", "--trusted", "/nonexistent/list.txt"], "/nonexistent/list.txt"),
        (&["scan", "x", "--inventory", "/nonexistent/estate.json"], "/nonexistent/estate.json"),
        (&["scan", "x", "--geoip", "/nonexistent/city.mmdb"], "/nonexistent/city.mmdb"),
        (&["scan", "x", "--aws-ranges", "/nonexistent/ranges.json"], "/nonexistent/ranges.json"),
        (&["scan", "x", "--config", "/nonexistent/config.toml"], "/nonexistent/config.toml"),
        (&["scan", "x", "--threshold", "ec2.beacon.scores=1"], "did you mean `ec2.beacon.score`?"),
        (&["scan", "x", "--threshold", "ec2.beacon.score=7"], "from 0.3 to 1.3 (points"),
        (&["scan", "x", "--threshold", "ec2.beacon.score"], "KEY=VALUE"),
        (&["scan", "x", "--disable", "Recon:EC2/PortScans"], "did you mean `Recon:EC2/Portscan`?"),
        (&["thresholds", "ec2.portscan.port"], "did you mean `ec2.portscan.ports`?"),
    ] {
        let run = run(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_list_without_a_usable_entry_stops_the_program() {
    let folder = folder();
    let scan = folder.scan(&["--intel", &list(&folder, "c2=", "empty.txt", "# nothing\n")]);
    assert_eq!(scan.run.status, 2);
    assert!(scan.run.stderr.contains("holds no entry that can be used"), "{}", scan.run.stderr);
}

#[test]
fn a_list_of_private_ranges_matches_nothing_and_says_so() {
    let folder = folder();
    let scan = folder.scan(&["--intel", &list(&folder, "custom=", "private.txt", "10.0.0.0/8\n192.168.1.7\n")]);
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert!(scan.run.stderr.contains("not publicly routable"), "{}", scan.run.stderr);
}

#[test]
fn standard_output_holds_the_report_only() {
    let lines = scan(&[]);
    assert_eq!(lines.types(), [STOPPED]);
    assert!(lines.run.stdout.lines().all(|line| line.starts_with('{')), "{}", lines.run.stdout);
    assert!(lines.run.stderr.contains("2 files"), "{}", lines.run.stderr);
    let document = folder().scan(&["--format", "json"]);
    assert_eq!(document.types(), [STOPPED]);
    let table = folder().scan(&[]);
    assert!(table.run.stdout.contains(STOPPED) && table.run.stdout.contains("1 finding"), "{}", table.run.stdout);
}

#[test]
fn quiet_is_silent() {
    let quiet = scan(&["--quiet"]);
    assert_eq!((quiet.run.status, quiet.run.stderr.as_str()), (0, ""));
    assert_eq!(quiet.types(), [STOPPED]);
    let failed = Folder::empty().scan(&["--quiet"]);
    assert_eq!(failed.run.status, 1);
    assert_eq!(failed.run.stderr.lines().count(), 1, "an error is told all the same: {}", failed.run.stderr);
}

#[test]
fn reports_are_narrowed_by_severity_and_type() {
    let folder = folder();
    let c2 = list(&folder, "c2=", "c2.txt", "203.0.113.7\n");
    let types = |options: &[&str]| {
        let scan = folder.scan(&[&["--format", "jsonl", "--intel", &c2], options].concat());
        (scan.types(), scan.number("/notReported"))
    };
    assert_eq!(types(&[]), (vec![C2.to_owned(), STOPPED.to_owned()], 0));
    assert_eq!(types(&["--min-severity", "high"]), (vec![C2.to_owned()], 1));
    assert_eq!(types(&["--min-severity", "8.5"]), (vec![], 2));
    assert_eq!(types(&["--type", "stealth:*"]), (vec![STOPPED.to_owned()], 1));
    assert_eq!(types(&["--type", "*/CloudTrail*", "--type", C2]).0.len(), 2);
}

#[test]
fn records_are_narrowed_by_time_account_and_region() {
    for (options, count) in [
        (&["--from", "2026-03-10T10:00:00Z"][..], 1),
        (&["--from", "2026-03-10T10:00:01Z"], 0),
        (&["--to", "2026-03-10T10:00:00Z"], 0),
        (&["--to", "2026-03-10T10:00:01Z"], 1),
        (&["--from", "2026-03-10", "--to", "2026-03-11"], 1),
        (&["--from", "2026-03-11"], 0),
        (&["--account", "111122223333"], 1),
        (&["--account", "444455556666"], 0),
        (&["--account", "444455556666", "--account", "111122223333"], 1),
        (&["--region", "us-east-1"], 1),
        (&["--region", "eu-west-1"], 0),
    ] {
        assert_eq!(scan(options).types().len(), count, "{options:?}");
    }
    assert_eq!(
        scan(&["--account", "111122223333"]).number("/records/outsidePeriod"),
        1,
        "the flow is another account's"
    );
}

#[test]
fn records_that_name_no_account_or_region_get_the_assumed_ones() {
    let folder = folder();
    let c2 = list(&folder, "c2=", "c2.txt", "203.0.113.7\n");
    let options = ["--format", "jsonl", "--type", C2, "--intel", &c2, "--assume-region", "eu-west-3"];
    let finding = &folder.scan(&options).findings()[0];
    assert_eq!((&finding["region"], &finding["accountId"]), (&"eu-west-3".into(), &"444455556666".into()));
    let flow = "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n\
                2 eni-0a000000000000001 10.0.1.10 203.0.113.7 50000 443 6 10 4000 1773140400 1773140460 ACCEPT OK\n";
    let folder = Folder::empty().file("flows.log", flow);
    let c2 = list(&folder, "c2=", "c2.txt", "203.0.113.7\n");
    let finding =
        &folder.scan(&["--format", "jsonl", "--intel", &c2, "--assume-account", "999988887777"]).findings()[0];
    assert_eq!(finding["accountId"], "999988887777");
}

#[test]
fn lists_are_told_apart_by_their_kind_and_trusted_ones_win() {
    let folder = folder();
    let bad = "203.0.113.7\n";
    let own = list(&folder, "", "own.txt", bad);
    let c2 = list(&folder, "c2=", "c2.txt", bad);
    let trusted = list(&folder, "", "trusted.txt", "203.0.113.0/24\n");
    let types = |options: &[&str]| folder.scan(&[&["--format", "jsonl"], options].concat()).types();
    assert_eq!(types(&["--intel", &own]), [STOPPED, CUSTOM]);
    assert_eq!(types(&["--intel", &own, "--intel", &c2]), [C2, STOPPED, CUSTOM]);
    assert_eq!(types(&["--intel", &own, "--intel", &c2, "--trusted", &trusted]), [STOPPED]);
    let remarks = folder.scan(&["--intel", &list(&folder, "c2=", "odd.txt", "203.0.113.7\nnot an address\n")]);
    assert!(remarks.run.stderr.contains("1 of its entries were refused"), "{}", remarks.run.stderr);
}

#[test]
fn shipped_lists_can_be_left_out() {
    let types = |options: &[&str]| {
        let sample = sample();
        let run = run([&["scan", sample.to_str().unwrap(), "--format", "json", "--quiet"], options].concat());
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.stdout.contains("BitcoinTool")
    };
    assert!(types(&[]));
    assert!(!types(&["--no-default-intel"]));
}

#[test]
fn the_report_and_the_account_go_to_files_if_asked() {
    let folder = folder();
    let report = folder.aside("report.json", "");
    let scan = folder.scan(&["--format", "json", "-o", report.to_str().unwrap()]);
    assert_eq!((scan.run.status, scan.run.stdout.as_str()), (0, ""));
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(written["findings"][0]["type"], STOPPED);
    assert_eq!((scan.number("/files/listed"), scan.number("/files/analysed")), (2, 2));
    assert_eq!(scan.number("/records/analysed/vpc-flow"), 1, "{:#}", scan.account);
    let nowhere = folder.scan(&["-o", "/nonexistent/report.json"]);
    assert_eq!(nowhere.run.status, 2);
    assert!(nowhere.run.stderr.contains("/nonexistent/report.json"), "{}", nowhere.run.stderr);
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let is_coloured = |scan: &Scan| scan.run.stdout.contains('\x1b');
    assert!(!is_coloured(&folder().scan(&[])));
    assert!(is_coloured(&folder().scan(&["--color", "always"])));
    assert!(!is_coloured(&folder().scan(&["--color", "never"])));
    let folder = folder();
    let plain = watchfire().arg("scan").arg(folder.path()).env("NO_COLOR", "1").output().unwrap();
    assert!(!plain.stdout.contains(&0x1b) && !plain.stderr.contains(&0x1b));
    assert!(!scan(&[]).run.stderr.contains('\x1b'), "nor does the account have any where it goes to no terminal");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    // More findings than a pipe holds.
    let events: Vec<String> = (0..400).map(|user| stop_logging("10:00:00", &format!("user{user}"))).collect();
    let folder = Folder::empty().file("events.json", format!("{{\"Records\":[{}]}}", events.join(",")));
    let mut child = watchfire()
        .arg("scan")
        .arg(folder.path())
        .args(["--format", "jsonl", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap(); // And the pipe is closed.
    let run = program::of(child.wait_with_output().unwrap());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(line.contains(STOPPED));
}

#[test]
fn the_other_commands_answer() {
    for (arguments, says) in [
        (&["--version"][..], "AWS address ranges"),
        (&["-V"], "watchfire"),
        (&["scan", "--version"], "public suffix list"),
        (&["--help"], "scan"),
        (&["types", "--live"], STOPPED),
        (&["types", STOPPED], "CloudTrail"),
        (&["inventory", "--schema"], "nat_gateways"),
        (&["completions", "bash"], "watchfire"),
        (&["man"], ".TH"),
        (&["config", "show"], "[scan]"),
    ] {
        let run = run(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(run.stdout.contains(says), "{arguments:?}: {}", run.stdout);
    }
}

#[test]
fn a_finding_is_explained_from_logs_and_from_a_report() {
    let folder = folder();
    let finding = folder.scan(&["--format", "jsonl"]).findings()[0].clone();
    let id = finding["id"].as_str().unwrap();
    let report = folder.aside("report.jsonl", finding.to_string() + "\n");
    for path in [folder.path(), &report] {
        let run = run(["explain".as_ref(), id[..8].as_ref(), path.as_os_str()]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stdout.contains("StopLogging") && run.stdout.contains("198.51.100.20"), "{}", run.stdout);
    }
    let unknown = run(["explain".as_ref(), "ffffffff".as_ref(), report.as_os_str()]);
    assert_ne!(unknown.status, 0);
    assert!(unknown.stderr.contains("ffffffff"), "{}", unknown.stderr);
}
