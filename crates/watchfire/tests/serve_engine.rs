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
use watchfire_store::{Change, Expect, Key, Location, Scope, Store};

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill(); // SIGKILL
        let _ = self.0.wait();
    }
}

fn serve(data: &Path, watched: &Path) -> Server {
    let child = watchfire()
        .args(["serve", "--listen", "127.0.0.1:0", "--idle", "1", "--look-every", "1", "--data"])
        .arg(data)
        .arg("--watch")
        .arg(watched)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
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
