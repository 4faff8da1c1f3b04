//! What the program writes for other tools, compares and puts away.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{Folder, run, stop_logging};
use serde_json::{Value, json};
use std::path::PathBuf;

const STOPPED: &str = "Stealth:IAMUser/CloudTrailLoggingDisabled";
const C2: &str = "Backdoor:EC2/C&CActivity.B";

/// A stopped trail, and a connection to 203.0.113.7.
fn folder() -> Folder {
    let flow = "2 444455556666 eni-0a000000000000001 10.0.1.10 203.0.113.7 50000 443 6 10 4000 1773140400 1773140460 ACCEPT OK\n";
    Folder::with_a_log().file("flows.log", flow)
}

fn list(folder: &Folder) -> String {
    format!("c2={}", folder.aside("c2.txt", "203.0.113.7\n").display())
}

fn text(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn one_run_writes_every_form() {
    let folder = folder();
    let forms = ["table", "json", "jsonl", "eventbridge", "asff", "ocsf", "ecs", "csv", "timeline", "markdown", "html"];
    let files = forms.map(|form| folder.aside(&format!("out.{form}"), ""));
    let mut options = vec!["--intel".to_owned(), list(&folder)];
    for (form, file) in forms.iter().zip(&files) {
        options.extend(["-o".to_owned(), format!("{form}={}", file.display())]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let scan = folder.scan(&options);
    assert_eq!((scan.run.status, scan.run.stdout.as_str()), (0, ""), "{}", scan.run.stderr);
    for (form, file) in forms.iter().zip(&files) {
        let text = text(file);
        assert!(text.contains("CloudTrailLoggingDisabled"), "{form}: {text}");
        if ["jsonl", "eventbridge", "asff", "ocsf", "ecs", "timeline"].contains(form) {
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len(), 2, "{form}");
        }
    }
}

#[test]
fn a_plain_file_takes_the_format_and_a_dash_is_standard_output() {
    let folder = folder();
    let file = folder.aside("plain.csv", "");
    let scan = folder.scan(&["--format", "csv", "-o", file.to_str().unwrap(), "-o", "jsonl=-"]);
    assert!(text(&file).starts_with("id,type,severity"));
    assert_eq!(scan.types(), [STOPPED]);
    for (arguments, says) in [
        (&["scan", "x", "-o", "xml=out"][..], "the formats are table"),
        (&["scan", "x", "-o", "a", "-o", "csv=a"], "named twice"),
        (&["scan", "x", "--suppress", "/nonexistent/filter.json"], "/nonexistent/filter.json"),
        (&["scan", "x", "--only-new-since", "/nonexistent/old.jsonl"], "/nonexistent/old.jsonl"),
        (&["scan", "x", "--show-suppressed"], "--suppress"),
        (&["diff", "/nonexistent/old.jsonl", "x"], "/nonexistent/old.jsonl"),
    ] {
        let run = run(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn the_page_is_whole_and_no_name_in_it_is_markup() {
    let user = "</script><img src=x onerror=alert(1)>\\u2028\\u202e";
    let log = stop_logging("11:00:00", user);
    let folder = Folder::with_a_log().file("hostile<svg onload=alert(1)>.json", &log);
    let [one, other] = ["one.html", "other.html"].map(|name| folder.aside(name, ""));
    let scan = folder.scan(&["--format", "html", "-o", one.to_str().unwrap()]);
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    folder.scan(&["-o", &format!("html={}", other.display())]);
    let page = text(&one);
    assert_eq!(page, text(&other));
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (2, 2));
    assert!(!page.contains("<img") && !page.contains("<svg onload") && !page.contains(['\u{2028}', '\u{202e}']));
    assert!(page.contains("&lt;img src=x"), "the name is shown as what it is");
}

#[test]
fn suppressed_findings_are_counted_and_kept_on_request() {
    let folder = folder();
    let criteria = json!({"type": {"equals": [STOPPED]}, "severity": {"lt": 4}});
    let filter = json!({"name": "trail-work", "findingCriteria": {"criterion": criteria}}).to_string();
    let filter = folder.aside("filter.json", &filter);
    let suppress = ["--format", "jsonl", "--suppress", filter.to_str().unwrap(), "--fail-on", "low"];
    let scan = folder.scan(&suppress);
    assert_eq!((scan.run.status, scan.findings().len()), (0, 0), "what is suppressed does not fail a scan");
    assert_eq!(scan.number("/suppressed/trail-work"), 1);
    assert!(scan.run.stderr.contains("1 finding suppressed by the filter `trail-work`"), "{}", scan.run.stderr);
    let shown = folder.scan(&[&suppress[..], &["--show-suppressed"]].concat());
    assert_eq!((shown.run.status, shown.types()), (0, vec![STOPPED.to_owned()]));
    assert_eq!(shown.findings()[0].pointer("/service/archived"), Some(&json!(true)));
    assert_eq!(shown.number("/suppressed/trail-work"), 1);
}

#[test]
fn a_filter_that_is_not_understood_stops_the_program_and_is_named() {
    let folder = folder();
    let filter = json!({"name": "f", "findingCriteria": {"criterion": {"resource.user": {"eq": ["x"]}}}}).to_string();
    let filter = folder.aside("filter.json", &filter);
    let scan = folder.scan(&["--suppress", filter.to_str().unwrap()]);
    assert_eq!(scan.run.status, 2);
    assert!(scan.run.stderr.contains("`resource.user`"), "{}", scan.run.stderr);
}

#[test]
fn a_new_list_shows_what_it_would_have_found() {
    let folder = folder();
    let old = folder.aside("old.jsonl", "");
    folder.scan(&["-o", &format!("jsonl={}", old.display())]);
    let new = folder.aside("new.jsonl", "");
    let list = list(&folder);
    let only_new = ["--format", "jsonl", "--intel", &list, "--only-new-since", old.to_str().unwrap()];
    let scan = folder.scan(&only_new);
    assert_eq!((scan.types(), scan.number("/knownBefore")), (vec![C2.to_owned()], 1));

    folder.scan(&["--intel", &list, "-o", &format!("jsonl={}", new.display())]);
    let diff = run([std::ffi::OsStr::new("diff"), old.as_os_str(), new.as_os_str()]);
    assert_eq!(diff.status, 1, "{}", diff.stderr);
    assert!(diff.stdout.contains("1 appeared, 0 vanished, 0 changed, 1 the same."), "{}", diff.stdout);
    assert!(diff.stdout.contains("knowledge: it rests on `c2`"), "{}", diff.stdout);
    let json = run([std::ffi::OsStr::new("diff"), new.as_os_str(), old.as_os_str(), "--format=json".as_ref()]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["vanished"][0]["type"], C2);
    let same = run([std::ffi::OsStr::new("diff"), new.as_os_str(), new.as_os_str()]);
    assert_eq!((same.status, same.stdout.as_str()), (0, "0 appeared, 0 vanished, 0 changed, 2 the same.\n"));
}

#[test]
fn more_of_the_input_changes_a_finding() {
    let log = |times: &[&str]| {
        let records: Vec<String> = times.iter().map(|time| stop_logging(time, "mallory")).collect();
        Folder::empty().file("good.json", format!("{{\"Records\":[{}]}}", records.join(",")))
    };
    let (few, more) = (log(&["10:00:00"]), log(&["10:00:00", "11:00:00"]));
    let (old, new) = (few.aside("old.jsonl", ""), more.aside("new.jsonl", ""));
    few.scan(&["-o", &format!("jsonl={}", old.display())]);
    more.scan(&["-o", &format!("jsonl={}", new.display())]);
    let diff = run([std::ffi::OsStr::new("diff"), old.as_os_str(), new.as_os_str()]);
    assert!(diff.stdout.contains("count: 1 → 2"), "{}", diff.stdout);
    assert!(diff.stdout.contains("input: other records: 1 record before, 2 records now"), "{}", diff.stdout);
}
