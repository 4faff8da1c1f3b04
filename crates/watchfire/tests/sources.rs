//! Logs from where they are: buckets, archives, standard input; and a scan that goes on after it was killed.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;
#[path = "support/s3_server.rs"]
mod s3_server;

use program::{Folder, Run, Scan, of, program, stop_logging};
use s3_server::S3Server;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A log file in which this user stopped a trail on 10 March 2026.
fn log(user: &str) -> Vec<u8> {
    gzip(format!("{{\"Records\":[{}]}}", stop_logging("10:00:00", user)).as_bytes())
}

fn trail(account: &str, region: &str, day: &str, user: &str) -> (String, Vec<u8>) {
    (format!("AWSLogs/{account}/CloudTrail/{region}/2026/{day}/{user}.json.gz"), log(user))
}

fn from_s3(server: &S3Server) -> Command {
    let mut command = program();
    command
        .env("AWS_ENDPOINT_URL_S3", &server.endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    command
}

fn scan_s3(server: &S3Server, arguments: &[&str]) -> Run {
    of(from_s3(server).arg("scan").args(arguments).args(["--format", "jsonl"]).output().unwrap())
}

/// Files of the evidence, sorted.
fn files(stdout: &str) -> Vec<String> {
    let findings = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut files: Vec<String> = findings
        .map(|finding| finding["watchfire"]["evidence"]["first"][0]["file"].as_str().unwrap().to_owned())
        .collect();
    files.sort();
    files
}

#[test]
fn a_bucket_gives_what_the_same_files_on_disk_give() {
    let objects: Vec<(String, Vec<u8>)> =
        (0..10).map(|n| trail("111122223333", "eu-west-1", "03/10", &format!("user{n}"))).collect();
    let folder = objects.iter().fold(Folder::empty(), |folder, (key, content)| folder.file(key, content));
    let server = S3Server::start(objects);
    let scan = scan_s3(&server, &["s3://logs"]);
    assert_eq!(scan.status, 0, "{}", scan.stderr);
    let on_disk = folder.scan(&["--format", "jsonl"]).run.stdout;
    let root = format!("{}/", folder.path().display());
    assert_eq!(scan.stdout.replace("s3://logs/", ""), on_disk.replace(&root, ""));
    assert_eq!(files(&scan.stdout)[0], "s3://logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/user0.json.gz");
}

#[test]
fn only_the_prefixes_that_a_scan_needs_are_listed_and_fetched() {
    let server = S3Server::start([
        trail("111122223333", "eu-west-1", "03/08", "early"),
        trail("111122223333", "eu-west-1", "03/10", "wanted"),
        trail("111122223333", "eu-west-1", "07/10", "late"),
        trail("111122223333", "us-east-1", "03/10", "elsewhere"),
        trail("444455556666", "eu-west-1", "03/10", "stranger"),
    ]);
    let narrow = ["--account", "111122223333", "--region", "eu-west-1", "--from", "2026-03-10", "--to", "2026-03-11"];
    let scan = scan_s3(&server, &[&["s3://logs/AWSLogs"][..], &narrow].concat());
    assert_eq!(scan.status, 0, "{}", scan.stderr);
    assert_eq!(server.asked("GET"), ["AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/wanted.json.gz"]);
    let listed = server.asked("LIST");
    assert!(listed.iter().all(|prefix| !prefix.contains("us-east-1") && !prefix.contains("2026/07")), "{listed:?}");
    assert!(listed.iter().all(|prefix| !prefix.contains("444455556666/CloudTrail/")), "{listed:?}");
}

#[test]
fn one_object_is_an_address_too_and_a_busy_server_is_asked_again() {
    let (key, content) = trail("111122223333", "eu-west-1", "03/10", "mallory");
    let server = S3Server::start([(key.clone(), content)]);
    server.bucket.failing.store(2, Ordering::SeqCst);
    let scan = scan_s3(&server, &[&format!("s3://logs/{key}")]);
    assert_eq!((scan.status, files(&scan.stdout)), (0, vec![format!("s3://logs/{key}")]), "{}", scan.stderr);
    assert_eq!(server.asked("GET").len(), 3);
}

#[test]
fn a_large_object_is_fetched_in_parts() {
    // Beyond the size that is fetched whole, and not compressible.
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:016x}", state)
    };
    let mut lines = String::new();
    while lines.len() < 50 << 20 {
        let padding: String = (0..60).map(|_| noise()).collect();
        lines.push_str(&stop_logging("10:00:00", "mallory").replace("\"main\"", &format!("\"{padding}\"")));
        lines.push('\n');
    }
    let content = gzip(lines.as_bytes());
    assert!(content.len() > 17 << 20, "{}", content.len());
    let folder = Folder::empty().file("large.gz", &content);
    let server = S3Server::start([("large.gz".to_owned(), content)]);
    let scan = scan_s3(&server, &["s3://logs"]);
    assert_eq!(scan.status, 0, "{}", scan.stderr);
    assert!(server.asked("GET").len() > 3);
    let on_disk = folder.scan(&["--format", "jsonl"]).run.stdout;
    assert_eq!(scan.stdout.replace("s3://logs/", ""), on_disk.replace(&format!("{}/", folder.path().display()), ""));
}

#[test]
fn what_is_wrong_with_an_address_is_said_in_a_sentence() {
    let server = S3Server::start([]);
    for (address, said) in [
        ("s3://logs/nothing", "no object at or below this address"),
        ("s3://other", "no such bucket"),
        ("s3://", "names no bucket"),
        ("s3://logs?x", "no name of a bucket"),
    ] {
        let scan = scan_s3(&server, &[address]);
        assert!(scan.status == 1 && scan.stderr.contains(said), "{address} {}: {}", scan.status, scan.stderr);
    }
    let no_scheme = from_s3(&server).env("AWS_ENDPOINT_URL_S3", "127.0.0.1:1").args(["scan", "s3://logs"]).output();
    let no_scheme = of(no_scheme.unwrap());
    assert!(no_scheme.stderr.contains("is no address"), "{}", no_scheme.stderr);
    let anonymous = from_s3(&server)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .args(["scan", "s3://logs"])
        .output()
        .unwrap();
    let anonymous = of(anonymous);
    assert!(anonymous.stderr.contains("no AWS credentials were found"), "{}", anonymous.stderr);
}

/// Keys that a client of the web would change: empty and relative parts, and letters that mean something elsewhere.
const ODD_KEYS: [&str; 8] = [
    "AWSLogs/odd//empty.json.gz",
    "/begins.json.gz",
    "a/./b/../c/dots.json.gz",
    "../above.json.gz",
    "a/..",
    "a b+c%20d?e#f&g=h;i.json.gz",
    "<\u{e9}\u{1f525}>&amp;.json.gz",
    "trailing/",
];

#[test]
fn keys_are_read_byte_for_byte() {
    let objects = ODD_KEYS.iter().enumerate().map(|(n, key)| ((*key).to_owned(), log(&format!("user{n}"))));
    let server = S3Server::start(objects);
    let mut expected: Vec<String> = ODD_KEYS.iter().map(|key| format!("s3://logs/{key}")).collect();
    expected.sort();
    // With a narrowing, one level after the other is listed.
    for narrow in [&["s3://logs"][..], &["s3://logs", "--from", "2026-01-01"]] {
        let scan = scan_s3(&server, narrow);
        assert_eq!((scan.status, files(&scan.stdout)), (0, expected.clone()), "{}", scan.stderr);
    }
    for key in ODD_KEYS {
        let scan = scan_s3(&server, &[&format!("s3://logs/{key}")]);
        assert_eq!(files(&scan.stdout), [format!("s3://logs/{key}")], "{}", scan.stderr);
    }
}

#[test]
fn objects_below_several_addresses_are_read_once_and_empty_ones_are_counted() {
    let (key, content) = trail("111122223333", "eu-west-1", "03/10", "mallory");
    let server = S3Server::start([
        (key.clone(), content),
        ("AWSLogs/empty.json.gz".to_owned(), Vec::new()),
        ("AWSLogs/folder/".to_owned(), Vec::new()),
    ]);
    let account = Folder::empty();
    let account = account.path().join("account.json");
    let whole = format!("s3://logs/{key}");
    let addresses = ["s3://logs/AWSLogs", "s3://logs", "s3://logs/", whole.as_str()];
    let scan = scan_s3(&server, &[&addresses[..], &["--account-file", account.to_str().unwrap()]].concat());
    assert_eq!((scan.status, files(&scan.stdout)), (0, vec![whole]), "{}", scan.stderr);
    assert_eq!(server.asked("GET").len(), 2, "{:?}", server.asked("GET"));
    let account: Value = serde_json::from_slice(&std::fs::read(account).unwrap()).unwrap();
    assert!(account.to_string().contains("empty.json.gz") && scan.stderr.contains("the file is empty"), "{account:#}");
    assert!(!account.to_string().contains("AWSLogs/folder/"), "{account:#}");
}

#[test]
fn a_bucket_in_the_name_of_the_host_is_read_through_a_proxy() {
    let (key, content) = trail("111122223333", "eu-west-1", "03/10", "mallory");
    let server = S3Server::start([(key.clone(), content)]);
    let scan = from_s3(&server)
        .env("AWS_ENDPOINT_URL_S3", "http://s3.example.invalid")
        .env("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")
        .env("HTTP_PROXY", &server.endpoint)
        .args(["scan", "s3://logs", "--format", "jsonl"])
        .output()
        .unwrap();
    let scan = of(scan);
    assert_eq!((scan.status, files(&scan.stdout)), (0, vec![format!("s3://logs/{key}")]), "{}", scan.stderr);
}

#[test]
fn an_object_is_read_by_whoever_may_not_list() {
    let (key, content) = trail("111122223333", "eu-west-1", "03/10", "mallory");
    let server = S3Server::start([(key.clone(), content)]);
    *server.bucket.no_listing.lock().unwrap() = Some(String::new());
    let address = format!("s3://logs/{key}");
    let scan = scan_s3(&server, &[&address]);
    assert_eq!((scan.status, files(&scan.stdout)), (0, vec![address]), "{}", scan.stderr);
    for address in ["s3://logs", "s3://logs/AWSLogs", "s3://logs/AWSLogs/"] {
        let scan = scan_s3(&server, &[address]);
        assert!(scan.status == 1 && scan.stderr.contains("S3 refused access"), "{address}: {}", scan.stderr);
    }
}

#[test]
fn an_endpoint_that_is_no_s3_is_told() {
    let nobody = from_s3(&S3Server::start([]))
        .env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        .args(["scan", "s3://logs"])
        .output()
        .unwrap();
    let nobody = of(nobody);
    assert!(nobody.status == 1 && nobody.stderr.contains("could not ask S3"), "{}", nobody.stderr);

    let server = S3Server::start([trail("111122223333", "eu-west-1", "03/10", "mallory")]);
    for (answer, said) in [
        ("<!DOCTYPE html><html><br>Log in</html>", "no listing of S3"),
        ("{}", "no listing of S3"),
        ("<ListBucketResult><Contents><Key>half", "no listing of S3"),
        ("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "cuts its listing"),
    ] {
        *server.bucket.no_listing.lock().unwrap() = Some(answer.to_owned());
        let scan = scan_s3(&server, &["s3://logs"]);
        assert!(scan.status == 1 && scan.stderr.contains(said), "{answer} {}: {}", scan.status, scan.stderr);
    }
}

#[test]
fn an_object_may_have_the_name_of_a_folder() {
    let (below, content) = trail("111122223333", "eu-west-1", "03/10", "below");
    let server = S3Server::start([(below.clone(), content), ("AWSLogs".to_owned(), log("above"))]);
    let scan = scan_s3(&server, &["s3://logs/AWSLogs"]);
    assert_eq!(files(&scan.stdout), ["s3://logs/AWSLogs".to_owned(), format!("s3://logs/{below}")], "{}", scan.stderr);
}

#[test]
fn archives_are_folders() {
    let inner = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/x.json.gz";
    let tar = tar(&[(inner, &log("tarred")), ("./notes.txt", b"no log")]);
    let zip = zip(&[(inner, &log("zipped")), ("plain.json", &stop_logging("10:00:00", "stored").into_bytes())]);
    let folder = Folder::empty().file("a.tar", &tar).file("b.tgz", gzip(&tar)).file("c.zip", &zip);
    let scan = folder.scan(&["--format", "jsonl"]);
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert!(scan.adds_up(), "{:#}", scan.account);
    let root = format!("{}/", folder.path().display());
    let files: Vec<String> = files(&scan.run.stdout).iter().map(|file| file.replace(&root, "")).collect();
    assert_eq!(files, [format!("a.tar!{inner}"), format!("c.zip!{inner}"), "c.zip!plain.json".to_owned()]);
    assert!(said(&scan, "a.tar!notes.txt", "not a log"), "{:?}", scan.complaints());
}

#[test]
fn archives_of_old_and_logs_of_windows_are_read() {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [("logs/", Vec::new()), ("logs/old.json.gz", log("old"))] {
        let mut header = tar::Header::new_old();
        header.set_path(name).unwrap();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append(&header, content.as_slice()).unwrap();
    }
    let windows = stop_logging("10:00:00", "windows");
    let windows: Vec<u8> = "\u{feff}".encode_utf16().chain(windows.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let folder = Folder::empty().file("v7.tar", archive.into_inner().unwrap()).file("windows.json", &windows);
    let scan = folder.scan(&["--format", "jsonl"]);
    assert!(scan.run.status == 0 && scan.adds_up(), "{} {:#}", scan.run.stderr, scan.account);
    let root = format!("{}/", folder.path().display());
    assert_eq!(files(&scan.run.stdout.replace(&root, "")), ["v7.tar!logs/old.json.gz", "windows.json"]);
}

#[test]
fn an_archive_that_is_cut_damaged_or_a_bomb_is_reported_and_the_rest_is_read() {
    let whole = tar(&[("one.json.gz", &log("one")), ("two.json.gz", &log("two"))]);
    let mut damaged = zip(&[("one.json", stop_logging("10:00:00", "broken").as_bytes())]);
    let at = damaged.windows(6).position(|bytes| bytes == b"broken").unwrap();
    damaged[at] = b'B';
    let bomb = gzip(&tar_of_zeros(600 << 20));
    let lines = format!("{}\n", stop_logging("10:00:00", "plain")).repeat(20);
    let plain = tar(&[("plain.jsonl", lines.as_bytes())]);
    let twice = zip_of_two_with_one_name();
    let folder = Folder::with_a_log()
        .file("cut.tar.gz", &gzip(&whole)[..200])
        .file("damaged.zip", damaged)
        .file("none.zip", "PK\u{3}\u{4} and nothing else")
        .file("bomb.tgz", bomb)
        .file("cut.tar", &plain[..512 + lines.len() / 2])
        .file("twice.zip", twice)
        .file("inner.zip", zip(&[("again.zip", &zip(&[("x", b"y")]))]));
    let (scan, peak) = folder.scan_measured(&["--format", "jsonl"]);
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert!(scan.adds_up(), "{:#}", scan.account);
    for (file, reason) in [
        ("cut.tar.gz", "could not list the archive to its end"),
        ("damaged.zip!one.json", "checksum"),
        ("cut.tar", "could not list the archive to its end"),
        ("cut.tar!plain.jsonl", "ends within the member"),
        ("twice.zip", "1 members share their names"),
        ("none.zip", "could not list the archive"),
        ("inner.zip!again.zip", "a zip archive within another file"),
    ] {
        assert!(said(&scan, file, reason), "{file}: {:#?}", scan.complaints());
    }
    assert!(peak.is_none_or(|peak| peak < 256 << 20), "{peak:?}");
}

#[test]
fn standard_input_is_a_file() {
    let mut child = program()
        .args(["scan", "-", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&log("piped")).unwrap();
    let run = of(child.wait_with_output().unwrap());
    assert_eq!((run.status, files(&run.stdout)), (0, vec!["-".to_owned()]), "{}", run.stderr);
}

#[test]
fn a_killed_scan_goes_on_where_it_stopped() {
    let objects: Vec<(String, Vec<u8>)> =
        (0..120).map(|n| trail("111122223333", "eu-west-1", "03/10", &format!("user{n}"))).collect();
    let server = S3Server::start(objects.clone());
    let whole = scan_s3(&server, &["s3://logs"]).stdout;
    let folder = Folder::empty();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    server.bucket.delay_ms.store(60, Ordering::SeqCst);
    let mut killed = from_s3(&server)
        .args(["scan", "s3://logs", "--resume", state])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| std::fs::metadata(state).is_ok_and(|metadata| metadata.len() > 3_000));
    killed.kill().unwrap();
    killed.wait().unwrap();
    // What was being written when it was killed.
    std::fs::OpenOptions::new().append(true).open(state).unwrap().write_all(b"torn").unwrap();

    // The same objects, and none of the requests that the killed one left behind.
    let server = S3Server::start(objects);
    let resumed = scan_s3(&server, &["s3://logs", "--resume", state]);
    assert_eq!(resumed.status, 0, "{}", resumed.stderr);
    assert_eq!(resumed.stdout, whole);
    assert!(resumed.stderr.contains("had been read by an earlier run"), "{}", resumed.stderr);
    let fetched = server.asked("GET");
    assert!(fetched.len() < 120, "{} of 120 were fetched again: {fetched:?} {}", fetched.len(), resumed.stderr);
    assert!(!Path::new(state).exists());
}

#[test]
fn what_is_resumed_must_be_the_same_scan_and_the_same_files() {
    let folder = Folder::empty().file("one.json.gz", log("one")).file("two.json.gz", log("two"));
    let aside = folder.aside("state", "");
    let state = aside.to_str().unwrap();
    let scan = |more: &[&str]| folder.scan(&[&["--format", "jsonl", "--resume", state][..], more].concat());
    // A scan that cannot write its report leaves its state behind.
    let failed = scan(&["-o", "/nonexistent/report"]);
    assert_eq!(failed.run.status, 2, "{}", failed.run.stderr);
    let other = scan(&["--from", "2020-01-01"]);
    assert!(other.run.status == 2 && other.run.stderr.contains("another scan"), "{}", other.run.stderr);
    std::fs::write(folder.path().join("two.json.gz"), log("changed")).unwrap();
    let resumed = scan(&[]);
    let names = format!("{:?}", resumed.findings());
    assert!(names.contains("user/one") && names.contains("user/changed") && !names.contains("user/two"), "{names}");
    std::fs::write(state, "something else").unwrap();
    let foreign = scan(&[]);
    assert!(foreign.run.stderr.contains("no file that --resume wrote"), "{}", foreign.run.stderr);
    assert_eq!(std::fs::read(state).unwrap(), b"something else");
    let device = folder.scan(&["--resume", "/dev/null"]);
    assert!(device.run.status == 2 && device.run.stderr.contains("is no file"), "{}", device.run.stderr);
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "a test that waits for ever tells nothing")]
    let end = Instant::now() + Duration::from_secs(60);
    #[expect(clippy::disallowed_methods, reason = "as above")]
    while !is_so() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn said(scan: &Scan, file: &str, reason: &str) -> bool {
    scan.complaints().iter().any(|complaint| complaint.contains(file) && complaint.contains(reason))
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn tar_of_zeros(bytes: usize) -> Vec<u8> {
    tar(&[("zeros", &vec![0; bytes])])
}

/// The library refuses to write such a thing, so a name is changed afterwards, in both places where it stands.
fn zip_of_two_with_one_name() -> Vec<u8> {
    let mut archive = zip(&[("name-a", b"first"), ("name-b", b"second")]);
    while let Some(at) = archive.windows(6).position(|bytes| bytes == b"name-b") {
        archive[at + 5] = b'a';
    }
    archive
}

/// The first member deflated, the others stored.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (place, (name, content)) in members.iter().enumerate() {
        let method = if place == 0 && members.len() > 1 {
            zip::CompressionMethod::Deflated
        } else {
            zip::CompressionMethod::Stored
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
