//! `watchfire serve --database`: a server over PostgreSQL, alone and beside another.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot read its own files should fail at once"
)]

#[path = "../../store/tests/shared/postgres.rs"]
mod postgres;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use postgres::Server as Postgres;
use program::{Folder, program as watchfire, stop_logging};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use watchfire_export::detector_id;
use watchfire_store::{Location, PostgresUrl, Scope, Store};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// A server that is killed with the test.
struct Server {
    child: Child,
    endpoint: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // SIGKILL
        let _ = self.child.wait();
    }
}

fn serve(url: &str, data: &Path, arguments: &[&str]) -> Server {
    let mut child = watchfire()
        .args(["serve", "--listen", "127.0.0.1:0", "--database", url, "--data"])
        .arg(data)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let endpoint = first.strip_prefix("The GuardDuty API is served at http://").unwrap().to_owned();
    Server { child, endpoint }
}

fn get(endpoint: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {endpoint}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn keys(url: &str, data: &Path, arguments: &[&str]) -> Output {
    let mut command: Command = watchfire();
    command.arg("keys").args(arguments).args(["--format", "json", "--data"]).arg(data);
    command.env("WATCHFIRE_DATABASE", url).output().unwrap()
}

fn listed(url: &str, data: &Path) -> Value {
    let output = keys(url, data, &["list"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn servers_over_one_database_share_what_they_hold_and_need_one_sealing_key() {
    let Some(postgres) = Postgres::get() else { return };
    let (url, folder) = (postgres.schema(), tempfile::tempdir().unwrap());
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let first = serve(&url, &one, &["--account", ACCOUNT]);
    assert!(get(&first.endpoint, "/healthz").starts_with("HTTP/1.1 200 OK"));
    assert!(get(&first.endpoint, "/readyz").starts_with("HTTP/1.1 200 OK"));
    assert!(get(&first.endpoint, "/detector").contains("MissingAuthenticationTokenException"));
    assert!(!one.join("watchfire.db").exists());
    let made = keys(&url, &one, &["create", "--account", ACCOUNT]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    drop(first);
    assert_eq!(listed(&url, &one).as_array().unwrap().len(), 2, "the bootstrap key and the one that was made");

    let refused = keys(&url, &other, &["list"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("copy the file `secret.key`"), "{said}");
    std::fs::copy(one.join("secret.key"), other.join("secret.key")).unwrap();
    assert_eq!(listed(&url, &other), listed(&url, &one));
    let (first, second) = (serve(&url, &one, &[]), serve(&url, &other, &[]));
    for server in [&first, &second] {
        assert!(get(&server.endpoint, "/readyz").starts_with("HTTP/1.1 200 OK"));
    }
}

#[test]
fn a_database_that_cannot_be_used_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let said = |arguments: &[&str]| {
        let output = watchfire().args(["serve", "--data", data]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = said(&["--database", "postgresql://u:hidden@127.0.0.1/d"]);
    assert!(error.contains("--database-password-file") && !error.contains("hidden"), "{error}");
    let error = said(&["--database", "mysql://127.0.0.1/d"]);
    assert!(error.contains("postgresql://USER@HOST:PORT/DATABASE"), "{error}");
    let error = said(&["--database", "postgresql://u@127.0.0.1:1/d"]);
    assert!(error.contains("could not connect to the database postgresql://u@127.0.0.1:1/d"), "{error}");
    assert!(said(&["--database-password-file", "nowhere"]).contains("--database"));
    let error = said(&["--database", "postgresql://u@127.0.0.1/d", "--database-password-file", "nowhere"]);
    assert!(error.contains("`nowhere`"), "{error}");
}

/// The findings in the store that have these ids, by id.
fn stored(store: &Store, expected: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let scope = Scope { account: ACCOUNT.into(), region: REGION.into(), detector: detector_id(ACCOUNT, REGION) };
    let ids: Vec<String> = expected.keys().cloned().collect();
    let found = run(store.findings(&[scope], &ids)).unwrap();
    found.into_iter().map(|finding| (finding.body["id"].as_str().unwrap().to_owned(), finding.body)).collect()
}

/// Two servers watch one folder: one judges, the other waits, and whichever is killed, nothing is lost or done twice.
#[test]
fn a_second_server_takes_over_where_a_killed_one_stood() {
    let Some(postgres) = Postgres::get() else { return };
    let mut folder = Folder::empty();
    for hour in 0..20 {
        let calls = [("00:00", "mallory"), ("30:00", "trent")];
        let calls = calls.map(|(clock, user)| stop_logging(&format!("{hour:02}:{clock}"), user));
        folder = folder.file(format!("{hour:02}.json"), format!("{{\"Records\":[{}]}}", calls.join(",")));
    }
    let found = folder.scan(&["--format", "jsonl"]).findings();
    let expected: BTreeMap<String, Value> =
        found.into_iter().map(|finding| (finding["id"].as_str().unwrap().to_owned(), finding)).collect();
    assert_eq!(expected.values().map(|finding| finding["service"]["count"].as_u64().unwrap()).sum::<u64>(), 40);

    let (url, data) = (postgres.schema(), tempfile::tempdir().unwrap());
    let watched = folder.path().to_str().unwrap().to_owned();
    let start = || serve(&url, data.path(), &["--idle", "1", "--look-every", "1", "--watch", &watched]);
    let mut servers = [start(), start()];
    for milliseconds in [200, 900, 1_700, 2_500] {
        std::thread::sleep(Duration::from_millis(milliseconds));
        servers[0] = start(); // The one that was there is killed when this takes its place.
        servers.reverse();
    }
    let store = Store::open(&Location::Postgres(PostgresUrl::parse(&url).unwrap())).unwrap();
    for _ in 0..1_200 {
        if stored(&store, &expected) == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("two minutes have passed without what a scan finds");
}
