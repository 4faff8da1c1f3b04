//! `watchfire serve` and `watchfire keys`, as programs.
#![allow(clippy::unwrap_used, reason = "a test that cannot run its program should fail at once")]

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const ACCOUNT: &str = "111122223333";

fn watchfire(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchfire")).args(arguments).output().unwrap()
}

/// What `watchfire keys … --format json` prints.
fn keys(data: &Path, arguments: &[&str]) -> Value {
    let data = data.to_str().unwrap();
    let output = watchfire(&[&["keys"], arguments, &["--data", data, "--format", "json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Starts a server, and gives its endpoint and what it said.
fn serve(data: &Path) -> (Child, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["serve", "--listen", "127.0.0.1:0", "--account", ACCOUNT, "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let endpoint = first.strip_prefix("The GuardDuty API is served at http://").unwrap().to_owned();
    let rest = [lines.next(), None].into_iter().flatten().map(Result::unwrap).collect::<Vec<_>>().join("\n");
    // The greeting is written in one piece, so that a third line is there already if there is one.
    let bootstrap = data.join(format!("bootstrap-key-{ACCOUNT}.json"));
    let said = if bootstrap.exists() { lines.next().map(Result::unwrap).unwrap_or_default() } else { String::new() };
    (child, endpoint, format!("{rest}\n{said}"))
}

fn get(endpoint: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {endpoint}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
#[cfg(unix)]
fn the_first_start_writes_a_key_for_its_owner_and_sigterm_ends_it_well() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut child, endpoint, said) = serve(&data);
    assert!(said.contains(&format!("aws --endpoint-url http://{endpoint} guardduty list-detectors")), "{said}");
    let file = data.join(format!("bootstrap-key-{ACCOUNT}.json"));
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(key["accountId"], ACCOUNT);
    assert!(key["accessKeyId"].is_string() && key["secretAccessKey"].is_string());
    assert!(get(&endpoint, "/healthz").starts_with("HTTP/1.1 200 OK"));
    assert!(get(&endpoint, "/readyz").starts_with("HTTP/1.1 200 OK"));
    assert!(get(&endpoint, "/detector").contains("MissingAuthenticationTokenException"));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));

    fs::remove_file(&file).unwrap();
    let (mut again, _, said) = serve(&data);
    assert!(!said.contains("bootstrap") && !file.exists(), "the account has its key: {said}");
    assert!(Command::new("kill").arg(again.id().to_string()).status().unwrap().success());
    again.wait().unwrap();
}

#[test]
fn keys_are_made_listed_replaced_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let made = keys(data, &["create", "--account", ACCOUNT, "--policy", "read-only"]);
    assert_eq!((&made["accountId"], &made["policy"]), (&ACCOUNT.into(), &"read-only".into()));
    let listed = keys(data, &["list"]);
    assert_eq!(listed[0]["accessKeyId"], made["accessKeyId"]);
    assert!(!listed.to_string().contains(made["secretAccessKey"].as_str().unwrap()));
    let rotated = keys(data, &["rotate", "--account", ACCOUNT]);
    assert_ne!(rotated["accessKeyId"], made["accessKeyId"]);
    assert_eq!(rotated["policy"], "read-only");
    keys(data, &["revoke", "--account", ACCOUNT, rotated["accessKeyId"].as_str().unwrap()]);
    assert_eq!(keys(data, &["list", "--account", ACCOUNT]), Value::Array(Vec::new()));
}

#[test]
fn a_key_that_exists_is_taken_in_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let import = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["keys", "import", "--account", ACCOUNT, "--format", "json", "--data"])
        .arg(folder.path())
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLEEXAMPLE00")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY")
        .output()
        .unwrap();
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    assert_eq!(keys(folder.path(), &["list"])[0]["accessKeyId"], "AKIDEXAMPLEEXAMPLE00");
}

#[test]
fn other_machines_are_not_served_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let output = watchfire(&["serve", "--listen", "0.0.0.0:0", "--data", folder.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("--tls-cert") && said.contains("--allow-plain-http"), "{said}");
}
