//! What is set through the API acts on the engine of `watchfire serve --watch` within seconds.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/api.rs"]
mod api;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;
#[path = "support/s3_server.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod s3_server;

use api::{ACCOUNT, REGION, Server, until, wait_for_a_look};
use program::{Folder, program as watchfire, stop_logging};
use s3_server::S3Server;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};
use watchfire_store::{Key, Location, Store, UsageRange};

const TRAIL_OFF: &str = "Stealth:IAMUser/CloudTrailLoggingDisabled";
const ON_OWN_LIST: &str = "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom";

fn log(calls: &[(&str, &str)]) -> String {
    let calls: Vec<String> = calls.iter().map(|(clock, user)| stop_logging(clock, user)).collect();
    format!("{{\"Records\":[{}]}}", calls.join(","))
}

fn users(findings: &[Value]) -> BTreeSet<&str> {
    findings.iter().map(|finding| finding["resource"]["accessKeyDetails"]["userName"].as_str().unwrap()).collect()
}

#[test]
fn an_archiving_filter_keeps_what_the_engine_finds_out_of_sight_and_tells_so() {
    let (folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    let server = Server::start(watchfire(), data.path(), folder.path());
    let criterion = json!({"resource.accessKeyDetails.userName": {"matches": ["mal*"]}});
    let filter = json!({"name": "known", "action": "ARCHIVE", "findingCriteria": {"criterion": criterion}});
    server.of_detector("POST", "/filter", filter);

    let folder = folder.file("1.json", log(&[("10:00:00", "mallory"), ("10:00:00", "trent")]));
    until("both are found", || server.findings(json!({})).len() == 2);
    let is_archived = json!({"service.archived": {"eq": ["true"]}});
    let archived = server.findings(is_archived.clone());
    assert_eq!(users(&archived), ["mallory"].into(), "the near miss is not archived");
    let path = format!("/watchfire/findings/{}", archived[0]["id"].as_str().unwrap());
    let whole = server.call("GET", &path, Value::Null);
    let arn = format!("arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{}/filter/known", server.detector());
    assert_eq!((&whole["suppressedBy"], &whole["history"]["count"]), (&json!(arn), &json!(0)));
    assert!(whole["finding"]["watchfire"]["evidence"].is_object());

    // It grows where it is, also when its filter is gone; what is new then is not archived.
    server.of_detector("DELETE", "/filter/known", Value::Null);
    let _folder = folder.file("2.json", log(&[("12:00:00", "mallory"), ("12:00:00", "malcolm")]));
    until("there is a third", || server.findings(json!({})).len() == 3);
    let archived = server.findings(is_archived);
    assert_eq!((users(&archived), &archived[0]["service"]["count"]), (["mallory"].into(), &json!(2)));
    let whole = server.call("GET", &path, Value::Null);
    assert_eq!((&whole["suppressed"], &whole["history"]["count"]), (&json!(true), &json!(1)));
}

#[test]
fn what_is_found_waits_for_export_until_its_destination_is_deleted() {
    let (folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    let server = Server::start(watchfire(), data.path(), folder.path());
    let criterion = json!({"resource.accessKeyDetails.userName": {"equals": ["trent"]}});
    let filter = json!({"name": "known", "action": "ARCHIVE", "findingCriteria": {"criterion": criterion}});
    server.of_detector("POST", "/filter", filter);
    let key = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000");
    let properties = json!({"destinationArn": "arn:aws:s3:::exports", "kmsKeyArn": key});
    let destination = json!({"destinationType": "S3", "destinationProperties": properties, "clientToken": "once"});
    let made = server.of_detector("POST", "/publishingDestination", destination);
    let id = made["destinationId"].as_str().unwrap();
    let store = Store::open(&Location::Directory(data.path().to_owned())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let queue = format!("publishingDestination/{id}");
    let waiting = || runtime.block_on(store.outbox(&queue, 10)).unwrap();

    let folder = folder.file("1.json", log(&[("10:00:00", "mallory"), ("10:00:00", "trent")]));
    until("both are found", || server.findings(json!({})).len() == 2);
    let first = waiting();
    assert_eq!(first.len(), 1, "what is archived is not exported");
    assert_eq!(first[0].body["resource"]["accessKeyDetails"]["userName"], "mallory");
    let _folder = folder.file("2.json", log(&[("12:00:00", "mallory")]));
    until("it has grown", || waiting().len() == 2);
    assert_eq!(waiting()[1].body["service"]["count"], 2);
    server.of_detector("DELETE", &format!("/publishingDestination/{id}"), Value::Null);
    let counts = runtime.block_on(store.outbox_counts(&queue)).unwrap();
    assert_eq!((counts.waiting, counts.pushed, counts.dropped), (0, 2, 2));
}

#[test]
fn lists_set_through_the_api_act_while_they_are_active() {
    let (folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    let object = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let s3 = S3Server::start([object("bad", "198.51.100.20\n"), object("elsewhere", "198.51.100.21\n")]);
    let mut command = watchfire();
    command
        .env("AWS_ENDPOINT_URL_S3", &s3.endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    let server = Server::start(command, data.path(), folder.path());
    let is_active = |path: &str| server.of_detector("GET", path, Value::Null)["status"] == "ACTIVE";
    let create = |path: &str, name: &str, key: &str| {
        let set = json!({"name": name, "format": "TXT", "location": format!("s3://logs/{key}"), "activate": true});
        let made = server.of_detector("POST", path, set);
        let id = made.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        let path = format!("{path}/{id}");
        until("the list is active", || is_active(&path));
        path
    };
    let threats = create("/threatintelset", "our enemies", "bad");
    create("/threatentityset", "of-others", "elsewhere");
    wait_for_a_look();
    let folder = folder.file("1.json", log(&[("10:00:00", "mallory")]));
    until("the list has matched", || server.count(ON_OWN_LIST) == 1);
    let named = server.findings(json!({"type": {"eq": [ON_OWN_LIST]}}))[0].to_string();
    assert!(named.contains("our enemies") && !named.contains("of-others"), "{named}");

    server.of_detector("POST", &threats, json!({"activate": false}));
    wait_for_a_look();
    let folder = folder.file("2.json", log(&[("12:00:00", "mallory")]));
    until("the second file is judged", || server.count(TRAIL_OFF) == 2);
    assert_eq!(server.count(ON_OWN_LIST), 1, "a list that is off matches nothing");

    server.of_detector("POST", &threats, json!({"activate": true}));
    let trusted = create("/ipset", "our own", "bad");
    until("the list is active again", || is_active(&threats));
    wait_for_a_look();
    let folder = folder.file("3.json", log(&[("14:00:00", "mallory")]));
    until("the third file is judged", || server.count(TRAIL_OFF) == 3);
    assert_eq!(server.count(ON_OWN_LIST), 1, "what is trusted and on a threat list is trusted");

    server.of_detector("DELETE", &trusted, Value::Null);
    wait_for_a_look();
    let _folder = folder.file("4.json", log(&[("16:00:00", "mallory")]));
    until("the fourth file is judged", || server.count(TRAIL_OFF) == 4);
    assert_eq!(server.count(ON_OWN_LIST), 2);
}

/// The same call from another kind of system, on an object.
fn pen_test(clock: &str, on_an_object: bool) -> String {
    let call = stop_logging(clock, "mallory").replace("aws-cli/2.27.50", "aws-cli/2.1 Linux/5.15.0-kali3-amd64");
    let call = match on_an_object {
        false => call,
        true => call
            .replace("cloudtrail.amazonaws.com", "s3.amazonaws.com")
            .replace("StopLogging", "GetObject")
            .replace(r#"{"name":"main"}"#, r#"{"bucketName":"b","key":"k"}"#)
            .replace(r#""managementEvent":true"#, r#""managementEvent":false"#)
            .replace(r#""eventCategory":"Management""#, r#""eventCategory":"Data""#)
            .replace(r#""eventID":""#, r#""eventID":"object-"#),
    };
    assert!(call.contains("kali") && call.contains("GetObject") == on_an_object);
    call
}

/// A document of the engine's: of a file that it has read.
fn is_judged(store: &Store, number: u32) -> bool {
    let id = format!("{number:010}");
    let empty = String::new;
    let key = Key { account: empty(), region: empty(), kind: "watchedFile", parent: empty(), id };
    run(store.document(&key)).unwrap().is_some_and(|document| document.body["waits"] == false)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn open(data: &Path) -> Store {
    Store::open(&Location::Directory(data.to_owned())).unwrap()
}

#[test]
fn what_happens_while_a_detector_is_suspended_or_gone_is_not_counted() {
    let (folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    let server = Server::start(watchfire(), data.path(), folder.path());
    let store = open(data.path());
    let judged = |number| until("the file is judged", || is_judged(&store, number));
    let folder = folder.file("1.json", log(&[("10:00:00", "mallory")]));
    until("it is found", || server.count(TRAIL_OFF) == 1);

    server.of_detector("POST", "", json!({"enable": false}));
    wait_for_a_look();
    let folder = folder.file("2.json", log(&[("12:00:00", "mallory")]));
    judged(1);
    assert_eq!(server.count(TRAIL_OFF), 1, "it is kept, and does not grow");
    server.of_detector("POST", "", json!({"enable": true}));
    wait_for_a_look();
    let folder = folder.file("3.json", log(&[("14:00:00", "mallory")]));
    judged(2);
    assert_eq!(server.count(TRAIL_OFF), 2, "the one in between is not counted later");

    server.of_detector("DELETE", "", Value::Null);
    wait_for_a_look();
    let folder = folder.file("4.json", log(&[("16:00:00", "mallory")]));
    judged(3);
    assert_eq!(server.call("GET", "/detector", Value::Null)["detectorIds"], json!([]), "logs make none there");
    server.detector(); // A new one.
    wait_for_a_look();
    let _folder = folder.file("5.json", log(&[("18:00:00", "mallory")]));
    judged(4);
    let found = server.findings(json!({}));
    assert_eq!((found.len(), &found[0]["service"]["count"]), (1, &json!(1)), "it begins with none");
    assert_eq!(found[0]["service"]["eventFirstSeen"], "2026-03-10T18:00:00.000Z");
}

#[test]
fn a_feature_that_is_off_is_neither_reported_nor_metered() {
    let (folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    let server = Server::start(watchfire(), data.path(), folder.path());
    let store = open(data.path());
    let (on_account, on_object) = ("PenTest:IAMUser/KaliLinux", "PenTest:S3/KaliLinux");
    let both = |clock: &str| format!("{{\"Records\":[{},{}]}}", pen_test(clock, false), pen_test(clock, true));
    let metered = || -> Vec<(String, u64)> {
        let usage = run(store.usage(&UsageRange::default())).unwrap();
        assert!(usage.iter().all(|one| one.account == ACCOUNT && one.region == REGION && one.bytes > 100 * one.events));
        usage.into_iter().map(|one| (one.source, one.events)).collect()
    };
    let told = |kind: &str, rows: &str| -> Vec<String> {
        let features = ["FLOW_LOGS", "CLOUD_TRAIL", "DNS_LOGS", "S3_DATA_EVENTS"];
        let body = json!({"usageStatisticsType": kind, "usageCriteria": {"features": features}});
        let told = server.of_detector("POST", "/usage/statistics", body);
        let rows = told["usageStatistics"][rows].as_array().unwrap().clone();
        let name = |row: &Value| row["feature"].as_str().or(row["dataSource"].as_str()).unwrap().to_owned();
        rows.iter().map(name).collect()
    };
    let days_left = || -> BTreeSet<String> {
        let asked = json!({"accountIds": [ACCOUNT]});
        let told = server.of_detector("POST", "/freeTrial/daysRemaining", asked);
        let features = told["accounts"][0]["features"].as_array().unwrap().clone();
        assert!(features.iter().all(|feature| feature["freeTrialDaysRemaining"] == 30), "{told}");
        features.iter().map(|feature| feature["name"].as_str().unwrap().to_owned()).collect()
    };
    let folder = folder.file("1.json", both("10:00:00"));
    until("both are found", || (server.count(on_account), server.count(on_object)) == (1, 1));
    assert_eq!(metered(), [("CLOUD_TRAIL".to_owned(), 1), ("S3_DATA_EVENTS".to_owned(), 1)]);
    assert_eq!(told("SUM_BY_FEATURES", "sumByFeature"), ["CLOUD_TRAIL", "S3_DATA_EVENTS"]);
    assert_eq!(told("SUM_BY_DATA_SOURCE", "sumByDataSource"), ["CLOUD_TRAIL", "S3_LOGS"]);
    assert!(days_left().contains("S3_DATA_EVENTS") && days_left().contains("CLOUD_TRAIL"));

    let off = json!({"features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]});
    server.of_detector("POST", "", off);
    wait_for_a_look();
    let _folder = folder.file("2.json", both("12:00:00"));
    until("the other has grown", || server.count(on_account) == 2);
    assert_eq!(server.count(on_object), 1);
    assert_eq!(metered(), [("CLOUD_TRAIL".to_owned(), 2), ("S3_DATA_EVENTS".to_owned(), 1)]);
    assert!(!days_left().contains("S3_DATA_EVENTS") && days_left().contains("CLOUD_TRAIL"));
}

#[test]
fn findings_are_removed_when_they_arrived_too_long_ago_and_the_database_is_its_owners() {
    let (folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    let server = Server::start(watchfire(), data.path(), folder.path());
    let folder = folder.file("1.json", log(&[("10:00:00", "mallory"), ("10:00:00", "trent")]));
    until("both are found", || server.findings(json!({})).len() == 2);
    drop(server);
    let file = data.path().join("watchfire.db");
    // A day more than it may be, and a day less.
    let arrived = |user: &str, days: i64| {
        let database = rusqlite::Connection::open(&file).unwrap();
        let past = "UPDATE findings SET arrived = arrived - $1 WHERE facts LIKE '%' || $2 || '%'";
        assert_eq!(database.execute(past, rusqlite::params![days * 24 * 3_600_000, user]).unwrap(), 1);
    };
    arrived("mallory", 11);
    arrived("trent", 9);
    let mut command = watchfire();
    command.args(["serve", "--retention-days", "10"]);
    let server = Server::of(command, data.path(), folder.path());
    until("one is removed", || server.findings(json!({})).len() == 1);
    assert_eq!(users(&server.findings(json!({}))), ["trent"].into());
    drop(server);
    // By a clock that is far ahead all are too old: they are given a day.
    arrived("trent", 4_000);
    let mut command = watchfire();
    command.args(["serve", "--retention-days", "10"]);
    let server = Server::of(command, data.path(), folder.path());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(users(&server.findings(json!({}))), ["trent"].into());
    #[cfg(unix)]
    for name in ["watchfire.db", "watchfire.db-wal"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(data.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn files_that_are_forgotten_are_not_read_again_even_after_a_kill() {
    let (mut folder, data) = (Folder::empty(), tempfile::tempdir().unwrap());
    for number in 0..14 {
        let name = format!("{number:02}.json");
        folder = folder.file(&name, log(&[(&format!("{number:02}:00:00"), "mallory")]));
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number);
        File::options().write(true).open(folder.path().join(name)).unwrap().set_modified(changed).unwrap();
    }
    let start = || {
        let mut command = watchfire();
        command.args(["serve", "--files-remembered", "10"]);
        Server::of(command, data.path(), folder.path())
    };
    let store = open(data.path());
    let server = start();
    until("all are judged", || server.count(TRAIL_OFF) == 14);
    let is_known = |number: u32| is_judged(&store, number);
    until("the oldest are forgotten", || !is_known(3) && is_known(4));
    drop(server); // SIGKILL
    let server = start();
    let _folder = folder.file("new.json", log(&[("20:00:00", "mallory")]));
    until("what is new is read", || server.count(TRAIL_OFF) > 14);
    assert_eq!(server.count(TRAIL_OFF), 15);
    let numbers: Vec<u32> = (0..30).filter(|number| is_known(*number)).collect();
    assert!(numbers.contains(&14) && numbers.len() <= 11, "{numbers:?}");
}
