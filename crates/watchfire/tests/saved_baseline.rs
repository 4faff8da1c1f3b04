//! Baselines are saved, merged, shown and loaded; what they teach is what the logs taught.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;
mod support;

use program::run;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::{json, knowledge};
use tempfile::TempDir;
use watchfire::progress::Progress;
use watchfire::saved_baseline::{BaselineWriter, SavedBaseline};
use watchfire::scan::{ScanOptions, learn, save_baseline, scan};
use watchfire_engine::KEPT_FORM;
use watchfire_model::Finding;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const DAYS: i64 = 16;
/// 2026-02-02, a Monday.
const BEGIN: i64 = 1_769_990_400;

fn time(seconds: i64) -> String {
    watchfire_model::Time::from_seconds(seconds).to_string()
}

/// A call of a user; the serial number tells events apart.
fn call(user: &str, at: i64, (source, name): (&str, &str), (address, agent): (&str, &str)) -> String {
    let (time, id) = (time(at), format!("{at:08x}-0000-4000-8000-{:012x}", user.len() * 1_000 + name.len()));
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","principalId":"AIDA{user}","arn":"arn:aws:iam::111122223333:user/{user}","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"{user}"}},"eventTime":"{time}","eventSource":"{source}","eventName":"{name}","awsRegion":"eu-west-1","sourceIPAddress":"{address}","userAgent":"{agent}","eventID":"{id}","eventType":"AwsApiCall","managementEvent":true,"eventCategory":"Management","recipientAccountId":"111122223333"}}"#
    )
}

fn trail(calls: impl IntoIterator<Item = String>) -> String {
    format!("{{\"Records\":[{}]}}", calls.into_iter().collect::<Vec<_>>().join(","))
}

/// A working day: what a user does from nine to four.
fn working_day(user: &str, day: i64) -> String {
    let apis = [
        ("ec2.amazonaws.com", "DescribeInstances"),
        ("s3.amazonaws.com", "ListBuckets"),
        ("sts.amazonaws.com", "GetCallerIdentity"),
    ];
    let calls = (9..16).flat_map(|hour| {
        let from = ("203.0.113.20", "aws-cli/2.15.0 Python/3.11");
        apis.into_iter().map(move |api| call(user, BEGIN + day * 86_400 + hour * 3_600, api, from))
    });
    trail(calls)
}

const FLOW_HEADER: &str = "version account-id interface-id instance-id srcaddr dstaddr srcport dstport protocol packets bytes \
                           start end action log-status tcp-flags region\n";

/// An instance talks with a server outside.
fn flows(day: i64, server: &str, port: u16) -> String {
    let mut text = FLOW_HEADER.to_owned();
    for number in 0..8 {
        let (begin, client) = (BEGIN + day * 86_400 + number * 3_600 + 30, 40_000 + number);
        let end = begin + 20;
        for (ends, flags) in
            [(format!("10.0.1.10 {server} {client} {port}"), 3), (format!("{server} 10.0.1.10 {port} {client}"), 19)]
        {
            text += &format!(
                "5 111122223333 eni-0a000000000000001 i-0a000000000000001 {ends} 6 12 9000 {begin} {end} ACCEPT OK {flags} eu-west-1\n"
            );
        }
    }
    text
}

/// Sixteen days of two users and one instance, a file for each day of each.
fn history(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for day in 0..DAYS {
        for (name, text) in [
            ("alice.json", working_day("alice", day)),
            ("bob.json", working_day("bob", day)),
            ("flows.log", flows(day, "203.0.113.9", 443)),
        ] {
            let file = folder.join(format!("{day:02}-{name}"));
            fs::write(&file, text).unwrap();
            files.push(file);
        }
    }
    files
}

/// The day after: Alice's credentials make keys from elsewhere, and the instance talks to a new port.
fn bad_day(folder: &Path) -> PathBuf {
    let folder = folder.join("today");
    fs::create_dir(&folder).unwrap();
    let apis = ["CreateAccessKey", "AttachUserPolicy", "CreateUser", "CreateLoginProfile", "PutUserPolicy"];
    let calls = apis.into_iter().zip(0..).map(|(api, minute)| {
        let at = BEGIN + DAYS * 86_400 + 3 * 3_600 + minute * 60;
        call("alice", at, ("iam.amazonaws.com", api), ("198.51.100.77", "Boto3/1.34 Python/3.12"))
    });
    fs::write(folder.join("trail.json"), trail(calls)).unwrap();
    fs::write(folder.join("flows.log"), flows(DAYS, "198.51.100.78", 4_444)).unwrap();
    folder
}

fn saved(paths: &[PathBuf], file: &Path) -> PathBuf {
    let options = ScanOptions { paths: paths.to_vec(), threads: 2, ..ScanOptions::default() };
    let writer = BaselineWriter::default();
    save_baseline(&options, &knowledge(None), &Progress::new(true), &writer).unwrap();
    writer.finish(file).unwrap();
    file.to_owned()
}

fn merged(inputs: &[PathBuf], file: &Path) -> PathBuf {
    let (writer, mut known) = (BaselineWriter::default(), BTreeSet::new());
    for input in inputs {
        writer.add_all(&SavedBaseline::open(input).unwrap(), &mut known).unwrap();
    }
    writer.finish(file).unwrap();
    file.to_owned()
}

fn found(today: &Path, baselines: &[PathBuf]) -> Vec<Finding> {
    let options = ScanOptions {
        paths: vec![today.to_owned()],
        baselines: baselines.to_vec(),
        threads: 2,
        ..ScanOptions::default()
    };
    scan(&options, &knowledge(None), &Progress::new(true), None).unwrap().findings
}

fn learnt(baselines: &[PathBuf]) -> String {
    let options = ScanOptions { baselines: baselines.to_vec(), threads: 1, ..ScanOptions::default() };
    let (baselines, _) = learn(&options, &knowledge(None), &Progress::new(true)).unwrap();
    serde_json::to_string(&baselines).unwrap()
}

fn types(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.latest.finding_type.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in which of two baselines, and also in both: together they teach what all logs teach.
    #[test]
    fn two_baselines_merged_teach_what_all_logs_teach(shares in proptest::collection::vec(1u8..4, 3 * DAYS as usize)) {
        let folder = TempDir::new().unwrap();
        let (files, today) = (history(folder.path()), bad_day(folder.path()));
        let share = |bit: u8| -> Vec<PathBuf> {
            files.iter().zip(&shares).filter(|(_, share)| *share & bit != 0).map(|(file, _)| file.clone()).collect()
        };
        let parts = [saved(&share(1), &folder.path().join("a")), saved(&share(2), &folder.path().join("b"))];
        let both = merged(&parts, &folder.path().join("both"));
        let reversed = merged(&[parts[1].clone(), parts[0].clone()], &folder.path().join("reversed"));
        let all = learnt(&files);
        prop_assert_eq!(&learnt(std::slice::from_ref(&both)), &all);
        prop_assert_eq!(&learnt(&parts), &all);
        let expected = json(&found(&today, &files));
        prop_assert_eq!(&json(&found(&today, &[both])), &expected);
        prop_assert_eq!(&json(&found(&today, &[reversed])), &expected);
    }
}

#[test]
fn habits_of_callers_and_of_traffic_are_in_the_file() {
    let folder = TempDir::new().unwrap();
    let (files, today) = (history(folder.path()), bad_day(folder.path()));
    let file = saved(&files, &folder.path().join("past.baseline"));
    assert!(found(&today, &[]).is_empty(), "without history nothing of this is unusual");
    let findings = found(&today, &[file]);
    let types = types(&findings);
    assert!(types.contains("Behavior:EC2/NetworkPortUnusual"), "{types:?}");
    assert!(types.iter().any(|name| name.ends_with("IAMUser/AnomalousBehavior")), "{types:?}");
}

#[test]
fn what_is_asked_about_is_reported_also_if_a_saved_baseline_holds_it() {
    let folder = TempDir::new().unwrap();
    let (mut files, today) = (history(folder.path()), bad_day(folder.path()));
    let expected = json(&found(&today, &files));
    files.push(today.clone());
    let file = saved(&files, &folder.path().join("past.baseline"));
    assert_eq!(json(&found(&today, &[file])), expected);
}

#[test]
fn what_is_normal_for_a_user_is_told_in_words_and_numbers() {
    let folder = TempDir::new().unwrap();
    history(folder.path());
    let file = folder.path().join("past.baseline");
    let (logs, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
    let save = run(["baseline", "save", file, logs]);
    assert_eq!(save.status, 0, "{}", save.stderr);
    assert!(save.stderr.contains("111122223333") && save.stderr.contains("from 48 of 48 files"), "{}", save.stderr);
    let shown = run(["baseline", "show", ALICE, file]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Known since 2026-02-02 (day 16), active in 112 hours and on 16 days",
        "API, 3 values: ec2:DescribeInstances:ok on 16 of 30 days",
        "user agent, 1 value",
        "hour of the day (UTC), 7 values: 09 on 16 of 30 days",
        "API calls per hour: mean 3 over 112 hours, most 3",
        "peers: 1 of the group `111122223333/",
        "arn:aws:iam::111122223333:user/bob",
    ] {
        assert!(shown.contains(part), "`{part}` is not in: {shown}");
    }
    let shown = run(["baseline", "show", "i-0a000000000000001", file]).stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "host i-0a000000000000001",
        "ports outside that it contacts, besides those that every host does: none; watched on 16 days since 2026-02-02",
        "resolvers outside that it asks by",
        "traffic sent: its largest hour to one remote network was",
    ] {
        assert!(shown.contains(part), "`{part}` is not in: {shown}");
    }
    let unknown = run(["baseline", "show", "arn:aws:iam::111122223333:user/alicia", file]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("did you mean `arn:aws:iam::111122223333:user/alice`?"), "{}", unknown.stderr);
}

/// An answer to the instance.
fn answer(at: i64, name: &str, address: &str) -> String {
    format!(
        r#"{{"version":"1.100000","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-0a1b2c3d4e5f60718","query_timestamp":"{}","query_name":"{name}.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{{"Rdata":"{address}","Type":"A","Class":"IN"}}],"srcaddr":"10.0.1.10","srcport":"40000","transport":"UDP","srcids":{{"instance":"i-0a000000000000001"}}}}"#,
        time(at)
    )
}

/// What stands in `tests/fixtures/kept-form.baseline` was saved when this form was new. If this fails, the bytes of a fact, a
/// tally or a census have changed: raise `KEPT_FORM`, and write the file anew with `UPDATE_EXPECTED=1`.
#[test]
fn a_file_that_an_earlier_program_saved_teaches_what_its_logs_teach() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kept-form.baseline");
    let folder = TempDir::new().unwrap();
    let all = |day_of: &dyn Fn(i64) -> String| (0..DAYS).map(day_of).collect::<Vec<_>>();
    let flows_of = |day| flows(day, "203.0.113.9", 443).lines().skip(1).map(|line| format!("{line}\n")).collect();
    let day = |day: i64| BEGIN + day * 86_400;
    let texts = [
        ("calls.json", all(&|day| working_day("alice", day)).join("\n")),
        ("flows.log", FLOW_HEADER.to_owned() + &all(&flows_of).concat()),
        ("queries.jsonl", all(&|at| answer(day(at) + 40_000, "db.firm.example", "10.0.1.20")).join("\n")),
    ];
    let files: Vec<PathBuf> = texts
        .iter()
        .map(|(name, text)| {
            fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        })
        .collect();
    let today = bad_day(folder.path());
    let turned = [
        answer(day(DAYS) + 60, "app.firm.example", "203.0.113.80"),
        answer(day(DAYS) + 90, "app.firm.example", "10.0.1.21"),
    ];
    fs::write(today.join("queries.jsonl"), turned.join("\n")).unwrap();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        saved(&files, &fixture);
    }
    let head = fs::read(&fixture).unwrap().into_iter().take_while(|byte| *byte != b'\n').collect::<Vec<u8>>();
    assert_eq!(String::from_utf8(head).unwrap(), format!("{{\"watchfire_baseline\":{KEPT_FORM}}}"), "write it anew");
    // Of the form before: none of these calls has an object, so that it says the same.
    let former = [Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kept-form-3.baseline")];
    assert_eq!(learnt(&former), learnt(&files));
    let fixture = [fixture];
    assert_eq!(learnt(&fixture), learnt(&files));
    let findings = found(&today, &fixture);
    assert_eq!(json(&findings), json(&found(&today, &files)));
    // Of calls, flows and queries something is learnt: two new things, and one that is not new any more.
    let (with, without) = (types(&findings), types(&found(&today, &[])));
    assert!(
        with.contains("Behavior:EC2/NetworkPortUnusual") && !with.contains("Behavior:EC2/DnsRebind.Watchfire"),
        "{with:?}"
    );
    assert!(with.iter().any(|name| name.ends_with("IAMUser/AnomalousBehavior")), "{with:?}");
    assert_eq!(without.into_iter().collect::<Vec<_>>(), ["Behavior:EC2/DnsRebind.Watchfire"]);
}

#[test]
fn a_file_of_another_form_or_a_damaged_one_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("alice.json"), working_day("alice", 0)).unwrap();
    let file = saved(&[folder.path().join("alice.json")], &folder.path().join("past.baseline"));
    let good = fs::read(&file).unwrap();
    let shown = |content: &[u8]| {
        fs::write(&file, content).unwrap();
        let run = run(["baseline", "show", ALICE, file.to_str().unwrap()]);
        (run.status, run.stderr)
    };
    assert_eq!(shown(&good).0, 0);
    let cut = shown(&good[..good.len() - 3]);
    assert!(cut.0 == 2 && cut.1.contains("damaged or cut off"), "{cut:?}");
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(shown(&changed).1.contains("damaged or cut off"));
    let mine = format!("\":{KEPT_FORM}");
    for form in ["1", "99"] {
        let other = String::from_utf8_lossy(&good[..24]).replace(&mine, &format!("\":{form}")).into_bytes();
        let other = shown(&[&other[..], &good[24..]].concat());
        let sentence = format!(
            "is a baseline of form {form}; this program reads forms 3 to {KEPT_FORM}: save it again from the logs"
        );
        assert!(other.0 == 2 && other.1.contains(&sentence), "{other:?}");
    }
    let no_baseline =
        run(["baseline", "merge", file.to_str().unwrap(), folder.path().join("alice.json").to_str().unwrap()]);
    assert!(no_baseline.status == 2 && no_baseline.stderr.contains("is no file that"), "{}", no_baseline.stderr);
}
