//! The engine as a whole: the same records give the same findings, however they reach it.

use crate::facts::tests::Memory;
use crate::{FactLog, FlowFormats, ListenIndex, Replay, Scope, SourceFile, Worker};
use proptest::prelude::*;
use std::collections::HashMap;
use watchfire_detections::budget::NEW_FINDINGS_PER_DAY;
use watchfire_detections::tally::{CallTally, CallTallyKey, QueryKey, QueryTally, RecordPlace};
use watchfire_detections::{Behaviour, DETECTIONS, Detection, FlowView, Interest, Rule, Scene, Thresholds, Verdict};
use watchfire_knowledge::{IndicatorList, IndicatorsBuilder, Knowledge, lists};
use watchfire_model::{Finding, FindingType, ListKind, Severity, Signal, Time};
use watchfire_parse::{Origin, parse};

const FLOW_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status instance-id tcp-flags flow-direction";

/// One record of a small estate: `what` picks the kind of activity, `minute` its time, `who` the actor.
fn record(what: u8, minute: u32, who: u8, serial: usize) -> String {
    let time = Time::from_seconds(1_700_000_000 + i64::from(minute) * 60 + i64::from(who));
    let moment = time.to_string().replace(".000Z", "Z");
    let call = |source: &str, name: &str, address: &str, request: &str| {
        format!(
            r#"{{"eventTime":"{moment}","eventSource":"{source}.amazonaws.com","eventName":"{name}","eventID":"00000000-0000-0000-0000-{serial:012x}","awsRegion":"eu-west-1","recipientAccountId":"111122223333","sourceIPAddress":"{address}","userAgent":"aws-cli/2","managementEvent":true,"requestParameters":{request},"userIdentity":{{"type":"IAMUser","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/u{who}","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"u{who}"}}}}"#
        )
    };
    match what % 5 {
        0 => call("cloudtrail", "StopLogging", "203.0.113.9", r#"{"name":"audit"}"#),
        1 => call("ec2", "DescribeInstances", "198.51.100.7", "null"),
        2 => call("iam", "CreateUser", "198.51.100.7", r#"{"userName":"x"}"#),
        3 => format!(
            r#"{{"version":"1.1","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-1","query_timestamp":"{moment}","query_name":"c2.bad.example.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[],"srcaddr":"10.0.0.{who}","srcport":"{}","transport":"UDP","srcids":{{"instance":"i-0000000000000000{who}"}}}}"#,
            // Queries of one moment for one name that are not the same: which of them is shown must not depend on files.
            5 + serial % 3
        ),
        _ => {
            let (start, end) = (time.ms() / 1_000, time.ms() / 1_000 + 60);
            format!(
                "{FLOW_HEADER}\n5 111122223333 eni-{who} 10.0.0.{who} 198.51.100.7 4000{who} 443 6 9 900 {start} {end} ACCEPT OK i-0000000000000000{who} 2 egress"
            )
        }
    }
}

fn knowledge() -> Knowledge {
    let mut builder = IndicatorsBuilder::default();
    for kind in [ListKind::Malicious, ListKind::C2] {
        let list = IndicatorList::new(format!("test {kind}"), kind);
        builder.add(lists::txt::parse(b"198.51.100.7\nc2.bad.example\n", &list).list);
    }
    Knowledge { indicators: builder.build(), ..Knowledge::default() }
}

/// Shows each worker its files (rank, content) in order.
fn kept(
    index: &ListenIndex,
    knowledge: &Knowledge,
    workers: &[Vec<(u32, String)>],
    formats: &FlowFormats,
    spill: Option<&mut Memory>,
) -> Vec<FactLog> {
    let (scope, mut spill) = (Scope::default(), spill);
    let mut show = |files: &Vec<(u32, String)>| {
        let mut worker = Worker::new(index, knowledge, &scope, formats);
        for (rank, content) in files {
            let report =
                parse(content.as_bytes(), &Origin::default(), &mut |record, raw| worker.observe(record, raw, *rank));
            assert_eq!(report.rejected_count, 0, "{:?}", report.rejected);
            if let Some(spool) = &mut spill {
                worker.facts.spill(*spool).unwrap();
            }
        }
        worker.finish().0
    };
    workers.iter().map(&mut show).collect()
}

fn sources(count: usize) -> Vec<SourceFile> {
    let source = |file: usize| SourceFile {
        name: format!("f{file}"),
        canonical: u32::try_from(file).unwrap(),
        origin: Origin::default(),
        is_baseline: false,
    };
    (0..count).map(source).collect()
}

/// The findings without the files and positions of their evidence.
fn without_places(mut findings: Vec<Finding>) -> Vec<Finding> {
    for finding in &mut findings {
        for record in finding.evidence.first.iter_mut().chain(&mut finding.evidence.last) {
            record.file.clear();
            record.position = 0;
        }
    }
    findings
}

fn findings(records: &[String], cut: &[(usize, usize)], workers: usize, spill: bool) -> Vec<Finding> {
    let knowledge = knowledge();
    let index = ListenIndex::new(DETECTIONS);
    let mut shares: Vec<Vec<(u32, String)>> = vec![Vec::new(); workers];
    for (rank, &(record, worker)) in cut.iter().enumerate() {
        shares[worker % workers].push((u32::try_from(rank).unwrap(), records[record].clone()));
    }
    let (mut spool, formats) = (Memory::default(), FlowFormats::default());
    let mut kept = kept(&index, &knowledge, &shares, &formats, spill.then_some(&mut spool));
    let mut replay = Replay::new(DETECTIONS, &index, &knowledge).with_threads(workers);
    replay.run(&mut kept, &formats.all(), &sources(cut.len()), &mut spool, None).unwrap();
    without_places(replay.finish().0)
}

/// The state after these records, judged on so many threads.
fn state(records: &[String], threads: usize) -> serde_json::Value {
    let knowledge = knowledge();
    let index = ListenIndex::new(DETECTIONS);
    let files: Vec<(u32, String)> =
        records.iter().cloned().enumerate().map(|(rank, text)| (rank as u32, text)).collect();
    let (mut spool, formats) = (Memory::default(), FlowFormats::default());
    let mut kept = kept(&index, &knowledge, &[files], &formats, None);
    let mut replay = Replay::new(DETECTIONS, &index, &knowledge).with_threads(threads);
    replay.run(&mut kept, &formats.all(), &sources(records.len()), &mut spool, None).unwrap();
    replay.save().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_workers_spilling_and_copies_of_events_change_nothing(
        plan in proptest::collection::vec((any::<u8>(), 0u32..3_000, 0u8..4), 1..40),
        shuffle in proptest::collection::vec((any::<u32>(), 0usize..3), 60),
        copies in proptest::collection::vec(any::<usize>(), 0..10),
        spill in any::<bool>(),
    ) {
        let records: Vec<String> = plan.iter().enumerate().map(|(serial, &(what, minute, who))| record(what, minute, who, serial)).collect();
        let straight: Vec<(usize, usize)> = (0..records.len()).map(|record| (record, 0)).collect();
        let expected = findings(&records, &straight, 1, false);

        let mut other: Vec<(u32, usize, usize)> = straight.iter().zip(&shuffle).map(|(&(record, _), &(key, worker))| (key, record, worker)).collect();
        // API events count once however often they come; flow and DNS records have no identity.
        let calls: Vec<usize> = (0..records.len()).filter(|&record| plan[record].0 % 5 < 3).collect();
        for (copy, &(key, worker)) in copies.iter().zip(&shuffle[50..]) {
            if !calls.is_empty() {
                other.push((key, calls[copy % calls.len()], worker));
            }
        }
        other.sort_unstable();
        let cut: Vec<(usize, usize)> = other.iter().map(|&(_, record, worker)| (record, worker)).collect();
        prop_assert_eq!(findings(&records, &cut, 3, spill), expected);
    }

    #[test]
    fn the_number_of_threads_leaves_no_trace_in_the_state(
        plan in proptest::collection::vec((any::<u8>(), 0u32..3_000, 0u8..4), 1..40),
    ) {
        let records: Vec<String> = plan.iter().enumerate().map(|(serial, &(what, minute, who))| record(what, minute, who, serial)).collect();
        prop_assert_eq!(state(&records, 4), state(&records, 1));
    }

    #[test]
    fn a_stop_and_a_restart_change_nothing(
        plan in proptest::collection::vec((any::<u8>(), 0u32..3_000, 0u8..4), 1..40),
        stop in 0u32..3_000,
    ) {
        let records: Vec<String> = plan.iter().enumerate().map(|(serial, &(what, minute, who))| record(what, minute, who, serial)).collect();
        let straight: Vec<(usize, usize)> = (0..records.len()).map(|record| (record, 0)).collect();
        let expected = findings(&records, &straight, 1, false);

        let knowledge = knowledge();
        let index = ListenIndex::new(DETECTIONS);
        let files: Vec<(u32, String)> = records.iter().enumerate().map(|(rank, record)| (u32::try_from(rank).unwrap(), record.clone())).collect();
        let (mut spool, formats) = (Memory::default(), FlowFormats::default());
        let mut kept = kept(&index, &knowledge, &[files], &formats, Some(&mut spool));
        let mut replay = Replay::new(DETECTIONS, &index, &knowledge);
        replay.run(&mut kept, &formats.all(), &sources(records.len()), &mut spool, Some(Time::from_seconds(1_700_000_000 + i64::from(stop) * 60))).unwrap();
        let state: serde_json::Value = serde_json::from_str(&replay.save().unwrap().to_string()).unwrap();
        let mut replay = Replay::restore(DETECTIONS, &index, &knowledge, state).unwrap();
        replay.run(&mut kept, &formats.all(), &sources(records.len()), &mut spool, None).unwrap();
        prop_assert_eq!(without_places(replay.finish().0), expected);
    }
}

#[test]
fn the_templates_do_fire() {
    let records: Vec<String> = (0..5).map(|what| record(what, 10, 1, usize::from(what))).collect();
    let straight: Vec<(usize, usize)> = (0..records.len()).map(|record| (record, 0)).collect();
    let types: Vec<&str> =
        findings(&records, &straight, 1, false).iter().map(|finding| finding.latest.finding_type.as_str()).collect();
    for expected in [
        "Stealth:IAMUser/CloudTrailLoggingDisabled",
        "Recon:IAMUser/MaliciousIPCaller",
        "UnauthorizedAccess:IAMUser/MaliciousIPCaller",
        "Backdoor:EC2/C&CActivity.B!DNS",
        "Backdoor:EC2/C&CActivity.B",
    ] {
        assert!(types.contains(&expected), "{expected} is not among {types:?}");
    }
}

#[test]
fn a_stolen_key_shows_in_the_log_of_the_endpoints_owner() {
    let event = r#"{"eventTime":"2026-01-10T10:00:00Z","eventSource":"kms.amazonaws.com","eventName":"ListKeys","eventType":"AwsVpceEvent","eventCategory":"NetworkActivity","managementEvent":false,"eventID":"00000000-0000-0000-0000-000000000001","awsRegion":"eu-west-1","recipientAccountId":"444455556666","sourceIPAddress":"10.9.0.4","vpcEndpointId":"vpce-0b","vpcEndpointAccountId":"444455556666","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIAIOSFODNN7EXAMPLE","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0"}}"#;
    let found = findings(&[event.to_owned()], &[(0, 0)], 1, false);
    let types: Vec<&str> = found.iter().map(|finding| finding.latest.finding_type.as_str()).collect();
    assert_eq!(types, ["UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS"]);
}

#[test]
fn a_state_of_another_version_is_refused() {
    let (knowledge, index) = (knowledge(), ListenIndex::new(DETECTIONS));
    let refused = Replay::restore(DETECTIONS, &index, &knowledge, serde_json::json!({"version": 99}));
    assert!(refused.is_err_and(|error| error.to_string().contains("version 99")));
}

#[test]
fn a_state_of_before_roles_were_told_apart_is_taken_over() {
    let (knowledge, index) = (knowledge(), ListenIndex::new(DETECTIONS));
    let mut state = Replay::new(DETECTIONS, &index, &knowledge).save().unwrap();
    state["version"] = 7.into();
    assert!(Replay::restore(DETECTIONS, &index, &knowledge, state).is_ok());
}

/// Says everything that its tallies say.
#[derive(Default)]
struct Everything;

const ANY_TYPE: FindingType = FindingType::new("Trojan:EC2/DNSDataExfiltration");

static EVERYTHING: &[&Detection] = &[&Detection {
    reports: &[ANY_TYPE],
    summary: "",
    listens: &[Interest::CallTallies, Interest::FlowTallies, Interest::QueryTallies],
    needs: &[],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Everything)),
}];

fn say(entity: String, what: String, records: Vec<(Time, RecordPlace)>, scene: &mut Scene<'_>) {
    let mut signal = Signal::new(ANY_TYPE, Severity::LOW, entity);
    signal.reasons.push(what);
    let begin = records.first().map_or(Time::default(), |(time, _)| *time);
    scene.verdicts.push(Verdict { signal, begin, end: begin, record_count: records.len() as u64, records });
}

impl Behaviour for Everything {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        let tally = flow.tally;
        let what = format!("{:?} {:?} {:?} {:?} {}", flow.local_end, flow.opener, tally.up, tally.down, tally.last);
        say(format!("{:?} {:?}", flow.place, flow.key), what, flow.records(3), scene);
    }

    fn query(&mut self, key: &QueryKey, tally: &QueryTally, scene: &mut Scene<'_>) {
        let names: Vec<_> = tally.names.kept().iter().map(|name| (&name.name, name.queries, name.first)).collect();
        let records = tally.names.kept().iter().map(|name| (QueryTally::moment(key.hour, name.first), name.place));
        say(format!("{key:?}"), format!("{} {} {names:?}", tally.queries, tally.last), records.collect(), scene);
    }

    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        let what = format!("{} {:?} {:?} {}", tally.calls, tally.first, tally.last, tally.first_id);
        say(format!("{key:?}"), what, vec![(tally.first, tally.place)], scene);
    }

    fn expire(&mut self, _now: Time) -> u64 {
        0
    }

    fn size(&self) -> (u64, u64) {
        (0, 0)
    }

    fn save(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn load(&mut self, _state: serde_json::Value) -> Result<(), String> {
        Ok(())
    }
}

/// What is said of these records, in order, with the text of the records that are named.
fn said(records: &[String], shares: &[Vec<(u32, String)>], spill: bool) -> Vec<(String, Vec<String>, Vec<String>)> {
    let knowledge = knowledge();
    let index = ListenIndex::new(EVERYTHING);
    let (mut spool, formats) = (Memory::default(), FlowFormats::default());
    let mut kept = kept(&index, &knowledge, shares, &formats, spill.then_some(&mut spool));
    let mut thresholds = Thresholds::default();
    thresholds.set(&NEW_FINDINGS_PER_DAY, 100_000.0);
    let mut replay = Replay::new(EVERYTHING, &index, &knowledge).with_thresholds(thresholds);
    replay.run(&mut kept, &formats.all(), &sources(2 * records.len()), &mut spool, None).unwrap();
    let texts: HashMap<String, &String> = shares
        .iter()
        .flatten()
        .map(|(rank, text)| (format!("f{rank}"), records.iter().find(|one| *one == text).unwrap()))
        .collect();
    let mut said: Vec<_> = replay
        .finish()
        .0
        .into_iter()
        .map(|finding| {
            let evidence = finding.evidence.first.iter().chain(&finding.evidence.last);
            let shown = evidence.map(|record| texts[&record.file].clone()).collect();
            (finding.latest.entity, finding.latest.reasons, shown)
        })
        .collect();
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_are_the_same_for_any_order_workers_and_spilling(
        plan in proptest::collection::vec((any::<u8>(), 0u32..3_000, 0u8..4), 1..60),
        shuffle in proptest::collection::vec((any::<u32>(), 0usize..3), 60),
        spill in any::<bool>(),
    ) {
        let records: Vec<String> = plan.iter().enumerate().map(|(serial, &(what, minute, who))| record(what, minute / 20, who, serial)).collect();
        let straight = vec![records.iter().cloned().enumerate().map(|(rank, text)| (rank as u32, text)).collect()];
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_by_key(|&at| shuffle[at].0);
        let mut shares: Vec<Vec<(u32, String)>> = vec![Vec::new(); 3];
        for (rank, at) in order.into_iter().enumerate() {
            shares[shuffle[at].1].push((rank as u32, records[at].clone()));
        }
        // Each call again in one more file: a copy is no second call.
        let calls = records.iter().filter(|text| text.starts_with('{') && text.contains("eventID"));
        let copies = calls.zip(records.len() as u32..).map(|(text, rank)| (rank, text.clone()));
        shares[shuffle[0].1].extend(copies);
        prop_assert_eq!(said(&records, &shares, spill), said(&records, &straight, false));
    }
}
