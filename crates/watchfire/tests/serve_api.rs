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
    create("/threatentityset", "of others", "elsewhere");
    wait_for_a_look();
    let folder = folder.file("1.json", log(&[("10:00:00", "mallory")]));
    until("the list has matched", || server.count(ON_OWN_LIST) == 1);
    let named = server.findings(json!({"type": {"eq": [ON_OWN_LIST]}}))[0].to_string();
    assert!(named.contains("our enemies") && !named.contains("of others"), "{named}");

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
