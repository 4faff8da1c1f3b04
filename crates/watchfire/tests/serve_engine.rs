//! `watchfire serve --watch`: files of watched folders become findings, as a scan finds them, through kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{Folder, program as watchfire, stop_logging};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use watchfire_export::detector_id;
use watchfire_store::{Change, Expect, Key, Location, Scope, Store, UsageRange};

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill(); // SIGKILL
        let _ = self.0.wait();
    }
}

fn serve(data: &Path, watched: &Path) -> Server {
    serve_with(data, watched, &[])
}

fn serve_with(data: &Path, watched: &Path, arguments: &[&str]) -> Server {
    serve_logged(data, watched, arguments, Stdio::null())
}

fn serve_logged(data: &Path, watched: &Path, arguments: &[&str], log: impl Into<Stdio>) -> Server {
    let child = watchfire()
        .args(["serve", "--listen", "127.0.0.1:0", "--idle", "1", "--look-every", "1", "--data"])
        .arg(data)
        .arg("--watch")
        .arg(watched)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Server(child)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn open(data: &Path) -> Store {
    Store::open(&Location::Directory(data.to_owned())).unwrap()
}

fn scope(account: &str, region: &str) -> Scope {
    Scope { account: account.to_owned(), region: region.to_owned(), detector: detector_id(account, region) }
}

/// The findings in the store that have these ids, by id.
fn stored(store: &Store, expected: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let text = |finding: &Value, member: &str| finding[member].as_str().unwrap().to_owned();
    let mut scopes: Vec<Scope> =
        expected.values().map(|finding| scope(&text(finding, "accountId"), &text(finding, "region"))).collect();
    scopes.sort();
    scopes.dedup();
    let ids: Vec<String> = expected.keys().cloned().collect();
    let found = run(store.findings(&scopes, &ids)).unwrap();
    found.into_iter().map(|finding| (text(&finding.body, "id"), finding.body)).collect()
}

fn scanned(folder: &Folder) -> BTreeMap<String, Value> {
    let findings = folder.scan(&["--format", "jsonl"]).findings();
    findings.into_iter().map(|finding| (finding["id"].as_str().unwrap().to_owned(), finding)).collect()
}

/// Waits until this holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("two minutes have passed without this: {what}");
}

fn log(calls: &[(&str, &str)]) -> String {
    let calls: Vec<String> = calls.iter().map(|(clock, user)| stop_logging(clock, user)).collect();
    format!("{{\"Records\":[{}]}}", calls.join(","))
}

#[test]
fn kills_change_nothing_and_a_scan_finds_the_same() {
    let mut folder = Folder::empty();
    for hour in 0..20 {
        let (one, other) = (format!("{hour:02}:00:00"), format!("{hour:02}:30:00"));
        folder = folder.file(format!("{hour:02}.json"), log(&[(&one, "mallory"), (&other, "trent")]));
    }
    let (data, expected) = (tempfile::tempdir().unwrap(), scanned(&folder));
    assert_eq!(expected.values().map(|finding| finding["service"]["count"].as_u64().unwrap()).sum::<u64>(), 40);
    for milliseconds in [200, 700, 1_300, 1_900, 2_500] {
        let _server = serve(data.path(), folder.path());
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
    let _server = serve(data.path(), folder.path());
    let store = open(data.path());
    until("the store holds what a scan finds", || stored(&store, &expected) == expected);
}

#[test]
fn what_arrives_later_grows_the_finding_unless_the_detector_is_suspended() {
    let folder = Folder::empty().file("1.json", log(&[("10:00:00", "mallory")]));
    let (data, first) = (tempfile::tempdir().unwrap(), scanned(&folder));
    let _server = serve(data.path(), folder.path());
    let store = open(data.path());
    until("the first finding", || stored(&store, &first) == first);

    let folder = folder.file("2.json", log(&[("12:00:00", "mallory")]));
    let second = scanned(&folder);
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    until("it has grown", || stored(&store, &second) == second);

    let key = Key {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        kind: "detector",
        parent: String::new(),
        id: "detector".into(),
    };
    let mut detector = run(store.document(&key)).unwrap().unwrap().body;
    detector["status"] = "DISABLED".into();
    run(store.commit(vec![Change::Put { key, body: detector, expect: Expect::Any }])).unwrap();
    let folder = folder.file("3.json", log(&[("14:00:00", "mallory"), ("14:00:00", "trent")]));
    let (third, file) = (
        scanned(&folder),
        Key {
            account: String::new(),
            region: String::new(),
            kind: "watchedFile",
            parent: String::new(),
            id: "0000000002".into(),
        },
    );
    until("the third file is judged", || {
        run(store.document(&file)).unwrap().is_some_and(|document| document.body["waits"] == false)
    });
    assert_eq!(third.len(), 2);
    assert_eq!(stored(&store, &third), second, "as it was");
}

/// Flow logs in AWS's default format name no region, and some formats no account either.
#[test]
fn findings_of_logs_that_name_no_place_are_kept_where_the_settings_say() {
    let flow = |file: u32| {
        let start = 1_700_000_000 + file * 60;
        format!(
            "interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n\
             eni-0a1b2c3d4e5f60718 10.0.0.5 198.51.100.23 40000 443 6 9 900 {start} {} ACCEPT OK\n",
            start + 60
        )
    };
    let folder = Folder::empty().file("1.log", flow(0));
    let lists = tempfile::tempdir().unwrap();
    let config = lists.path().join("watchfire.toml");
    std::fs::write(lists.path().join("c2.txt"), "198.51.100.23\n").unwrap();
    std::fs::write(&config, "[[knowledge.intel]]\nkind = \"c2\"\nfile = \"c2.txt\"\n").unwrap();
    let config = config.to_str().unwrap();
    let options = ["--config", config, "--assume-account", "111122223333", "--assume-region", "eu-west-3"];
    let found = folder.scan(&[&options[..], &["--format", "jsonl"]].concat()).findings();
    let expected: BTreeMap<String, Value> =
        found.into_iter().map(|finding| (finding["id"].as_str().unwrap().to_owned(), finding)).collect();
    assert_eq!(expected.len(), 1);
    let data = tempfile::tempdir().unwrap();
    let place = ["--config", config, "--account", "111122223333", "--region", "eu-west-3"];
    let _server = serve_with(data.path(), folder.path(), &place);
    let store = open(data.path());
    until("the store holds what a scan finds", || stored(&store, &expected) == expected);

    // Without a word about the place: the account that has keys, and the region of AWS's global services.
    let other = tempfile::tempdir().unwrap();
    let made = watchfire().args(["keys", "create", "--account", "444455556666", "--data"]).arg(other.path()).output();
    assert!(made.unwrap().status.success());
    let _server = serve_with(other.path(), folder.path(), &["--config", config]);
    let store = open(other.path());
    until("there is a finding", || {
        run(store.suppressed_count(&scope("444455556666", "us-east-1"))).is_ok() && {
            let criteria = watchfire_export::FindingCriteria::default();
            let scopes = [scope("444455556666", "us-east-1")];
            let page =
                run(store.list_findings(&scopes, &criteria, &watchfire_store::Sort::default(), None, 5)).unwrap();
            page.findings.len() == 1
        }
    });
}

#[test]
fn data_events_are_metered_by_bucket() {
    let event = |at: usize, bucket: &str| {
        format!(
            r#"{{"eventTime":"2024-03-01T10:00:{:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"00000000-0000-0000-0000-{at:012}","awsRegion":"us-east-1","recipientAccountId":"111122223333","eventCategory":"Data","managementEvent":false,"sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","requestParameters":{{"bucketName":"{bucket}","key":"k"}},"userIdentity":{{"type":"IAMUser","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/u","userName":"u"}}}}"#,
            at % 60
        )
    };
    // One name that no bucket can have, and more names than are told apart.
    let buckets = ["archive", "archive", "backups", "NO BUCKET"].map(str::to_owned);
    let many = (0..1_100).map(|at| format!("bucket-{at:04}"));
    let events: Vec<String> =
        buckets.into_iter().chain(many).enumerate().map(|(at, bucket)| event(at, &bucket)).collect();
    let folder = Folder::empty()
        .file("1.json", format!("{{\"Records\":[{}]}}", events[..600].join(",")))
        .file("2.json", format!("{{\"Records\":[{}]}}", events[600..].join(",")));
    let data = tempfile::tempdir().unwrap();
    let _server = serve(data.path(), folder.path());
    let store = open(data.path());
    until("all is metered", || {
        let usage = run(store.usage(&UsageRange::default())).unwrap();
        usage.iter().map(|usage| usage.events).sum::<u64>() == 1_104
    });
    let usage = run(store.usage(&UsageRange::default())).unwrap();
    assert!(usage.iter().all(|usage| usage.source == "S3_DATA_EVENTS" && usage.bytes > 0));
    let of = |name: &str| usage.iter().find(|usage| usage.resource == name).map(|usage| usage.events);
    assert_eq!((of("archive"), of("backups"), of("NO BUCKET")), (Some(2), Some(1), None));
    assert_eq!(usage.iter().filter(|usage| !usage.resource.is_empty()).count(), 1_000);
    assert_eq!(of(""), Some(103), "what has no row of its own is counted all the same");
}

/// A flow of a host, a record a minute.
fn flows(host: u8, minutes: std::ops::Range<u64>) -> String {
    let line = |minute| {
        let start = 1_773_136_800 + minute * 60; // 2026-03-10 10:00
        format!("2 111122223333 eni-1 10.0.0.{host} 198.51.100.7 40000 443 6 10 900 {start} {} ACCEPT OK\n", start + 60)
    };
    minutes.map(line).collect()
}

/// Logs are rotated, synchronised and written over: each record counts once, and none is lost.
#[test]
fn each_record_counts_once_wherever_its_file_goes() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    let put = |name: &str, text: String| std::fs::write(path(name), text).unwrap();
    let append = |name: &str, bytes: &[u8]| {
        let mut content = std::fs::read(path(name)).unwrap_or_default();
        content.extend_from_slice(bytes);
        std::fs::write(path(name), content).unwrap(); // Where it is: the inode stays.
    };
    let zipped = |text: String| -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let cut = zipped(flows(6, 0..200));
    put("rotated.log", flows(1, 0..10));
    put("synchronised.log", flows(2, 0..10));
    put("other.log", flows(3, 0..10));
    put(".temporary", flows(4, 0..5));
    append("cut.log.gz", &cut[..cut.len() / 2]);
    append("grows.log.gz", &zipped(flows(7, 0..10)));
    let _server = serve(data.path(), folder.path());
    let store = open(data.path());
    let taken = |at_least: usize| {
        let range = watchfire_store::Range {
            kind: "watchedFile",
            account: Some(String::new()),
            region: Some(String::new()),
            parent: Some(String::new()),
        };
        run(store.documents(&range, None, 100)).unwrap().len() >= at_least
    };
    until("all are read", || taken(6));

    // A record more, then a new file under the name.
    append("rotated.log", flows(1, 10..11).as_bytes());
    std::fs::rename(path("rotated.log"), path("rotated.log.1")).unwrap();
    put("rotated.log", flows(1, 11..14));
    // Another inode under the name, with what was there before.
    put(".synchronised.log.x1", flows(2, 0..12));
    std::fs::rename(path(".synchronised.log.x1"), path("synchronised.log")).unwrap();
    // The same inode with other content, longer than before.
    put("other.log", flows(5, 0..15));
    append(".temporary", flows(4, 5..10).as_bytes());
    std::fs::rename(path(".temporary"), path("complete.log")).unwrap();
    append(".cut.log.gz.x1", &cut);
    std::fs::rename(path(".cut.log.gz.x1"), path("cut.log.gz")).unwrap();
    append("grows.log.gz", &zipped(flows(7, 10..20)));
    until("all are read again", || taken(13));
    // 14 of the rotated log, 12 of the synchronised one, 10 and 15 of two under one name, 10, 200, and 20.
    let usage = run(store.usage(&UsageRange::default())).unwrap();
    assert_eq!(usage.iter().map(|row| row.events).sum::<u64>(), 14 + 12 + 10 + 15 + 10 + 200 + 20);
}

#[test]
fn much_trouble_of_one_kind_is_few_lines_and_a_clock_that_is_behind_is_told_of() {
    let mut folder = Folder::empty().file("ahead.log", flows(1, 0..1).replace("1773136", "4102444")); // 2100
    for at in 0..60 {
        folder = folder.file(format!("{at:02}.log"), "");
    }
    let (data, log) = (tempfile::tempdir().unwrap(), folder.aside("log", ""));
    let _server = serve_logged(data.path(), folder.path(), &[], std::fs::File::create(&log).unwrap());
    let text = || std::fs::read_to_string(&log).unwrap();
    until("the engine has told of the clock", || text().contains("this machine's clock says"));
    std::thread::sleep(Duration::from_secs(3)); // Looks that have nothing new to tell.
    let text = text();
    assert_eq!(text.matches("the file is empty").count(), 50);
    assert_eq!(text.matches("10 more such lines are left out").count(), 1, "{text}");
    assert_eq!(text.matches("there are records of 2100-01-01T").count(), 1, "{text}");
}
